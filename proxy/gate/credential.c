/* Identities as facts and as record. See credential.h. */
#include "proxy/gate/credential.h"

#include <stdlib.h>

#include "base/jout.h"

static enum policy_tri tri(enum id_fact fact)
{
    return fact == ID_TRUE ? POLICY_TRUE : fact == ID_FALSE ? POLICY_FALSE : POLICY_UNKNOWN;
}

static enum policy_value_kind value_kind(enum claim_kind kind)
{
    static const enum policy_value_kind of[] = {
        [CLAIM_NONE] = POLICY_VALUE_OTHER,    [CLAIM_STRING] = POLICY_VALUE_TEXT,
        [CLAIM_NUMBER] = POLICY_VALUE_NUMBER, [CLAIM_BOOL] = POLICY_VALUE_BOOL,
        [CLAIM_LIST] = POLICY_VALUE_LIST,     [CLAIM_OTHER] = POLICY_VALUE_OTHER,
    };
    return of[kind];
}

static struct policy_value value_of(struct arena *a, const struct claim *c)
{
    struct policy_value v = {.kind = value_kind(c->kind), .text = c->text};
    if (c->kind != CLAIM_LIST)
        return v;
    struct policy_value *items = arena_array(a, struct policy_value, c->n_items + 1);
    for (size_t i = 0; i < c->n_items; i++)
        items[i] =
            (struct policy_value){.kind = value_kind(c->items[i].kind), .text = c->items[i].text};
    v.items = items;
    v.n = c->n_items;
    return v;
}

/* The claims of the token, and as empty lists those whose absence the issuer says means none. */
static void fill_claims(struct policy_identity *facts, const struct identity *id,
                        const struct issuer *issuer, struct arena *a)
{
    struct policy_claim *claims =
        arena_array(a, struct policy_claim, id->n_claims + issuer->n_absent_means_none + 1);
    size_t n = 0;
    for (size_t i = 0; i < id->n_claims; i++)
        claims[n++] = (struct policy_claim){id->claims[i].name, value_of(a, &id->claims[i])};
    for (size_t i = 0; i < issuer->n_absent_means_none; i++)
        if (identity_claim_is_none(id, issuer, issuer->absent_means_none[i]))
            claims[n++] =
                (struct policy_claim){issuer->absent_means_none[i], {.kind = POLICY_VALUE_LIST}};
    facts->claims = claims;
    facts->n_claims = n;
}

static struct policy_identity facts_of(const struct identity *id, const struct issuer *issuer,
                                       struct arena *a)
{
    struct policy_identity facts = {
        .issuer = id->issuer,
        .subject = id->subject,
        .issuer_name = id->issuer_name,
        .issuer_is_trusted = issuer->trusted_email,
        .is_machine = id->is_machine,
        .service = id->service,
        .email = id->email,
        .email_verified = tri(id->email_verified),
        .groups_known = id->groups_state == GROUPS_KNOWN,
        .groups = id->groups,
        .n_groups = id->n_groups,
        .amr_known = id->n_amr > 0,
        .amr = id->amr,
        .n_amr = id->n_amr,
        .acr = id->acr,
        .mfa = tri(id->mfa),
        .auth_time_s = id->has_auth_time ? id->auth_time_s : 0,
        .expires_s = id->exp_s,
    };
    fill_claims(&facts, id, issuer, a);
    return facts;
}

static void write_list(struct jout *j, str name, const str *items, size_t n)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < n; i++)
        jout_str(j, items[i]);
    jout_close(j, ']');
}

static void write_value(struct jout *j, const struct policy_value *v)
{
    switch (v->kind) {
    case POLICY_VALUE_TEXT:
        jout_str(j, v->text);
        return;
    case POLICY_VALUE_NUMBER:
    case POLICY_VALUE_BOOL:
        jout_raw(j, v->text);
        return;
    case POLICY_VALUE_LIST:
        jout_open(j, '[');
        for (size_t i = 0; i < v->n; i++)
            write_value(j, &v->items[i]);
        jout_close(j, ']');
        return;
    case POLICY_VALUE_OTHER:
        jout_null(j); /* no rule can match it, so none is needed for a replay */
        return;
    }
}

