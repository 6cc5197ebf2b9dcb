/* What a front asserts: read by the issuer that the listener names, apart from Bearers, and first;
 * and a front that is asked instead. */
#include "caller.h"

#include "../authn/signer.h"
#include "proxy/gate/gate_impl.h"

static const char LISTENERS[] =
    "  - {address: \"127.0.0.1:8080\"}\n"
    "  - {address: \"unix:/run/1\", front: {header-jwt: {issuer: corp, header: X-Jwt}}}\n"
    "  - {address: \"unix:/run/2\", front: {google-iap: {audience: postern}}}\n"
    "  - {address: \"unix:/run/3\", front: {google-iap: {audience: {other: postern}, name: "
    "apart}}}\n"
    "  - {address: \"127.0.0.1:8084\", front: {tailscale: {trusted: [198.51.100.0/24]}}}\n"
    "  - {address: \"unix:/run/5\", peer_uid: \"0\", front: {tailscale: {serve: true, name: "
    "served}}}\n";
enum { DIRECT, JWT, IAP, APART, TAILNET, SERVED, IAP_ISSUER = 2, APART_ISSUER = 3 };

static const char POLICY[] =
    "version: 1\n"
    "apps: [{name: inventory, host: inventory.example, upstream: \"http://127.0.0.1:9\"},\n"
    "       {name: other, host: other.example, upstream: \"http://127.0.0.1:9\"}]\n"
    "rules: [{id: all, effect: allow, who: anyone, to: everything}]\n";

static const char GOOGLE[] = "https://cloud.google.com/iap";

static const char *google; /* the same text in one house: it is remembered */

static struct house *open_house(void)
{
    google = NULL;
    return house_open(&(struct house_options){.listeners = LISTENERS, .policy = POLICY});
}

static str token(const char *name)
{
    if (!name || strcmp(name, "junk") == 0)
        return str_of(name);
    if (strcmp(name, "google") == 0) {
        google = google ? google : house_token_of(GOOGLE, "g", "kim", STAFF);
        return str_of(google);
    }
    if (strcmp(name, "forged") == 0) {
        struct signer s = signer_make(ALG_ES256, "another");
        return signer_sign(&s, "{\"alg\":\"ES256\",\"kid\":\"k\"}",
                           STR("{\"iss\":\"https://login.example\",\"aud\":\"postern\",\"sub\":"
                               "\"kim\",\"exp\":1795795200}"));
    }
    return str_of(house_token(name, STAFF));
}

static str bearer(const char *name)
{
    return name ? arena_printf(&signer_arena, "Bearer %.*s", STR_ARG(token(name))) : (str){NULL, 0};
}

static void what_counts(void **state)
{
    static const struct {
        const char *id;
        size_t listener;
        const char *assertion, *bearer;
        unsigned status; /* 0: permitted */
        const char *subject, *verdict;
    } rows[] = {
        {"good", JWT, "kim", NULL, 0, "kim", ""},
        {"none came", JWT, NULL, NULL, 401, "", ""},
        {"none came, a Bearer did", JWT, NULL, "sam", 0, "sam", ""},
        {"the same person twice", JWT, "kim", "kim", 0, "kim", ""},
        {"two persons", JWT, "kim", "sam", 400, "", ""},
        {"forged", JWT, "forged", NULL, 401, "", "token.signature"},
        {"forged beside good", JWT, "forged", "kim", 401, "", "token.signature"},
        {"no token", JWT, "junk", "kim", 401, "", "token.malformed"},
        {"of another issuer", JWT, "google", NULL, 401, "", "token.unknown-kid"},
        {"on a listener that asserts nobody", DIRECT, "kim", NULL, 401, "", ""},
        {"implicit issuer", IAP, "google", NULL, 0, "kim", ""},
        {"of a configured one", IAP, "kim", NULL, 401, "", "token.unknown-kid"},
        {"for another app", APART, "google", NULL, 401, "", "token.audience"},
        /* proved above, and remembered there: no Bearer all the same */
        {"its Bearer", IAP, NULL, "google", 401, "", "token.issuer"},
        {"its Bearer elsewhere", DIRECT, NULL, "google", 401, "", "token.issuer"},
        {"once more where it counts", IAP, "google", NULL, 0, "kim", ""},
    };
    struct house *h = open_house();
    house_swap_keys(h, IAP_ISSUER, "g", NULL);
    house_swap_keys(h, APART_ISSUER, "g", NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        caller_begin(&c, h, "inventory.example", "/x");
        c.visit.request.listener = rows[i].listener;
        c.visit.request.assertion = token(rows[i].assertion);
        c.visit.request.authorization = bearer(rows[i].bearer);
        c.visit.has_asked_keys = true; /* what comes of that is told elsewhere */
        caller_run(&c);
        assert_row(id, (c.visit.outcome == VISIT_PERMITTED) == !rows[i].status);
        assert_row(id, !rows[i].status || c.visit.refusal.status == rows[i].status);
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(id, member(r, "identity.subject"), rows[i].subject);
        assert_text(id, member(r, "decision.token"), rows[i].verdict);
    }
    house_close(h);
}

