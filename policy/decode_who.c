/* decode_who: groups and claims to sets of wanted values, who mappings to struct who. */
#include "policy/load.h"

/* ---- group names --------------------------------------------------------------------------- */

struct union_build {
    struct want *items;
    size_t n, cap;
    struct map seen;
};

enum { FEW_NAMES = 16 }; /* past this a map is quicker than looking back */

static bool union_has(struct load *l, struct union_build *u, str text)
{
    if (u->n < FEW_NAMES) {
        for (size_t i = 0; i < u->n; i++)
            if (str_eq(u->items[i].text, text))
                return true;
        return false;
    }
    for (size_t i = u->seen.n; i < u->n; i++)
        map_add(&u->seen, u->items[i].text, l);
    return map_has(&u->seen, text);
}

static void union_add(struct load *l, struct union_build *u, struct want w)
{
    /* Aliases of aliases overlap: without this a chain of them doubles at each level. */
    if (!union_has(l, u, w.text))
        arena_push(l->a, u->items, u->n, u->cap, w);
}

/* False when it is too much: a file of a megabyte can name an alias of thousands in each of
 * thousands of rules, and every rule with another name beside it. */
static bool count_members(struct load *l, const struct doc_node *node, size_t n)
{
    bool was_good = l->n_members <= LOAD_MAX_MEMBERS;

    l->n_members += n;
    if (was_good && l->n_members > LOAD_MAX_MEMBERS)
        doc_error(l->f, node, "too-many-groups",
                  "name the alias alone in its list, or write who: {any: [...]}",
                  "the groups of all rules together name more than %d groups", LOAD_MAX_MEMBERS);
    return l->n_members <= LOAD_MAX_MEMBERS;
}

static void expand(struct load *l, struct def *d, unsigned depth);

/* A group alias stands for its union, any other string for itself. */
static bool union_add_name(struct load *l, struct union_build *u, const struct doc_node *node,
                           unsigned depth, unsigned *height)
{
    struct def *d = map_get(&l->defs[DEF_GROUP], node->text);
    if (!d) {
        union_add(l, u, (struct want){node->text, node->is_plain});
        return true;
    }
    if (d->is_open) {
        doc_error(l->f, node, "cycle", "a group cannot contain itself",
                  "group \"%.*s\" is part of its own definition",
                  STR_ARG(str_upto(node->text, 80)));
        return false;
    }
    expand(l, d, depth + 1);
    *height = d->height + 1 > *height ? d->height + 1 : *height;
    const struct want_list *members = d->value;
    if (!count_members(l, node, members->n))
        return false;
    for (size_t i = 0; i < members->n; i++)
        union_add(l, u, members->items[i]);
    return true;
}

/* An alias that stands alone: its union is shared, not copied for each rule. */
static const struct want_list *union_of_alias(struct load *l, const struct doc_node *node,
                                              unsigned *height)
{
    const struct def *d =
        load_count(node) == 1 ? map_get(&l->defs[DEF_GROUP], load_item(node, 0)->text) : NULL;

    if (!d || !d->is_done)
        return NULL;
    *height = d->height + 1 > *height ? d->height + 1 : *height;
    return d->value;
}

static const struct want_list *union_of(struct load *l, const struct doc_node *node, unsigned depth,
                                        unsigned *height)
{
    const struct want_list *shared = union_of_alias(l, node, height);
    struct union_build u = {.cap = load_count(node)}; /* enough unless there are aliases */

    if (shared)
        return shared;
    u.items = arena_array(l->a, struct want, u.cap);
    map_init(&u.seen);
    bool good = true;
    for (size_t i = 0; i < load_count(node); i++)
        good &= union_add_name(l, &u, load_item(node, i), depth, height);
    map_finish(&u.seen);
    if (!good)
        return NULL;
    struct want_list *list = arena_new(l->a, struct want_list);
    *list = (struct want_list){u.items, u.n};
    return list;
}

/* A failed group counts as nobody; its error has been told once. The bound on depth keeps a long
 * chain of aliases from using up the stack. */
static void expand(struct load *l, struct def *d, unsigned depth)
{
    static const struct want_list nobody;
    if (d->is_done)
        return;
    d->value = &nobody;
    if (!d->has_form || depth > LOAD_MAX_NESTING)
        return;
    d->is_open = true;
    const struct want_list *list = union_of(l, d->node, depth, &d->height);
    d->is_open = false;
    d->is_done = true;
    if (list)
        d->value = list;
    if (d->height > LOAD_MAX_NESTING)
        doc_error(l->f, d->key, "nesting", NULL, "groups are nested deeper than %d levels",
                  LOAD_MAX_NESTING);
}

