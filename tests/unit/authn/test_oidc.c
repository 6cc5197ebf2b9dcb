/* The steps of a log-in: every way that it may go. */
#include "op.h"

#include <stdio.h>

#define STATE "%STATE%"

/* %STATE% becomes the state of the flow. */
static const char *with_state(const struct op *o, const char *query)
{
    const char *at = strstr(query, STATE);
    if (!at)
        return query;
    return text("%.*s%.*s%s", (int)(at - query), query, STR_ARG(oidc_flow_state(o->flow)),
                at + sizeof STATE - 1)
        .p;
}

static void judges_the_answer_of_the_browser(void **state)
{
    static const struct {
        const char *query;
        bool sends_iss;
        enum oidc_verdict wanted; /* OIDC_INVALID: not ended, the code is asked for */
        const char *error;
    } rows[] = {
        {"code=c&state=" STATE, false, OIDC_INVALID, NULL},
        {"state=" STATE "&code=c&session_state=x.y&scope=openid+email", false, OIDC_INVALID, NULL},
        {"code=c&state=" STATE "&iss=https%3A%2F%2Fidp.example", false, OIDC_INVALID, NULL},
        {"code=c&state=" STATE "&iss=https%3A%2F%2Fidp.example", true, OIDC_INVALID, NULL},
        {"code=c&state=" STATE, true, OIDC_ISS, NULL},
        {"code=c&state=" STATE "&iss=https%3A%2F%2Fevil.example", false, OIDC_ISS, NULL},
        {"code=c&state=" STATE "&iss=https%3A%2F%2Fidp.example%2F", true, OIDC_ISS, NULL},
        {"code=c&state=" STATE "&iss=", true, OIDC_ISS, NULL},
        {"error=access_denied&state=" STATE, true, OIDC_ISS, NULL},
        {"error=access_denied&state=" STATE "&iss=https://idp.example", true, OIDC_DENIED,
         "access_denied"},
        {"error=access_denied&state=" STATE, false, OIDC_DENIED, "access_denied"},
        {"error=access_denied&code=c&state=" STATE, false, OIDC_DENIED, "access_denied"},
        {"error=login_required&state=" STATE, false, OIDC_INTERACTION, "login_required"},
        {"error=interaction_required&state=" STATE, false, OIDC_INTERACTION,
         "interaction_required"},
        {"error=consent_required&state=" STATE, false, OIDC_INTERACTION, "consent_required"},
        {"error=account_selection_required&state=" STATE, false, OIDC_INTERACTION,
         "account_selection_required"},
        {"error=server_error&error_description=a%20b&state=" STATE, false, OIDC_ERROR,
         "server_error"},
        {"error=&state=" STATE, false, OIDC_ERROR, ""},
        {"error=%3Cscript%3E%22&state=" STATE, false, OIDC_ERROR, "?script??"},
        {"state=" STATE, false, OIDC_CODE, NULL},
        {"code=&state=" STATE, false, OIDC_CODE, NULL},
        {"code=c", false, OIDC_STATE, NULL},
        {"code=c&state=", false, OIDC_STATE, NULL},
        {"code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false, OIDC_STATE, NULL},
        {"code=c&state=" STATE "x", false, OIDC_STATE, NULL},
        {"error=access_denied", false, OIDC_STATE, NULL},
        {"", false, OIDC_STATE, NULL},
        {"code=c&code=d&state=" STATE, false, OIDC_ANSWER, NULL},
        {"code=c&state=" STATE "&state=x", false, OIDC_ANSWER, NULL},
        {"code=c&state=" STATE "&iss=a&iss=a", false, OIDC_ANSWER, NULL},
        {"code=c&state=" STATE "&x=%zz", false, OIDC_ANSWER, NULL},
        {"code=c%0d%0aSet-Cookie:%20a&state=" STATE, false, OIDC_ANSWER, NULL},
        {"code=c%00&state=" STATE, false, OIDC_ANSWER, NULL},
        {"code=%ff&state=" STATE, false, OIDC_ANSWER, NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o)->provider.sends_iss = rows[i].sends_iss;
        assert_row(rows[i].query, op_begin(&o, NULL) == OIDC_REDIRECT);
        enum oidc_step step = op_answer(&o, with_state(&o, rows[i].query));
        assert_row(rows[i].query,
                   step == (rows[i].wanted == OIDC_INVALID ? OIDC_FETCH : OIDC_FAILED));
        assert_login(rows[i].query, &o, rows[i].wanted);
        assert_row(rows[i].query, str_eq(oidc_flow_error(o.flow), str_of(rows[i].error)));
        op_finish(&o);
    }
}

static void takes_one_answer(void **state)
{
    struct op o = op_make();
    assert_int_equal(op_to_token(op_settle(&o), NULL), OIDC_FETCH);
    assert_int_equal(op_answer(&o, with_state(&o, "code=c&state=" STATE)), OIDC_FAILED);
    assert_login("second answer", &o, OIDC_STATE);
    /* and what the first one had begun comes to nothing */
    const char *token = op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\"");
    assert_int_equal(op_fetched(&o, 200, "application/json", token_answer(token, "")), OIDC_FAILED);
    assert_login("late", &o, OIDC_STATE);
    /* steps out of order */
    assert_int_equal(oidc_begin(o.flow, &o.client, &o.provider, NOW), OIDC_FAILED);
    op_begin(&o, NULL);
    assert_int_equal(op_fetched(&o, 200, "application/json", "{}"), OIDC_FAILED);
    assert_int_equal(oidc_keys(o.flow, &o.client, &o.provider, o.keys, NOW), OIDC_FAILED);
    op_finish(&o);
}

