/* regex: anchoring is done by compile options and not by wrapping the text in \A(?:...)\z: a text
 * such as "a)|(?:b" or "(?x) a #" would break out of the wrapper and match a part of a path. */
#include "policy/regex.h"

#include "policy/rule.h"

/* The phrase of the last failure; PCRE2 has some hundred texts and a caller takes one at once. */
static _Thread_local char failure[240];

static const char *compile_error(int code, size_t offset)
{
    PCRE2_UCHAR text[100];
    if (pcre2_get_error_message(code, text, sizeof text) < 0)
        return "must be a regular expression (PCRE2)";
    bool is_number = code == PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE;
    snprintf(failure, sizeof failure, "must be a regular expression (PCRE2): %s at offset %zu%s",
             (const char *)text, offset,
             is_number ? "; only groups with a name, (?<name>...), can be meant" : "");
    return failure;
}

pcre2_code *regex_compile(str text, bool ignores_case, const char **why)
{
    *why = "must be a regular expression of 1 to 512 bytes";
    if (text.n == 0 || text.n > POLICY_MAX_REGEX_BYTES)
        return NULL;
    /* Verbs such as (*UTF) or (*NO_JIT) would change how paths are read or how long it takes. */
    *why = "must not begin with (*: its options and limits are fixed";
    if (str_starts(text, STR("(*")))
        return NULL;
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF |
                       PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)text.p, text.n, options | (ignores_case ? PCRE2_CASELESS : 0),
                      &error, &offset, NULL);
    if (!code) {
        *why = compile_error(error, offset);
        return NULL;
    }
    /* Without JIT (a hardened kernel may forbid it) the interpreter obeys the same match limit. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}
