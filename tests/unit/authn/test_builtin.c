/* The built-in issuer as a provider: requests, tickets, codes and tokens. */
#include "builtin_kit.h"

#include <stdio.h>

#include "authn/jread.h"
#include "base/encode.h"

enum { NOW = 1800000000 };

/* ---- requests ---- */

static void takes_its_own_client_s_request_alone(void **state)
{
    static const struct {
        const char *old, *new; /* what is changed in KIT_QUERY */
        bool wanted;
    } rows[] = {
        {"s-1", "s-2", true},
        {"scope=openid%20email", "scope=email+openid", true},
        {"&nonce", "&login_hint=kim%40acme.example&nonce", true},
        {"&nonce", "&max_age=0&acr_values=x&ui_locales=de&response_mode=query&nonce", true},
        {"&nonce", "&prompt=login&nonce", true},
        {"client_id=postern", "client_id=Postern", false},
        {"client_id=postern", "client_id=", false},
        {"client_id=postern&", "", false},
        {"client_id=postern", "client_id=postern&client_id=postern", false},
        {"callback&", "callback%2F&", false},
        {"callback&", "callback%3Fx&", false},
        {"https%3A", "http%3A", false},
        {"https%3A", "HTTPS%3A", false},
        {"redirect_uri", "redirect_url", false},
        {"response_type=code", "response_type=token", false},
        {"response_type=code", "response_type=code%20id_token", false},
        {"response_type=code&", "", false},
        {"S256", "plain", false},
        {"&code_challenge_method=S256", "", false},
        {"code_challenge=", "code_challenge=x", false},
        {"code_challenge=E", "code_challenge=", false},
        {"code_challenge=E", "code_challenge=%2B", false},
        {"code_challenge=" KIT_CHALLENGE "&", "", false},
        {"scope=openid", "scope=openidx", false},
        {"scope=openid%20email&", "", false},
        {"state=s-1&", "", false},
        {"state=s-1", "state=", false},
        {"state=s-1", "state=a%00b", false},
        {"state=s-1", "state=a%0Ab", false},
        {"state=s-1", "state=%FF", false},
        {"state=s-1", "state=%", false},
        {"nonce=n-1&", "", false},
        {"&nonce", "&response_mode=fragment&nonce", false},
        {"&nonce", "&prompt=none&nonce", false},
        {"&nonce", "&request=e30&nonce", false},
        {"&nonce", "&request_uri=https%3A%2F%2Fx&nonce", false},
    };
    struct builtin *b = kit_issuer();
    char ticket[BUILTIN_TICKET_CHARS];
    for (size_t i = 0; i < ROWS(rows); i++) {
        char query[1024];
        const char *at = strstr(KIT_QUERY, rows[i].old);
        assert_row(rows[i].new, at != NULL);
        snprintf(query, sizeof query, "%.*s%s%s", (int)(at - KIT_QUERY), KIT_QUERY, rows[i].new,
                 at + strlen(rows[i].old));
        enum builtin_verdict v = builtin_authorize(b, str_of(query), NULL, NOW, ticket);
        assert_row(rows[i].new, v == (rows[i].wanted ? BUILTIN_OK : BUILTIN_REQUEST));
    }
    assert_int_equal(builtin_authorize(b, STR(""), NULL, NOW, ticket), BUILTIN_REQUEST);
    assert_int_equal(builtin_authorize(b, (str){NULL, 0}, NULL, NOW, ticket), BUILTIN_REQUEST);
    builtin_destroy(&b);
}

static void a_hint_comes_back_with_the_ticket(void **state)
{
    struct builtin *b = kit_issuer();
    char text[BUILTIN_TICKET_CHARS];
    assert_int_equal(
        builtin_authorize(b, STR(KIT_QUERY "&login_hint=kim%40acme.example"), NULL, NOW, text),
        BUILTIN_OK);
    assert_true(str_eq(builtin_ticket_hint(b, (str){text, sizeof text}), STR("kim@acme.example")));
    assert_null(builtin_ticket_hint(b, kit_ticket(b, NOW)).p);
    assert_null(builtin_ticket_hint(b, STR("")).p);
    builtin_destroy(&b);
}