static void judges_the_id_token(void **state)
{
    static const struct {
        const char *members;
        enum oidc_verdict wanted;
        enum token_verdict token;
    } rows[] = {
        {ID_GOOD ",\"nonce\":\"NONCE\"", OIDC_OK, TOKEN_OK},
        {ID_GOOD, OIDC_NONCE, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"\"", OIDC_NONCE, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"other\"", OIDC_NONCE, TOKEN_OK},
        {ID_GOOD ",\"nonce\":[\"NONCE\"]", OIDC_NONCE, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCEx\"", OIDC_NONCE, TOKEN_OK},
        {"\"iss\":\"https://evil.example\"," ID_AUD "," SUB "," EXP "," IAT ",\"nonce\":\"NONCE\"",
         OIDC_TOKEN, TOKEN_ISSUER},
        {ID_AUD "," SUB "," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_ISSUER},
        /* the issuer's own audiences are for access tokens */
        {ISS ",\"aud\":\"postern\"," SUB "," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN,
         TOKEN_AUDIENCE},
        {ISS "," SUB "," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_AUDIENCE},
        {ISS ",\"aud\":[\"gate\",\"x\"]," SUB "," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN,
         TOKEN_AZP},
        {ISS ",\"aud\":[\"gate\",\"x\"],\"azp\":\"gate\"," SUB "," EXP "," IAT
             ",\"nonce\":\"NONCE\"",
         OIDC_OK, TOKEN_OK},
        {ID_GOOD ",\"azp\":\"gate\",\"nonce\":\"NONCE\"", OIDC_OK, TOKEN_OK},
        {ID_GOOD ",\"azp\":\"other\",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_AZP},
        {ID_GOOD ",\"azp\":1,\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_AZP},
        {ISS "," ID_AUD "," SUB "," EXP ",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_CLAIM},
        {ISS "," ID_AUD "," SUB "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_NO_EXPIRY},
        {ISS "," ID_AUD "," SUB ",\"exp\":1699999999," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN,
         TOKEN_EXPIRED},
        {ISS "," ID_AUD "," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN, TOKEN_SUBJECT},
        {ISS "," ID_AUD ",\"sub\":\"\"," EXP "," IAT ",\"nonce\":\"NONCE\"", OIDC_TOKEN,
         TOKEN_SUBJECT},
        /* at_hash of "at", c_hash of "c0de": left half of SHA-256 */
        {ID_GOOD ",\"nonce\":\"NONCE\",\"at_hash\":\"AT_HASH\"", OIDC_HASH, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"at_hash\":\"S5FG8ApbLeJjdWoWt7PkFw\"", OIDC_HASH,
         TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"at_hash\":1", OIDC_HASH, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"at_hash\":\"\"", OIDC_HASH, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"at_hash\":\"sda5G2fCr6XjIpiNlGJjjQ\"", OIDC_OK, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"c_hash\":\"sda5G2fCr6XjIpiNlGJjjQ\"", OIDC_HASH, TOKEN_OK},
        {ID_GOOD ",\"nonce\":\"NONCE\",\"c_hash\":\"OAO0dgmipGQFRlmxSgzfug\"", OIDC_OK, TOKEN_OK},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o);
        op_to_token(&o, NULL);
        const char *token = op_id_token(&o, rows[i].members);
        enum oidc_step step = op_fetched(&o, 200, "application/json", token_answer(token, ""));
        assert_login(rows[i].members, &o, rows[i].wanted);
        assert_verdict(rows[i].members, oidc_flow_token_verdict(o.flow), rows[i].token);
        assert_row(rows[i].members, step == (rows[i].wanted == OIDC_OK ? OIDC_DONE : OIDC_FAILED));
        assert_row(rows[i].members,
                   (oidc_flow_outcome(o.flow)->identity != NULL) == (step == OIDC_DONE));
        op_finish(&o);
    }
}

static void judges_the_token_endpoint(void **state)
{
#define GOOD_MEMBERS "\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"ID\""
    static const char type[] = "application/json";
    static const struct {
        int status;
        const char *type, *body; /* ID becomes a good ID token */
        enum oidc_verdict wanted;
    } rows[] = {
        {200, type, "{" GOOD_MEMBERS "}", OIDC_OK},
        {200, "Application/JSON; charset=utf-8", "{" GOOD_MEMBERS ",\"scope\":\"openid\"}",
         OIDC_OK},
        {200, type, "{\"token_type\":\"bEARER\",\"access_token\":\"at\",\"id_token\":\"ID\"}",
         OIDC_OK},
        {200, type, "{" GOOD_MEMBERS ",\"refresh_token\":null}", OIDC_OK},
        {201, type, "{" GOOD_MEMBERS "}", OIDC_ERROR},
        {302, type, "{" GOOD_MEMBERS "}", OIDC_ERROR},
        {200, "text/html", "{" GOOD_MEMBERS "}", OIDC_ANSWER},
        {200, "application/jwt", "{" GOOD_MEMBERS "}", OIDC_ANSWER},
        {200, "", "{" GOOD_MEMBERS "}", OIDC_ANSWER},
        {200, type, "{" GOOD_MEMBERS ",\"id_token\":\"ID\"}", OIDC_ANSWER},
        {200, type, "{" GOOD_MEMBERS "} x", OIDC_ANSWER},
        {200, type, "[{" GOOD_MEMBERS "}]", OIDC_ANSWER},
        {200, type, "access_token=at&token_type=Bearer", OIDC_ANSWER},
        {200, type, "", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"id_token\":\"ID\"}", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":\"DPoP\",\"id_token\":\"ID\"}",
         OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":[\"Bearer\"],\"id_token\":\"ID\"}",
         OIDC_ANSWER},
        {200, type, "{\"token_type\":\"Bearer\",\"id_token\":\"ID\"}", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"\",\"token_type\":\"Bearer\",\"id_token\":\"ID\"}",
         OIDC_ANSWER},
        {200, type, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\",\"id_token\":\"ID\"}",
         OIDC_ANSWER},
        {200, type,
         "{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\",\"id_token\":\"ID\"}",
         OIDC_ANSWER},
        {200, type, "{" GOOD_MEMBERS ",\"refresh_token\":1}", OIDC_ANSWER},
        {200, type, "{" GOOD_MEMBERS ",\"refresh_token\":\"\"}", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":\"Bearer\"}", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":null}",
         OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":{}}",
         OIDC_ANSWER},
        {200, type, "{\"error\":\"invalid_grant\"}", OIDC_ANSWER},
        {200, type, "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"a.b.c\"}",
         OIDC_TOKEN},
        {400, type, "{\"error\":\"invalid_grant\"}", OIDC_CODE},
        {401, type, "{\"error\":\"invalid_client\"}", OIDC_ERROR},
        {400, type, "{\"error\":\"invalid_grant\",\"error\":\"x\"}", OIDC_ERROR},
        {400, "text/html", "<p>no", OIDC_ERROR},
        {0, "", "", OIDC_UNREACHABLE},
        {429, type, "{\"error\":\"invalid_grant\"}", OIDC_UNREACHABLE},
        {500, type, "{\"error\":\"invalid_grant\"}", OIDC_UNREACHABLE},
        {503, "text/html", "", OIDC_UNREACHABLE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o);
        op_to_token(&o, NULL);
        const char *body = rows[i].body, *at;
        while ((at = strstr(body, "\"ID\"")))
            body = text("%.*s\"%s\"%s", (int)(at - body), body,
                        op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\""), at + 4)
                       .p;
        enum oidc_step step = op_fetched(&o, rows[i].status, rows[i].type, body);
        assert_login(rows[i].body, &o, rows[i].wanted);
        assert_row(rows[i].body, step == (rows[i].wanted == OIDC_OK ? OIDC_DONE : OIDC_FAILED));
        op_finish(&o);
    }
    /* too long, even when it is good JSON */
    struct op o = op_make();
    op_to_token(op_settle(&o), NULL);
    str blanks = text("%*s%s", 65 * 1024, "",
                      token_answer(op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\""), ""));
    op_fetched(&o, 200, "application/json", blanks.p);
    assert_login("too long", &o, OIDC_ANSWER);
    op_finish(&o);
}

static void asks_for_keys_once(void **state)
{
    struct op o = op_make();
    op_to_token(op_settle(&o), NULL);
    struct signer other = signer_make(ALG_ES256, "k2");
    struct keyset *both = signer_keys(signer_jwk(&o.signer, ""), signer_jwk(&other, ""), NULL);
    o.signer = other;
    const char *body = token_answer(op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\""), "");
    assert_int_equal(op_fetched(&o, 200, "application/json", body), OIDC_KEYS);
    assert_int_equal(oidc_keys(o.flow, &o.client, &o.provider, both, NOW), OIDC_DONE);
    assert_login("rotated", &o, OIDC_OK);

    op_to_token(&o, NULL);
    body = token_answer(op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\""), "");
    assert_int_equal(op_fetched(&o, 200, "application/json", body), OIDC_KEYS);
    assert_int_equal(oidc_keys(o.flow, &o.client, &o.provider, o.keys, NOW), OIDC_FAILED);
    assert_login("still unknown", &o, OIDC_TOKEN);
    assert_verdict("still unknown", oidc_flow_token_verdict(o.flow), TOKEN_UNKNOWN_KID);
    assert_int_equal(oidc_keys(o.flow, &o.client, &o.provider, both, NOW), OIDC_FAILED);
    keyset_unref(&both);
    op_finish(&o);
}