static void decode_groups(struct load *l)
{
    for (size_t i = 0; i < l->defs[DEF_GROUP].n; i++)
        expand(l, l->defs[DEF_GROUP].entries[i].value, 0);
}

struct want_list decode_group_union(struct load *l, const struct doc_node *node)
{
    unsigned height = 0;
    const struct want_list *list = union_of(l, node, 0, &height);
    return list ? *list : (struct want_list){0};
}

/* ---- sets ---------------------------------------------------------------------------------- */

typedef struct want_list values_reader(struct load *l, const struct doc_node *node);

static void read_all(struct load *l, const struct doc_node *node, values_reader *read,
                     struct match_set *out)
{
    size_t n = load_count(node);
    struct want_list *unions = arena_array(l->a, struct want_list, n);
    for (size_t i = 0; i < n; i++)
        unions[i] = read(l, load_item(node, i));
    out->all = unions;
    out->n_all = n;
}

static struct match_set read_set(struct load *l, const struct doc_node *node, values_reader *read)
{
    struct match_set set = {0};
    if (node->kind == DOC_LIST) {
        set.any = read(l, node);
        return set;
    }
    set.any = read(l, doc_get(node, "any"));
    set.none = read(l, doc_get(node, "none"));
    read_all(l, doc_get(node, "all"), read, &set);
    return set;
}

/* ---- who ----------------------------------------------------------------------------------- */

static void check_users_beside_groups(struct load *l, const struct doc_node *node)
{
    static const char *const keys[] = {"users", "domains", "groups", "services", NULL};
    load_excludes(l, node, keys, "exclusive-keys",
                  "say who: {any: [...]} for one of them, or who: {all: [...]} for both");
}

static void read_claims(struct load *l, const struct doc_node *node, struct who *who)
{
    if (!node)
        return;
    struct claim_want *claims = arena_array(l->a, struct claim_want, node->n);
    for (size_t i = 0; i < node->n; i++) {
        claims[i].name = node->keys[i]->text;
        claims[i].set = read_set(l, node->items[i], load_wants);
    }
    who->claims = claims;
    who->n_claims = node->n;
}

static const struct who *const *read_branch(struct load *l, const struct doc_node *node, size_t *n)
{
    *n = load_count(node);
    const struct who **branch = arena_array(l->a, const struct who *, *n);
    for (size_t i = 0; i < *n; i++)
        branch[i] = decode_who(l, load_item(node, i));
    return branch;
}

static enum who_kind read_kind(const struct doc_node *node)
{
    if (!node)
        return WHO_EITHER;
    return str_eq(node->text, STR("human")) ? WHO_HUMAN : WHO_MACHINE;
}

static const struct match_set *read_groups(struct load *l, const struct doc_node *node)
{
    if (!node)
        return NULL;
    struct match_set *set = arena_new(l->a, struct match_set);
    *set = read_set(l, node, decode_group_union);
    return set;
}

const struct who *decode_who(struct load *l, const struct doc_node *node)
{
    struct who *who = arena_new(l->a, struct who);
    if (node->kind == DOC_SCALAR) {
        who->anyone = true;
        return who;
    }
    check_users_beside_groups(l, node);
    who->kind = read_kind(doc_get(node, "kind"));
    who->users = load_texts_lower(l, doc_get(node, "users"));
    who->domains = load_texts_lower(l, doc_get(node, "domains"));
    who->groups = read_groups(l, doc_get(node, "groups"));
    who->services = load_texts(l, doc_get(node, "services"));
    read_claims(l, doc_get(node, "claims"), who);
    who->any = read_branch(l, doc_get(node, "any"), &who->n_any);
    who->all = read_branch(l, doc_get(node, "all"), &who->n_all);
    if (l->in->known)
        load_check_known(l, doc_get(node, "services"), "service", l->in->known->services,
                         l->in->known->n_services);
    return who;
}

void decode_defines(struct load *l)
{
    decode_groups(l);
    for (size_t i = 0; i < l->defs[DEF_DEVICE].n; i++) {
        struct def *d = l->defs[DEF_DEVICE].entries[i].value;
        if (d->has_form)
            d->value = decode_device(l, d->node, d->name);
    }
    decode_networks(l);
    decode_schedules(l);
}
