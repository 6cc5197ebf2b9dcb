#include "policy/witness.h"

#include "policy/text.h"
#include "policy/zone.h"

enum { MAX_KEPT = 32 };

/* One combination: an index into each kind of values. */
struct pick {
    size_t who, auth, device, origin, place, time, extra;
};

/* What is granted and stated, best first. */
enum extra { EXTRA_GRANTED, EXTRA_PURPOSE, EXTRA_NOTHING, EXTRA_COUNT };

struct seek {
    const struct witness_search *s;
    struct witness_values v;
    struct policy_grant *grants[2];
    size_t n_grants[2];
    struct policy_witness *found[2]; /* who gains, who loses */
    bool lets_in[2];                 /* what was found is somebody let in, not a longer session */
    /* Where somebody is let in, by set: small changes may matter there. */
    struct pick kept[2][MAX_KEPT];
    size_t n_kept[2];
};

/* Facts with all that they point to. */
struct scene {
    struct witness_device seen;
    struct policy_identity id;
    struct policy_device device;
    struct policy_request request;
    struct policy_facts facts;
};

/* ---- facts ------------------------------------------------------------------------------------
 */

static void open_all(struct seek *k, size_t set)
{
    const struct policy *p = k->s->sets[set];
    struct policy_grant *grants = arena_array(k->s->arena, struct policy_grant, 2 * p->n_rules + 1);
    size_t n = 0;

    for (size_t i = 0; i < p->n_rules; i++) {
        const struct rule *rule = &p->rules[i];
        struct policy_grant grant = {
            .rule = rule->id, .rule_digest = rule->text_digest, .expires_s = INT64_MAX / 2};
        grant.kind = POLICY_GRANT_APPROVAL;
        if (rule->approval)
            grants[n++] = grant;
        grant.kind = POLICY_GRANT_BREAK_GLASS;
        if (rule->break_glass)
            grants[n++] = grant;
    }
    k->grants[set] = grants;
    k->n_grants[set] = n;
}

static struct policy_identity identity_of(const struct witness_values *v, const struct pick *at)
{
    const struct witness_who *who = &v->whos[at->who];
    const struct witness_auth *auth = &v->auths[at->auth];
    struct policy_identity id = who->id;

    id.groups = who->groups;
    id.claims = who->claims;
    id.mfa = auth->mfa;
    id.amr_known = auth->age_s >= 0;
    id.amr = auth->methods;
    id.n_amr = auth->n_methods;
    id.acr = auth->acr;
    /* Whoever is proved came by an issuer: one that no rule asks for is still one. */
    id.issuer_name = auth->issuer;
    if (!auth->issuer.n && v->names_issuers)
        id.issuer_name = STR("another");
    id.auth_time_s = auth->age_s >= 0 ? v->times_s[at->time] - auth->age_s : 0;
    return id;
}

static void build_scene(const struct seek *k, size_t set, const struct pick *at, struct scene *out)
{
    const struct witness_search *s = k->s;
    const struct witness_values *v = &k->v;
    const struct witness_place *place = &v->places[at->place];
    const struct witness_origin *origin = &v->origins[at->origin];

    out->seen = v->devices[at->device];
    for (size_t i = 0; i < out->seen.n; i++)
        out->seen.facts[i].seen_s = v->times_s[at->time];
    out->id = identity_of(v, at);
    out->device = (struct policy_device){.facts = out->seen.facts, .n_facts = out->seen.n};
    out->request = (struct policy_request){.app = s->apps[set] ? &s->apps[set]->face : NULL,
                                           .protocol = s->protocol,
                                           .method = place->method,
                                           .path = place->paths[set],
                                           .login = place->login,
                                           .from = origin->from,
                                           .country = origin->country};
    out->facts = (struct policy_facts){.identity = &out->id,
                                       .devices = &out->device,
                                       .n_devices = out->seen.n > 0,
                                       .request = &out->request,
                                       .now_us = v->times_s[at->time] * 1000000,
                                       .clock_is_good = true};
    if (at->extra == EXTRA_GRANTED) {
        out->facts.grants = k->grants[set];
        out->facts.n_grants = k->n_grants[set];
    }
    if (at->extra != EXTRA_NOTHING)
        out->facts.purpose = STR("a purpose");
}

static void decide(const struct seek *k, size_t set, const struct pick *at,
                   struct policy_decision *out)
{
    struct scene scene;

    build_scene(k, set, at, &scene);
    policy_decide(k->s->sets[set], &scene.facts, out);
}

/* ---- words ------------------------------------------------------------------------------------
 */

static void say_list(struct text *t, const char *name, const str *items, size_t n)
{
    if (!n)
        return;
    text_printf(t, "%s%s [", t->n ? ", " : "", name);
    for (size_t i = 0; i < n; i++)
        text_printf(t, "%s%.*s", i ? ", " : "", STR_ARG(items[i]));
    text_add(t, STR("]"));
}