static void step_up_comes_back_as_asked(void **state)
{
    static const struct {
        const char *members;
        int64_t max_age_s;
        const char *acr;
        enum oidc_verdict wanted;
    } rows[] = {
        {"\"auth_time\":1699999900", 100, NULL, OIDC_OK},
        {"\"auth_time\":1699999900", 40, NULL, OIDC_OK}, /* a minute of skew */
        {"\"auth_time\":1699999900", 39, NULL, OIDC_AUTH_TIME},
        {"\"auth_time\":1699999940", 0, NULL, OIDC_OK},
        {"\"auth_time\":1699999939", 0, NULL, OIDC_AUTH_TIME},
        {"\"auth_time\":1700000060", 0, NULL, OIDC_OK},
        {"\"auth_time\":1700000061", 0, NULL, OIDC_AUTH_TIME},
        {"\"auth_time\":\"1700000000\"", 0, NULL, OIDC_AUTH_TIME},
        {"\"x\":1", 0, NULL, OIDC_AUTH_TIME},
        {"\"x\":1", -1, NULL, OIDC_OK},
        {"\"acr\":\"gold\"", -1, "silver gold", OIDC_OK},
        {"\"acr\":\"gold\"", -1, "gold", OIDC_OK},
        {"\"acr\":\"gol\"", -1, "gold", OIDC_ACR},
        {"\"acr\":\"silver gold\"", -1, "silver gold", OIDC_ACR},
        {"\"acr\":[\"gold\"]", -1, "gold", OIDC_ACR},
        {"\"acr\":\"\"", -1, "gold  silver", OIDC_ACR},
        {"\"x\":1", -1, "gold", OIDC_ACR},
        {"\"acr\":\"gold\",\"auth_time\":1699990000", 60, "gold", OIDC_AUTH_TIME},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o);
        struct oidc_wish wish = {.max_age_s = rows[i].max_age_s, .acr = str_of(rows[i].acr)};
        op_to_token(&o, &wish);
        const char *members = text(ID_GOOD ",\"nonce\":\"NONCE\",%s", rows[i].members).p;
        op_fetched(&o, 200, "application/json", token_answer(op_id_token(&o, members), ""));
        assert_login(rows[i].members, &o, rows[i].wanted);
        op_finish(&o);
    }
}

