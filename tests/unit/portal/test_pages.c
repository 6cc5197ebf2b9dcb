/* Every page: escaped whatever it holds, small, without script, and with a strict policy. */
#include "unit.h"

#include "samples.h"

#define EVIL "<script>alert(1)</script>\"'&\r\n\x01\xff\xe2\x80\xae"

static bool is_replay(size_t i)
{
    return strcmp(samples[i].name, "replay") == 0;
}

/* Calls `look` with every sample in every language. */
static void each(void (*look)(size_t i, enum page_language l, struct page p))
{
    for (size_t i = 0; i < n_samples; i++)
        for (int l = 0; l < PAGE_LANGUAGE_COUNT; l++) {
            struct arena a;
            struct page_env env = sample_env((enum page_language)l);
            arena_init(&a, NULL, 0);
            look(i, (enum page_language)l, samples[i].make(&a, &env));
            arena_finish(&a);
        }
}

static void look_at_markup(size_t i, enum page_language l, struct page p)
{
    static const char *const never[] = {"alert(1)</script>",
                                        "<script>",
                                        "javascript:",
                                        "style=\"",
                                        " onclick",
                                        "url(",
                                        "src=",
                                        "\x01",
                                        "\xff",
                                        "\xe2\x80\xae"};
    for (size_t k = 0; k < sizeof never / sizeof *never; k++)
        if (count(p.html, never[k]) > 0)
            fail_msg("%s.%d holds %s", samples[i].name, l, never[k]);
    if (count(p.html, "<script") != (is_replay(i) ? 1 : 0))
        fail_msg("%s.%d: a script", samples[i].name, l);
    if (count(p.csp, "\r") || count(p.csp, "\n") || count(p.csp, "script>"))
        fail_msg("%s.%d: %.*s", samples[i].name, l, STR_ARG(p.csp));
}

static void nothing_becomes_markup(void **state)
{
    (void)state;
    sample_evil = EVIL;
    each(look_at_markup);
    sample_evil = NULL;
}

static void look_at_form(size_t i, enum page_language l, struct page p)
{
    size_t forms = count(p.html, "<form"), own = count(p.html, "name=\"csrf\"");
    size_t foreign = count(p.html, "action=\"https://login.acme.example");
    const char *lang = l == PAGE_GERMAN ? "<html lang=\"de\">" : "<html lang=\"en\">";
    if (p.html.n == 0 || p.html.n > 30 * 1024)
        fail_msg("%s.%d: %zu bytes", samples[i].name, l, p.html.n);
    if (count(p.html, lang) != 1 || count(p.html, "<h1>") != 1 || count(p.html, "<main") != 1)
        fail_msg("%s.%d: its frame", samples[i].name, l);
    if (!is_replay(i) && forms != own + foreign)
        fail_msg("%s.%d: %zu forms, %zu with a token", samples[i].name, l, forms, own);
    if (count(p.html, "method=\"post\"") != forms)
        fail_msg("%s.%d: a form that is no POST", samples[i].name, l);
    if (count(p.html, "{}") > 0)
        fail_msg("%s.%d: a gap that was not filled", samples[i].name, l);
}

static void each_is_small_and_whole(void **state)
{
    (void)state;
    each(look_at_form);
}

static void look_at_policy(size_t i, enum page_language l, struct page p)
{
    static const char *const always[] = {"default-src 'none'; ", "style-src 'sha256-",
                                         "base-uri 'none'", "frame-ancestors 'none'",
                                         "form-action 'self'"};
    for (size_t k = 0; k < sizeof always / sizeof *always; k++)
        if (count(p.csp, always[k]) != 1)
            fail_msg("%s.%d: %.*s", samples[i].name, l, STR_ARG(p.csp));
    if (count(p.csp, "script-src") != (is_replay(i) ? 1 : 0) || count(p.csp, "unsafe") > 0)
        fail_msg("%s.%d: %.*s", samples[i].name, l, STR_ARG(p.csp));
}

static void each_has_a_strict_policy(void **state)
{
    (void)state;
    each(look_at_policy);
}

static struct page sample_named(struct arena *a, const struct page_env *env, const char *name)
{
    for (size_t i = 0; i < n_samples; i++)
        if (strcmp(samples[i].name, name) == 0)
            return samples[i].make(a, env);
    fail_msg("no sample %s", name);
    return (struct page){0};
}

