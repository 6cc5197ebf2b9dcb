/* Authenticate: one visit, one credential; a token of ours that fails refuses. */
#include "caller.h"

#include "../authn/signer.h"
#include "proxy/gate/gate_impl.h"

static const char LATE[] = "https://late.example";

/* The tokens of the table, by name, made when the house stands. */
static const char *token_named(const char *name)
{
    if (strcmp(name, "kim") == 0)
        return house_token("kim", STAFF);
    if (strcmp(name, "kim-again") == 0)
        return house_token("kim", STAFF ",\"jti\":\"2\"");
    if (strcmp(name, "sam") == 0)
        return house_token("sam", STAFF);
    if (strcmp(name, "robot") == 0)
        return house_token("robot:7", "");
    if (strcmp(name, "future") == 0)
        return house_token("kim", ",\"nbf\":1795795200");
    if (strcmp(name, "foreign") == 0)
        return house_token_of("https://elsewhere.example", "k", "kim", STAFF);
    if (strcmp(name, "forged") == 0) {
        struct signer s = signer_make(ALG_ES256, "another");
        return signer_sign(&s, "{\"alg\":\"ES256\",\"kid\":\"k\"}",
                           STR("{\"iss\":\"https://login.example\",\"aud\":\"postern\",\"sub\":"
                               "\"kim\",\"exp\":1795795200}"))
            .p;
    }
    if (strcmp(name, "other-audience") == 0) {
        struct signer s = signer_make(ALG_ES256, "k");
        return signer_token(&s, "{\"iss\":\"https://login.example\",\"aud\":\"grafana\",\"sub\":"
                                "\"kim\",\"exp\":1795795200}")
            .p;
    }
    return name; /* literally */
}

/* "Bearer kim" -> "Bearer " and the token of that name. */
static const char *field_named(const char *text)
{
    if (!text)
        return NULL;
    const char *space = strchr(text, ' ');
    if (!space)
        return token_named(text);
    return arena_printf(&signer_arena, "%.*s %s", (int)(space - text), text, token_named(space + 1))
        .p;
}

static void credentials(void **state)
{
    enum { OK = 0 };
    static const struct {
        const char *id, *authorization, *token;
        unsigned status; /* 0: permitted */
        const char *reason, *subject, *verdict;
        bool took;
    } rows[] = {
        {"nothing", NULL, NULL, 401, "auth.none", "", "", false},
        {"good", "Bearer kim", NULL, OK, "allow", "kim", "", true},
        {"good, scheme in lower case", "bearer kim", NULL, OK, "allow", "kim", "", true},
        {"good, as X-Postern-Token", NULL, "kim", OK, "allow", "kim", "", false},
        {"machine", "Bearer robot", NULL, OK, "allow", "robot:7", "", true},
        {"basic is foreign", "Basic a2ltOnNlY3JldA==", NULL, 401, "auth.none", "", "", false},
        {"foreign bearer alone", "Bearer foreign", NULL, 401, "auth.none", "", "token.issuer",
         false},
        {"foreign bearer beside ours", "Bearer foreign", "kim", OK, "allow", "kim", "", false},
        {"basic beside ours", "Basic a2ltOnNlY3JldA==", "kim", OK, "allow", "kim", "", false},
        {"opaque bearer is foreign", "Bearer 0123456789abcdef", "kim", OK, "allow", "kim", "",
         false},
        {"bearer without a token", "Bearer ", NULL, 401, "auth.none", "", "", false},
        {"forged", "Bearer forged", NULL, 401, "auth.none", "", "token.signature", false},
        {"forged beside good", "Bearer forged", "kim", 401, "auth.none", "", "token.signature",
         false},
        {"good beside forged", "Bearer kim", "forged", 401, "auth.none", "", "token.signature",
         false},
        {"other audience", "Bearer other-audience", NULL, 401, "auth.none", "", "token.audience",
         false},
        {"not yet", "Bearer future", NULL, 401, "auth.none", "", "token.not-yet", false},
        {"X-Postern-Token must prove: foreign", NULL, "foreign", 401, "auth.none", "",
         "token.issuer", false},
        {"X-Postern-Token must prove: opaque", NULL, "opaque", 401, "auth.none", "", "token.issuer",
         false},
        {"X-Postern-Token must prove: empty", NULL, "", 401, "auth.none", "", "token.issuer",
         false},
        {"X-Postern-Token must prove: beside good", "Bearer kim", "opaque", 401, "auth.none", "",
         "token.issuer", false},
        {"two persons", "Bearer kim", "sam", 400, "input:header", "", "", true},
        {"the same person twice", "Bearer kim", "kim-again", OK, "allow", "kim", "", true},
        {"the same token twice", "Bearer kim", "kim", OK, "allow", "kim", "", true},
    };
    struct house *h = house_plain();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        caller_begin(&c, h, "inventory.example", "/x");
        c.visit.request.authorization = str_of(field_named(rows[i].authorization));
        c.visit.request.token = str_of(field_named(rows[i].token));
        caller_run(&c);
        if (rows[i].status) {
            assert_row(id, c.visit.outcome == VISIT_REFUSED);
            assert_row(id, c.visit.refusal.status == rows[i].status);
        } else {
            assert_row(id, c.visit.outcome == VISIT_PERMITTED);
        }
        assert_row(id, c.visit.took_authorization == rows[i].took);
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(id, member(r, "decision.reason"), rows[i].reason);
        assert_text(id, member(r, "identity.subject"), rows[i].subject);
        assert_text(id, member(r, "decision.token"), rows[i].verdict);
    }
    house_close(h);
}