static void a_ticket_is_used_once_and_grows_old(void **state)
{
    struct builtin *b = kit_issuer();
    str url, ticket = kit_ticket(b, NOW);
    assert_int_equal(kit_sign_in(b, ticket, "kim@acme.example", true, NOW + 599, &url), BUILTIN_OK);
    assert_int_equal(kit_sign_in(b, ticket, "kim@acme.example", true, NOW + 599, &url),
                     BUILTIN_TICKET);
    ticket = kit_ticket(b, NOW);
    assert_int_equal(kit_sign_in(b, ticket, "kim@acme.example", true, NOW + 600, &url),
                     BUILTIN_TICKET);
    assert_int_equal(kit_sign_in(b, STR(""), "kim@acme.example", true, NOW, &url), BUILTIN_TICKET);
    assert_int_equal(kit_sign_in(b, STR(KIT_CHALLENGE), "kim@acme.example", true, NOW, &url),
                     BUILTIN_TICKET);
    builtin_destroy(&b);
}

/* Bounded; and who has an eighth of all pushes out his own. */
static void a_flood_of_tickets_washes_away_its_own(void **state)
{
    struct builtin *b = kit_issuer();
    struct addr home, away, at;
    char text[BUILTIN_TICKET_CHARS], first[BUILTIN_TICKET_CHARS], other[BUILTIN_TICKET_CHARS];
    str ticket = {text, sizeof text}, url;
    assert_true(addr_parse(STR("2001:db8:1::1"), &home) && addr_parse(STR("198.51.100.7"), &away));
    builtin_authorize(b, STR(KIT_QUERY), &home, NOW, text);
    builtin_authorize(b, STR(KIT_QUERY), &away, NOW, first);
    for (int i = 0; i < 10000; i++)
        builtin_authorize(b, STR(KIT_QUERY), &away, NOW, other);
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", false, NOW, &url), BUILTIN_REFUSED);
    assert_int_equal(
        kit_sign_in(b, (str){first, sizeof first}, "eva@corp.example", true, NOW, &url),
        BUILTIN_TICKET);
    /* From everywhere at once the oldest goes. */
    for (int i = 0; i < 4096; i++) {
        char name[24];
        snprintf(name, sizeof name, "10.%d.%d.1", i >> 8, i & 255);
        assert_true(addr_parse(str_of(name), &at));
        builtin_authorize(b, STR(KIT_QUERY), &at, NOW, other);
    }
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", true, NOW, &url), BUILTIN_TICKET);
    builtin_destroy(&b);
}

/* ---- codes and tokens ---- */

static void a_person_becomes_an_identity(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    assert_int_equal(kit_sign_in(b, kit_ticket(b, NOW), "KIM@acme.example", true, NOW, &url),
                     BUILTIN_OK);
    assert_true(str_starts(url, STR(KIT_CALLBACK "?code=")));
    assert_true(str_eq(kit_parameter(url, "state"), STR("s-1")));
    assert_true(str_eq(kit_parameter(url, "iss"), STR(KIT_ISSUER)));
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW + 5);
    assert_int_equal(out.status, 200);
    assert_true(str_eq(kit_member(out.body, "token_type"), STR("Bearer")));

    struct identity *id = NULL;
    str token = kit_member(out.body, "id_token");
    assert_verdict("id", kit_verify(b, token, TOKEN_KIND_ID, NOW + 5, &id), TOKEN_OK);
    assert_true(str_eq(id->email, STR("kim@acme.example")) && id->email_counts);
    assert_true(str_eq(id->nonce, STR("n-1")));
    assert_int_equal(id->auth_time_s, NOW);
    assert_int_equal(id->exp_s, NOW + 5 + 600);
    assert_true(id->n_amr == 1 && str_eq(id->amr[0], STR("pwd")));
    assert_true(id->groups_state == GROUPS_KNOWN && id->n_groups == 1 &&
                str_eq(id->groups[0], STR("contractors")));
    assert_true(str_eq(identity_claim(id, STR("name"))->text, STR("Kim Lee")));
    static const struct {
        const char *name, *text;
        enum claim_kind kind;
    } claims[] = {{"company", "Acme \"x\"", CLAIM_STRING},
                  {"level", "3", CLAIM_NUMBER},
                  {"ratio", "1.10", CLAIM_STRING},
                  {"ok", "true", CLAIM_BOOL}};
    for (size_t i = 0; i < ROWS(claims); i++) {
        const struct claim *c = identity_claim(id, str_of(claims[i].name));
        assert_row(claims[i].name, c && c->kind == claims[i].kind);
        assert_row(claims[i].name, str_eq(c->text, str_of(claims[i].text)));
    }
    assert_int_equal(identity_claim(id, STR("list"))->n_items, 2);

    unsigned char digest[32];
    char half[22];
    str access = kit_member(out.body, "access_token");
    assert_int_equal(EVP_Digest(access.p, access.n, digest, NULL, EVP_sha256(), NULL), 1);
    base64url_encode((str){(char *)digest, 16}, half);
    assert_true(str_eq(identity_claim(id, STR("at_hash"))->text, (str){half, 22}));
    identity_unref(&id);
    builtin_destroy(&b);
}