static void pushes_the_request(void **state)
{
    static const struct {
        int status;
        const char *type, *body;
        enum oidc_verdict wanted;
    } rows[] = {
        {201, "application/json", "{\"request_uri\":\"urn:x:1\",\"expires_in\":60}", OIDC_INVALID},
        {200, "application/json", "{\"request_uri\":\"urn:x:1\",\"expires_in\":60}", OIDC_INVALID},
        {201, "application/json", "{\"request_uri\":\"\",\"expires_in\":60}", OIDC_ANSWER},
        {201, "application/json", "{\"request_uri\":\"a b\",\"expires_in\":60}", OIDC_ANSWER},
        {201, "application/json", "{\"request_uri\":7,\"expires_in\":60}", OIDC_ANSWER},
        {201, "application/json", "{\"request_uri\":\"urn:x:1\"}", OIDC_ANSWER},
        {201, "application/json", "{\"request_uri\":\"urn:x:1\",\"expires_in\":0}", OIDC_ANSWER},
        {201, "text/plain", "{\"request_uri\":\"urn:x:1\",\"expires_in\":60}", OIDC_ANSWER},
        {201, "application/json", "{}", OIDC_ANSWER},
        {400, "application/json", "{\"error\":\"invalid_request\"}", OIDC_ERROR},
        {0, "", "", OIDC_UNREACHABLE},
        {502, "", "", OIDC_UNREACHABLE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o)->provider.par_endpoint = STR("https://idp.example/par");
        assert_row(rows[i].body, op_begin(&o, NULL) == OIDC_FETCH);
        const struct oidc_fetch *fetch = oidc_flow_fetch(o.flow);
        assert_row(rows[i].body, str_eq(fetch->url, STR("https://idp.example/par")));
        assert_string_equal(param(fetch->body, "client_id"), CLIENT_ID);
        assert_string_equal(param(fetch->body, "client_secret"), "s3cret");
        assert_string_equal(param(fetch->body, "code_challenge_method"), "S256");
        op_fetched(&o, rows[i].status, rows[i].type, rows[i].body);
        assert_login(rows[i].body, &o, rows[i].wanted);
        if (rows[i].wanted == OIDC_INVALID)
            assert_string_equal(oidc_flow_url(o.flow).p,
                                "https://idp.example/auth?client_id=gate&request_uri=urn%3Ax%3A1");
        op_finish(&o);
    }
}

