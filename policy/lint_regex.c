/* lint_regex: expressions that a glob can say. */
#include "policy/lint.h"

#include "policy/text.h"

static bool is_plain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("/_-~", c) != NULL;
}

static bool cut(str *rest, str prefix)
{
    if (!str_starts(*rest, prefix))
        return false;
    *rest = str_from(*rest, prefix.n);
    return true;
}

static bool ends_in_slash(const struct text *t)
{
    return t->n && t->p[t->n - 1] == '/';
}

/* A whole segment: between slashes, or at the end. */
static bool cut_segment(str *rest, const struct text *t)
{
    str after = *rest;

    if (!ends_in_slash(t) || !cut(&after, STR("[^/]+")) || (after.n && after.p[0] != '/'))
        return false;
    *rest = after;
    return true;
}

/* Everything below: "/x/.*" also matches "/x/" alone, as "/x" does the glob. */
static bool is_tail(str rest, const struct text *t)
{
    return (ends_in_slash(t) && str_eq(rest, STR(".*"))) ||
           (!ends_in_slash(t) && str_eq(rest, STR("(/.*)?"))) ||
           (!ends_in_slash(t) && str_eq(rest, STR("(?:/.*)?")));
}

bool lint_is_glob(str regex)
{
    for (size_t i = 0; i + 1 < regex.n; i++)
        if (regex.p[i] == '/' && regex.p[i + 1] == '*' &&
            (i + 2 == regex.n || regex.p[i + 2] == '/'))
            return true;
    return false;
}

str lint_glob_of_regex(struct arena *a, str regex)
{
    struct text t = {.arena = a};
    str rest = regex;

    cut(&rest, STR("^"));
    if (rest.n && rest.p[rest.n - 1] == '$')
        rest.n--;
    while (rest.n) {
        if (is_tail(rest, &t)) {
            text_add(&t, ends_in_slash(&t) ? STR("**") : STR("/**"));
            return text_str(&t);
        }
        if (cut_segment(&rest, &t)) {
            text_add(&t, STR("*"));
        } else if (cut(&rest, STR("\\."))) {
            text_add(&t, STR("."));
        } else if (is_plain_char(rest.p[0]) && (rest.n < 2 || !strchr("?*+{", rest.p[1]))) {
            text_add(&t, str_upto(rest, 1));
            rest = str_from(rest, 1);
        } else {
            return (str){NULL, 0};
        }
    }
    return t.n ? text_str(&t) : (str){NULL, 0};
}
