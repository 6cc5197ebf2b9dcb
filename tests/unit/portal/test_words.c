/* Both languages say everything, with the same gaps. */
#include "unit.h"

#include "proxy/portal/cause.h"
#include "authn/authn.h"
#include "authn/builtin.h"
#include "authn/oidc.h"

static void both_languages_are_complete(void **state)
{
    (void)state;
    for (int id = 1; id < WORDS_COUNT; id++) {
        str en = words_text(PAGE_ENGLISH, (enum words_id)id);
        str de = words_text(PAGE_GERMAN, (enum words_id)id);
        if (en.n == 0 || de.n == 0)
            fail_msg("%d has no text", id);
        if (count(en, "{}") != count(de, "{}") || count(en, "{}") > 1 ||
            count(en, "{") != count(en, "{}") || count(de, "{") != count(de, "{}"))
            fail_msg("gaps differ: %.*s / %.*s", STR_ARG(en), STR_ARG(de));
        if (en.n > 12 && str_eq(en, de))
            fail_msg("not translated: %.*s", STR_ARG(en));
        if (str_ends(en, STR(".")) && !str_ends(de, STR(".")))
            fail_msg("one is a sentence: %.*s / %.*s", STR_ARG(en), STR_ARG(de));
    }
}

static void a_gap_is_filled_and_escaped(void **state)
{
    char buf[256];
    struct html h;
    (void)state;
    html_fixed(&h, buf, sizeof buf);
    words_put_with(&h, PAGE_GERMAN, WORDS_REFUSED_APP, STR("<x>"));
    assert_true(str_eq(html_done(&h), STR("&lt;x&gt; ist f\xc3\xbcr Sie nicht offen")));
    html_fixed(&h, buf, sizeof buf);
    words_put_with(&h, PAGE_ENGLISH, WORDS_SIGN_IN, STR("not wanted"));
    assert_true(str_eq(html_done(&h), STR("Sign in")));
}

/* A new code of the rooms below shows up here. */
static void every_code_of_a_log_in_has_words(void **state)
{
    struct words_about about;
    (void)state;
#define X(id, code, text)                                                                          \
    if (id != OIDC_OK && id != OIDC_INVALID && id != OIDC_GRANT_ENDED &&                           \
        !words_about(STR(code), &about))                                                           \
        fail_msg("%s", code);
    OIDC_VERDICTS(X)
#undef X
#define X(id, code, text)                                                                          \
    if (id != BUILTIN_OK && !words_about(STR(code), &about))                                       \
        fail_msg("%s", code);
    BUILTIN_VERDICTS(X)
#undef X
}

static void every_cause_has_words(void **state)
{
    static const struct {
        const char *code;
        enum words_id id;
        const char *arg;
    } rows[] = {
        {"who.users", WORDS_CAUSE_WHO, ""},
        {"who.claims.company", WORDS_CAUSE_WHO, ""},
        {"to.method", WORDS_CAUSE_METHOD, ""},
        {"to.path", WORDS_CAUSE_PATH, ""},
        {"device:missing", WORDS_CAUSE_DEVICE_MISSING, ""},
        {"device:stale", WORDS_CAUSE_DEVICE_STALE, ""},
        {"device:conflict", WORDS_CAUSE_DEVICE_CONFLICT, ""},
        {"cert.expired", WORDS_CAUSE_CERTIFICATE_OVER, ""},
        {"cert.usage", WORDS_CAUSE_CERTIFICATE, ""},
        {"posture.stale", WORDS_CAUSE_POSTURE, ""},
        {"device.disk_encrypted", WORDS_CAUSE_ATTRIBUTE, "disk encryption"},
        {"device.disk_encrypted:missing", WORDS_CAUSE_ATTRIBUTE_MISSING, "disk encryption"},
        {"device.disk_encrypted:stale", WORDS_CAUSE_DEVICE_STALE, "disk encryption"},
        {"device.acme.score", WORDS_CAUSE_ATTRIBUTE, "acme.score"},
        {"auth.mfa", WORDS_CAUSE_MFA, ""},
        {"auth.mfa:missing", WORDS_CAUSE_MFA, ""},
        {"auth.mfa_within", WORDS_CAUSE_MFA_OLD, ""},
        {"auth.login_within", WORDS_CAUSE_LOGIN_OLD, ""},
        {"from.network", WORDS_CAUSE_NETWORK, ""},
        {"when", WORDS_CAUSE_WHEN, ""},
        {"rule:expired", WORDS_CAUSE_EXPIRED, ""},
        {"approval:required", WORDS_CAUSE_APPROVAL, ""},
        {"purpose:required", WORDS_CAUSE_PURPOSE, ""},
        {"break-glass:closed", WORDS_CAUSE_BREAK_GLASS, ""},
        {"clock", WORDS_CAUSE_UNSURE, ""},
        {"no-such-code", WORDS_NONE, ""},
        {":", WORDS_NONE, ""},
        {"", WORDS_NONE, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cause_words words;
        bool found = cause_words(PAGE_ENGLISH, str_of(rows[i].code), &words);
        if (found != (rows[i].id != WORDS_NONE) || words.id != rows[i].id ||
            !str_eq(words.arg, str_of(rows[i].arg)))
            fail_msg("%s", rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_languages_are_complete),
        cmocka_unit_test(a_gap_is_filled_and_escaped),
        cmocka_unit_test(every_code_of_a_log_in_has_words),
        cmocka_unit_test(every_cause_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
