/* What a good token proved, kept in one heap block. See authn.h and claims.h. */
#include "authn/claims.h"

#include <assert.h>
#include <stdlib.h>

enum { SERVICE_NAME_ROOM = 64 }; /* so that a machine's name seldom takes a chunk of its own */

struct builder {
    const struct claims_source *source;
    struct identity *id;
    char *text; /* the copy of source->text */
};

/* All texts were copied at once; a text of the source is found at the same place in the copy. */
static str keep(const struct builder *b, str s)
{
    if (!s.p)
        return s;
    assert(s.p >= b->source->text && s.p + s.n <= b->source->text + b->source->n_text);
    return (str){b->text + (s.p - b->source->text), s.n};
}

static enum claim_kind kind_of(const struct jnode *node)
{
    switch (node->kind) {
    case J_STRING:
        return CLAIM_STRING;
    case J_INTEGER:
    case J_REAL:
        return CLAIM_NUMBER;
    case J_BOOL:
        return CLAIM_BOOL;
    case J_LIST:
        return CLAIM_LIST;
    default:
        return CLAIM_OTHER;
    }
}

static const struct claim_value *keep_items(const struct builder *b, const struct jnode *list)
{
    struct claim_value *items = arena_array(&b->id->arena, struct claim_value, list->n);
    struct claim_value *v = items;
    for (const struct jnode *m = list->first; m; m = m->next, v++) {
        v->kind = kind_of(m) == CLAIM_LIST ? CLAIM_OTHER : kind_of(m);
        v->text = v->kind == CLAIM_OTHER ? (str){NULL, 0} : keep(b, m->text);
    }
    return items;
}

static void keep_claim(struct builder *b, const struct jnode *m, struct claim *out)
{
    out->name = keep(b, m->name);
    out->kind = kind_of(m);
    if (out->kind == CLAIM_LIST) {
        out->items = keep_items(b, m);
        out->n_items = m->n;
    } else if (out->kind != CLAIM_OTHER) {
        out->text = keep(b, m->text);
    }
}

/* Members of the object `posture` are claims named posture.NAME: posture documents put what they
 * say of the device there. */
static void keep_posture(struct builder *b, const struct jnode *posture, struct claim *out)
{
    for (const struct jnode *m = posture->first; m; m = m->next, out++) {
        keep_claim(b, m, out);
        out->name = arena_printf(&b->id->arena, "posture.%.*s", STR_ARG(m->name));
    }
}

static const str *keep_texts(const struct builder *b, const struct jnode *list)
{
    str *texts = arena_array(&b->id->arena, str, list->n), *t = texts;
    for (const struct jnode *m = list->first; m; m = m->next)
        *t++ = keep(b, m->text);
    return texts;
}

static str groups_claim(const struct issuer *issuer)
{
    return issuer->groups_claim.p ? issuer->groups_claim : STR("groups");
}

static const struct jnode *member(const struct jnode *object, str name)
{
    for (const struct jnode *m = object->first; m; m = m->next)
        if (str_eq(m->name, name))
            return m;
    return NULL;
}

/* Too many groups for a token: Entra sends a pointer instead (a distributed claim, OpenID Connect
 * Core 5.6.2, or `hasgroups`). Then the person has groups, but which is unknown. */
static bool groups_are_elsewhere(const struct jnode *payload, str claim)
{
    const struct jnode *names = jread_get(payload, "_claim_names");
    const struct jnode *has = jread_get(payload, "hasgroups");
    if (names && (names->kind != J_OBJECT || member(names, claim)))
        return true;
    return has && !(has->kind == J_BOOL && str_eq(has->text, STR("false")));
}

/* What stands in the token beside a pointer to the whole is a part of it: no rule may read it. */
static bool is_elsewhere(const struct builder *b, str claim)
{
    const struct jnode *payload = b->source->payload, *names = jread_get(payload, "_claim_names");

    return (names && names->kind == J_OBJECT && member(names, claim)) ||
           (str_eq(claim, groups_claim(b->source->issuer)) && groups_are_elsewhere(payload, claim));
}