/* ---- for pages of ours ---- */

static void who_a_page_is_for(void **state)
{
    static const struct {
        const char *id, *host;
        size_t listener;
        const char *assertion, *bearer;
        unsigned status;     /* 0: permitted */
        const char *subject; /* "": nobody */
    } rows[] = {
        {"named", "portal.example", JWT, "kim", NULL, 0, "kim"},
        {"nobody", "portal.example", JWT, NULL, NULL, 0, ""},
        {"forged", "portal.example", JWT, "forged", NULL, 401, ""},
        {"a Bearer is no proof here", "portal.example", DIRECT, NULL, "kim", 0, ""},
        {"nor behind a front", "portal.example", JWT, NULL, "kim", 0, ""},
        {"an audience of any app", "portal.example", APART, "google", NULL, 0, "kim"},
        {"of its own app", "other.example", APART, "google", NULL, 0, "kim"},
        {"of another app", "inventory.example", APART, "google", NULL, 401, ""},
    };
    struct house *h = open_house();
    (void)state;
    house_swap_keys(h, IAP_ISSUER, "g", NULL);
    house_swap_keys(h, APART_ISSUER, "g", NULL);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        caller_begin(&c, h, rows[i].host, "/");
        c.visit.request.listener = rows[i].listener;
        c.visit.request.assertion = token(rows[i].assertion);
        c.visit.request.authorization = bearer(rows[i].bearer);
        c.visit.has_asked_keys = true;
        visit_page(&c.visit, "portal");
        assert_row(id, (c.visit.outcome == VISIT_PERMITTED) == !rows[i].status);
        assert_row(id, !rows[i].status || c.visit.refusal.status == rows[i].status);
        assert_row(id, (visit_front(&c.visit).p != NULL) == (rows[i].assertion != NULL));
        caller_end(&c);
        assert_text(id, member(house_last(h), "identity.subject"), rows[i].subject);
    }
    house_close(h);
}

/* ---- unsigned, by who may write it ---- */

static void headers_of_serve(void **state)
{
    static const struct {
        const char *id;
        size_t listener;
        const char *login, *name;
        unsigned status; /* 0: permitted */
        const char *subject, *verdict, *named;
    } rows[] = {
        {"named", SERVED, "eva@corp.example", "Eva", 0, "eva@corp.example", "", "Eva"},
        {"remembered", SERVED, "eva@corp.example", "Eva", 0, "eva@corp.example", "", "Eva"},
        {"called otherwise", SERVED, "eva@corp.example", "Ott", 0, "eva@corp.example", "", "Ott"},
        {"not called", SERVED, "eva@corp.example", NULL, 0, "eva@corp.example", "", ""},
        {"nobody", SERVED, NULL, "Eva", 401, "", "", ""},
        {"empty", SERVED, "", NULL, 401, "", "token.subject", ""},
        {"no name of a log-in", SERVED, "eva ott", NULL, 401, "", "token.subject", ""},
        {"not a token's header", JWT, "eva@corp.example", NULL, 401, "", "token.malformed", ""},
    };
    struct house *h = open_house();
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        const char *id = rows[i].id;
        caller_begin(&c, h, "inventory.example", "/x");
        c.visit.request.listener = rows[i].listener;
        c.visit.request.assertion = str_of(rows[i].login);
        c.visit.request.asserted_name = str_of(rows[i].name);
        caller_run(&c);
        assert_row(id, (c.visit.outcome == VISIT_PERMITTED) == !rows[i].status);
        caller_end(&c);
        json_t *r = house_last(h);
        assert_text(id, member(r, "identity.subject"), rows[i].subject);
        assert_text(id, member(r, "identity.claims.name"), rows[i].named);
        assert_text(id, member(r, "decision.token"), rows[i].verdict);
    }
    house_close(h);
}

/* ---- asked ---- */

static struct whois_ask *asked;
static unsigned n_asked;

static void need_whois(void *ctx, struct whois_ask *ask)
{
    asked = ask;
    n_asked++;
}

