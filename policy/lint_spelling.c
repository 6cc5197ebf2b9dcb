/* lint_spelling: paths that can be written otherwise. */
#include "policy/lint.h"

#include "base/encode.h"
#include "policy/text.h"

/* RFC 3986 section 2.2: an escape of these stays one, as it may mean something else; to most apps
 * it does not, and "/a%3Ab" is the page "/a:b". The star and the semicolon stand for themselves in
 * no glob. */
static const char reserved[] = "!$&'()+,:=@";

/* The reserved character at i, written either way, and how many bytes it takes; 0: none. */
static char reserved_at(str glob, size_t i, size_t *bytes_out)
{
    unsigned char c = (unsigned char)glob.p[i];

    *bytes_out = 1;
    if (c == '%' && i + 2 < glob.n && hex_decode(str_upto(str_from(glob, i + 1), 2), &c))
        *bytes_out = 3;
    return c && strchr(reserved, c) ? (char)c : '\0';
}

/* The glob with its reserved characters as they are or, `is_other`, each the other way. */
static str spelled(struct arena *a, str glob, bool is_other, size_t *n_reserved_out)
{
    struct text t = {.arena = a};
    size_t bytes;

    *n_reserved_out = 0;
    for (size_t i = 0; i < glob.n; i += bytes) {
        char c = reserved_at(glob, i, &bytes);
        *n_reserved_out += c != '\0';
        if (!c)
            bytes = 1;
        if (c && is_other && bytes == 1)
            text_printf(&t, "%%%02X", (unsigned)c);
        else if (c)
            text_printf(&t, "%c", c);
        else
            text_add(&t, str_upto(str_from(glob, i), 1));
    }
    return text_str(&t);
}

/* True when the list has all ways to write the glob. */
static bool has_all(struct load *l, const struct doc_node *list, str plain, size_t n_reserved)
{
    size_t n = 0, ignored;

    for (size_t i = 0; i < load_count(list); i++)
        n += str_eq(spelled(l->a, load_item(list, i)->text, false, &ignored), plain);
    return n_reserved < 8 && n >= (size_t)1 << n_reserved;
}

static void lint_glob(struct load *l, const struct rule *rule, const struct doc_node *list,
                      const struct doc_node *glob)
{
    size_t n;
    str plain = spelled(l->a, glob->text, false, &n), other = spelled(l->a, glob->text, true, &n);
    char hint[300];

    if (n == 0 || has_all(l, list, plain, n))
        return;
    snprintf(hint, sizeof hint, "write * for the whole segment, or name %.*s too",
             STR_ARG(str_upto(other, 200)));
    doc_warn(l->f, glob, "two-spellings", hint,
             "rule \"%.*s\" does not hold for the same page in another spelling",
             STR_ARG(rule->id));
}

/* Where a path that is missed opens something: the exceptions of an allow, the paths of the rest.
 */
void lint_spellings(struct load *l, const struct rule *rule)
{
    const char *key = rule->effect == RULE_ALLOW ? "except" : "paths";
    const struct doc_node *list = doc_get(doc_get(rule->node, "to"), key);

    for (size_t i = 0; i < load_count(list); i++)
        lint_glob(l, rule, list, load_item(list, i));
}