static void no_groups_are_said_aloud(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    struct identity *id = NULL;
    kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url);
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW);
    assert_verdict("id", kit_verify(b, kit_member(out.body, "id_token"), TOKEN_KIND_ID, NOW, &id),
                   TOKEN_OK);
    assert_true(id->groups_state == GROUPS_KNOWN && id->n_groups == 0);
    assert_null(identity_claim(id, STR("name")));
    identity_unref(&id);
    builtin_destroy(&b);
}

static void a_code_is_bound_to_all_that_it_came_from(void **state)
{
    static const struct {
        const char *name, *field, *value; /* the field that is changed; value NULL: left out */
        int64_t after_s;
        const char *error; /* NULL: tokens */
    } rows[] = {
        {"good", "", "", 59, NULL},
        {"late", "", "", 60, "invalid_grant"},
        {"other code", "code", KIT_CHALLENGE, 0, "invalid_grant"},
        {"no code", "code", NULL, 0, "invalid_grant"},
        {"other verifier", "code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX", 0,
         "invalid_grant"},
        {"the challenge", "code_verifier", KIT_CHALLENGE, 0, "invalid_grant"},
        {"short verifier", "code_verifier", "abc", 0, "invalid_grant"},
        {"no verifier", "code_verifier", NULL, 0, "invalid_grant"},
        {"other redirect_uri", "redirect_uri", KIT_CALLBACK "/", 0, "invalid_grant"},
        {"no redirect_uri", "redirect_uri", NULL, 0, "invalid_grant"},
        {"other client", "client_id", "other", 0, "invalid_client"},
        {"no client", "client_id", NULL, 0, "invalid_client"},
        {"other grant", "grant_type", "password", 0, "unsupported_grant_type"},
        {"no grant", "grant_type", NULL, 0, "invalid_request"},
    };
    struct builtin *b = kit_issuer();
    for (size_t i = 0; i < ROWS(rows); i++) {
        str url;
        kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url);
        const char *fields[][2] = {{"grant_type", "authorization_code"},
                                   {"code", kit_parameter(url, "code").p},
                                   {"client_id", "postern"},
                                   {"redirect_uri", KIT_CALLBACK},
                                   {"code_verifier", KIT_VERIFIER}};
        char body[1024] = "";
        for (size_t k = 0; k < ROWS(fields); k++) {
            const char *value =
                strcmp(fields[k][0], rows[i].field) == 0 ? rows[i].value : fields[k][1];
            if (value)
                snprintf(body + strlen(body), sizeof body - strlen(body), "&%s=%s", fields[k][0],
                         value);
        }
        struct builtin_answer out = kit_token(b, str_of(body), NOW + rows[i].after_s);
        if (!rows[i].error) {
            assert_row(rows[i].name, out.status == 200);
            continue;
        }
        assert_row(rows[i].name, out.status == 400 || out.status == 401);
        assert_row(rows[i].name, str_eq(kit_member(out.body, "error"), str_of(rows[i].error)));
    }
    builtin_destroy(&b);
}

static void a_code_is_tried_once(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url);
    str code = kit_parameter(url, "code");
    assert_int_equal(kit_redeem(b, code, NOW).status, 200);
    assert_int_equal(kit_redeem(b, code, NOW).status, 400);
    /* Also when the first try was somebody's who had no verifier. */
    kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url);
    code = kit_parameter(url, "code");
    str body = arena_printf(&kit_arena,
                            "grant_type=authorization_code&client_id=postern&code=%.*s"
                            "&redirect_uri=" KIT_CALLBACK "&code_verifier=" KIT_CHALLENGE,
                            STR_ARG(code));
    assert_int_equal(kit_token(b, body, NOW).status, 400);
    assert_int_equal(kit_redeem(b, code, NOW).status, 400);
    builtin_destroy(&b);
}

