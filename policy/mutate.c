/* mutate: each condition of each rule changed alone, and whether a test notices.
 *
 * A mutant is written as a file and loaded like any other, so that what the tests run against is
 * what the proxy would run, whatever the evaluator makes of it. The language itself refuses some
 * mutants (a require without a need); those are not counted. */
#include "policy/author.h"
#include "policy/rule.h"
#include "policy/text.h"

struct mutate {
    const struct policy_load_in *in;
    struct arena *a;     /* of the caller: results */
    struct arena docs;   /* the trees */
    struct arena mutant; /* of one mutant */
    const struct doc_node **roots;
    size_t file; /* in hand */
    const struct doc_node *rule;
    str name; /* of the rule or definition in hand */
    struct policy_mutation *items;
    size_t n, cap;
    size_t n_noticed;
};

const char *policy_mutation_name(enum policy_mutation_kind kind)
{
    static const char *const names[] = {"drop", "flip", "off"};

    return names[kind];
}

/* ---- one mutant ----------------------------------------------------------------------------- */

static struct policy *load_with(struct mutate *m, const struct text_swap *swap, struct findings *f)
{
    struct doc_file *files = arena_array(&m->mutant, struct doc_file, m->in->n_files);
    struct policy_load_in in = *m->in;
    struct text t = {.arena = &m->mutant};

    memcpy(files, m->in->files, m->in->n_files * sizeof *files);
    text_tree(&t, m->roots[m->file], swap);
    files[m->file].bytes = text_str(&t);
    in.files = files;
    return policy_load(&in, f);
}

static void keep(struct mutate *m, struct policy_mutation item)
{
    arena_push(m->a, m->items, m->n, m->cap, item);
    m->n_noticed += item.is_noticed;
}

/* `key` is where the condition stands, for the mark. */
static void try(struct mutate *m, enum policy_mutation_kind kind, const struct doc_node *key,
                str condition, const struct doc_node *from, const struct doc_node *to)
{
    struct text_swap swap = {from, to};
    struct policy_test_totals totals;
    struct findings f;

    findings_init(&f);
    struct policy *p = load_with(m, &swap, &f);
    if (p) {
        struct finding_at at = doc_at(key);
        at.file = arena_dup(m->a, at.file);
        at.source = arena_dup(m->a, at.source);
        keep(m, (struct policy_mutation){
                    .kind = kind,
                    .rule = arena_dup(m->a, m->name),
                    .condition = arena_dup(m->a, condition),
                    .at = at,
                    .is_noticed = !policy_test_run(p, &f, &totals),
                });
    }
    policy_unref(&p);
    findings_finish(&f);
    arena_reset(&m->mutant);
}

/* ---- trees that are not in the file ---------------------------------------------------------- */

static struct doc_node *scalar(struct mutate *m, const char *text)
{
    struct doc_node *node = arena_new(&m->docs, struct doc_node);

    *node = (struct doc_node){.kind = DOC_SCALAR, .is_plain = true, .text = str_of(text)};
    return node;
}

/* The same mapping with one member under another name and with another value. */
static struct doc_node *renamed(struct mutate *m, const struct doc_node *map, size_t i,
                                const char *name, struct doc_node *value)
{
    struct doc_node *copy = arena_new(&m->docs, struct doc_node);
    *copy = *map;
    copy->keys = arena_array(&m->docs, struct doc_node *, map->n);
    copy->items = arena_array(&m->docs, struct doc_node *, map->n);
    memcpy(copy->keys, map->keys, map->n * sizeof *copy->keys);
    memcpy(copy->items, map->items, map->n * sizeof *copy->items);
    copy->keys[i] = scalar(m, name);
    copy->items[i] = value;
    return copy;
}

/* {name: value} */
static struct doc_node *single(struct mutate *m, const char *name, struct doc_node *value)
{
    struct doc_node *map = arena_new(&m->docs, struct doc_node);
    map->kind = DOC_MAP;
    map->n = 1;
    map->keys = arena_array(&m->docs, struct doc_node *, 1);
    map->items = arena_array(&m->docs, struct doc_node *, 1);
    map->keys[0] = scalar(m, name);
    map->items[0] = value;
    return map;
}