static void userinfo_is_of_the_same_person(void **state)
{
    static const struct {
        int status;
        const char *type, *body;
        enum oidc_verdict wanted;
    } rows[] = {
        {200, "application/json", "{\"sub\":\"kim\",\"name\":\"Kim\"}", OIDC_OK},
        {200, "application/json", "{\"sub\":\"kim\"}", OIDC_OK},
        {200, "application/json", "{\"sub\":\"Kim\",\"name\":\"Kim\"}", OIDC_USERINFO},
        {200, "application/json", "{\"name\":\"Kim\"}", OIDC_USERINFO},
        {200, "application/json", "{\"sub\":[\"kim\"]}", OIDC_USERINFO},
        {200, "application/json", "{\"sub\":\"kim\",\"sub\":\"kim\"}", OIDC_USERINFO},
        {200, "application/json", "{\"sub\":\"kim\",\"name\":\"a\\u0000\"}", OIDC_USERINFO},
        {200, "application/json", "{\"sub\":\"kim\",\"name\":\"a\\u001b\"}", OIDC_USERINFO},
        {200, "application/jwt", "{\"sub\":\"kim\"}", OIDC_USERINFO},
        {200, "application/json", "", OIDC_USERINFO},
        {401, "application/json", "{\"sub\":\"kim\"}", OIDC_USERINFO},
        {0, "", "", OIDC_UNREACHABLE},
        {500, "application/json", "{\"sub\":\"kim\"}", OIDC_UNREACHABLE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct op o = op_make();
        op_settle(&o)->client.from_userinfo = true;
        o.provider.userinfo_endpoint = STR("https://idp.example/me");
        op_to_token(&o, NULL);
        const char *token = op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\"");
        assert_row(rows[i].body,
                   op_fetched(&o, 200, "application/json", token_answer(token, "")) == OIDC_FETCH);
        const struct oidc_fetch *fetch = oidc_flow_fetch(o.flow);
        assert_row(rows[i].body, !fetch->body.p && str_eq(fetch->authorization, STR("Bearer at")));
        op_fetched(&o, rows[i].status, rows[i].type, rows[i].body);
        assert_login(rows[i].body, &o, rows[i].wanted);
        op_finish(&o);
    }
    struct op o = op_make();
    op_settle(&o)->client.from_userinfo = true;
    op_to_token(&o, NULL);
    const char *token = op_id_token(&o, ID_GOOD ",\"nonce\":\"NONCE\"");
    op_fetched(&o, 200, "application/json", token_answer(token, ""));
    assert_login("wanted, and there is no endpoint", &o, OIDC_USERINFO);
    op_finish(&o);
}