/* Claims that have a place of their own in the record, or are of no use to a rule. */
static bool is_registered(str name)
{
    static const str names[] = {STR("iss"),       STR("sub"),     STR("aud"),    STR("exp"),
                                STR("nbf"),       STR("iat"),     STR("jti"),    STR("nonce"),
                                STR("email"),     STR("groups"),  STR("amr"),    STR("acr"),
                                STR("auth_time"), STR("at_hash"), STR("c_hash"), STR("sid")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

static void write_identity(struct jout *j, const struct identity *id,
                           const struct policy_identity *facts)
{
    jout_key(j, STR("identity"));
    jout_open(j, '{');
    jout_kstr(j, STR("kind"), id->is_machine ? STR("machine") : STR("human"));
    jout_kstr(j, STR("issuer"), id->issuer);
    jout_kstr(j, STR("issuer_name"), id->issuer_name);
    jout_kstr(j, STR("subject"), id->subject);
    if (id->is_machine)
        jout_kstr(j, STR("service"), id->service);
    if (id->email.p) {
        jout_kstr(j, STR("email"), id->email);
        if (id->email_verified != ID_UNKNOWN)
            jout_kbool(j, STR("email_verified"), id->email_verified == ID_TRUE);
        if (facts->issuer_is_trusted)
            jout_kbool(j, STR("email_trusted"), true);
    }
    if (id->groups_state == GROUPS_KNOWN)
        write_list(j, STR("groups"), id->groups, id->n_groups);
    jout_key(j, STR("claims"));
    jout_open(j, '{');
    for (size_t i = 0; i < facts->n_claims; i++)
        if (!is_registered(facts->claims[i].name)) {
            jout_key_text(j, facts->claims[i].name);
            write_value(j, &facts->claims[i].value);
        }
    jout_close(j, '}');
    jout_close(j, '}');
}

static void write_auth(struct jout *j, const struct identity *id,
                       const struct credential_session *session)
{
    jout_key(j, STR("auth"));
    jout_open(j, '{');
    jout_kplain(j, STR("kind"),
                session           ? STR("session")
                : id->is_unsigned ? STR("whois")
                                  : STR("token"));
    if (id->has_auth_time)
        jout_kint(j, STR("time"), id->auth_time_s);
    if (id->n_amr)
        write_list(j, STR("amr"), id->amr, id->n_amr);
    if (id->acr.p)
        jout_kstr(j, STR("acr"), id->acr);
    if (id->mfa != ID_UNKNOWN)
        jout_kbool(j, STR("mfa"), id->mfa == ID_TRUE);
    if (session) {
        jout_kint(j, STR("login"), session->login_s);
        jout_kint(j, STR("expires"), session->ends_s);
        jout_close(j, '}');
        jout_kstr(j, STR("session"), session->handle);
        return;
    }
    if (!id->is_unsigned) {
        jout_kstr(j, STR("kid"), id->kid);
        jout_kstr(j, STR("alg"), alg_name(id->alg));
    }
    if (id->jti.p)
        jout_kstr(j, STR("jti"), id->jti);
    jout_kint(j, STR("expires"), id->exp_s);
    jout_close(j, '}');
}

/* ---- packing ----------------------------------------------------------------------------------
 * Two passes over the same walk: the first counts, the second copies. A text that several facts
 * share (a group is also a claim's item) is kept once. */

enum { SEEN = 32 };

struct pack {
    char *block; /* NULL: counting */
    size_t n;
    str seen_from[SEEN];
    const char *seen_to[SEEN];
    size_t n_seen;
};

static void *pack_room(struct pack *p, size_t bytes)
{
    p->n = (p->n + 7) & ~(size_t)7;
    void *room = p->block ? p->block + p->n : NULL;
    p->n += bytes;
    return room;
}

static str pack_text(struct pack *p, str s)
{
    if (s.n == 0)
        return s.p ? STR("") : s;
    for (size_t i = 0; i < p->n_seen; i++)
        if (p->seen_from[i].p == s.p && p->seen_from[i].n == s.n)
            return (str){p->seen_to[i], s.n};
    char *to = p->block ? p->block + p->n : NULL;
    p->n += s.n;
    if (to)
        memcpy(to, s.p, s.n);
    if (p->n_seen < SEEN) {
        p->seen_from[p->n_seen] = s;
        p->seen_to[p->n_seen++] = to;
    }
    return (str){to, s.n};
}

static const str *pack_list(struct pack *p, const str *items, size_t n)
{
    str *to = pack_room(p, n * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        str text = pack_text(p, items[i]);
        if (to)
            to[i] = text;
    }
    return to;
}

static struct policy_value pack_value(struct pack *p, struct policy_value v)
{
    struct policy_value *items = v.n ? pack_room(p, v.n * sizeof *items) : NULL;
    v.text = pack_text(p, v.text);
    for (size_t i = 0; i < v.n; i++) {
        struct policy_value item = v.items[i];
        item.text = pack_text(p, item.text);
        if (items)
            items[i] = item;
    }
    v.items = items;
    return v;
}

static void pack_claims(struct pack *p, struct policy_identity *facts)
{
    struct policy_claim *to = pack_room(p, facts->n_claims * sizeof *to);
    for (size_t i = 0; i < facts->n_claims; i++) {
        struct policy_claim claim = {pack_text(p, facts->claims[i].name),
                                     pack_value(p, facts->claims[i].value)};
        if (to)
            to[i] = claim;
    }
    facts->claims = to;
}

static void pack(struct pack *p, const struct policy_identity *facts, str email_claim, str record)
{
    struct credential *c = pack_room(p, sizeof *c);
    struct policy_identity f = *facts;
    str *texts[] = {&f.issuer, &f.subject, &f.issuer_name, &f.service, &f.email, &f.acr};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = pack_text(p, *texts[i]);
    f.groups = pack_list(p, f.groups, f.n_groups);
    f.amr = pack_list(p, f.amr, f.n_amr);
    pack_claims(p, &f);
    email_claim = pack_text(p, email_claim);
    record = pack_text(p, record);
    if (c)
        *c = (struct credential){
            .refs = 1, .facts = f, .email_claim = email_claim, .record = record};
}

struct credential *credential_create(const struct identity *id, const struct issuer *issuer,
                                     const struct credential_session *session,
                                     char scratch[CREDENTIAL_SCRATCH_BYTES])
{
    char block[2048];
    struct arena a;
    struct jout j;
    arena_init(&a, block, sizeof block);
    struct policy_identity facts = facts_of(id, issuer, &a);
    if (session) {
        facts.login_s = session->login_s;
        facts.expires_s = session->ends_s;
    }
    jout_init(&j, scratch, CREDENTIAL_SCRATCH_BYTES);
    write_identity(&j, id, &facts);
    write_auth(&j, id, session);
    str record = j.overflow ? STR("\"identity\":null") : jout_text(&j);
    struct pack count = {0}, copy = {0};
    pack(&count, &facts, issuer->email_claim, record);
    copy.block = mem_alloc(count.n);
    pack(&copy, &facts, issuer->email_claim, record);
    arena_finish(&a);
    struct credential *c = (void *)copy.block;
    c->email_counts = id->email_counts;
    c->said_s = id->has_iat ? id->iat_s : 0;
    return c;
}

struct credential *credential_copy(const struct credential *c)
{
    struct pack count = {0}, copy = {0};
    pack(&count, &c->facts, c->email_claim, c->record);
    copy.block = mem_alloc(count.n);
    pack(&copy, &c->facts, c->email_claim, c->record);
    struct credential *to = (void *)copy.block;
    to->email_counts = c->email_counts;
    to->said_s = c->said_s;
    return to;
}

/* Fewer rules are weighed as fast without, and thousands of credentials wait in a cache. */
enum { SUBJECT_LEAST_RULES = 500 };

const struct policy_subject *credential_subject(struct credential *c, const struct policy *p,
                                                int64_t now_us)
{
    bool is_first = !c->was_used;
    c->was_used = true;
    if (is_first || !p || policy_rule_count(p) < SUBJECT_LEAST_RULES)
        return NULL;
    if (!policy_subject_fits(c->subject, p, now_us)) {
        policy_subject_destroy(&c->subject);
        c->subject = policy_subject_create(p, &c->facts, NULL, 0, now_us);
    }
    return c->subject;
}

struct credential *credential_ref(struct credential *c)
{
    c->refs++;
    return c;
}

void credential_unref(struct credential **c)
{
    struct credential *old = *c;
    *c = NULL;
    if (!old || --old->refs)
        return;
    policy_subject_destroy(&old->subject);
    assertions_drop(&old->assertions);
    person_grants_drop(&old->grants);
    free(old);
}
