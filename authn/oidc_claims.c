/* The claims of a session: made of an ID token and userinfo, read back as an identity.
 *
 * They are one flat JSON object, so that a stored session reads like a token. Which of them came
 * from userinfo stands beside them under OURS, a name that no provider can set: when a refresh
 * brings userinfo but no new ID token, what userinfo no longer says must go. */
#include "authn/oidc_inner.h"

#include <stdlib.h>

#include "authn/claims.h"
#include "base/jout.h"

#define OURS STR("_userinfo")

static bool is_among(str s, const char *const *names)
{
    for (; *names; names++)
        if (str_eq(s, str_of(*names)))
            return true;
    return false;
}

/* What only the signed token may say: who vouches, for whom, when and how the person signed in. */
static bool is_protocol(str name)
{
    static const char *const names[] = {
        "iss", "sub", "aud", "exp",     "iat",    "nbf",    "jti", "azp",    "auth_time", "nonce",
        "acr", "amr", "sid", "at_hash", "c_hash", "s_hash", "cnf", "events", NULL};
    return is_among(name, names) || str_eq(name, OURS);
}

static const struct jnode *member(const struct jnode *object, str name)
{
    for (const struct jnode *m = object ? object->first : NULL; m; m = m->next)
        if (str_eq(m->name, name))
            return m;
    return NULL;
}

/* Deep as jread let it be. */
static void put_value(struct jout *j, const struct jnode *node)
{
    switch (node->kind) {
    case J_STRING:
        jout_str(j, node->text);
        return;
    case J_OBJECT:
    case J_LIST:
        jout_open(j, node->kind == J_OBJECT ? '{' : '[');
        for (const struct jnode *m = node->first; m; m = m->next) {
            if (node->kind == J_OBJECT)
                jout_key_text(j, m->name);
            put_value(j, m);
        }
        jout_close(j, node->kind == J_OBJECT ? '}' : ']');
        return;
    default:
        jout_raw(j, node->text); /* as written: rules compare numbers so */
    }
}

static void put_member(struct jout *j, const struct jnode *m)
{
    jout_key_text(j, m->name);
    put_value(j, m);
}

/* One object under construction, in a buffer that is as long as claims may be. */
struct writing {
    struct jout j;
    char *buffer;
};

static void writing_begin(struct writing *w)
{
    w->buffer = mem_alloc(OIDC_MAX_CLAIMS);
    jout_init(&w->j, w->buffer, OIDC_MAX_CLAIMS);
    jout_open(&w->j, '{');
}

static bool writing_end(struct writing *w, struct arena *a, str *out)
{
    jout_close(&w->j, '}');
    bool is_good = !w->j.overflow;
    if (is_good)
        *out = arena_dup(a, jout_text(&w->j));
    free(w->buffer);
    return is_good;
}

static const struct jnode *read_claims(struct arena *scratch, str claims)
{
    if (claims.n > OIDC_MAX_CLAIMS)
        return NULL;
    str copy = arena_dup(scratch, claims);
    return jread_object(scratch, (char *)copy.p, copy.n, NULL);
}

/* ---- from an ID token ------------------------------------------------------------------------ */

/* Core, 12.2: auth_time stays that of the original sign-in; a refresh proves no newer one. */
static const struct jnode *older(const struct jnode *a, const struct jnode *b)
{
    double at, bt;
    if (!b || !claims_time(b, &bt))
        return a;
    return !claims_time(a, &at) || bt < at ? b : a;
}

static void put_token(struct jout *j, const struct jnode *payload, const struct jnode *old)
{
    static const char *const kept[] = {"auth_time", "acr", "amr", "sid", NULL};
    for (const struct jnode *m = payload->first; m; m = m->next) {
        if (str_eq(m->name, OURS))
            continue;
        put_member(j, str_eq(m->name, STR("auth_time")) ? older(m, member(old, m->name)) : m);
    }
    for (const char *const *name = kept; *name; name++) {
        const struct jnode *before = member(old, str_of(*name));
        if (before && !member(payload, str_of(*name)))
            put_member(j, before);
    }
}

bool oidc_claims_of_token(struct arena *a, str token, str old, str *out)
{
    struct arena scratch;
    struct writing w;
    arena_init(&scratch, NULL, 0);
    const struct jnode *payload = oidc_payload(&scratch, token);
    bool is_good = payload != NULL;
    if (is_good) {
        writing_begin(&w);
        put_token(&w.j, payload, read_claims(&scratch, old));
        is_good = writing_end(&w, a, out);
    }
    arena_finish(&scratch);
    return is_good;
}

/* ---- userinfo beside it -----------------------------------------------------------------------
 */

struct merge {
    const struct jnode *base, *info, *ours; /* ours: names that came from userinfo before */
    str email;                              /* the claim that is the address */
};

