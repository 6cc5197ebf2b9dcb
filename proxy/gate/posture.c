/* Posture: what is known of the visit's device, from all sources, for the decision. See posture.h.
 *
 * Only for apps whose rules look at devices: other requests pay nothing for it. */
#include "proxy/gate/posture.h"

static const str none = {NULL, 0};

/* ---- reports --------------------------------------------------------------------------------- */

static enum policy_value_kind value_kind(enum claim_kind kind)
{
    switch (kind) {
    case CLAIM_STRING:
        return POLICY_VALUE_TEXT;
    case CLAIM_NUMBER:
        return POLICY_VALUE_NUMBER;
    case CLAIM_BOOL:
        return POLICY_VALUE_BOOL;
    default:
        return POLICY_VALUE_OTHER;
    }
}

void posture_add(struct join *j, const struct device *d)
{
    if (!d->n_facts || j->n == j->cap)
        return;
    struct policy_device_fact *facts = arena_array(j->arena, struct policy_device_fact, d->n_facts);
    for (size_t i = 0; i < d->n_facts; i++) {
        const struct device_fact *f = &d->facts[i];
        facts[i] = (struct policy_device_fact){
            .attribute = arena_dup(j->arena, f->attribute),
            .value = {.kind = value_kind(f->kind), .text = arena_dup(j->arena, f->text)},
            .source = arena_dup(j->arena, f->source),
            /* Whatever a clock elsewhere says: nothing was seen after now. */
            .seen_s = f->seen_s < j->now_s ? f->seen_s : j->now_s,
            .is_hint = f->is_hint,
        };
    }
    j->reports[j->n++] = (struct policy_device){j->id, facts, d->n_facts};
}

static void join_init(struct join *j, struct visit *v, const struct snapshot *s, struct arena *a,
                      int64_t now_s)
{
    /* certificate, claims, hints, and one for each document and table */
    size_t cap = 3 + v->request.n_documents + v->gate->n_tables;
    *j = (struct join){.visit = v, .snapshot = s, .arena = a, .cap = cap, .now_s = now_s};
    j->reports = arena_array(a, struct policy_device, cap);
}

/* ---- the certificate ------------------------------------------------------------------------- */

static str certificate_source(const struct snapshot *s)
{
    for (size_t i = 0; i < s->config->n_sources; i++)
        if (s->config->sources[i].kind == SOURCE_CERTIFICATE)
            return s->config->sources[i].name;
    return STR("certificate");
}

/* That it was shown is a fact itself, as fresh as the connection is: the client held the key. */
static void add_certificate(struct join *j)
{
    const struct gate_cert *c = j->visit->request.cert;
    if (!c || c->verdict == CERT_NONE)
        return;
    bool has_ended = c->verdict == CERT_OK && c->cert.not_after_s < j->now_s;
    if (c->verdict != CERT_OK || has_ended) {
        j->cause = cert_verdict_code(has_ended ? CERT_EXPIRED : c->verdict);
        return;
    }
    str source = certificate_source(j->snapshot);
    struct device_fact facts[] = {
        {STR("certificate.issuer"), CLAIM_STRING, c->cert.issuer, source, j->now_s, false},
        {STR("certificate.serial"), CLAIM_STRING, c->cert.serial, source, j->now_s, false},
    };
    j->id = arena_dup(j->arena, c->cert.id);
    j->by = "certificate";
    posture_add(j, &(struct device){j->id, facts, sizeof facts / sizeof *facts, j->now_s});
}

/* ---- session, claims, hints ------------------------------------------------------------------ */

bool posture_is_elsewhere(const struct join *j)
{
    const struct session *s = j->visit->session;
    return s && s->device_proof.n && !(j->by && strcmp(j->by, "certificate") == 0);
}

static void take_session_id(struct join *j)
{
    const struct session *s = j->visit->session;
    if (j->id.p || !s || !s->device_id.n || s->device_proof.n)
        return;
    j->id = arena_dup(j->arena, s->device_id);
    j->by = "session";
}

static const struct policy_claim *claim_of(const struct credential *who, str name)
{
    for (size_t i = 0; i < who->facts.n_claims; i++)
        if (str_eq(who->facts.claims[i].name, name))
            return &who->facts.claims[i];
    return NULL;
}

static enum claim_kind claim_kind(const struct policy_value *v)
{
    switch (v->kind) {
    case POLICY_VALUE_TEXT:
        return CLAIM_STRING;
    case POLICY_VALUE_NUMBER:
        return CLAIM_NUMBER;
    case POLICY_VALUE_BOOL:
        return CLAIM_BOOL;
    default:
        return CLAIM_OTHER;
    }
}

static void take_claimed_id(struct join *j, const struct policy_value *v)
{
    if (v->kind != POLICY_VALUE_TEXT || !v->text.n || v->text.n > DEVICE_ID_MAX || j->id.p)
        return;
    j->id = arena_dup(j->arena, v->text);
    j->by = "claims";
}