static str say_who(struct arena *a, const struct witness_who *who)
{
    struct text t = {.arena = a};

    if (who->id.is_machine)
        text_printf(&t, "service %.*s", STR_ARG(who->id.service));
    else
        text_printf(&t, "%.*s", STR_ARG(who->id.email));
    say_list(&t, "groups", who->groups, who->id.n_groups);
    for (size_t i = 0; i < who->id.n_claims; i++) {
        const struct policy_value *v = &who->claims[i].value;
        text_printf(&t, ", %.*s", STR_ARG(who->claims[i].name));
        for (size_t k = 0; k < (v->kind == POLICY_VALUE_LIST ? v->n : 1); k++) {
            str text = v->kind == POLICY_VALUE_LIST ? v->items[k].text : v->text;
            text_printf(&t, "%s%.*s", k ? " and " : " ", STR_ARG(text));
        }
    }
    return text_str(&t);
}

static str say_device(struct arena *a, const struct witness_device *d)
{
    struct text t = {.arena = a};

    for (size_t i = 0; i < d->n; i++)
        text_printf(&t, "%s%.*s %.*s", i ? ", " : "", STR_ARG(d->facts[i].attribute),
                    STR_ARG(d->facts[i].value.text));
    return d->n ? text_str(&t) : (str){NULL, 0};
}

static str say_auth(struct arena *a, const struct witness_auth *auth, size_t extra)
{
    struct text t = {.arena = a};

    if (auth->mfa == POLICY_TRUE)
        text_printf(&t, "mfa");
    if (auth->age_s >= 0)
        text_printf(&t, "%ssigned in %llds ago", t.n ? ", " : "", (long long)auth->age_s);
    say_list(&t, "methods", auth->methods, auth->n_methods);
    if (auth->acr.n)
        text_printf(&t, ", acr %.*s", STR_ARG(auth->acr));
    if (auth->issuer.n)
        text_printf(&t, ", issuer %.*s", STR_ARG(auth->issuer));
    if (extra == EXTRA_GRANTED)
        text_printf(&t, "%swith open grants", t.n ? ", " : "");
    return t.n ? text_str(&t) : (str){NULL, 0};
}

static str say_origin(struct arena *a, const struct witness_origin *o)
{
    char text[ADDR_TEXT_BYTES];

    if (!o->from.family && !o->country.n)
        return (str){NULL, 0};
    addr_text(&o->from, text);
    return arena_printf(a, "%s%s%.*s", text, o->country.n ? ", " : "", STR_ARG(o->country));
}

static str say_time(struct arena *a, int64_t at_s)
{
    int32_t y, m, d, day = zone_day_at(at_s);
    int64_t s = at_s - (int64_t)day * ZONE_DAY_S;

    zone_date_of(day, &y, &m, &d);
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", y, m, d, (int)(s / 3600),
                        (int)(s / 60 % 60), (int)(s % 60));
}

static str say_request(const struct seek *k, const struct pick *at)
{
    const struct app *app = k->s->apps[1] ? k->s->apps[1] : k->s->apps[0];
    const struct witness_place *place = &k->v.places[at->place];

    if (k->s->protocol == POLICY_SSH)
        return arena_printf(k->s->arena, "ssh %.*s@%.*s", STR_ARG(place->login),
                            STR_ARG(app->face.name));
    if (k->s->protocol == POLICY_RDP)
        return arena_printf(k->s->arena, "rdp %.*s", STR_ARG(app->face.name));
    return arena_printf(k->s->arena, "%.*s https://%.*s%.*s", STR_ARG(place->method),
                        STR_ARG(k->s->host), STR_ARG(place->path));
}

static const struct policy_facts *keep_facts(const struct seek *k, size_t set,
                                             const struct pick *at)
{
    struct scene *scene = arena_new(k->s->arena, struct scene);

    build_scene(k, set, at, scene);
    return &scene->facts;
}

static void tell(struct seek *k, const struct pick *at, const struct policy_decision d[2],
                 struct policy_witness *out)
{
    struct arena *a = k->s->arena;

    *out = (struct policy_witness){
        .is_there = true,
        .request = say_request(k, at),
        .who = say_who(a, &k->v.whos[at->who]),
        .device = say_device(a, &k->v.devices[at->device]),
        .auth = say_auth(a, &k->v.auths[at->auth], at->extra),
        .from = say_origin(a, &k->v.origins[at->origin]),
        .at = say_time(a, k->v.times_s[at->time]),
        .before = d[0],
        .after = d[1],
        .facts = {keep_facts(k, 0, at), keep_facts(k, 1, at)},
    };
}

/* ---- search -----------------------------------------------------------------------------------
 */

static bool is_over(const struct seek *k)
{
    return k->lets_in[0] && k->lets_in[1];
}

static bool is_longer(int64_t next_s, int64_t old_s)
{
    return old_s && (!next_s || next_s > old_s);
}

