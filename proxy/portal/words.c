/* See words.h. */
#include "proxy/portal/words.h"

static const str table[WORDS_COUNT][PAGE_LANGUAGE_COUNT] = {
#define X(id, english, german)                                                                     \
    [WORDS_##id] = {[PAGE_ENGLISH] = STR(english), [PAGE_GERMAN] = STR(german)},
    WORDS_TABLE(X)
#undef X
};

str words_text(enum page_language language, enum words_id id)
{
    return table[id][language];
}

str words_tag(enum page_language language)
{
    return language == PAGE_GERMAN ? STR("de") : STR("en");
}

void words_put(struct html *h, enum page_language language, enum words_id id)
{
    str text = table[id][language];
    html_text(h, text, text.n);
}

void words_put_with(struct html *h, enum page_language language, enum words_id id, str arg)
{
    str after = table[id][language];
    str before = str_cut(&after, '{');
    html_text(h, before, before.n);
    if (!after.p)
        return;
    html_text(h, arg, WORDS_ARG_MAX);
    html_text(h, str_from(after, 1), after.n);
}

/* The way of a code's words; what a token failed by is told to nobody but the record. */
static const struct {
    const char *code;
    struct words_about about;
} abouts[] = {
    {"default-deny", {WORDS_REFUSED_TITLE, WORDS_DEFAULT_DENY}},
    {"deny-rule", {WORDS_REFUSED_TITLE, WORDS_DENY_RULE}},
    {"require-failed", {WORDS_REFUSED_TITLE, WORDS_REQUIRE_FAILED}},
    {"policy:none", {WORDS_ERROR_STORE_TITLE, WORDS_NO_POLICY}},
    {"auth.none", {WORDS_SIGNED_OFF_TITLE, WORDS_SIGNED_OFF_TEXT}},
    {"login.state", {WORDS_FAILED_TITLE, WORDS_FAILED_STATE}},
    {"login.loop", {WORDS_FAILED_TITLE, WORDS_FAILED_LOOP}},
    {"login.front", {WORDS_FAILED_TITLE, WORDS_FRONT_LOOP}},
    {"login.denied", {WORDS_FAILED_TITLE, WORDS_FAILED_DENIED}},
    {"login.interaction", {WORDS_FAILED_TITLE, WORDS_FAILED_INTERACTION}},
    {"login.error", {WORDS_FAILED_TITLE, WORDS_FAILED_ERROR}},
    {"login.iss", {WORDS_FAILED_TITLE, WORDS_FAILED_ISS}},
    {"login.code", {WORDS_FAILED_TITLE, WORDS_FAILED_CODE}},
    {"login.unreachable", {WORDS_FAILED_TITLE, WORDS_FAILED_UNREACHABLE}},
    {"login.answer", {WORDS_FAILED_TITLE, WORDS_FAILED_CHECK}},
    {"login.token", {WORDS_FAILED_TITLE, WORDS_FAILED_CHECK}},
    {"login.nonce", {WORDS_FAILED_TITLE, WORDS_FAILED_CHECK}},
    {"login.hash", {WORDS_FAILED_TITLE, WORDS_FAILED_CHECK}},
    {"login.userinfo", {WORDS_FAILED_TITLE, WORDS_FAILED_CHECK}},
    {"login.auth-time", {WORDS_FAILED_TITLE, WORDS_FAILED_FRESH}},
    {"login.acr", {WORDS_FAILED_TITLE, WORDS_FAILED_FRESH}},
    {"login.other-person", {WORDS_FAILED_TITLE, WORDS_FAILED_PERSON}},
    {"login.ticket", {WORDS_FAILED_TITLE, WORDS_FAILED_TICKET}},
    {"login.full", {WORDS_FAILED_TITLE, WORDS_FAILED_FULL}},
    {"login.target", {WORDS_ERROR_TARGET_TITLE, WORDS_ERROR_TARGET}},
    {"builtin.refused", {WORDS_NONE, WORDS_BUILTIN_REFUSED}},
    {"builtin.disabled", {WORDS_FAILED_TITLE, WORDS_BUILTIN_DISABLED}},
    {"builtin.pin", {WORDS_NONE, WORDS_BUILTIN_PIN}},
    {"builtin.throttled", {WORDS_NONE, WORDS_BUILTIN_THROTTLED}},
    {"builtin.busy", {WORDS_NONE, WORDS_BUILTIN_BUSY}},
    {"builtin.ticket", {WORDS_ERROR_FORM_TITLE, WORDS_ERROR_FORM}},
    {"builtin.request", {WORDS_FAILED_TITLE, WORDS_FAILED_STATE}},
    {"form.csrf", {WORDS_ERROR_FORM_TITLE, WORDS_ERROR_FORM}},
    {"form.too-large", {WORDS_ERROR_LARGE_TITLE, WORDS_ERROR_LARGE}},
    {"page.absent", {WORDS_ERROR_ABSENT_TITLE, WORDS_ERROR_ABSENT}},
    {"store", {WORDS_ERROR_STORE_TITLE, WORDS_ERROR_STORE}},
    {"too-many", {WORDS_ERROR_MANY_TITLE, WORDS_ERROR_MANY}},
    {"purpose.session", {WORDS_ERROR_TITLE, WORDS_FRONT_PURPOSE}},
    {"logout.front", {WORDS_ERROR_TITLE, WORDS_FRONT_SIGN_OUT}},
    {"replay", {WORDS_ERROR_TITLE, WORDS_ERROR_REPLAY}},
    {"session-ended", {WORDS_NONE, WORDS_DONE_SESSION_ENDED}},
    {"purpose-stated", {WORDS_NONE, WORDS_DONE_PURPOSE}},
    {"requested", {WORDS_NONE, WORDS_DONE_REQUESTED}},
    {"withdrawn", {WORDS_NONE, WORDS_DONE_WITHDRAWN}},
    {"break-glass-opened", {WORDS_NONE, WORDS_DONE_BREAK_GLASS}},
    {"approved", {WORDS_NONE, WORDS_DONE_APPROVED}},
    {"approved-one", {WORDS_NONE, WORDS_DONE_APPROVED_ONE}},
    {"refused", {WORDS_NONE, WORDS_DONE_REFUSED}},
    {"ended", {WORDS_NONE, WORDS_DONE_ENDED}},
    {"gone", {WORDS_NONE, WORDS_DONE_GONE}},
};

bool words_about(str code, struct words_about *out)
{
    for (size_t i = 0; i < sizeof abouts / sizeof *abouts; i++)
        if (str_eq(code, str_of(abouts[i].code))) {
            *out = abouts[i].about;
            return true;
        }
    return false;
}