static void who_is_gone_gets_nothing(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    assert_int_equal(kit_sign_in(b, kit_ticket(b, NOW), "out@corp.example", true, NOW, &url),
                     BUILTIN_DISABLED);
    assert_int_equal(kit_sign_in(b, kit_ticket(b, NOW), "out@corp.example", false, NOW, &url),
                     BUILTIN_REFUSED); /* who does not know the password learns nothing */
    /* Removed or changed while the password was being checked. */
    const struct builtin_user *user;
    str ticket = kit_ticket(b, NOW);
    struct builtin_user held;
    builtin_attempt(b, ticket, STR("eva@corp.example"), &kit_here, NOW, &user);
    held = *user;
    held.email = arena_dup(&kit_arena, user->email);
    held.password = STR("$scrypt$another");
    assert_int_equal(builtin_grant(b, ticket, &held, STR("pwd"), NOW, &kit_arena, &url),
                     BUILTIN_REFUSED);
    held.password = arena_dup(&kit_arena, user->password);
    assert_int_equal(builtin_grant(b, ticket, &held, STR("root"), NOW, &kit_arena, &url),
                     BUILTIN_REFUSED);
    kit_set_users(b, "version: 1\nusers: {}\n");
    assert_int_equal(builtin_grant(b, ticket, &held, STR("pwd"), NOW, &kit_arena, &url),
                     BUILTIN_REFUSED);
    assert_int_equal(builtin_grant(b, ticket, NULL, STR("pwd"), NOW, &kit_arena, &url),
                     BUILTIN_REFUSED);
    /* Between the code and the tokens. */
    kit_set_users(b, KIT_USERS);
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", true, NOW, &url), BUILTIN_OK);
    kit_set_users(b, "version: 1\nusers:\n  eva@corp.example: {disabled: true}\n");
    assert_int_equal(kit_redeem(b, kit_parameter(url, "code"), NOW).status, 400);
    builtin_set_users(b, NULL);
    assert_int_equal(kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url),
                     BUILTIN_REFUSED);
    builtin_destroy(&b);
}

/* ---- refresh ---- */

static str first_refresh(struct builtin *b, const char *email)
{
    str url;
    kit_sign_in(b, kit_ticket(b, NOW), email, true, NOW, &url);
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW);
    assert_int_equal(out.status, 200);
    return kit_member(out.body, "refresh_token");
}

static void a_session_is_refreshed_beyond_a_restart(void **state)
{
    struct builtin *b = kit_issuer();
    str refresh = first_refresh(b, "kim@acme.example");
    builtin_destroy(&b);
    b = kit_issuer();
    kit_set_users(b,
                  "version: 1\nusers:\n  kim@acme.example: {groups: [staff], password: \"" KIT_HASH
                  "\"}\n");
    for (int i = 1; i <= 3; i++) {
        struct identity *id = NULL;
        struct builtin_answer out = kit_refresh(b, refresh, NOW + 600 * i);
        assert_int_equal(out.status, 200);
        assert_verdict(
            "id",
            kit_verify(b, kit_member(out.body, "id_token"), TOKEN_KIND_ID, NOW + 600 * i, &id),
            TOKEN_OK);
        assert_int_equal(id->auth_time_s, NOW);
        assert_null(id->nonce.p);
        assert_true(str_eq(id->amr[0], STR("pwd")));
        assert_true(str_eq(id->groups[0], STR("staff")));
        identity_unref(&id);
        refresh = kit_member(out.body, "refresh_token");
    }
    builtin_destroy(&b);
}

static void a_refresh_ends_with_the_account(void **state)
{
#define ONE(rest) "version: 1\nusers:\n  kim@acme.example: {" rest "}\n"
    static const struct {
        const char *users;
        int64_t after_s;
        int status;
    } rows[] = {
        {ONE("password: \"" KIT_HASH "\""), BUILTIN_REFRESH_S - 1, 200},
        {ONE("password: \"" KIT_HASH "\""), BUILTIN_REFRESH_S, 400},
        {ONE("password: \"" KIT_HASH "\", groups: [x], name: y, pin: true"), 0, 200},
        {ONE("password: \"" KIT_HASH "\", disabled: true"), 0, 400},
        {ONE("password: \"" KIT_HASH "\", subject: other"), 0, 400},
        {ONE("pin: true"), 0, 400},
        {ONE("password: "
             "\"$scrypt$ln=15,r=8,p=1$BBECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhM\""),
         0, 400},
        {"version: 1\nusers: {}\n", 0, 400},
    };
    struct builtin *b = kit_issuer();
    str refresh = first_refresh(b, "kim@acme.example");
    for (size_t i = 0; i < ROWS(rows); i++) {
        kit_set_users(b, rows[i].users);
        struct builtin_answer out = kit_refresh(b, refresh, NOW + rows[i].after_s);
        assert_row(rows[i].users, out.status == rows[i].status);
        assert_row(rows[i].users, out.status == 200 ||
                                      str_eq(kit_member(out.body, "error"), STR("invalid_grant")));
    }
    builtin_destroy(&b);
}

