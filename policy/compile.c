/* compile: from the buckets of the apps to what a decision reads. See compiled.h. */
#include "policy/compiled.h"
#include "policy/keep.h"

#include <stdlib.h>

enum { CACHE_LINE = 64 };

struct compiling {
    struct policy *policy;
    struct compiled *out;
    struct clause *clauses;
    struct rule_about *abouts;
    struct predicates *predicates;
    struct path_build *paths;
};

/* Taken by each compiled policy of the process; 0 is nobody's. */
static atomic_uint_fast64_t serials;

static size_t bytes_used(const struct arena *a)
{
    return a->heap_bytes - (size_t)(a->end - a->next);
}

/* ---- methods --------------------------------------------------------------------------------- */

static void add_method(struct compiled *c, str method)
{
    uint64_t word = method_pack(method);

    for (uint32_t i = 0; i < c->n_methods; i++)
        if (c->methods[i] == word)
            return;
    if (word && c->n_methods < COMPILED_MAX_METHODS)
        c->methods[c->n_methods++] = word;
}

static void collect_methods(const struct policy *p, struct compiled *c)
{
    for (size_t r = 0; r < p->n_rules; r++)
        for (size_t i = 0; i < p->rules[r].to->methods.n; i++)
            add_method(c, p->rules[r].to->methods.items[i]);
}

/* ---- clauses --------------------------------------------------------------------------------- */

static bool has_odd_method(const struct compiled *c, const struct to *to)
{
    for (size_t i = 0; i < to->methods.n; i++)
        if (method_column(c, to->methods.items[i]) == c->n_methods)
            return true;
    return false;
}

static bool has_inexact_glob(const struct to *to)
{
    for (size_t i = 0; i < to->paths.n; i++)
        if (!path_index_is_exact(&to->paths.items[i]))
            return true;
    return false;
}

static uint8_t flags_of(const struct compiled *c, const struct rule *rule)
{
    const struct to *to = rule->to;
    bool is_target_left = to->except.n || to->n_regexes || to->logins.n || has_odd_method(c, to) ||
                          has_inexact_glob(to);
    bool has_lifetime = rule->starts_s != POLICY_NEVER_S || rule->expires_s != POLICY_FOREVER_S;

    return (uint8_t)((rule->is_audit_only ? CLAUSE_AUDIT : 0) |
                     (rule->ignores_missing ? CLAUSE_IGNORES_MISSING : 0) |
                     (is_target_left ? CLAUSE_TARGET_LEFT : 0) |
                     (has_lifetime ? CLAUSE_LIFETIME : 0) | (rule->purpose ? CLAUSE_PURPOSE : 0) |
                     (rule->approval ? CLAUSE_APPROVAL : 0) |
                     (rule->break_glass ? CLAUSE_BREAK_GLASS : 0) |
                     (rule->who->anyone ? CLAUSE_ANYONE : 0));
}

/* Items of one cache line each, and none of them across two. */
static void *whole_lines(struct arena *a, size_t n)
{
    char *block = arena_zalloc(a, (n + 1) * CACHE_LINE);

    return block + (-(uintptr_t)block & (CACHE_LINE - 1));
}

static struct clause clause_of(const struct compiling *x, const struct rule *rule)
{
    return (struct clause){.id = arena_dup(&x->policy->arena, rule->id),
                           .effect = (uint8_t)rule->effect,
                           .flags = flags_of(x->out, rule),
                           .starts_s = rule->starts_s,
                           .expires_s = rule->expires_s};
}

static void make_clauses(struct compiling *x)
{
    struct policy *p = x->policy;

    x->clauses = whole_lines(&p->arena, p->n_rules);
    for (size_t r = 0; r < p->n_rules; r++) {
        x->clauses[r] = clause_of(x, &p->rules[r]);
        predicates_number(x->predicates, &p->rules[r], &x->clauses[r]);
    }
    x->out->clauses = x->clauses;
}

/* ---- what is told ---------------------------------------------------------------------------- */