static void keep_claims(struct builder *b)
{
    const struct jnode *payload = b->source->payload, *posture = jread_get(payload, "posture");
    size_t most = payload->n + (posture && posture->kind == J_OBJECT ? posture->n : 0);
    struct claim *claims = arena_array(&b->id->arena, struct claim, most);
    b->id->claims = claims;
    b->id->n_claims = most;
    for (const struct jnode *m = payload->first; m; m = m->next, claims++) {
        keep_claim(b, m, claims);
        if (is_elsewhere(b, m->name))
            *claims = (struct claim){.name = claims->name, .kind = CLAIM_OTHER};
    }
    if (most > payload->n)
        keep_posture(b, posture, claims);
}

static void keep_groups(struct builder *b)
{
    const struct issuer *issuer = b->source->issuer;
    str name = groups_claim(issuer);
    const struct jnode *list = member(b->source->payload, name);
    struct identity *id = b->id;
    if (groups_are_elsewhere(b->source->payload, name)) {
        id->groups_state = GROUPS_OVERAGE;
    } else if (!list) {
        id->groups_state = issuer_absent_means_none(issuer, name) ? GROUPS_KNOWN : GROUPS_ABSENT;
    } else if (!jread_is_texts(list)) {
        id->groups_state = GROUPS_MALFORMED;
    } else {
        id->groups_state = GROUPS_KNOWN;
        id->groups = keep_texts(b, list);
        id->n_groups = list->n;
    }
}

static bool has_one_at(str email)
{
    size_t at = str_find(email, '@');
    return at > 0 && at + 1 < email.n && str_rfind(email, '@') == at;
}

static void keep_email(struct builder *b)
{
    const struct issuer *issuer = b->source->issuer;
    const struct jnode *payload = b->source->payload;
    const struct jnode *email =
        member(payload, issuer->email_claim.p ? issuer->email_claim : STR("email"));
    const struct jnode *verified = jread_get(payload, "email_verified");
    struct identity *id = b->id;
    if (verified && verified->kind == J_BOOL)
        id->email_verified = str_eq(verified->text, STR("true")) ? ID_TRUE : ID_FALSE;
    if (!email || email->kind != J_STRING)
        return;
    id->email = keep(b, email->text);
    id->email_counts =
        (issuer->trusted_email || id->email_verified == ID_TRUE) && has_one_at(id->email);
}

static bool is_among(str s, const str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, list[i]))
            return true;
    return false;
}

/* Only a claim that the issuer's map names says anything; with none of them it stays unknown. */
static enum id_fact derive_mfa(const struct identity *id, const struct issuer *issuer)
{
    bool has_amr = id->amr && issuer->n_mfa_amr, has_acr = id->acr.p && issuer->n_mfa_acr;
    if (!has_amr && !has_acr)
        return ID_UNKNOWN;
    for (size_t i = 0; has_amr && i < id->n_amr; i++)
        if (is_among(id->amr[i], issuer->mfa_amr, issuer->n_mfa_amr))
            return ID_TRUE;
    return has_acr && is_among(id->acr, issuer->mfa_acr, issuer->n_mfa_acr) ? ID_TRUE : ID_FALSE;
}

static void keep_login(struct builder *b)
{
    const struct jnode *payload = b->source->payload, *amr = jread_get(payload, "amr");
    struct identity *id = b->id;
    if (jread_is_texts(amr)) {
        id->amr = keep_texts(b, amr);
        id->n_amr = amr->n;
    }
    id->acr = keep(b, jread_text(payload, "acr"));
    id->mfa = derive_mfa(id, b->source->issuer);
}

static bool keep_time(const struct jnode *payload, const char *name, int64_t *out)
{
    double at;
    if (!claims_time(jread_get(payload, name), &at))
        return false;
    *out = (int64_t)at - (at < (double)(int64_t)at); /* rounded down */
    return true;
}

static void keep_registered(struct builder *b)
{
    const struct jnode *payload = b->source->payload;
    struct identity *id = b->id;
    id->issuer_name = arena_dup(&id->arena, b->source->issuer->name);
    id->issuer = keep(b, jread_text(payload, "iss"));
    id->subject = keep(b, jread_text(payload, "sub"));
    id->is_service_only = b->source->issuer->service_claim.p && id->subject.p && !id->subject.n;
    if (id->is_service_only)
        id->subject = keep(b, jread_text(payload, b->source->issuer->service_claim.p));
    id->jti = keep(b, jread_text(payload, "jti"));
    id->sid = keep(b, jread_text(payload, "sid"));
    id->nonce = keep(b, jread_text(payload, "nonce"));
    id->azp = keep(b, jread_text(payload, "azp"));
    id->kid = keep(b, b->source->kid);
    id->alg = b->source->alg;
    id->has_auth_time = keep_time(payload, "auth_time", &id->auth_time_s);
    id->has_iat = keep_time(payload, "iat", &id->iat_s);
    id->has_nbf = keep_time(payload, "nbf", &id->nbf_s);
    keep_time(payload, "exp", &id->exp_s);
}