/* A form that is answered with the way to an app may lead anywhere, any other stays here. */
static void where_forms_lead(void **state)
{
    static const struct {
        const char *name, *https, *http;
    } rows[] = {
        {"sign-in", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"pin", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"choice", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"purpose", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"request", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"break-glass", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"logged-out", "form-action 'self' https:", "form-action 'self' https: http:"},
        {"launcher", "form-action 'self'", "form-action 'self'"},
        {"approvals", "form-action 'self'", "form-action 'self'"},
        {"logout", "form-action 'self'", "form-action 'self'"},
        {"refused", "form-action 'self'", "form-action 'self'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int plain = 0; plain < 2; plain++) {
            struct arena a;
            struct page_env env = sample_env(PAGE_ENGLISH);
            arena_init(&a, NULL, 0);
            if (plain)
                env.portal = STR("http://access.postern.localhost:8090");
            str csp = sample_named(&a, &env, rows[i].name).csp;
            if (!str_ends(csp, str_of(plain ? rows[i].http : rows[i].https)))
                fail_msg("%s: %.*s", rows[i].name, STR_ARG(csp));
            arena_finish(&a);
        }
}

static void remedies_lead_somewhere(void **state)
{
    static const char *const wanted[] = {
        "https://access.corp.example/.postern/login?to=https%3A%2F%2Fgrafana.corp.example%2Fd%2F7%"
        "3Ffrom%3Dnow-6h%26to%3Dnow&amp;b=Zm9vYmFyYmF6cXV4&amp;max_age=3600&amp;acr=urn%3Acorp%3A"
        "mfa\"",
        "/.postern/request?app=payroll&amp;rule=payroll-approved&amp;to=https%3A",
        "/.postern/purpose?app=payroll&amp;to=https%3A",
        "/.postern/break-glass?app=payroll&amp;rule=emergency&amp;to=https%3A",
    };
    (void)state;
    struct arena a;
    struct page_env env = sample_env(PAGE_ENGLISH);
    arena_init(&a, NULL, 0);
    struct page p = sample_named(&a, &env, "refused-step-up");
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
        if (count(p.html, wanted[k]) != 1)
            fail_msg("no %s", wanted[k]);
    /* an emergency comes last, though its rule came first */
    assert_true(memmem(p.html.p, p.html.n, "break-glass?", 12) >
                memmem(p.html.p, p.html.n, "purpose?", 8));
    arena_finish(&a);
}

/* Whom a front has signed in, no page sends to a log-in of ours, nor to a form that needs a
 * session.
 */
static void behind_a_front_nothing_leads_to_a_log_in(void **state)
{
    static const struct {
        const char *name, *said[2];
    } rows[] = {
        {"refused-step-up", {"again at Cloudflare, with a second", "purpose of a visit"}},
        {"launcher", {"again at Cloudflare, with a second", "through"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct page_env env = sample_env(PAGE_ENGLISH);
        env.front = STR("Cloudflare");
        arena_init(&a, NULL, 0);
        struct page p = sample_named(&a, &env, rows[i].name);
        for (size_t k = 0; k < 2; k++)
            if (count(p.html, rows[i].said[k]) == 0)
                fail_msg("%s: no %s", rows[i].name, rows[i].said[k]);
        if (count(p.html, "/.postern/login") || count(p.html, "/.postern/purpose") ||
            count(p.html, "/.postern/logout"))
            fail_msg("%s leads where nothing is", rows[i].name);
        assert_true(count(p.html, "/.postern/request?") > 0);
        arena_finish(&a);
    }
}

/* The launcher has no binding of the app's host: a step-up ends where it began. */
static void a_step_up_from_the_launcher_comes_back_to_it(void **state)
{
    struct arena a;
    struct page_env env = sample_env(PAGE_ENGLISH);
    (void)state;
    arena_init(&a, NULL, 0);
    struct page p = sample_named(&a, &env, "launcher");
    assert_int_equal(count(p.html, "/.postern/login?to=https%3A%2F%2Faccess.corp.example%2F&amp;"
                                   "max_age=3600\""),
                     1);
    arena_finish(&a);
}

static void without_a_portal_no_link_leads_there(void **state)
{
    struct arena a;
    struct page_env env = sample_env(PAGE_ENGLISH);
    struct policy_remedy remedy = {.kind = POLICY_REMEDY_STEP_UP};
    struct page_refused_view v = {.status = 403,
                                  .reason = STR("require-failed"),
                                  .app = STR("x"),
                                  .remedies = &remedy,
                                  .n_remedies = 1,
                                  .way = {.to = STR("https://x.example/")}};
    (void)state;
    arena_init(&a, NULL, 0);
    env.portal = (str){NULL, 0};
    struct page p = page_refused(&a, &env, &v);
    assert_int_equal(count(p.html, "/.postern/"), 0);
    assert_int_equal(count(p.html, "class=\"acts\""), 0);
    arena_finish(&a);
}

/* The heading says what is closed, the tab says the heading, and a link leads away. */
static void a_refusal_says_what_is_closed(void **state)
{
    static const struct {
        const char *reason, *heading;
        bool is_app_open;
        enum policy_remedy_kind kind;
    } rows[] = {
        {"default-deny", "Wiki is not open to you", false, POLICY_REMEDY_CONTACT},
        {"default-deny", "This page of Wiki is not open to you", true, POLICY_REMEDY_CONTACT},
        {"require-failed", "One more step to open Wiki", false, POLICY_REMEDY_STEP_UP},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        char title[128], heading[128];
        struct page_env env = sample_env(PAGE_ENGLISH);
        struct policy_remedy remedy = {.kind = rows[i].kind};
        struct page_refused_view v = {.status = 403,
                                      .reason = str_of(rows[i].reason),
                                      .app_title = STR("Wiki"),
                                      .is_app_open = rows[i].is_app_open,
                                      .remedies = &remedy,
                                      .n_remedies = 1};
        arena_init(&a, NULL, 0);
        struct page p = page_refused(&a, &env, &v);
        snprintf(title, sizeof title, "<title>%s ", rows[i].heading);
        snprintf(heading, sizeof heading, "<h1>%s</h1>", rows[i].heading);
        if (count(p.html, title) != 1 || count(p.html, heading) != 1 ||
            count(p.html, ">Back to your apps</a>") != 1)
            fail_msg("row %zu: %.*s", i, STR_ARG(p.html));
        arena_finish(&a);
    }
}

static void what_is_granted_says_when_it_ends(void **state)
{
    struct arena a;
    struct page_env env = sample_env(PAGE_ENGLISH);
    struct page_app apps[] = {
        {.name = STR("wiki"),
         .url = STR("https://w.example/"),
         .is_open = true,
         .until_s = 1795601700},
        {.name = STR("crm"), .url = STR("https://c.example/"), .is_open = true}};
    struct page_launcher_view v = {.apps = apps, .n_apps = 2};
    (void)state;
    arena_init(&a, NULL, 0);
    struct page p = page_launcher(&a, &env, &v);
    assert_int_equal(count(p.html, "Open until 25 November 2026, 10:15 UTC"), 1);
    assert_int_equal(count(p.html, "Open until"), 1);
    arena_finish(&a);
}

/* Thousands of apps, the longest names: the page ends, and says what it leaves out. */
static void a_large_launcher_fits(void **state)
{
    enum { MANY = 2000 };
    static struct page_app apps[MANY];
    static struct page_session sessions[MANY];
    static char longest[2000], url[2000];
    struct page_env env = sample_env(PAGE_GERMAN);
    (void)state;
    for (int quotes = 0; quotes < 2; quotes++) {
        struct arena a;
        memset(longest, quotes ? '"' : 'x', sizeof longest);
        memset(url, quotes ? '"' : 'x', sizeof url);
        memcpy(url, "https://", 8);
        str text = {longest, sizeof longest};
        for (size_t i = 0; i < MANY; i++) {
            apps[i] = (struct page_app){.name = STR("n"),
                                        .title = text,
                                        .description = text,
                                        .is_open = i % 2,
                                        .reason = STR("default-deny"),
                                        .url = {url, quotes ? sizeof url : 40}};
            sessions[i] = (struct page_session){.handle = text, .agent = text, .address = text};
        }
        struct page_launcher_view v = {.apps = apps,
                                       .n_apps = MANY,
                                       .sessions = sessions,
                                       .n_sessions = MANY,
                                       .person_name = text,
                                       .issuer_title = text};
        arena_init(&a, NULL, 0);
        struct page p = page_launcher(&a, &env, &v);
        assert_true(p.html.n > 0 && p.html.n <= PAGES_MAX_BYTES);
        assert_int_equal(count(p.html, " weitere werden nicht angezeigt"), 3);
        assert_int_equal(count(p.html, "<ul"), count(p.html, "</ul>"));
        assert_int_equal(count(p.html, "<section"), count(p.html, "</section>"));
        arena_finish(&a);
    }
}

/* The longest texts that a page takes, of characters that escape to six bytes. */
static void look_at_length(size_t i, enum page_language l, struct page p)
{
    if (p.html.n == 0 && !is_replay(i))
        fail_msg("%s.%d cannot be made", samples[i].name, l);
}

static void the_longest_texts_fit(void **state)
{
    static char quotes[4001];
    (void)state;
    memset(quotes, '"', sizeof quotes - 1);
    sample_evil = quotes;
    each(look_at_length);
    sample_evil = NULL;
}

static void replay(void **state)
{
    static const struct {
        const char *id, *body, *holds; /* NULL: no page */
    } rows[] = {
        {"pair", "a=b", "name=\"a\" value=\"b\">"},
        {"space", "a=b+c%20d", "value=\"b c d\">"},
        {"plus", "a=b%2Bc", "value=\"b+c\">"},
        {"markup", "a=%3C%22%27%26%3E", "value=\"&lt;&quot;'&amp;&gt;\">"},
        {"markup-plain", "a=\"><script>", "value=\"&quot;&gt;&lt;script&gt;\">"},
        {"lines", "a=1%0D%0A2", "value=\"1&#13;&#10;2\">"},
        {"no-value", "a", "name=\"a\" value=\"\">"},
        {"twice", "a=1&a=2", "value=\"1\"><input type=\"hidden\" name=\"a\" value=\"2\">"},
        {"equals", "a=b=c", "value=\"b=c\">"},
        {"utf8", "a=%C3%BC", "value=\"\xc3\xbc\">"},
        {"name", "%3Cb%3E=1", "name=\"&lt;b&gt;\""},
        {"empty-pairs", "&&a=1&", "name=\"a\" value=\"1\">"},
        {"empty", "", "<button"},
        {"override-stays", "a=%E2%80%AE", "value=\"\xe2\x80\xae\">"},
        {"no-name", "=1", NULL},
        {"latin1", "a=%FC", NULL},
        {"nul", "a=%00", NULL},
        {"bad-escape", "a=%4", NULL},
        {"bad-digit", "a=%zz", NULL},
        {"magic", "_charset_=x", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct page_env env = sample_env(PAGE_ENGLISH);
        struct page_replay_view v = {.action = STR("/acs"), .body = str_of(rows[i].body)};
        arena_init(&a, NULL, 0);
        struct page p = page_replay(&a, &env, &v);
        if (rows[i].holds ? count(p.html, rows[i].holds) != 1 : p.html.p != NULL)
            fail_msg("%s: %.*s", rows[i].id, STR_ARG(p.html));
        arena_finish(&a);
    }
}

static void replay_has_limits(void **state)
{
    static char body[PAGE_REPLAY_MAX_BYTES + 1];
    struct arena a;
    struct page_env env = sample_env(PAGE_ENGLISH);
    struct page_replay_view v = {.action = STR("/acs"), .body = {body, PAGE_REPLAY_MAX_BYTES}};
    (void)state;
    arena_init(&a, NULL, 0);
    memset(body, 'x', sizeof body);
    memcpy(body, "a=", 2);
    assert_true(page_replay(&a, &env, &v).html.n > PAGE_REPLAY_MAX_BYTES);
    v.body.n++;
    assert_null(page_replay(&a, &env, &v).html.p);
    v.body.n--;
    memset(body + 2, '"', sizeof body - 2);
    assert_null(page_replay(&a, &env, &v).html.p);
    v.body = STR("a=1");
    v.action = STR("https://elsewhere.example/");
    assert_null(page_replay(&a, &env, &v).html.p);
    v.action = STR("//elsewhere.example/");
    assert_null(page_replay(&a, &env, &v).html.p);
    v.action = STR("/acs");
    env.nonce = (str){NULL, 0};
    struct page p = page_replay(&a, &env, &v);
    assert_int_equal(count(p.html, "<script"), 0);
    assert_int_equal(count(p.csp, "script-src"), 0);
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_becomes_markup),
        cmocka_unit_test(each_is_small_and_whole),
        cmocka_unit_test(each_has_a_strict_policy),
        cmocka_unit_test(where_forms_lead),
        cmocka_unit_test(remedies_lead_somewhere),
        cmocka_unit_test(behind_a_front_nothing_leads_to_a_log_in),
        cmocka_unit_test(a_step_up_from_the_launcher_comes_back_to_it),
        cmocka_unit_test(without_a_portal_no_link_leads_there),
        cmocka_unit_test(a_refusal_says_what_is_closed),
        cmocka_unit_test(what_is_granted_says_when_it_ends),
        cmocka_unit_test(a_large_launcher_fits),
        cmocka_unit_test(the_longest_texts_fit),
        cmocka_unit_test(replay),
        cmocka_unit_test(replay_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