static void add_claims(struct join *j)
{
    const struct credential *who = j->visit->who;
    const struct snapshot_issuer *issuer =
        who ? snapshot_issuer_by_name(j->snapshot, who->facts.issuer_name) : NULL;
    struct device_fact facts[DEVICE_FACTS_MAX];
    size_t n = 0;
    if (!issuer || !issuer->config->n_device || posture_is_elsewhere(j))
        return;
    /* What a token says was so when it was issued, or last fetched. */
    int64_t seen_s = j->visit->session ? j->visit->session->claims_s : who->said_s;
    for (size_t i = 0; i < issuer->config->n_device && n < DEVICE_FACTS_MAX; i++) {
        const struct device_claim *map = &issuer->config->device[i];
        const struct policy_claim *c = claim_of(who, map->claim);
        if (!c)
            continue;
        if (str_eq(map->attribute, STR("id")))
            take_claimed_id(j, &c->value);
        else if (seen_s && /* of unknown age it is no fact */
                 device_fact_from_claim(map->attribute, claim_kind(&c->value), c->value.text,
                                        &facts[n])) {
            facts[n].source = issuer->config->name;
            facts[n++].seen_s = seen_s;
        }
    }
    posture_add(j, &(struct device){.facts = facts, .n_facts = n, .seen_s = seen_s});
}

static void add_hints(struct join *j)
{
    const struct gate_request *r = &j->visit->request;
    struct device d;
    if (hints_read(r->user_agent, r->sec_ch_ua, r->sec_ch_ua_platform,
                   r->sec_ch_ua_platform_version, j->now_s, j->arena, &d))
        posture_add(j, &d);
}

/* ---- what others know of it ------------------------------------------------------------------ */

static void add_tables(struct join *j)
{
    const struct gate *g = j->visit->gate;
    for (size_t i = 0; j->id.n && i < g->n_tables; i++) {
        const struct device *d = device_table_find(g->tables[i], j->id);
        if (d)
            posture_add(j, d);
    }
}

static bool wants_device(const struct snapshot *s, const struct policy_app *app)
{
    if (policy_app_wants_device(s->policy, app))
        return true;
    const struct policy_app *other = s->shadow ? policy_app_named(s->shadow, app->name) : NULL;
    return other && policy_app_wants_device(s->shadow, other);
}

static void keep(struct visit *v, const struct join *j)
{
    v->devices = j->reports;
    v->n_devices = j->n;
    v->device_id = j->id;
    v->device_by = j->by;
    v->device_cause = j->cause;
    v->device_record = posture_record(v, v->arena, j->now_s);
}

/* Pages of ours ask about apps that are not known yet: for them it is always joined. */
enum visit_outcome posture(struct visit *v)
{
    const struct snapshot *s = v->pin->snapshot;
    struct join j;
    v->devices = NULL;
    v->n_devices = 0;
    v->device_id = v->device_record = none;
    v->device_by = v->device_cause = NULL;
    if (v->is_public || !s->policy || (v->app && !wants_device(s, v->app->policy)))
        return VISIT_PERMITTED;
    if (v->request.tell_device)
        v->request.tell_device(v);
    join_init(&j, v, s, v->arena, v->wall_us / 1000000);
    add_certificate(&j);
    enum visit_outcome outcome = posture_documents(&j);
    if (outcome != VISIT_PERMITTED)
        return outcome;
    v->n_told = j.n; /* what was proved with the request itself */
    take_session_id(&j);
    add_claims(&j);
    add_tables(&j);
    add_hints(&j);
    keep(v, &j);
    return visit_reserve(v);
}

/* ---- visits that last ------------------------------------------------------------------------ */

static bool has_lost_certificate(struct visit *v, int64_t now_s)
{
    const struct gate_cert *c = v->request.cert;
    bool had_it = v->device_by && strcmp(v->device_by, "certificate") == 0;
    return had_it && (!c || c->verdict != CERT_OK || c->cert.not_after_s < now_s ||
                      !str_eq(c->cert.id, v->device_id));
}

static void share(struct join *j, const struct policy_device *report)
{
    if (j->n < j->cap)
        j->reports[j->n++] = *report;
}

/* What claims have named, the claims of now name again. */
static void take_known_id(struct join *j)
{
    const struct visit *v = j->visit;
    if (!v->device_by || strcmp(v->device_by, "claims") == 0)
        return;
    j->id = v->device_id;
    j->by = v->device_by;
}

/* As a new request would be told: claims may have been fetched anew, and a rule that is new, or
 * whose hours begin, may ask what the client says of itself. */
void posture_again(struct visit *v, struct arena *a, int64_t now_s, struct posture_now *out)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    const struct app *app = s->policy ? snapshot_app_by_host(s, v->request.host) : NULL;
    struct join j;
    *out = (struct posture_now){.kept = v->devices, .n_kept = v->n_devices};
    if (v->is_public || !app || !wants_device(s, app->policy))
        return;
    if (v->request.tell_device)
        v->request.tell_device(v);
    join_init(&j, v, s, a, now_s);
    j.cap = v->n_devices + v->gate->n_tables + 3;
    j.reports = arena_array(a, struct policy_device, j.cap);
    if (!v->device_record.p) {
        /* The rules began to look at devices while it ran. */
        add_certificate(&j);
        take_session_id(&j);
        add_claims(&j);
    } else if (!has_lost_certificate(v, now_s)) {
        for (size_t i = 0; i < v->n_told; i++)
            share(&j, &v->devices[i]);
        take_known_id(&j);
        add_claims(&j);
    }
    add_tables(&j);
    add_hints(&j);
    v->devices = j.reports;
    v->n_devices = j.n;
}

void posture_restore(struct visit *v, const struct posture_now *now)
{
    v->devices = now->kept;
    v->n_devices = now->n_kept;
}

void gate_set_devices(struct gate *g, struct device_table **tables, size_t n)
{
    for (size_t i = 0; i < g->n_tables; i++)
        device_table_unref(&g->tables[i]);
    g->tables = mem_grow(g->tables, (n + 1) * sizeof *g->tables);
    for (size_t i = 0; i < n; i++)
        g->tables[i] = tables[i];
    g->n_tables = n;
    gate_decide_again(g);
}