static bool has_extra(const struct rule *rule)
{
    return rule->approval || rule->purpose || rule->break_glass;
}

static struct index_list keep_indices(struct arena *a, struct index_list list)
{
    uint32_t *items = arena_array(a, uint32_t, list.n);

    if (list.n)
        memcpy(items, list.items, list.n * sizeof *items);
    return (struct index_list){items, list.n};
}

static struct rule_extra extra_of(const struct compiling *x, const struct rule *rule)
{
    struct keep *k = predicates_keep(x->predicates);
    struct rule_extra extra = {.title = keep_text(k, rule->title),
                               .digest = keep_text(k, rule->text_digest)};

    if (rule->approval) {
        extra.has_approval = true;
        extra.by = predicates_who(x->predicates, rule->approval->by);
        extra.approvers = keep_texts(k, rule->approval->by->users);
        extra.count = rule->approval->count;
        extra.valid_for_s = rule->approval->valid_for_s;
        extra.reason_required = rule->approval->reason_required;
    }
    if (rule->purpose)
        extra.prompt = keep_text(k, rule->purpose->prompt);
    if (rule->break_glass) {
        extra.skips = keep_indices(&x->policy->arena, rule->break_glass->skips);
        extra.notify = keep_texts(k, rule->break_glass->notify);
    }
    return extra;
}

static void make_extras(struct compiling *x)
{
    const struct policy *p = x->policy;
    uint32_t n = 0;

    for (size_t r = 0; r < p->n_rules; r++)
        n += has_extra(&p->rules[r]);
    struct rule_extra *extras = arena_array(&x->policy->arena, struct rule_extra, n);
    n = 0;
    for (size_t r = 0; r < p->n_rules; r++)
        if (has_extra(&p->rules[r])) {
            x->abouts[r].extra = n;
            extras[n++] = extra_of(x, &p->rules[r]);
        }
    x->out->extras = extras;
}

static void make_abouts(struct compiling *x)
{
    struct policy *p = x->policy;

    const struct doc_file *file = NULL;
    uint32_t file_number = 0;

    x->abouts = arena_array(&p->arena, struct rule_about, p->n_rules);
    for (size_t r = 0; r < p->n_rules; r++) {
        const struct rule *rule = &p->rules[r];
        if (rule->node->file != file) {
            file = rule->node->file;
            file_number = predicates_text(x->predicates, file->name);
        }
        x->abouts[r] = (struct rule_about){
            .file = file_number,
            .line = rule->node->line,
            .owner = rule->owner.n ? predicates_text(x->predicates, rule->owner) : 0,
            .extra = COMPILED_NONE};
    }
    x->out->abouts = x->abouts;
    make_extras(x);
}

/* At most three quarters full. */
static void make_ids(struct compiling *x)
{
    struct policy *p = x->policy;
    uint32_t n = 4;

    while (3 * (uint64_t)n < 4 * p->n_rules)
        n *= 2;
    uint32_t *ids = arena_array(&p->arena, uint32_t, n);
    for (uint32_t r = 0; r < p->n_rules; r++) {
        uint32_t i = (uint32_t)str_hash(x->clauses[r].id) & (n - 1);
        while (ids[i])
            i = (i + 1) & (n - 1);
        ids[i] = r + 1;
    }
    x->out->ids = ids;
    x->out->id_mask = n - 1;
}

uint32_t compiled_find(const struct policy *p, str id)
{
    const struct compiled *c = p ? p->compiled : NULL;

    for (uint32_t i = c ? (uint32_t)str_hash(id) : 0; c && c->ids[i & c->id_mask]; i++) {
        uint32_t rule = c->ids[i & c->id_mask] - 1;
        if (str_eq(c->clauses[rule].id, id))
            return rule;
    }
    return COMPILED_NONE;
}

/* ---- apps ------------------------------------------------------------------------------------ */

/* What can never hold for an app of this protocol stays out of its index. */
static bool is_possible(const struct app *app, const struct to *to)
{
    if (app->face.protocol == POLICY_HTTP)
        return to->logins.n == 0;
    return !to->names_http_parts && (to->logins.n == 0 || app->face.protocol == POLICY_SSH);
}