static void hands_out_what_was_proved(void **state)
{
    struct op o = op_make();
    op_to_token(op_settle(&o), NULL);
    const char *token = op_id_token(
        &o, ID_GOOD ",\"nonce\":\"NONCE\",\"sid\":\"s1\",\"groups\":[\"a\"],\"n\":1.50");
    const char *body = token_answer(token, ",\"refresh_token\":\"r1\"");
    assert_int_equal(op_fetched(&o, 200, "application/json", body), OIDC_DONE);
    const struct oidc_outcome *out = oidc_flow_outcome(o.flow);
    assert_true(str_eq(out->id_token, str_of(token)));
    assert_true(str_eq(out->refresh_token, STR("r1")));
    assert_true(str_eq(out->sid, STR("s1")));
    assert_true(str_eq(out->identity->subject, STR("kim")));
    assert_true(str_eq(out->identity->issuer_name, STR("corp")));
    assert_int_equal(out->identity->n_groups, 1);
    assert_true(str_eq(identity_claim(out->identity, STR("n"))->text, STR("1.50")));
    struct identity *kept = identity_ref((struct identity *)out->identity);
    op_finish(&o);
    assert_true(str_eq(kept->kid, STR("session")));
    identity_unref(&kept);
}

static void names_every_verdict(void **state)
{
    for (int v = 0; v < OIDC_VERDICT_COUNT; v++) {
        assert_memory_equal(oidc_verdict_code((enum oidc_verdict)v), "login.", 6);
        assert_true(strlen(oidc_verdict_text((enum oidc_verdict)v)) > 10);
    }
    assert_int_equal(OIDC_INVALID, 0);
    assert_int_equal(OIDC_FAILED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_the_answer_of_the_browser),
        cmocka_unit_test(takes_one_answer),
        cmocka_unit_test(judges_the_id_token),
        cmocka_unit_test(judges_the_token_endpoint),
        cmocka_unit_test(asks_for_keys_once),
        cmocka_unit_test(step_up_comes_back_as_asked),
        cmocka_unit_test(pushes_the_request),
        cmocka_unit_test(userinfo_is_of_the_same_person),
        cmocka_unit_test(hands_out_what_was_proved),
        cmocka_unit_test(names_every_verdict),
    };
    return cmocka_run_group_tests_name("authn/oidc", tests, NULL, NULL);
}