/* ---- opposites ------------------------------------------------------------------------------ */

/* A set that any value of the list passes becomes one that none may, and the reverse. */
static const struct doc_node *opposite_set(struct mutate *m, const struct doc_node *set)
{
    if (set->kind == DOC_LIST)
        return single(m, "none", (struct doc_node *)(uintptr_t)set);
    if (set->kind == DOC_MAP && set->n == 1 && str_eq(set->keys[0]->text, STR("none")))
        return set->items[0];
    return NULL;
}

static const struct doc_node *opposite_word(struct mutate *m, const struct doc_node *node)
{
    static const char *const pairs[][2] = {{"true", "false"}, {"human", "machine"}};

    for (size_t i = 0; i < 2 && node->kind == DOC_SCALAR; i++)
        for (size_t k = 0; k < 2; k++)
            if (str_eq(node->text, str_of(pairs[i][k])))
                return scalar(m, pairs[i][1 - k]);
    return NULL;
}

/* NULL when the opposite has no other name. */
static const char *opposite_key(str key)
{
    static const char *const pairs[][2] = {
        {"networks", "not_networks"}, {"countries", "not_countries"}, {"paths", "except"}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (size_t k = 0; k < 2; k++)
            if (str_eq(key, str_of(pairs[i][k])))
                return pairs[i][1 - k];
    return NULL;
}

/* ---- conditions ----------------------------------------------------------------------------- */

/* One member of who, to, device, auth or from. */
static void try_member(struct mutate *m, const char *part, const struct doc_node *map, size_t i)
{
    const struct doc_node *key = map->keys[i], *value = map->items[i];
    str condition = arena_printf(&m->docs, "%s.%.*s", part, STR_ARG(key->text));
    const char *name = opposite_key(key->text);
    const struct doc_node *to = NULL;

    if (map->n > 1)
        try(m, POLICY_MUTATION_DROP, key, condition, value, NULL);
    if (name && !doc_get(map, name))
        try(m, POLICY_MUTATION_FLIP, key, condition, map,
            renamed(m, map, i, name, (struct doc_node *)(uintptr_t)value));
    else if (str_eq(key->text, STR("groups")))
        to = opposite_set(m, value);
    else
        to = opposite_word(m, value);
    if (to)
        try(m, POLICY_MUTATION_FLIP, key, condition, value, to);
}

static void try_claims(struct mutate *m, const struct doc_node *claims)
{
    for (size_t i = 0; claims && i < claims->n; i++) {
        str condition = arena_printf(&m->docs, "who.claims.%.*s", STR_ARG(claims->keys[i]->text));
        const struct doc_node *to = opposite_set(m, claims->items[i]);
        if (claims->n > 1)
            try(m, POLICY_MUTATION_DROP, claims->keys[i], condition, claims->items[i], NULL);
        if (to)
            try(m, POLICY_MUTATION_FLIP, claims->keys[i], condition, claims->items[i], to);
    }
}

static void try_who(struct mutate *m, const struct doc_node *who)
{
    static const char *const branches[] = {"any", "all"};

    if (who->kind != DOC_MAP)
        return;
    if (who == doc_get(m->rule, "who"))
        try(m, POLICY_MUTATION_DROP, doc_key(m->rule, "who"), STR("who"), who, scalar(m, "anyone"));
    for (size_t i = 0; i < who->n; i++)
        try_member(m, "who", who, i);
    try_claims(m, doc_get(who, "claims"));
    for (size_t b = 0; b < 2; b++) {
        const struct doc_node *list = doc_get(who, branches[b]);
        for (size_t i = 0; list && i < list->n; i++)
            try_who(m, list->items[i]);
    }
}

/* What the rule is about stays; the parts of a request are conditions. */
static void try_to(struct mutate *m, const struct doc_node *to)
{
    static const char *const parts[] = {"methods", "paths", "except", "paths_regex", "logins"};

    for (size_t i = 0; to->kind == DOC_MAP && i < to->n; i++)
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if (str_eq(to->keys[i]->text, str_of(parts[k])))
                try_member(m, "to", to, i);
}

static void try_need(struct mutate *m, const char *part)
{
    const struct doc_node *need = doc_get(m->rule, part);

    if (!need)
        return;
    try(m, POLICY_MUTATION_DROP, doc_key(m->rule, part), str_of(part), need, NULL);
    for (size_t i = 0; need->kind == DOC_MAP && i < need->n; i++)
        try_member(m, part, need, i);
}

static void try_rule(struct mutate *m, const struct doc_node *rules, size_t i)
{
    static const char *const whole[] = {"starts",   "expires", "when",
                                        "approval", "purpose", "break_glass"};
    static const char *const parts[] = {"device", "auth", "from"};

    m->rule = rules->items[i];
    m->name = doc_text(m->rule, "id");
    try(m, POLICY_MUTATION_OFF, m->rule, STR(""), rules->n > 1 ? m->rule : rules, NULL);
    try_who(m, doc_get(m->rule, "who"));
    try_to(m, doc_get(m->rule, "to"));
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        try_need(m, parts[k]);
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) {
        const struct doc_node *need = doc_get(m->rule, whole[k]);
        if (need)
            try(m, POLICY_MUTATION_DROP, doc_key(m->rule, whole[k]), str_of(whole[k]), need, NULL);
    }
}