/* The client never learns which check failed: one sentence for all. */
static void refusals_tell_nothing(void **state)
{
    static const char *const tokens[] = {"forged", "future", "other-audience"};
    struct house *h = house_plain();
    str first = {NULL, 0};
    for (size_t i = 0; i < ROWS(tokens); i++) {
        struct caller c;
        caller_ask(&c, h, "/x", arena_printf(&signer_arena, "Bearer %s", token_named(tokens[i])).p);
        str said = arena_printf(&signer_arena, "%.*s %.*s", STR_ARG(c.visit.refusal.sentence),
                                STR_ARG(c.visit.refusal.remedy));
        if (first.p)
            assert_row(tokens[i], str_eq(first, said));
        first = said;
        caller_end(&c);
    }
    house_close(h);
}

/* Whose it is cannot be told of a token that long: it fails, alone and beside a good one, and is
 * passed on nowhere. One byte less is looked into, and foreign. */
static void token_over_the_limit(void **state)
{
    static const struct {
        const char *id, *path, *token;
        size_t n;
        bool is_bearer;
        const char *verdict; /* NULL: permitted */
        bool took;
    } rows[] = {
        {"alone", "/x", NULL, TOKEN_MAX_BYTES + 1, true, "token.too-long", false},
        {"beside a good one", "/x", "kim", TOKEN_MAX_BYTES + 1, true, "token.too-long", false},
        {"as X-Postern-Token", "/x", NULL, TOKEN_MAX_BYTES + 1, false, "token.too-long", false},
        {"at the limit it is foreign", "/x", "kim", TOKEN_MAX_BYTES, true, NULL, false},
        {"public", "/public/x", NULL, TOKEN_MAX_BYTES + 1, true, NULL, true},
        {"public, at the limit", "/public/x", NULL, TOKEN_MAX_BYTES, true, NULL, false},
    };
    struct house *h = house_plain();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        char *field = mem_alloc(TOKEN_MAX_BYTES + 64);
        strcpy(field, "Bearer ");
        memset(field + 7, 'a', rows[i].n);
        caller_begin(&c, h, "inventory.example", rows[i].path);
        c.visit.request.token = rows[i].token ? str_of(token_named(rows[i].token)) : (str){NULL, 0};
        if (rows[i].is_bearer)
            c.visit.request.authorization = str_of(field);
        else
            c.visit.request.token = str_of(field + 7);
        assert_row(id, caller_run(&c) == (rows[i].verdict ? VISIT_REFUSED : VISIT_PERMITTED));
        assert_row(id, !rows[i].verdict || c.visit.refusal.status == 401);
        assert_row(id, c.visit.took_authorization == rows[i].took);
        caller_end(&c);
        assert_text(id, member(house_last(h), "decision.token"),
                    rows[i].verdict ? rows[i].verdict : "");
        free(field);
    }
    house_close(h);
}