static void tokens_do_not_stand_for_each_other(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    struct identity *id = NULL;
    kit_sign_in(b, kit_ticket(b, NOW), "kim@acme.example", true, NOW, &url);
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW);
    str refresh = kit_member(out.body, "refresh_token"), token = kit_member(out.body, "id_token");
    assert_verdict("id", kit_verify(b, refresh, TOKEN_KIND_ID, NOW, &id), TOKEN_AUDIENCE);
    assert_verdict("access", kit_verify(b, refresh, TOKEN_KIND_ACCESS, NOW, &id), TOKEN_AUDIENCE);
    assert_int_equal(kit_refresh(b, token, NOW).status, 400);
    assert_int_equal(kit_refresh(b, kit_member(out.body, "access_token"), NOW).status, 400);
    assert_int_equal(kit_refresh(b, STR(""), NOW).status, 400);
    char *changed = (char *)arena_dup(&kit_arena, refresh).p;
    changed[refresh.n / 2] = changed[refresh.n / 2] == 'A' ? 'B' : 'A';
    assert_int_equal(kit_refresh(b, (str){changed, refresh.n}, NOW).status, 400);
    /* Of another issuer's key. */
    struct builtin *other = kit_issuer_with(1, 1);
    assert_int_equal(kit_refresh(other, refresh, NOW).status, 400);
    builtin_destroy(&other);
    builtin_destroy(&b);
}

/* Whatever claims the file gives somebody, his ID token does not refresh. */
static void claims_make_no_refresh_token(void **state)
{
    struct builtin *b = kit_issuer();
    str refresh = first_refresh(b, "kim@acme.example"), url;
    str rest = str_from(refresh, str_find(refresh, '.') + 1);
    str part = str_upto(rest, str_find(rest, '.'));
    unsigned char *bytes = arena_alloc(&kit_arena, part.n);
    size_t n;
    assert_true(base64url_decode(part, bytes, &n));
    str mark = kit_member((str){(char *)bytes, n}, "mark");
    kit_set_users(b,
                  arena_printf(&kit_arena,
                               "version: 1\nusers:\n  kim@acme.example:\n    password: \"" KIT_HASH
                               "\"\n    claims: {mark: \"%.*s\", way: pwd}\n",
                               STR_ARG(mark))
                      .p);
    kit_sign_in(b, kit_ticket(b, NOW), "kim@acme.example", true, NOW, &url);
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW);
    assert_int_equal(kit_refresh(b, kit_member(out.body, "refresh_token"), NOW).status, 200);
    assert_int_equal(kit_refresh(b, kit_member(out.body, "id_token"), NOW).status, 400);
    builtin_destroy(&b);
}

static void a_rotated_key_still_verifies(void **state)
{
    struct builtin *old = kit_issuer_with(1, 1), *new = kit_issuer_with(0, 2);
    str refresh = first_refresh(old, "kim@acme.example");
    struct builtin_answer out = kit_refresh(new, refresh, NOW + 1);
    struct identity *id = NULL;
    assert_int_equal(out.status, 200);
    str token = kit_member(out.body, "id_token");
    assert_verdict("old", kit_verify(old, token, TOKEN_KIND_ID, NOW + 1, &id), TOKEN_UNKNOWN_KID);
    assert_verdict("new", kit_verify(new, token, TOKEN_KIND_ID, NOW + 1, &id), TOKEN_OK);
    identity_unref(&id);
    builtin_destroy(&old);
    builtin_destroy(&new);
}

/* r and s are numbers of any length: their places in the signature are not. */
static void every_signature_verifies(void **state)
{
    struct builtin *b = kit_issuer();
    str refresh = first_refresh(b, "kim@acme.example");
    for (int i = 0; i < 600; i++) {
        struct builtin_answer out = kit_refresh(b, refresh, NOW + i);
        assert_int_equal(out.status, 200);
        refresh = kit_member(out.body, "refresh_token");
    }
    builtin_destroy(&b);
}

