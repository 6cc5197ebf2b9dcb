/* scalar_hint: what to write instead, where the schema tables find a value wrong. Each is a guess
 * from the text alone, and NULL where there is none. */
#include "policy/code.h"
#include "policy/lint.h"
#include "policy/scalar.h"

#include <ctype.h>

static const str NO_HINT = {NULL, 0};

static bool is_text(const struct doc_node *node)
{
    return node->kind == DOC_SCALAR && node->text.n > 0 && node->text.n <= 128;
}

static str did_you_mean(struct arena *a, str s)
{
    return arena_printf(a, "did you mean \"%.*s\"?", STR_ARG(s));
}

/* ---- people ----------------------------------------------------------------------------------
 */

str scalar_hint_email(struct arena *a, const struct doc_node *node)
{
    str s = node->text, domain = str_from(s, 2);

    if (is_text(node) && str_starts(s, STR("*@")) && scalar_is_name(domain))
        return arena_printf(a, "write domains: [%.*s]", STR_ARG(domain));
    return NO_HINT;
}

str scalar_hint_domain(struct arena *a, const struct doc_node *node)
{
    str s = node->text;
    size_t at = str_find(s, '@');

    if (!is_text(node))
        return NO_HINT;
    if (at > 0 && at < s.n)
        return arena_printf(a, "write users: [%.*s], or the domain alone", STR_ARG(s));
    if (at == 0)
        s = str_from(s, 1);
    if (str_starts(s, STR("*.")))
        s = str_from(s, 2);
    if (s.n && s.p[0] == '.')
        s = str_from(s, 1);
    if (s.n == node->text.n || !scalar_is_name(s))
        return NO_HINT;
    return arena_printf(a, "write %.*s; subdomains are named one by one", STR_ARG(s));
}

/* ---- time ------------------------------------------------------------------------------------
 */

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* mon, Mon, Monday, mondays; -1 when it is none. */
static int day_of(str s)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};

    if (s.n > 3 && str_lower_char(s.p[s.n - 1]) == 's')
        s.n--;
    for (int i = 0; i < 7; i++)
        if (s.n >= 3 && str_eq_nocase(s, str_upto(str_of(names[i]), s.n)))
            return i;
    return -1;
}

/* "mon, tue, wed" for mon-wed; sat-tue goes over the end of the week. */
static str days_of(struct arena *a, str s)
{
    if (str_eq_nocase(s, STR("weekdays")) || str_eq_nocase(s, STR("workdays")))
        s = STR("mon-fri");
    if (str_eq_nocase(s, STR("weekend")) || str_eq_nocase(s, STR("weekends")))
        s = STR("sat-sun");
    str from = str_trim(str_upto(s, str_find(s, '-')), " ");
    str to = from.n < s.n ? str_trim(str_from(s, str_find(s, '-') + 1), " ") : from;
    int first = day_of(from), last = day_of(to);

    if (first < 0 || last < 0)
        return NO_HINT;
    str all = str_of(days[first]);
    for (int i = first; i != last;) {
        i = (i + 1) % 7;
        all = arena_printf(a, "%.*s, %s", STR_ARG(all), days[i]);
    }
    return all;
}

str scalar_hint_days(struct arena *a, const struct doc_node *node)
{
    str all = is_text(node) ? days_of(a, node->text) : NO_HINT;

    return arena_printf(a, "write [%.*s]",
                        STR_ARG(all.p ? all : STR("mon, tue, wed, thu, fri, sat, sun")));
}

str scalar_hint_day(struct arena *a, const struct doc_node *node)
{
    str all = is_text(node) ? days_of(a, node->text) : NO_HINT;

    if (all.p && all.n == 3)
        return did_you_mean(a, all);
    return all.p ? arena_printf(a, "write %.*s", STR_ARG(all)) : NO_HINT;
}

/* ---- paths -----------------------------------------------------------------------------------
 */

static bool looks_like_regex(str s)
{
    return s.p[0] == '^' || s.p[s.n - 1] == '$' || str_contains(s, STR(".*")) ||
           str_contains(s, STR("[^")) || str_contains(s, STR(".+")) ||
           str_contains(s, STR("\\.")) || str_contains(s, STR("\\d")) ||
           str_contains(s, STR("\\w")) || memchr(s.p, '(', s.n);
}

/* "/docs*" may stand for /docs and all below. */
static str without_final_star(str s)
{
    return s.n > 2 && s.p[s.n - 1] == '*' && s.p[s.n - 2] != '/' && s.p[s.n - 2] != '*'
               ? str_upto(s, s.n - 1)
               : NO_HINT;
}

str scalar_hint_glob(struct arena *a, const struct doc_node *node)
{
    struct path_glob unused;
    const char *why;
    str base = is_text(node) ? without_final_star(node->text) : NO_HINT;

    if (!is_text(node))
        return NO_HINT;
    if (looks_like_regex(node->text)) {
        str glob = lint_glob_of_regex(a, node->text);
        return glob.p ? arena_printf(a, "this is an expression: write %.*s, or paths_regex in to",
                                     STR_ARG(glob))
                      : STR("this is an expression: in to it may stand in paths_regex");
    }
    if (base.p && path_glob_compile(a, base, &unused, &why))
        return arena_printf(a, "write %.*s/** for %.*s and all below", STR_ARG(base),
                            STR_ARG(base));
    return NO_HINT;
}

/* ---- devices ---------------------------------------------------------------------------------
 */

static str hint_version(struct arena *a, const struct doc_node *node, const char *of)
{
    return is_text(node) ? arena_printf(a, "write {%s: \"%.*s\"}", of, STR_ARG(node->text))
                         : NO_HINT;
}

str scalar_hint_os_version(struct arena *a, const struct doc_node *node)
{
    return hint_version(a, node, "macos");
}

str scalar_hint_browser_version(struct arena *a, const struct doc_node *node)
{
    return hint_version(a, node, "chrome");
}

/* ---- tests -----------------------------------------------------------------------------------
 */

str scalar_hint_expect(struct arena *a, const struct doc_node *node)
{
    str s = node->text;
    bool has_deny = str_starts(s, STR("deny "));
    str code = has_deny ? str_from(s, 5) : s;

    if (!is_text(node))
        return NO_HINT;
    if (!has_deny && code_is_known(code))
        return arena_printf(a, "write \"deny %.*s\"", STR_ARG(code));
    str near = has_deny ? code_nearest(code) : NO_HINT;
    return near.p ? arena_printf(a, "did you mean \"deny %.*s\"?", STR_ARG(near)) : NO_HINT;
}