/* What a name stands for is a condition of every rule that uses it. */
static void try_definitions(struct mutate *m, const struct doc_node *define)
{
    const struct doc_node *devices = doc_get(define, "devices"),
                          *schedules = doc_get(define, "schedules");

    for (size_t i = 0; devices && i < devices->n; i++) {
        m->name = devices->keys[i]->text;
        for (size_t k = 0; k < devices->items[i]->n; k++)
            try_member(m, "device", devices->items[i], k);
    }
    for (size_t i = 0; schedules && i < schedules->n; i++) {
        const struct doc_node *dates = doc_get(schedules->items[i], "except_dates");
        m->name = schedules->keys[i]->text;
        if (dates)
            try(m, POLICY_MUTATION_DROP, doc_key(schedules->items[i], "except_dates"),
                STR("schedule.except_dates"), dates, NULL);
    }
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool is_good_as_it_is(const struct policy_load_in *in, struct findings *findings)
{
    struct policy_test_totals totals;
    struct policy *p = policy_load(in, findings);
    bool good = p && policy_test_run(p, findings, &totals);

    policy_unref(&p);
    return good;
}

static size_t count_rules(const struct mutate *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->in->n_files; i++) {
        const struct doc_node *rules = doc_get(m->roots[i], "rules");
        n += rules ? rules->n : 0;
    }
    return n;
}

static void try_files(struct mutate *m, struct findings *scratch)
{
    m->roots = arena_array(&m->docs, const struct doc_node *, m->in->n_files);
    for (size_t i = 0; i < m->in->n_files; i++)
        m->roots[i] = doc_parse(&m->docs, &m->in->files[i], scratch);
    size_t done = 0, all = count_rules(m);
    for (m->file = 0; m->file < m->in->n_files; m->file++) {
        const struct doc_node *rules = doc_get(m->roots[m->file], "rules");
        try_definitions(m, doc_get(m->roots[m->file], "define"));
        for (size_t i = 0; rules && i < rules->n; i++) {
            if (m->in->progress)
                m->in->progress->fn(m->in->progress->ctx, done++, all);
            try_rule(m, rules, i);
        }
    }
}

bool policy_mutate(const struct policy_load_in *in, struct findings *findings, struct arena *a,
                   struct policy_mutations *out)
{
    struct mutate m = {.in = in, .a = a};
    struct findings scratch;

    *out = (struct policy_mutations){0};
    if (!is_good_as_it_is(in, findings))
        return false;
    arena_init(&m.docs, NULL, 0);
    arena_init(&m.mutant, NULL, 0);
    findings_init(&scratch);
    try_files(&m, &scratch);
    findings_finish(&scratch);
    arena_finish(&m.mutant);
    arena_finish(&m.docs);
    *out = (struct policy_mutations){.items = m.items, .n = m.n, .n_noticed = m.n_noticed};
    return true;
}