/* ---- documents ---- */

static void its_documents_are_a_provider_s(void **state)
{
    struct builtin *b = kit_issuer_with(0, 3);
    struct oidc_provider p;
    struct builtin_answer out;
    struct fail fail = {0};
    str none = {NULL, 0};
    builtin_fetch(b, STR(KIT_ISSUER "/.well-known/openid-configuration"), none, none, NOW,
                  &kit_arena, &out);
    assert_int_equal(out.status, 200);
    assert_true(oidc_provider_parse(&kit_arena, out.body, STR(KIT_ISSUER), &p, &fail));
    assert_true(str_eq(p.token_endpoint, STR(KIT_ISSUER "/token")));
    assert_true(str_eq(p.authorization_endpoint, STR(KIT_ISSUER "/authorize")));
    assert_true(p.sends_iss && !p.takes_basic && !p.takes_post && !p.takes_key);
    builtin_fetch(b, p.jwks_uri, none, none, NOW, &kit_arena, &out);
    struct keyset *keys = keyset_parse(out.body, &fail);
    assert_int_equal(keyset_count(keys), 3);
    assert_int_equal(keyset_skipped(keys), 0);
    keyset_unref(&keys);
    assert_false(str_contains(out.body, STR("\"d\"")));
    static const struct {
        const char *url, *body;
        bool is_ours;
        int status;
    } rows[] = {
        {KIT_ISSUER "/token", NULL, true, 405},
        {KIT_ISSUER "/jwks.json", "x", true, 405},
        {KIT_ISSUER "/authorize", NULL, true, 404},
        {KIT_ISSUER "/", NULL, true, 404},
        {KIT_ISSUER "/tokens", "x", true, 405},
        {KIT_ISSUER "/token?x", "x", true, 405},
        {KIT_ISSUER, NULL, false, 404},
        {KIT_ISSUER "x/token", NULL, false, 404},
        {"https://idp.example/token", NULL, false, 404},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_row(rows[i].url, builtin_owns(b, str_of(rows[i].url)) == rows[i].is_ours);
        builtin_fetch(b, str_of(rows[i].url), str_of(rows[i].body), none, NOW, &kit_arena, &out);
        assert_row(rows[i].url, out.status == rows[i].status);
    }
    builtin_fetch(b, p.token_endpoint, STR("client_id=postern"), STR("Basic cG9zdGVybjo="), NOW,
                  &kit_arena, &out);
    assert_int_equal(out.status, 401);
    builtin_destroy(&b);
}

static void a_key_is_p256_or_nothing(void **state)
{
    static const str rows[] = {
        STR(""), STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")};
    for (size_t i = 0; i <= ROWS(rows); i++) {
        struct builtin_options o = {.issuer = STR(KIT_ISSUER),
                                    .client_id = STR("postern"),
                                    .redirect_uri = STR(KIT_CALLBACK),
                                    .key_pems = rows + (i < ROWS(rows) ? i : 0),
                                    .n_keys = i < ROWS(rows)};
        struct fail fail = {0};
        assert_null(builtin_create(&o, &fail));
        assert_int_equal(fail.code, FAIL_CRYPTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_its_own_client_s_request_alone),
        cmocka_unit_test(a_hint_comes_back_with_the_ticket),
        cmocka_unit_test(a_ticket_is_used_once_and_grows_old),
        cmocka_unit_test(a_flood_of_tickets_washes_away_its_own),
        cmocka_unit_test(a_person_becomes_an_identity),
        cmocka_unit_test(no_groups_are_said_aloud),
        cmocka_unit_test(a_code_is_bound_to_all_that_it_came_from),
        cmocka_unit_test(a_code_is_tried_once),
        cmocka_unit_test(who_is_gone_gets_nothing),
        cmocka_unit_test(a_session_is_refreshed_beyond_a_restart),
        cmocka_unit_test(a_refresh_ends_with_the_account),
        cmocka_unit_test(tokens_do_not_stand_for_each_other),
        cmocka_unit_test(claims_make_no_refresh_token),
        cmocka_unit_test(a_rotated_key_still_verifies),
        cmocka_unit_test(every_signature_verifies),
        cmocka_unit_test(its_documents_are_a_provider_s),
        cmocka_unit_test(a_key_is_p256_or_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&kit_arena);
    return failed;
}
