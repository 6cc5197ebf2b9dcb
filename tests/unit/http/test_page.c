/* Refusals: who gets which, and that nothing in them can become markup or a header. */
#include "unit.h"

#include "base/encode.h"
#include "proxy/http/layout.h"
#include "proxy/http/page.h"

#include <jansson.h>
#include <openssl/sha.h>

#define GET_ "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST_ "POST / HTTP/1.1\r\nHost: a\r\n"
#define NAV "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
#define HTML "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"

static void tells_people_from_programs(void **state)
{
    static const struct {
        const char *id, *text;
        bool html, redirect;
    } rows[] = {
        {"navigation", GET_ NAV HTML "\r\n", true, true},
        {"navigation-any-accept", GET_ NAV "\r\n", true, true},
        {"navigation-post", POST_ NAV HTML "\r\n", true, false},
        {"prefetch", GET_ NAV HTML "Sec-Purpose: prefetch\r\n\r\n", false, false},
        {"prerender", GET_ NAV HTML "Sec-Purpose: prefetch;prerender\r\n\r\n", false, false},
        {"frame", GET_ "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n" HTML "\r\n", false,
         false},
        {"fetch", GET_ "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n" HTML "\r\n", false,
         false},
        {"mode-alone", GET_ "Sec-Fetch-Mode: navigate\r\n" HTML "\r\n", false, false},
        {"dest-alone", GET_ "Sec-Fetch-Dest: document\r\n" HTML "\r\n", false, false},
        {"old-browser", GET_ HTML "\r\n", true, true},
        {"old-browser-post", POST_ HTML "\r\n", false, false},
        {"curl", GET_ "Accept: */*\r\n\r\n", false, false},
        {"nothing", GET_ "\r\n", false, false},
        {"empty", GET_ "Accept:\r\n\r\n", false, false},
        {"json", GET_ "Accept: application/json\r\n\r\n", false, false},
        {"json-first", GET_ "Accept: application/json, text/html;q=0.5\r\n\r\n", false, false},
        {"html-first", GET_ "Accept: text/html, application/json;q=0.5\r\n\r\n", true, true},
        {"html-refused", GET_ "Accept: text/html;q=0\r\n\r\n", false, false},
        {"websocket", GET_ "Connection: Upgrade\r\nUpgrade: websocket\r\nAccept: text/html\r\n\r\n",
         false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct http_request_head r;
        arena_init(&a, NULL, 0);
        assert_null(h1_request_parse(str_of(rows[i].text), &h1_limits_default, &a, &r).id);
        if (page_wants_html(&r) != rows[i].html || page_may_redirect(&r) != rows[i].redirect)
            fail_msg("%s", rows[i].id);
        arena_finish(&a);
    }
}

#define EVIL "<script>\"'&\r\nX: y\x01</script>"

static struct refusal evil(unsigned status)
{
    return (struct refusal){.status = (uint16_t)status,
                            .reason = STR(EVIL),
                            .sentence = STR(EVIL),
                            .remedy = STR(EVIL),
                            .request_id = STR(EVIL),
                            .challenge = STR(EVIL),
                            .login_url = STR("javascript:alert(1)"),
                            .app_title = STR(EVIL),
                            .contact = STR(EVIL),
                            .allow_origin = STR(EVIL)};
}

static size_t count(str text, const char *needle)
{
    size_t n = 0;
    for (const char *at = text.p;
         (at = memmem(at, text.n - (size_t)(at - text.p), needle, strlen(needle))); at++)
        n++;
    return n;
}

static void escapes(void **state)
{
    static char buf[PAGE_MAX_BYTES + 4096];
    struct answer_how how = {.wants_html = true, .client_minor = 1};
    (void)state;
    for (int html = 0; html < 2; html++) {
        struct refusal r = evil(401);
        how.wants_html = html;
        str all = {buf, refusal_write(&r, &how, buf, sizeof buf)};
        assert_true(all.n > 0);
        assert_int_equal(count(all, "<script"), html ? 0 : count(all, "<script"));
        assert_int_equal(count(all, "\nX: y"), 0);
        assert_int_equal(count(all, "javascript:"), html ? 0 : 1);
        assert_int_equal(count(all, "\x01"), 0);
    }
}

static void a_page_has_what_a_person_needs(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    struct refusal r = {.status = 401,
                        .reason = STR("auth.none"),
                        .sentence = STR("You are not signed in."),
                        .remedy = STR("Sign in & come back."),
                        .request_id = STR("01HXYZ"),
                        .login_url = STR("https://portal.example/login?to=a&b=1"),
                        .app_title = STR("Inventory"),
                        .contact = STR("it@corp.example")};
    (void)state;
    str page = {buf, page_write(&r, buf, sizeof buf)};
    assert_true(page.n > 0 && page.n < 16384);
    const char *parts[] = {"auth.none",
                           "You are not signed in.",
                           "Sign in &amp; come back.",
                           "01HXYZ",
                           "href=\"https://portal.example/login?to=a&amp;b=1\"",
                           "Inventory",
                           "it@corp.example",
                           "color-scheme:light dark"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (count(page, parts[i]) == 0)
            fail_msg("no %s", parts[i]);
    assert_int_equal(count(page, "src="), 0);
    assert_int_equal(count(page, "style=\""), 0);
    assert_int_equal(count(page, "url("), 0);
}

/* A page says what is true of this installation: nobody is sent to a log-in that is not there. */
static void titles(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    static const struct {
        unsigned status;
        const char *login_url, *title;
    } rows[] = {
        {400, "", "Request refused"},
        {401, "", "An access token is needed"},
        {401, "https://portal.example/", "Sign in to go on"},
        {403, "", "Access refused"},
        {404, "", "Nothing here"},
        {413, "", "Too large"},
        {421, "", "Nothing here"},
        {429, "", "Too many requests"},
        {501, "", "Not supported"},
        {502, "", "The app does not answer"},
        {503, "", "Not available just now"},
        {504, "", "The app does not answer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct refusal r = {.status = (uint16_t)rows[i].status,
                            .reason = STR("r"),
                            .login_url = str_of(rows[i].login_url)};
        char want[64];
        str page = {buf, page_write(&r, buf, sizeof buf)};
        snprintf(want, sizeof want, "<h1>%s</h1>", rows[i].title);
        if (count(page, want) != 1 || count(page, "Sign in") != (rows[i].login_url[0] ? 3 : 0))
            fail_msg("%u: no %s in %.*s", rows[i].status, want, STR_ARG(page));
    }
}

static void a_page_speaks_german_and_names_the_house(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    static const struct {
        const char *accept;
        bool is_german;
    } rows[] = {
        {"", false},      {"de", true},     {"de-AT, en;q=0.8", true},   {"en, de", false},
        {"de, en", true}, {"en-GB", false}, {"de;q=0, en", false},       {"fr, de;q=0.5", true},
        {"*", false},     {"den", false},   {"en;q=0.7,de;q=0.9", true},
    };
    static const unsigned statuses[] = {400, 404, 421, 502, 503, 504};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (page_wants_german(str_of(rows[i].accept)) != rows[i].is_german)
            fail_msg("%s", rows[i].accept);
    assert_false(page_wants_german((str){NULL, 0}));
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct refusal r = {.status = (uint16_t)statuses[i],
                            .reason = STR("r"),
                            .sentence = STR("in English"),
                            .contact = STR("it@corp.example"),
                            .brand = STR("Acme & Co"),
                            .is_german = true};
        str page = {buf, page_write(&r, buf, sizeof buf)};
        if (count(page, "<html lang=\"de\">") != 1 || count(page, "in English") != 0 ||
            count(page, "Acme &amp; Co") < 1 || count(page, "Kontakt") != 1 ||
            count(page, "mailto:it@corp.example") != 1)
            fail_msg("%u: %.*s", statuses[i], STR_ARG(page));
    }
}

static void contacts(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    static const struct {
        const char *contact, *holds;
    } rows[] = {
        {"it@corp.example", "<a href=\"mailto:it@corp.example\">it@corp.example</a>"},
        {"on-call, desk 3", "<code>on-call, desk 3</code>"},
        {"it@corp.example?bcc=x@evil.example", "<code>it@"},
        {"a@b@c", "<code>a@b@c</code>"},
        {"@corp", "<code>@corp</code>"},
        {"corp@", "<code>corp@</code>"},
        {"a\"b@corp", "<code>a&quot;b@corp</code>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct refusal r = {.status = 403, .reason = STR("r"), .contact = str_of(rows[i].contact)};
        str page = {buf, page_write(&r, buf, sizeof buf)};
        if (count(page, rows[i].holds) != 1)
            fail_msg("no %s in %.*s", rows[i].holds, STR_ARG(page));
    }
}

static void a_problem_is_json(void **state)
{
    static char buf[PROBLEM_MAX_BYTES];
    struct refusal r = evil(401);
    (void)state;
    r.reason = STR("auth.none");
    r.retry_after_s = 7;
    size_t n = problem_write(&r, buf, sizeof buf);
    json_t *doc = json_loadb(buf, n, 0, NULL);
    assert_non_null(doc);
    assert_int_equal(buf[n - 1], '\n');
    assert_int_equal(problem_write(&r, buf, n - 1), 0);
    assert_string_equal(json_string_value(json_object_get(doc, "type")), "urn:postern:auth.none");
    assert_string_equal(json_string_value(json_object_get(doc, "reason")), "auth.none");
    assert_string_equal(json_string_value(json_object_get(doc, "detail")), EVIL);
    assert_int_equal(json_integer_value(json_object_get(doc, "status")), 401);
    assert_int_equal(json_integer_value(json_object_get(doc, "retry_after")), 7);
    json_decref(doc);
}

static void answers_carry_their_headers(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    struct refusal r = {.status = 401,
                        .reason = STR("auth.none"),
                        .request_id = STR("id1"),
                        .retry_after_s = 30,
                        .allow_origin = STR("https://a.example")};
    struct http_pair extra = {STR("X-Extra"), STR("1")};
    struct answer_how how = {.client_minor = 1, .is_tls = true, .extra = &extra, .n_extra = 1};
    (void)state;
    str all = {buf, refusal_write(&r, &how, buf, sizeof buf)};
    const char *parts[] = {"HTTP/1.1 401 Unauthorized\r\n",
                           "\r\nContent-Type: application/problem+json\r\n",
                           "\r\nWWW-Authenticate: Bearer realm=\"postern\"\r\n",
                           "\r\nRetry-After: 30\r\n",
                           "\r\nAccess-Control-Allow-Origin: https://a.example\r\n",
                           "\r\nX-Request-Id: id1\r\n",
                           "\r\nX-Extra: 1\r\n",
                           "\r\nCache-Control: no-store\r\n",
                           "\r\nConnection: close\r\n",
                           "\r\nStrict-Transport-Security: max-age=31536000\r\n",
                           "default-src 'none'"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (count(all, parts[i]) != 1)
            fail_msg("%s in %.*s", parts[i], STR_ARG(all));
    r.status = 403;
    how.is_head = how.keep_alive = true;
    all.n = refusal_write(&r, &how, buf, sizeof buf);
    assert_int_equal(count(all, "WWW-Authenticate"), 0);
    assert_int_equal(count(all, "Connection:"), 0);
    assert_true(str_ends(all, STR("\r\n\r\n")));
}

/* What we write is a sound message: our own reader of answers takes it, length and all. */
static void answers_are_sound(void **state)
{
    static char buf[PAGE_MAX_BYTES];
    static const unsigned statuses[] = {200, 204, 302, 304, 400, 401, 403, 421, 503};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct arena a;
        struct http_response_head head;
        struct h1_scan scan = {.limits = &h1_limits_default, .is_response = true};
        struct answer_how how = {.client_minor = 1, .keep_alive = true, .date = STR("now")};
        arena_init(&a, NULL, 0);
        size_t n = answer_write(statuses[i], STR("text/plain"), STR("ok\n"), &how, buf, sizeof buf);
        assert_int_equal(h1_head_end(buf, n, &scan), H1_SCAN_END);
        assert_null(h1_response_parse((str){buf, scan.head_len}, &h1_limits_default, METHOD_GET,
                                      false, &a, &head)
                        .id);
        assert_true(head.keep_alive);
        assert_int_equal(n - scan.head_len, head.framing == FRAMING_LENGTH ? 3 : 0);
        arena_finish(&a);
    }
}

static void the_largest_refusal_fits(void **state)
{
    static char buf[PAGE_MAX_BYTES], quotes[8192];
    (void)state;
    memset(quotes, '"', sizeof quotes);
    str big = {quotes, sizeof quotes};
    struct refusal r = {401, big, big, big, big, big, big, 9, big, big, big, false, big};
    memcpy(quotes, "https://", 8);
    r.login_url.n = 1024;
    for (int html = 0; html < 2; html++) {
        struct answer_how how = {.wants_html = html, .client_minor = 1, .is_tls = true};
        size_t n = refusal_write(&r, &how, buf, sizeof buf);
        assert_true(n > 0);
        assert_int_equal(refusal_write(&r, &how, buf, n - 1), 0);
    }
}

static void the_style_matches_its_hash(void **state)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[64] = "sha256-";
    size_t n;
    (void)state;
    SHA256((const unsigned char *)layout_style().p, layout_style().n, digest);
    base64_encode((str){(const char *)digest, sizeof digest}, text + 7, &n);
    text[7 + n] = '\0';
    assert_string_equal(text, layout_style_hash().p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_people_from_programs),
        cmocka_unit_test(escapes),
        cmocka_unit_test(a_page_has_what_a_person_needs),
        cmocka_unit_test(titles),
        cmocka_unit_test(a_page_speaks_german_and_names_the_house),
        cmocka_unit_test(contacts),
        cmocka_unit_test(a_problem_is_json),
        cmocka_unit_test(answers_carry_their_headers),
        cmocka_unit_test(answers_are_sound),
        cmocka_unit_test(the_largest_refusal_fits),
        cmocka_unit_test(the_style_matches_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
