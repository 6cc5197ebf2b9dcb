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
static void fill_claims(struct credential *c, const struct issuer *issuer)
{
    const struct identity *id = c->identity;
    struct policy_claim *claims =
        arena_array(&c->arena, struct policy_claim, id->n_claims + issuer->n_absent_means_none + 1);
    size_t n = 0;
    for (size_t i = 0; i < id->n_claims; i++)
        claims[n++] =
            (struct policy_claim){id->claims[i].name, value_of(&c->arena, &id->claims[i])};
    for (size_t i = 0; i < issuer->n_absent_means_none; i++)
        if (identity_claim_is_none(id, issuer, issuer->absent_means_none[i]))
            claims[n++] =
                (struct policy_claim){issuer->absent_means_none[i], {.kind = POLICY_VALUE_LIST}};
    c->facts.claims = claims;
    c->facts.n_claims = n;
}

static void fill_facts(struct credential *c, const struct issuer *issuer)
{
    const struct identity *id = c->identity;
    c->facts = (struct policy_identity){
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
    fill_claims(c, issuer);
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

static void write_identity(struct jout *j, const struct credential *c)
{
    const struct identity *id = c->identity;
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
    }
    if (id->groups_state == GROUPS_KNOWN)
        write_list(j, STR("groups"), id->groups, id->n_groups);
    jout_key(j, STR("claims"));
    jout_open(j, '{');
    for (size_t i = 0; i < c->facts.n_claims; i++)
        if (!is_registered(c->facts.claims[i].name)) {
            jout_key_text(j, c->facts.claims[i].name);
            write_value(j, &c->facts.claims[i].value);
        }
    jout_close(j, '}');
    jout_close(j, '}');
}

static void write_auth(struct jout *j, const struct identity *id)
{
    jout_key(j, STR("auth"));
    jout_open(j, '{');
    jout_kstr(j, STR("kind"), STR("token"));
    if (id->has_auth_time)
        jout_kint(j, STR("time"), id->auth_time_s);
    if (id->n_amr)
        write_list(j, STR("amr"), id->amr, id->n_amr);
    if (id->acr.p)
        jout_kstr(j, STR("acr"), id->acr);
    if (id->mfa != ID_UNKNOWN)
        jout_kbool(j, STR("mfa"), id->mfa == ID_TRUE);
    jout_kstr(j, STR("kid"), id->kid);
    jout_kstr(j, STR("alg"), alg_name(id->alg));
    if (id->jti.p)
        jout_kstr(j, STR("jti"), id->jti);
    jout_kint(j, STR("expires"), id->exp_s);
    jout_close(j, '}');
}

/* A token has 16 KiB at most, so what it says fits here even escaped. */
enum { RECORD_ROOM = 6 * TOKEN_MAX_BYTES + 4096 };

static void render(struct credential *c)
{
    char *room = mem_alloc(RECORD_ROOM);
    struct jout j;
    jout_init(&j, room, RECORD_ROOM);
    write_identity(&j, c);
    write_auth(&j, c->identity);
    c->record = j.overflow ? STR("\"identity\":null") : arena_dup(&c->arena, jout_text(&j));
    free(room);
}

/* What fill_claims takes, so that it comes in one piece: thousands of these wait in a cache. */
static size_t claims_bytes(const struct identity *id, const struct issuer *issuer)
{
    size_t n = (id->n_claims + issuer->n_absent_means_none + 1) * sizeof(struct policy_claim) + 64;
    for (size_t i = 0; i < id->n_claims; i++)
        if (id->claims[i].kind == CLAIM_LIST)
            n += (id->claims[i].n_items + 1) * sizeof(struct policy_value) + 16;
    return n;
}

struct credential *credential_create(struct identity *identity, const struct issuer *issuer)
{
    struct credential *c = mem_alloc(sizeof *c);
    c->refs = 1;
    c->identity = identity;
    arena_init(&c->arena, NULL, 0);
    c->arena.chunk_bytes = claims_bytes(identity, issuer);
    fill_facts(c, issuer);
    render(c);
    return c;
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
    identity_unref(&old->identity);
    arena_finish(&old->arena);
    free(old);
}

/* A header value of ours: visible bytes, no line ends (RFC 9110 section 5.5). */
static bool is_carriable(str s, bool in_list)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (b < 0x20 || b == 0x7F || (in_list && b == ','))
            return false;
    }
    return true;
}

static str join(const struct claim *claim, struct arena *a, bool *bad_out)
{
    size_t n = 0;
    for (size_t i = 0; i < claim->n_items; i++) {
        if (claim->items[i].kind == CLAIM_OTHER || !is_carriable(claim->items[i].text, true)) {
            *bad_out = true;
            return (str){NULL, 0};
        }
        n += claim->items[i].text.n + 1;
    }
    char *out = arena_text(a, n + 1);
    size_t at = 0;
    for (size_t i = 0; i < claim->n_items; i++) {
        if (i)
            out[at++] = ',';
        memcpy(out + at, claim->items[i].text.p, claim->items[i].text.n);
        at += claim->items[i].text.n;
    }
    return (str){out, at};
}

str credential_claim_text(const struct credential *c, str name, struct arena *a, bool *bad_out)
{
    const struct claim *claim = identity_claim(c->identity, name);
    if (!claim)
        return (str){NULL, 0};
    if (claim->kind == CLAIM_LIST)
        return join(claim, a, bad_out);
    if (claim->kind == CLAIM_OTHER || !is_carriable(claim->text, false)) {
        *bad_out = true;
        return (str){NULL, 0};
    }
    return claim->text;
}
