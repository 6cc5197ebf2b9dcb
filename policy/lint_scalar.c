/* lint_scalar: texts that other readers of YAML take for something else. We type a scalar by its
 * place, so NO is text here; an editor, a linter or a template engine may make false of it. */
#include "policy/lint.h"

static bool is_word_of(str s, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(s, str_of(*words)))
            return true;
    return false;
}

static size_t digits(str s, size_t from)
{
    size_t n = from;

    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n - from;
}

/* 0755: eight times as much in YAML 1.1. */
static bool is_octal(str s)
{
    return s.n > 1 && s.p[0] == '0' && digits(s, 0) == s.n;
}

/* 1.10: the number 1.1. */
static bool is_short_float(str s)
{
    size_t whole = digits(s, 0);

    if (!whole || whole + 1 >= s.n || s.p[whole] != '.')
        return false;
    return digits(s, whole + 1) == s.n - whole - 1 && s.p[s.n - 1] == '0';
}

/* 09:30: base sixty in YAML 1.1. */
static bool is_sexagesimal(str s)
{
    size_t at = digits(s, 0);

    if (!at || at == s.n)
        return false;
    while (at < s.n) {
        size_t n = s.p[at] == ':' ? digits(s, at + 1) : 0;
        if (n < 1 || n > 2 || (n == 2 && s.p[at + 1] > '5'))
            return false;
        at += n + 1;
    }
    return true;
}

/* 0x1F, 1_000, 1e3 */
static bool is_odd_number(str s)
{
    size_t n = 0, marks = 0;

    if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'o'))
        return true;
    for (; n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '_' || s.p[n] == 'e'); n++)
        marks += s.p[n] == '_' || s.p[n] == 'e';
    return n == s.n && marks == 1 && digits(s, 0) > 0 && s.p[s.n - 1] != 'e' && s.p[s.n - 1] != '_';
}

/* NULL, or what else it may be read as. */
static const char *other_reading(str s)
{
    static const char *const nulls[] = {"~", "null", NULL};
    static const char *const booleans[] = {"yes", "no", "on", "off", "y", "n", NULL};
    static const char *const floats[] = {".inf", "-.inf", ".nan", NULL};

    if (is_word_of(s, nulls))
        return "nothing at all";
    if (is_word_of(s, booleans))
        return "a boolean";
    if (is_octal(s))
        return "an octal number";
    if (is_short_float(s))
        return "a number without its last zero";
    if (is_sexagesimal(s))
        return "a number in base sixty";
    return is_word_of(s, floats) || is_odd_number(s) ? "a number" : NULL;
}

/* Within brackets a question mark ends a plain text for some. */
static bool breaks_at_question(const struct doc_node *node)
{
    return node->is_plain && node->is_flow && memchr(node->text.p, '?', node->text.n);
}

static void look(struct load *l, const struct doc_node *node)
{
    if (breaks_at_question(node))
        doc_warn(l->f, node, "question-mark", "write it in quotes",
                 "other readers of YAML refuse a question mark here, within brackets");
    const char *reading = node->is_plain ? other_reading(node->text) : NULL;

    if (reading)
        doc_warn(l->f, node, "ambiguous-scalar", "write it in quotes",
                 "other readers of YAML take %.*s for %s", STR_ARG(str_upto(node->text, 40)),
                 reading);
}

static bool fits_kind(const struct schema_type *type, const struct doc_node *node)
{
    switch (type->kind) {
    case SCHEMA_SCALAR:
        return node->kind == DOC_SCALAR;
    case SCHEMA_MAP:
    case SCHEMA_DICT:
        return node->kind == DOC_MAP;
    case SCHEMA_LIST:
        return node->kind == DOC_LIST;
    default:
        return true;
    }
}

static void walk(struct load *l, const struct schema_type *type, const struct doc_node *node);

static void walk_map(struct load *l, const struct schema_type *type, const struct doc_node *map)
{
    for (const struct schema_field *field = type->fields; field->name; field++) {
        const struct doc_node *member = doc_get(map, field->name);
        if (member)
            walk(l, field->type, member);
    }
}

static void walk_either(struct load *l, const struct schema_type *type, const struct doc_node *node)
{
    for (const struct schema_type *const *t = type->alternatives; *t; t++)
        if (fits_kind(*t, node)) {
            walk(l, *t, node);
            return;
        }
}

/* The tree has been checked against the type. What may be anything is left alone: the claims of a
 * test are numbers and booleans on purpose. */
static void walk(struct load *l, const struct schema_type *type, const struct doc_node *node)
{
    switch (type->kind) {
    case SCHEMA_ANY:
        return;
    case SCHEMA_SCALAR:
        if (!type->choices)
            look(l, node);
        return;
    case SCHEMA_MAP:
        walk_map(l, type, node);
        return;
    case SCHEMA_EITHER:
        walk_either(l, type, node);
        return;
    case SCHEMA_DICT:
        for (size_t i = 0; i < node->n; i++) {
            look(l, node->keys[i]);
            walk(l, type->item, node->items[i]);
        }
        return;
    case SCHEMA_LIST:
    case SCHEMA_ONE_OR_LIST:
        for (size_t i = 0; i < load_count(node); i++)
            walk(l, type->item, load_item(node, i));
        return;
    }
}

void lint_scalars(struct load *l)
{
    for (size_t i = 0; i < l->n_files; i++)
        if (l->files[i].root && l->files[i].has_form)
            walk(l, &policy_file_type, l->files[i].root);
}