static void public_paths_use_no_identity(void **state)
{
    static const struct {
        const char *id, *authorization, *token;
        bool took;
    } rows[] = {
        {"nobody", NULL, NULL, false},
        {"a good token is not passed on", "Bearer kim", NULL, true},
        {"a bad one of ours neither", "Bearer forged", NULL, true},
        {"a foreign one is", "Bearer foreign", NULL, false},
        {"basic is", "Basic a2lt", NULL, false},
        {"suspended is nobody here", "Bearer suspended", NULL, true},
        {"a bad X-Postern-Token", NULL, "opaque", false},
    };
    struct house *h = house_plain();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const struct visit_header *headers;
        unsigned left_out = 0;
        caller_begin(&c, h, "inventory.example", "/public/logo.png");
        c.visit.request.authorization =
            strcmp(rows[i].id, "suspended is nobody here") == 0
                ? str_of(house_bearer("eve", ",\"groups\":[\"suspended\"]"))
                : str_of(field_named(rows[i].authorization));
        c.visit.request.token = str_of(rows[i].token);
        assert_row(rows[i].id, caller_run(&c) == VISIT_PERMITTED);
        assert_row(rows[i].id, c.visit.is_public && !c.visit.who);
        assert_row(rows[i].id, c.visit.took_authorization == rows[i].took);
        assert_row(rows[i].id, visit_identity_headers(&c.visit, &headers, &left_out) == 0);
        caller_end(&c);
        assert_text(rows[i].id, member(house_last(h), "decision.reason"), "public-path");
        assert_text(rows[i].id, member(house_last(h), "facts.public"), "true");
        assert_text(rows[i].id, member(house_last(h), "identity"), "");
    }
    house_close(h);
}

static void identity_headers(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    const struct visit_header *headers;
    unsigned left_out = 0;
    caller_ask(&c, h, "/x",
               house_bearer("kim", ",\"groups\":[\"staff\",\"a b\"],\"email\":\"kim@acme.example\""
                                   ",\"email_verified\":true,\"note\":[\"one\",\"t,wo\"]"));
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_int_equal(visit_identity_headers(&c.visit, &headers, &left_out), 2);
    assert_true(str_eq(headers[0].name, STR("X-User")));
    assert_true(str_eq(headers[0].value, STR("kim@acme.example")));
    assert_true(str_eq(headers[1].name, STR("X-Groups")));
    assert_true(str_eq(headers[1].value, STR("staff,a b")));
    assert_int_equal(left_out, 1);
    caller_end(&c);
    house_close(h);
}

/* ---- the cache ---- */

static int64_t verified(struct house *h)
{
    return atomic_load(&h->counters.tokens_verified);
}

static int64_t known(struct house *h)
{
    return atomic_load(&h->counters.tokens_known);
}

static enum visit_outcome ask_once(struct house *h, const char *bearer)
{
    struct caller c;
    enum visit_outcome outcome = caller_ask(&c, h, "/x", bearer);
    caller_end(&c);
    return outcome;
}

static void a_verified_token_is_remembered(void **state)
{
    struct house *h = house_plain();
    const char *bearer = house_bearer("kim", STAFF);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask_once(h, bearer), VISIT_PERMITTED);
    assert_int_equal(verified(h), 1);
    assert_int_equal(known(h), 4);
    /* until its end, to the second */
    house_pass(h, 3599 * 1000);
    assert_int_equal(ask_once(h, bearer), VISIT_PERMITTED);
    assert_int_equal(known(h), 5);
    house_pass(h, 1000);
    assert_int_equal(ask_once(h, bearer), VISIT_REFUSED);
    assert_string_equal(member(house_last(h), "decision.token"), "token.expired");
    /* a bad one is not */
    const char *forged = arena_printf(&signer_arena, "Bearer %s", token_named("forged")).p;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_once(h, forged), VISIT_REFUSED);
    assert_int_equal(atomic_load(&h->counters.tokens_bad), 4);
    house_close(h);
}