static void open_column(const struct app_index *index, uint64_t *methods, uint32_t column,
                        bool is_pathful, uint32_t place)
{
    uint64_t *some = methods + column * (size_t)app_column_words(index),
             *open = some + app_summary_words(index);

    if (!is_pathful && app_summary_words(index))
        some[place >> 12] |= (uint64_t)1 << (place >> 6 & 63);
    open[(is_pathful ? index->n_words : 0) + (place >> 6)] |= (uint64_t)1 << (place & 63);
}

static void index_rule(struct compiling *x, struct app_index *index, uint64_t *methods,
                       const struct to *to, uint32_t place)
{
    bool is_pathful = to->paths.n > 0;

    for (size_t i = 0; i < to->methods.n; i++)
        open_column(index, methods, method_column(x->out, to->methods.items[i]), is_pathful, place);
    for (uint32_t column = 0; !to->methods.n && column <= x->out->n_methods; column++)
        open_column(index, methods, column, is_pathful, place);
    for (size_t i = 0; i < to->paths.n; i++)
        path_build_add(x->paths, &to->paths.items[i], place);
}

static void index_app(struct compiling *x, const struct app *app, struct app_index *index)
{
    const struct rule *rules = x->policy->rules;
    struct arena *a = &x->policy->arena;

    index->rules = app->bucket.items;
    index->n = (uint16_t)app->bucket.n;
    index->n_words = (uint16_t)((index->n + 63) / 64);
    index->row = COMPILED_NONE;
    index->has_public_path = app->public_paths.n > 0;
    while (index->n_refusing < index->n &&
           rules[index->rules[index->n_refusing]].effect != RULE_ALLOW)
        index->n_refusing++;
    if (index->n >= COMPILED_WIDE_APP) {
        order_rules(x->paths, rules, app);
        if (x->out->n_row_words + app_row_words(index) <= COMPILED_MAX_ROW_WORDS) {
            index->row = x->out->n_row_words;
            x->out->n_row_words += app_row_words(index);
        }
    }
    uint64_t *methods = arena_array(a, uint64_t, (x->out->n_methods + 1) * app_column_words(index));
    uint32_t *whos = arena_array(a, uint32_t, index->n);
    path_build_start(x->paths, app->face.ignores_case);
    for (uint32_t place = 0; place < index->n; place++) {
        const struct rule *rule = &rules[index->rules[place]];
        whos[place] = x->clauses[index->rules[place]].who;
        index->wants_device |= rule->device != NULL;
        index->wants_grants |= rule->approval || rule->break_glass;
        index->has_audit |= rule->is_audit_only;
        if (is_possible(app, rule->to))
            index_rule(x, index, methods, rule->to, place);
    }
    path_build_finish(x->paths, a, &index->paths);
    index->whos = whos;
    index->methods = methods;
}

void compile_policy(struct policy *p, int64_t now_s)
{
    struct compiling x = {.policy = p, .paths = path_build_create()};
    size_t before = bytes_used(&p->arena); /* the apps themselves */
    struct app_index *apps = whole_lines(&p->arena, p->n_apps);

    p->compiled = x.out = arena_new(&p->arena, struct compiled);
    x.out->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    collect_methods(p, x.out);
    x.predicates = predicates_create(p, x.out);
    make_clauses(&x);
    make_abouts(&x);
    make_ids(&x);
    predicates_finish(&x.predicates, x.clauses, now_s);
    for (size_t i = 0; i < p->n_apps; i++)
        index_app(&x, &p->apps[i], &apps[i]);
    x.out->apps = apps;
    x.out->bytes = bytes_used(&p->arena) - before;
    path_build_destroy(&x.paths);
}

void compiled_finish(struct compiled *c)
{
    if (!c)
        return;
    map_finish(&c->users);
    map_finish(&c->domains);
    map_finish(&c->groups);
}
