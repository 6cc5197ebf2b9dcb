/* The built-in issuer: what it is made of, and what it answers to a fetch. See builtin.h. */
#include "authn/builtin_impl.h"

#include <stdlib.h>

#include "base/secret.h"

static const char *const codes[] = {
#define X(id, code, text) code,
    BUILTIN_VERDICTS(X)
#undef X
};
static const char *const texts[] = {
#define X(id, code, text) text,
    BUILTIN_VERDICTS(X)
#undef X
};

const char *builtin_verdict_code(enum builtin_verdict v)
{
    return codes[v < BUILTIN_VERDICT_COUNT ? v : BUILTIN_REFUSED];
}

const char *builtin_verdict_text(enum builtin_verdict v)
{
    return texts[v < BUILTIN_VERDICT_COUNT ? v : BUILTIN_REFUSED];
}

/* ---- birth and end ---- */

/* A person mistypes a password now and then; an office shares one address. Five wrong ones are
 * free, and then it is 5 minutes at most for an account, as whoever wants to lock somebody out
 * should not be able to do it for long. */
static const struct throttle_rule account_rule = {.free = 5, .max_s = 300, .memory_s = 3600};
static const struct throttle_rule address_rule = {.free = 30, .max_s = 900, .memory_s = 3600};
static const struct throttle_rule mail_rule = {.free = 3, .max_s = 1800, .memory_s = 7200};

static void keys_finish(struct builtin_keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        builtin_key_finish(&k->keys[i]);
    free(k->keys);
    keyset_unref(&k->keyset);
    arena_finish(&k->arena);
    *k = (struct builtin_keys){.keys = NULL};
}

static bool read_keys(struct builtin_keys *k, const str *pems, size_t n, struct fail *fail)
{
    if (!n)
        return fail_set(fail, FAIL_CRYPTO, "the built-in issuer has no key");
    k->keys = mem_alloc(n * sizeof *k->keys);
    for (; k->n < n; k->n++)
        if (!builtin_key_read(&k->keys[k->n], pems[k->n], fail)) {
            builtin_key_finish(&k->keys[k->n]);
            return false;
        }
    k->jwks = builtin_keys_json(k->keys, k->n, &k->arena);
    k->keyset = keyset_parse(k->jwks, fail);
    return k->keyset != NULL;
}

bool builtin_set_keys(struct builtin *b, const str *pems, size_t n, struct fail *fail)
{
    struct builtin_keys next = {.n = 0};
    arena_init(&next.arena, NULL, 0);
    if (!read_keys(&next, pems, n, fail)) {
        keys_finish(&next);
        return false;
    }
    keys_finish(&b->keys);
    b->keys = next;
    return true;
}

struct builtin *builtin_create(const struct builtin_options *o, struct fail *fail)
{
    struct builtin *b = mem_alloc(sizeof *b);

    arena_init(&b->arena, NULL, 0);
    b->issuer = arena_dup(&b->arena, o->issuer);
    b->client_id = arena_dup(&b->arena, o->client_id);
    b->redirect_uri = arena_dup(&b->arena, o->redirect_uri);
    b->token_audience = arena_printf(&b->arena, "%.*s/token", STR_ARG(o->issuer));
    b->tickets = mem_alloc(BUILTIN_TICKETS * sizeof *b->tickets);
    b->codes = mem_alloc(BUILTIN_CODES * sizeof *b->codes);
    throttle_init(&b->accounts, account_rule);
    throttle_init(&b->addresses, address_rule);
    throttle_init(&b->mails, mail_rule);
    if (!builtin_set_keys(b, o->key_pems, o->n_keys, fail))
        builtin_destroy(&b);
    return b;
}