/* Rules change, keys do not: tokens stay verified. Another key set: all are verified anew, and who
 * was signed by a key that is gone is refused. */
static void keys_change_generation(void **state)
{
    struct house *h = house_plain();
    const char *bearer = house_bearer("kim", STAFF);
    ask_once(h, bearer);
    house_swap_policy(h, arena_printf(&signer_arena, "%s# other\n", HOUSE_POLICY).p);
    assert_int_equal(ask_once(h, bearer), VISIT_PERMITTED);
    assert_int_equal(verified(h), 1);
    assert_int_equal(known(h), 1);
    house_swap_keys(h, 0, "k", "k2");
    assert_int_equal(ask_once(h, bearer), VISIT_PERMITTED);
    assert_int_equal(verified(h), 2);
    house_swap_keys(h, 0, "k2", NULL);
    assert_int_equal(ask_once(h, bearer), VISIT_WAITING);
    house_close(h);
}

/* A visit that began before its key was withdrawn must not leave its token behind in the cache for
 * those that come after. */
static void an_old_visit_does_not_fill_the_new_cache(void **state)
{
    struct house *h = house_plain();
    struct caller c, later;
    const char *bearer = house_bearer("kim", STAFF);
    caller_begin(&c, h, "inventory.example", "/x");
    c.visit.request.authorization = str_of(bearer);
    house_swap_keys(h, 0, "k2", NULL);
    assert_int_equal(caller_run(&c), VISIT_PERMITTED); /* judged by what it began with */
    caller_end(&c);
    caller_ask(&later, h, "/x", bearer);
    assert_int_not_equal(later.visit.outcome, VISIT_PERMITTED);
    caller_end(&later);
    house_close(h);
}

static void services_change_generation(void **state)
{
    struct house *h = house_plain();
    const char *bearer = house_bearer("robot:7", "");
    assert_int_equal(ask_once(h, bearer), VISIT_PERMITTED);
    house_swap_config(h, &(struct house_options){
                             .services = "  robot: {issuer: corp, match: {sub: \"droid:*\"}}\n"});
    assert_int_equal(ask_once(h, bearer), VISIT_REFUSED);
    assert_string_equal(member(house_last(h), "identity.kind"), "human");
    house_close(h);
}

static void the_cache_is_bounded(void **state)
{
    struct house *h = house_open(&(struct house_options){.limits = "{token_cache: 2}\n"});
    const char *one = house_bearer("one", STAFF), *two = house_bearer("two", STAFF),
               *three = house_bearer("three", STAFF);
    ask_once(h, one);
    ask_once(h, two);
    ask_once(h, one);
    ask_once(h, three); /* two was used least recently */
    assert_int_equal(known(h), 1);
    ask_once(h, one);
    assert_int_equal(known(h), 2);
    ask_once(h, two);
    assert_int_equal(verified(h), 4);
    house_close(h);
}

/* ---- keys that are not known yet ---- */

static const char *late_bearer(const char *kid)
{
    return arena_printf(&signer_arena, "Bearer %s", house_token_of(LATE, kid, "ann", STAFF)).p;
}

static void unknown_kid_waits_and_goes_on(void **state)
{
    struct house *h = house_plain();
    struct caller c, other;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    assert_int_equal(h->asked, 1);
    assert_int_equal(h->asked_issuer, 1);
    assert_string_equal(h->asked_kid, "new");
    assert_int_equal(c.n_resumed, 0);
    /* news for others does not wake it */
    gate_audit_changed(h->gate);
    gate_keys_answered(h->gate, 0);
    assert_int_equal(c.n_resumed, 0);
    /* others go on meanwhile */
    assert_int_equal(caller_ask(&other, h, "/x", house_bearer("kim", STAFF)), VISIT_PERMITTED);
    caller_end(&other);
    house_swap_keys(h, 1, "new", NULL);
    gate_keys_answered(h->gate, 1);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_int_equal(h->asked, 1);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "identity.subject"), "ann");
    house_close(h);
}