/* A session that lasts longer, is not recorded or may do more. */
static bool is_looser(const struct policy_obligations *next, const struct policy_obligations *old)
{
    return is_longer(next->max_s, old->max_s) || is_longer(next->idle_s, old->idle_s) ||
           (old->record && !next->record) || (next->clipboard && !old->clipboard) ||
           (next->file_transfer && !old->file_transfer) ||
           (next->port_forwarding && !old->port_forwarding);
}

/* `lets_in`: only who was out before counts. */
static bool is_gain(const struct policy_decision *old, const struct policy_decision *next,
                    bool lets_in)
{
    if (next->effect != POLICY_ALLOW)
        return false;
    return old->effect != POLICY_ALLOW ||
           (!lets_in && is_looser(&next->obligations, &old->obligations));
}

/* Facts that the difference does not need are left out of what people read. */
static void simplify(const struct seek *k, size_t way, bool lets_in, struct pick *at,
                     struct policy_decision d[2])
{
    size_t *const members[] = {&at->extra, &at->device, &at->auth};
    const size_t least[] = {EXTRA_NOTHING, k->v.n_devices - 1, k->v.n_auths - 1};

    for (size_t i = 0; i < 3; i++) {
        struct policy_decision next[2];
        size_t kept = *members[i];
        *members[i] = least[i];
        decide(k, 0, at, &next[0]);
        decide(k, 1, at, &next[1]);
        if (is_gain(&next[way], &next[1 - way], lets_in))
            memcpy(d, next, sizeof next);
        else
            *members[i] = kept;
    }
}

static void keep(struct seek *k, size_t set, const struct pick *at)
{
    if (k->n_kept[set] < MAX_KEPT)
        k->kept[set][k->n_kept[set]++] = *at;
}

/* One way of the difference; somebody let in is worth more than a longer session. */
static void note(struct seek *k, size_t way, const struct pick *at,
                 const struct policy_decision d[2])
{
    bool lets_in = is_gain(&d[way], &d[1 - way], true);
    struct policy_decision simpler[2] = {d[0], d[1]};
    struct pick simple = *at;

    if (k->lets_in[way] || (k->found[way]->is_there && !lets_in))
        return;
    k->lets_in[way] = lets_in;
    simplify(k, way, lets_in, &simple, simpler);
    tell(k, &simple, simpler, k->found[way]);
}

/* `lets_in_out`: by rules of which of the sets. */
static void look(struct seek *k, const struct pick *at, bool lets_in_out[2])
{
    struct policy_decision d[2];

    for (size_t set = 0; set < 2; set++) {
        decide(k, set, at, &d[set]);
        /* On a public path it does not matter who comes, and how. */
        lets_in_out[set] = d[set].reason == POLICY_REASON_ALLOW;
    }
    for (size_t way = 0; way < 2; way++)
        if (is_gain(&d[way], &d[1 - way], false))
            note(k, way, at, d);
}

static struct pick pick_at(const struct witness_values *v, uint64_t index)
{
    struct pick at = {.extra = EXTRA_GRANTED};

    at.who = index % v->n_whos;
    index /= v->n_whos;
    at.place = index % v->n_places;
    index /= v->n_places;
    at.time = index % v->n_times;
    index /= v->n_times;
    at.origin = index % v->n_origins;
    at.auth = index / v->n_origins;
    return at;
}

/* People, places, times and origins, each with the best device and grants. More combinations than
 * the budget are sampled by a stride that is prime to any number of them. */
static void look_wide(struct seek *k)
{
    const struct witness_values *v = &k->v;
    uint64_t all = (uint64_t)v->n_whos * v->n_places * v->n_times * v->n_origins * v->n_strong;
    uint64_t n = all < WITNESS_BUDGET ? all : WITNESS_BUDGET;
    uint64_t stride = all < WITNESS_BUDGET ? 1 : 2654435761u;

    for (uint64_t i = 0; i < n && !is_over(k); i++) {
        struct pick at = pick_at(v, i * stride % all);
        bool lets_in[2];
        look(k, &at, lets_in);
        for (size_t set = 0; set < 2; set++)
            if (lets_in[set])
                keep(k, set, &at);
    }
}

/* Each device, log-in and grant in one place. */
static void look_around(struct seek *k, struct pick at)
{
    bool lets_in[2];

    for (at.device = 0; at.device < k->v.n_devices; at.device++)
        for (at.auth = 0; at.auth < k->v.n_auths; at.auth++)
            for (at.extra = 0; at.extra < EXTRA_COUNT; at.extra++)
                if (!is_over(k))
                    look(k, &at, lets_in);
}

static void look_close(struct seek *k)
{
    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; i < k->n_kept[set]; i++)
            look_around(k, k->kept[set][i]);
}

void witness_find(const struct witness_search *s, struct policy_witness *gains,
                  struct policy_witness *loses)
{
    struct seek *k = arena_new(s->arena, struct seek);

    k->s = s;
    k->found[0] = gains;
    k->found[1] = loses;
    *gains = *loses = (struct policy_witness){0};
    witness_gather(s, &k->v);
    open_all(k, 0);
    open_all(k, 1);
    if (!k->v.n_places)
        return;
    look_wide(k);
    look_close(k);
}