static void begin(struct caller *c, struct house *h)
{
    h->gate->options.need_whois = need_whois;
    caller_begin(c, h, "inventory.example", "/x");
    c->visit.request.listener = TAILNET;
    c->visit.request.client_port = 41000;
}

static const char PERSON[] = "{\"Node\":{\"StableID\":\"n1\",\"Addresses\":[\"198.51.100.7/32\"]},"
                             "\"UserProfile\":{\"ID\":12,\"LoginName\":\"eva@corp.example\"}}";

static void answer(struct house *h, int status, const char *body)
{
    whois_answered(asked, status, str_of(body));
    house_turn(h);
}

static void one_question_for_all(void **state)
{
    struct house *h = open_house();
    struct caller a, b, later;
    n_asked = 0;
    begin(&a, h);
    begin(&b, h);
    assert_int_equal(caller_run(&a), VISIT_WAITING);
    assert_int_equal(caller_run(&b), VISIT_WAITING);
    assert_int_equal(n_asked, 1);
    gate_audit_changed(h->gate); /* woken for nothing they go on waiting */
    assert_int_equal(a.n_resumed, 0);
    answer(h, 200, PERSON);
    assert_int_equal(a.n_resumed, 1);
    assert_int_equal(b.n_resumed, 1);
    assert_int_equal(a.visit.outcome, VISIT_PERMITTED);
    caller_end(&a);
    caller_end(&b);
    assert_string_equal(member(house_last(h), "identity.subject"), "12");
    assert_string_equal(member(house_last(h), "auth.kind"), "whois");
    begin(&later, h);
    assert_int_equal(caller_run(&later), VISIT_PERMITTED);
    caller_end(&later);
    /* another port is another connection, and a minute is long ago */
    begin(&later, h);
    later.visit.request.client_port = 41001;
    assert_int_equal(caller_run(&later), VISIT_WAITING);
    answer(h, 404, "no match");
    assert_int_equal(later.visit.refusal.status, 401);
    caller_end(&later);
    house_pass(h, 61 * 1000);
    begin(&later, h);
    assert_int_equal(caller_run(&later), VISIT_WAITING);
    assert_int_equal(n_asked, 3);
    answer(h, 200, PERSON);
    caller_end(&later);
    house_close(h);
}

static void a_failure_lets_nobody_in(void **state)
{
    static const struct {
        const char *id;
        int status;
        const char *body;
        unsigned refused;
    } rows[] = {
        {"no answer", 0, "", 503}, {"an error", 500, "", 503},      {"forbidden", 403, "", 503},
        {"nobody", 404, "", 401},  {"no JSON", 200, "<html>", 401},
    };
    struct house *h = open_house();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        begin(&c, h);
        c.visit.request.client_port = (uint16_t)(i + 1);
        assert_row(rows[i].id, caller_run(&c) == VISIT_WAITING);
        answer(h, rows[i].status, rows[i].body);
        assert_row(rows[i].id, c.visit.refusal.status == rows[i].refused);
        caller_end(&c);
    }
    house_close(h);
}

static void waits_no_longer_than_it_must(void **state)
{
    struct house *h = open_house();
    struct caller c, gone, outside;
    n_asked = 0;
    begin(&c, h);
    assert_int_equal(caller_run(&c), VISIT_WAITING);
    house_pass(h, 3100);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.refusal.status, 503);
    assert_string_equal(c.visit.refusal.reason, "whois:unavailable");
    caller_end(&c);
    answer(h, 200, PERSON); /* late, and kept for who comes next */
    begin(&c, h);
    assert_int_equal(caller_run(&c), VISIT_PERMITTED);
    caller_end(&c);
    /* who leaves is not resumed, and what is asked at the end is given back */
    begin(&gone, h);
    gone.visit.request.client_port = 7;
    assert_int_equal(caller_run(&gone), VISIT_WAITING);
    caller_end(&gone);
    /* off the tailnet nobody is asked about */
    begin(&outside, h);
    assert_true(addr_parse(STR("203.0.113.9"), &outside.visit.request.client));
    assert_int_equal(caller_run(&outside), VISIT_REFUSED);
    assert_int_equal(outside.visit.refusal.status, 401);
    caller_end(&outside);
    assert_int_equal(n_asked, 2);
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts),
        cmocka_unit_test(who_a_page_is_for),
        cmocka_unit_test(headers_of_serve),
        cmocka_unit_test(one_question_for_all),
        cmocka_unit_test(a_failure_lets_nobody_in),
        cmocka_unit_test(waits_no_longer_than_it_must),
    };
    return cmocka_run_group_tests_name("gate assertion_in", tests, NULL, NULL);
}