void builtin_destroy(struct builtin **builtin)
{
    struct builtin *b = *builtin;

    *builtin = NULL;
    if (!b)
        return;
    for (size_t i = 0; i < BUILTIN_TICKETS; i++)
        builtin_ticket_drop(&b->tickets[i]);
    for (size_t i = 0; i < BUILTIN_CODES; i++)
        builtin_code_drop(&b->codes[i]);
    keys_finish(&b->keys);
    free(b->tickets);
    free(b->codes);
    throttle_finish(&b->accounts);
    throttle_finish(&b->addresses);
    throttle_finish(&b->mails);
    builtin_users_unref(&b->users);
    arena_finish(&b->arena);
    free(b);
}

void builtin_set_users(struct builtin *b, const struct builtin_users *users)
{
    struct builtin_users *old = b->users;

    b->users = users ? builtin_users_ref(users) : NULL;
    builtin_users_unref(&old);
}

/* ---- fetches ---- */

static void write_list(struct jout *j, str name, const char *const *items)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (; *items; items++)
        jout_str(j, str_of(*items));
    jout_close(j, ']');
}

static void write_endpoint(struct jout *j, const struct builtin *b, str name, const char *path,
                           struct arena *a)
{
    jout_kstr(j, name, arena_printf(a, "%.*s%s", STR_ARG(b->issuer), path));
}

/* OpenID Connect Discovery 1.0, section 3. */
static void discovery(struct builtin *b, struct arena *a, struct builtin_answer *out)
{
    static const struct {
        str name;
        const char *items[6];
    } lists[] = {
        {STR("response_types_supported"), {"code"}},
        {STR("response_modes_supported"), {"query"}},
        {STR("grant_types_supported"), {"authorization_code", "refresh_token"}},
        {STR("subject_types_supported"), {"public"}},
        {STR("id_token_signing_alg_values_supported"), {"ES256"}},
        {STR("token_endpoint_auth_methods_supported"), {"none"}},
        {STR("code_challenge_methods_supported"), {"S256"}},
        {STR("scopes_supported"), {"openid", "profile", "email", "groups", "offline_access"}},
    };
    size_t room = 4 * JOUT_ESCAPED_MAX(b->issuer.n) + 2048;
    struct jout j;

    jout_init(&j, arena_text(a, room), room);
    jout_open(&j, '{');
    jout_kstr(&j, STR("issuer"), b->issuer);
    write_endpoint(&j, b, STR("authorization_endpoint"), "/authorize", a);
    write_endpoint(&j, b, STR("token_endpoint"), "/token", a);
    write_endpoint(&j, b, STR("jwks_uri"), "/jwks.json", a);
    jout_kbool(&j, STR("authorization_response_iss_parameter_supported"), true);
    jout_kbool(&j, STR("request_parameter_supported"), false);
    jout_kbool(&j, STR("request_uri_parameter_supported"), false);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        write_list(&j, lists[i].name, lists[i].items);
    jout_close(&j, '}');
    *out = (struct builtin_answer){200, STR("application/json"), jout_text(&j)};
}

bool builtin_owns(const struct builtin *b, str url)
{
    return str_starts(url, b->issuer) && url.n > b->issuer.n && url.p[b->issuer.n] == '/';
}

static void error(struct builtin_answer *out, int status)
{
    *out = (struct builtin_answer){status, STR("application/json"), STR("{}")};
}

void builtin_fetch(struct builtin *b, str url, str body, str authorization, int64_t now_s,
                   struct arena *a, struct builtin_answer *out)
{
    str path = builtin_owns(b, url) ? str_from(url, b->issuer.n) : STR("");
    bool is_token = str_eq(path, STR("/token"));

    if (is_token && body.p)
        builtin_token(b, body, authorization, now_s, a, out);
    else if (is_token || body.p)
        error(out, 405);
    else if (str_eq(path, STR("/.well-known/openid-configuration")))
        discovery(b, a, out);
    else if (str_eq(path, STR("/jwks.json")))
        *out = (struct builtin_answer){200, STR("application/json"), arena_dup(a, b->keys.jwks)};
    else
        error(out, 404);
}