/* It is judged by the rules of the snapshot that has the keys, not half by an older one. */
static void who_waited_meets_the_rules_of_now(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    house_swap_policy(
        h, arena_printf(&signer_arena,
                        "%s  - {id: nobody, effect: deny, who: anyone, to: everything}\n",
                        HOUSE_POLICY)
               .p);
    house_swap_keys(h, 1, "new", NULL);
    gate_keys_answered(h->gate, 1);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "decision.reason"), "deny-rule");
    assert_string_equal(member(house_last(h), "policy.generation"), "2");
    house_close(h);
}

static void keys_that_do_not_help(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    house_swap_keys(h, 1, "still-other", NULL);
    gate_keys_answered(h->gate, 1);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 401);
    assert_int_equal(h->asked, 1); /* asked once, not again */
    caller_end(&c);
    assert_string_equal(member(house_last(h), "decision.token"), "token.unknown-kid");
    house_close(h);
}

/* By its old number nobody would answer for the issuer, or another one's keys would. */
static void issuers_are_numbered_anew_meanwhile(void **state)
{
    static const char CORP[] = "  corp: {issuer: https://login.example, audience: postern, "
                               "jwks_file: corp.json, algs: [ES256, RS256]}\n";
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    assert_int_equal(h->asked_issuer, 1);
    house_swap_config(h, &(struct house_options){
                             .issuers = arena_printf(&signer_arena,
                                                     "%s  more: {issuer: https://more.example, "
                                                     "audience: postern}\n"
                                                     "  late: {issuer: %s, audience: postern}\n",
                                                     CORP, LATE)
                                            .p});
    assert_int_equal(c.n_resumed, 0);
    assert_int_equal(h->asked, 2);
    assert_int_equal(h->asked_issuer, 2);
    house_swap_config(h, &(struct house_options){.issuers = CORP});
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    caller_end(&c);
    assert_string_equal(member(house_last(h), "decision.token"), "token.issuer");
    house_close(h);
}

static void the_wait_for_keys_ends(void **state)
{
    struct house *h = house_open(&(struct house_options){.limits = "{jwks_timeout: 2s}\n"});
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    house_pass(h, 2900);
    assert_int_equal(c.n_resumed, 0);
    house_pass(h, 200);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_int_equal(c.visit.refusal.status, 401);
    assert_int_equal(h->asked, 1);
    caller_end(&c);
    house_close(h);
}

/* The client goes away while its visit waits. */
static void end_while_waiting(void **state)
{
    struct house *h = house_plain();
    struct caller c;
    assert_int_equal(caller_ask(&c, h, "/x", late_bearer("new")), VISIT_WAITING);
    struct visit_close close = {.end = END_CLIENT_ABORT, .connect_us = -1, .first_byte_us = -1};
    caller_end_with(&c, &close);
    gate_keys_answered(h->gate, 1);
    house_pass(h, 20000);
    assert_int_equal(c.n_resumed, 0);
    assert_string_equal(member(house_last(h), "end"), "client-abort");
    assert_string_equal(member(house_last(h), "decision.effect"), "none");
    assert_string_equal(member(house_last(h), "decision.reason"), "undecided");
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials),
        cmocka_unit_test(refusals_tell_nothing),
        cmocka_unit_test(token_over_the_limit),
        cmocka_unit_test(public_paths_use_no_identity),
        cmocka_unit_test(identity_headers),
        cmocka_unit_test(a_verified_token_is_remembered),
        cmocka_unit_test(keys_change_generation),
        cmocka_unit_test(an_old_visit_does_not_fill_the_new_cache),
        cmocka_unit_test(services_change_generation),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(unknown_kid_waits_and_goes_on),
        cmocka_unit_test(who_waited_meets_the_rules_of_now),
        cmocka_unit_test(keys_that_do_not_help),
        cmocka_unit_test(issuers_are_numbered_anew_meanwhile),
        cmocka_unit_test(the_wait_for_keys_ends),
        cmocka_unit_test(end_while_waiting),
    };
    return cmocka_run_group_tests_name("gate authenticate", tests, NULL, NULL);
}