static bool is_stale(const struct merge *m, str name)
{
    if (!jread_is_texts(m->ours))
        return false;
    for (const struct jnode *one = m->ours->first; one; one = one->next)
        if (str_eq(one->text, name))
            return true;
    return false;
}

/* An address and the word that it was verified come from one place, else one could vouch for an
 * address that the other holds. */
static bool address_is_infos(const struct merge *m)
{
    return member(m->info, m->email) && (is_stale(m, m->email) || !member(m->base, m->email));
}

static const struct jnode *of_token(const struct merge *m, str name)
{
    if (is_stale(m, name) || (str_eq(name, STR("email_verified")) && address_is_infos(m)))
        return NULL;
    return member(m->base, name);
}

static bool is_same_text(const struct jnode *a, const struct jnode *b)
{
    return a && b && a->kind == J_STRING && b->kind == J_STRING && str_eq(a->text, b->text);
}

static bool is_taken(const struct merge *m, str name)
{
    if (is_protocol(name) || of_token(m, name))
        return false;
    return !str_eq(name, STR("email_verified")) || !of_token(m, m->email) ||
           is_same_text(of_token(m, m->email), member(m->info, m->email));
}

static void put_merged(struct jout *j, const struct merge *m)
{
    for (const struct jnode *c = m->base->first; c; c = c->next)
        if (of_token(m, c->name) && !str_eq(c->name, OURS))
            put_member(j, c);
    for (const struct jnode *c = m->info->first; c; c = c->next)
        if (is_taken(m, c->name))
            put_member(j, c);
    jout_key(j, OURS);
    jout_open(j, '[');
    for (const struct jnode *c = m->info->first; c; c = c->next)
        if (is_taken(m, c->name))
            jout_str(j, c->name);
    jout_close(j, ']');
}

enum oidc_verdict oidc_claims_add(struct arena *a, const struct issuer *issuer, str claims,
                                  str content_type, str userinfo, str subject, str *out)
{
    struct arena scratch;
    struct writing w;
    bool is_good = false;
    arena_init(&scratch, NULL, 0);
    struct merge m = {.base = read_claims(&scratch, claims),
                      .info = oidc_answer_open(&scratch, content_type, userinfo),
                      .email = issuer->email_claim.p ? issuer->email_claim : STR("email")};
    str sub = jread_text(m.info, "sub");
    /* Core, 5.3.2: else an access token that was slipped in would lend another's claims. */
    if (m.base && m.info && sub.p && str_eq(sub, subject)) {
        m.ours = member(m.base, OURS);
        writing_begin(&w);
        put_merged(&w.j, &m);
        is_good = writing_end(&w, a, out);
    }
    arena_finish(&scratch);
    return is_good ? OIDC_OK : OIDC_USERINFO;
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static void hide_ours(struct jnode *root)
{
    for (struct jnode **m = &root->first; *m; m = &(*m)->next) {
        if (str_eq((*m)->name, OURS)) {
            *m = (*m)->next;
            root->n--;
            return;
        }
    }
}

static bool claims_are_sound(const struct issuer *issuer, const struct jnode *root,
                             bool has_control)
{
    str iss = jread_text(root, "iss"), sub = jread_text(root, "sub");
    return root && !has_control && iss.n > 0 && str_eq(iss, issuer->issuer) && sub.n > 0 &&
           sub.n <= TOKEN_MAX_SUBJECT;
}

/* The kid lies before the claims in one buffer, since an identity keeps one copy of all texts. */
struct identity *identity_from_claims(const struct issuer *issuer, str claims, struct fail *fail)
{
    static const str kid = {"session", 7};
    struct arena scratch;
    struct identity *id = NULL;
    bool has_control = false;
    if (claims.n > OIDC_MAX_CLAIMS) {
        fail_set(fail, FAIL_LIMIT, "the session's claims have %zu bytes, at most %d are read",
                 claims.n, OIDC_MAX_CLAIMS);
        return NULL;
    }
    arena_init(&scratch, NULL, 0);
    char *text = arena_text(&scratch, kid.n + claims.n + 1);
    memcpy(text, kid.p, kid.n);
    if (claims.n)
        memcpy(text + kid.n, claims.p, claims.n);
    struct jnode *root = jread_object(&scratch, text + kid.n, claims.n, &has_control);
    if (claims_are_sound(issuer, root, has_control)) {
        hide_ours(root);
        id = identity_build(&(struct claims_source){.issuer = issuer,
                                                    .payload = root,
                                                    .kid = {text, kid.n},
                                                    .text = text,
                                                    .n_text = kid.n + claims.n});
    } else {
        fail_set(fail, FAIL_INPUT,
                 "the session's claims are not one object of strict JSON with iss \"%.*s\" and a "
                 "sub",
                 STR_ARG(issuer->issuer));
    }
    arena_finish(&scratch);
    return id;
}