/* Everything that the arena will be asked for, so that it seldom needs a second block. */
static size_t room_needed(const struct claims_source *source)
{
    size_t items = 0;
    for (const struct jnode *m = source->payload->first; m; m = m->next)
        items += m->kind == J_LIST ? m->n : 0;
    return source->n_text + source->payload->n * (sizeof(struct claim) + 16) +
           items * (sizeof(struct claim_value) + sizeof(str)) + source->issuer->name.n + 1 +
           SERVICE_NAME_ROOM + 64;
}

struct identity *identity_build(const struct claims_source *source)
{
    size_t room = room_needed(source);
    struct identity *id = mem_alloc(sizeof *id + room);
    arena_init(&id->arena, id + 1, room);
    id->refs = 1;
    struct builder b = {.source = source, .id = id};
    b.text = arena_text(&id->arena, source->n_text);
    memcpy(b.text, source->text, source->n_text);
    keep_registered(&b);
    keep_claims(&b);
    keep_groups(&b);
    keep_email(&b);
    keep_login(&b);
    return id;
}

struct identity *identity_ref(struct identity *id)
{
    if (id)
        id->refs++;
    return id;
}

void identity_unref(struct identity **id)
{
    struct identity *i = *id;
    *id = NULL;
    if (!i || --i->refs > 0)
        return;
    arena_finish(&i->arena);
    free(i);
}

const struct claim *identity_claim(const struct identity *id, str name)
{
    for (size_t i = 0; i < id->n_claims; i++)
        if (str_eq(id->claims[i].name, name))
            return &id->claims[i];
    return NULL;
}

size_t identity_bytes(const struct identity *id)
{
    return sizeof *id + id->arena.block_bytes + id->arena.heap_bytes;
}

bool issuer_absent_means_none(const struct issuer *issuer, str claim)
{
    return is_among(claim, issuer->absent_means_none, issuer->n_absent_means_none);
}

bool identity_claim_is_none(const struct identity *id, const struct issuer *issuer, str name)
{
    bool is_elsewhere = id->groups_state == GROUPS_OVERAGE && str_eq(name, groups_claim(issuer));

    return issuer_absent_means_none(issuer, name) && !identity_claim(id, name) && !is_elsewhere &&
           !identity_claim(id, STR("_claim_names"));
}

static bool value_matches(enum claim_kind kind, str text, str wanted)
{
    if (kind != CLAIM_STRING && kind != CLAIM_NUMBER && kind != CLAIM_BOOL)
        return false;
    if (str_ends(wanted, STR("*")))
        return str_starts(text, str_upto(wanted, wanted.n - 1));
    return str_eq(text, wanted);
}

static bool claim_matches(const struct claim *claim, str wanted)
{
    if (!claim)
        return false;
    if (claim->kind != CLAIM_LIST)
        return value_matches(claim->kind, claim->text, wanted);
    for (size_t i = 0; i < claim->n_items; i++)
        if (value_matches(claim->items[i].kind, claim->items[i].text, wanted))
            return true;
    return false;
}

static bool service_matches(const struct identity *id, const struct service_match *service)
{
    if (!str_eq(service->issuer, id->issuer_name) || service->n_claims == 0)
        return false;
    for (size_t i = 0; i < service->n_claims; i++)
        if (!claim_matches(identity_claim(id, service->claims[i].name), service->claims[i].value))
            return false;
    return true;
}

bool identity_match_services(struct identity *id, const struct service_match *services, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!service_matches(id, &services[i]))
            continue;
        id->is_machine = true;
        id->service = arena_dup(&id->arena, services[i].name);
        if (id->groups_state == GROUPS_ABSENT)
            id->groups_state = GROUPS_KNOWN;
        return true;
    }
    return false;
}
