/* lint_group: names of groups that nobody can be meant by.
 *
 * Groups compare exactly, and which of them an issuer has is not known here: a name with a slip in
 * it loads, and a deny of it never fires. What can be seen is the name itself, and its like among
 * the other names of the set. */
#include "policy/lint.h"

#include <ctype.h>

enum {
    MOST_NAMES = 2048, /* compared in pairs */
    LEAST_WORD = 5,    /* in shorter words one letter makes another name: eu, us */
};

struct group_name {
    str text;
    const struct doc_node *node;    /* where it stands first */
    const struct doc_node *members; /* of a name of define: */
    size_t uses;
};

struct group_names {
    struct load *l;
    struct map seen; /* text -> struct group_name */
    struct group_name *items[MOST_NAMES];
    size_t n;
};

/* ---- the name itself ---------------------------------------------------------------------------
 */

static void lint_star(struct load *l, const struct doc_node *node)
{
    bool is_all = str_eq(node->text, STR("*"));

    if (memchr(node->text.p, '*', node->text.n))
        doc_warn(l->f, node, "group-star",
                 is_all ? "write who: anyone for everybody" : "name each group",
                 "\"%.*s\" is the group of exactly that name: a * stands for nothing here",
                 STR_ARG(str_upto(node->text, 80)));
}

static void lint_space(struct load *l, const struct doc_node *node)
{
    str s = node->text, bare = s;

    while (bare.n && bare.p[0] == ' ')
        bare = str_from(bare, 1);
    while (bare.n && bare.p[bare.n - 1] == ' ')
        bare.n--;
    if (bare.n != s.n)
        doc_warn(l->f, node, "group-space",
                 arena_printf(l->a, "write \"%.*s\"", STR_ARG(str_upto(bare, 80))).p,
                 "group \"%.*s\" is written with a space at its %s", STR_ARG(str_upto(s, 80)),
                 s.p[0] == ' ' ? "start" : "end");
}

/* ---- its like ----------------------------------------------------------------------------------
 */

static size_t word_start(str s, size_t i)
{
    while (i > 0 && isalpha((unsigned char)s.p[i - 1]))
        i--;
    return i;
}

static size_t word_end(str s, size_t i)
{
    while (i < s.n && isalpha((unsigned char)s.p[i]))
        i++;
    return i;
}

/* One letter too many, another, or two that changed places, within a word. The first letter of a
 * word is seldom the wrong one. */
static bool is_slip(str a, str b)
{
    str brief = a.n <= b.n ? a : b, whole = a.n <= b.n ? b : a;
    size_t i = 0;

    while (i < brief.n && brief.p[i] == whole.p[i])
        i++;
    size_t start = word_start(whole, i);
    if (whole.n - brief.n > 1 || i == whole.n || i == start ||
        word_end(whole, i) - start < LEAST_WORD || !isalpha((unsigned char)whole.p[i]))
        return false;
    if (brief.n < whole.n)
        return str_eq(str_from(brief, i), str_from(whole, i + 1));
    if (!isalpha((unsigned char)brief.p[i]))
        return false;
    if (str_eq(str_from(brief, i + 1), str_from(whole, i + 1)))
        return true;
    return i + 1 < whole.n && brief.p[i] == whole.p[i + 1] && brief.p[i + 1] == whole.p[i] &&
           str_eq(str_from(brief, i + 2), str_from(whole, i + 2));
}

static bool has_member(const struct group_name *alias, str text)
{
    for (size_t i = 0; i < load_count(alias->members); i++)
        if (str_eq(load_item(alias->members, i)->text, text))
            return true;
    return false;
}

/* `staff: [Staff]` gives a name of our own to a group of the issuer, on purpose. */
static bool is_alias(const struct group_name *a, const struct group_name *b)
{
    return has_member(a, b->text) || has_member(b, a->text);
}

static void lint_alike(struct load *l, const struct group_name *a, const struct group_name *b)
{
    bool is_case = str_eq_nocase(a->text, b->text);

    if ((!is_case && !is_slip(a->text, b->text)) || is_alias(a, b))
        return;
    const struct group_name *odd = a->uses < b->uses ? a : b, *other = odd == a ? b : a;
    doc_warn(l->f, odd->node, "group-alike",
             arena_printf(l->a, "did you mean \"%.*s\"?", STR_ARG(str_upto(other->text, 80))).p,
             "group \"%.*s\" differs from \"%.*s\" (%.*s:%u) in %s only",
             STR_ARG(str_upto(odd->text, 80)), STR_ARG(str_upto(other->text, 80)),
             STR_ARG(other->node->file->name), other->node->line, is_case ? "case" : "one letter");
}

/* ---- all names of the set ----------------------------------------------------------------------
 */

static struct group_name *add_name(struct group_names *names, const struct doc_node *node)
{
    struct group_name *it = map_get(&names->seen, node->text);

    lint_star(names->l, node);
    lint_space(names->l, node);
    if (!it) {
        it = arena_new(names->l->a, struct group_name);
        *it = (struct group_name){.text = node->text, .node = node};
        map_add(&names->seen, it->text, it);
        if (names->n < MOST_NAMES)
            names->items[names->n++] = it;
    }
    it->uses++;
    return it;
}

static void add_names(struct group_names *names, const struct doc_node *list)
{
    for (size_t i = 0; i < load_count(list); i++)
        add_name(names, load_item(list, i));
}

static void add_who(struct group_names *names, const struct doc_node *who)
{
    static const char *const sets[] = {"any", "all", "none"};
    const struct doc_node *groups = doc_get(who, "groups");

    if (groups && groups->kind != DOC_MAP)
        add_names(names, groups);
    for (size_t i = 0; i < 3; i++)
        add_names(names, doc_get(groups, sets[i]));
    for (size_t i = 0; i < 2; i++) {
        const struct doc_node *branch = doc_get(who, sets[i]);
        for (size_t k = 0; k < load_count(branch); k++)
            add_who(names, load_item(branch, k));
    }
}

static void add_defined(struct group_names *names)
{
    const struct map *defs = &names->l->defs[DEF_GROUP];

    for (size_t i = 0; i < defs->n; i++) {
        const struct def *d = defs->entries[i].value;
        add_name(names, d->key)->members = d->node;
        add_names(names, d->node);
    }
}

void lint_groups(struct load *l)
{
    struct group_names *names = arena_new(l->a, struct group_names);

    names->l = l;
    map_init(&names->seen);
    add_defined(names);
    for (size_t i = 0; i < l->p->n_rules; i++) {
        add_who(names, doc_get(l->rules[i].node, "who"));
        add_who(names, doc_get(doc_get(l->rules[i].node, "approval"), "by"));
    }
    for (size_t i = 1; i < names->n; i++)
        for (size_t k = 0; k < i; k++)
            if (!names->items[i]->text.n || names->items[i]->text.p[0] != ' ')
                lint_alike(l, names->items[k], names->items[i]);
    map_finish(&names->seen);
}
