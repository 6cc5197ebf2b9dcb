/* decode_to: a target to the apps that it can mean, and the parts of a request. */
#include <stdlib.h>

#include "policy/load.h"
#include "policy/regex.h"

/* ---- which apps ---------------------------------------------------------------------------- */

static bool is_in(const struct doc_node *list, str text)
{
    for (size_t i = 0; i < load_count(list); i++) {
        if (str_eq(load_item(list, i)->text, text))
            return true;
    }
    return false;
}

static str label_of(const struct app *app, str key)
{
    for (size_t i = 0; i < app->face.n_labels; i++) {
        if (str_eq(app->face.labels[i].key, key))
            return app->face.labels[i].value;
    }
    return (str){NULL, 0};
}

static bool has_labels(const struct app *app, const struct doc_node *labels)
{
    for (size_t i = 0; labels && i < labels->n; i++) {
        str value = label_of(app, labels->keys[i]->text);
        if (!value.p || !is_in(labels->items[i], value))
            return false;
    }
    return true;
}

static bool has_protocol(const struct app *app, const struct doc_node *protocols)
{
    static const str names[] = {{"http", 4}, {"ssh", 3}, {"rdp", 3}};
    return !protocols || is_in(protocols, names[app->face.protocol]);
}

static bool fits(const struct app *app, const struct doc_node *labels,
                 const struct doc_node *protocols)
{
    return has_labels(app, labels) && has_protocol(app, protocols);
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The apps that are named, each once. An unknown one has been reported. */
static struct index_list find_named(struct load *l, const struct doc_node *to)
{
    const struct doc_node *apps = doc_get(to, "apps"), *labels = doc_get(to, "labels"),
                          *protocols = doc_get(to, "protocols");
    uint32_t *items = arena_array(l->a, uint32_t, load_count(apps));
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < load_count(apps); i++) {
        const struct def *d = map_get(&l->defs[DEF_APP], load_item(apps, i)->text);
        if (d && d->index < l->p->n_apps && fits(&l->apps[d->index], labels, protocols))
            items[n++] = (uint32_t)d->index;
    }
    if (n > 1)
        qsort(items, n, sizeof *items, by_index);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || items[i] != items[kept - 1])
            items[kept++] = items[i];
    return (struct index_list){items, kept};
}

static struct index_list find_apps(struct load *l, const struct doc_node *to)
{
    const struct doc_node *labels = doc_get(to, "labels"), *protocols = doc_get(to, "protocols");
    uint32_t *items = NULL;
    size_t n = 0, cap = 0;
    if (doc_get(to, "apps"))
        return find_named(l, to);
    for (size_t i = 0; i < l->p->n_apps; i++) {
        if (fits(&l->apps[i], labels, protocols))
            arena_push(l->a, items, n, cap, (uint32_t)i);
    }
    return (struct index_list){items, n};
}

/* ---- names that nobody has ------------------------------------------------------------------- */

static void unknown_label(struct load *l, const struct doc_node *node, str key, const char *what)
{
    str *names = mem_alloc((l->labels.n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < l->labels.n; i++) {
        str name = l->labels.entries[i].key;
        size_t cut = str_find(name, '\0');
        if (!key.p && cut == name.n)
            names[n++] = name;
        if (key.p && cut < name.n && str_eq(str_upto(name, cut), key))
            names[n++] = str_from(name, cut + 1);
    }
    load_unknown(l, node, what, names, n);
    free(names);
}

static void check_label(struct load *l, const struct doc_node *key, const struct doc_node *values)
{
    if (!map_has(&l->labels, key->text)) {
        unknown_label(l, key, (str){NULL, 0}, "label");
        return;
    }
    for (size_t i = 0; i < load_count(values); i++) {
        const struct doc_node *value = load_item(values, i);
        struct arena scratch;
        char block[512];
        arena_init(&scratch, block, sizeof block);
        char *both = arena_text(&scratch, key->text.n + 1 + value->text.n);
        memcpy(both, key->text.p, key->text.n);
        both[key->text.n] = '\0';
        memcpy(both + key->text.n + 1, value->text.p, value->text.n);
        if (!map_has(&l->labels, (str){both, key->text.n + 1 + value->text.n}))
            unknown_label(l, value, key->text, "label value");
        arena_finish(&scratch);
    }
}

static void check_names(struct load *l, const struct doc_node *to)
{
    const struct doc_node *apps = doc_get(to, "apps"), *labels = doc_get(to, "labels");
    for (size_t i = 0; i < load_count(apps); i++)
        load_find(l, DEF_APP, load_item(apps, i));
    for (size_t i = 0; labels && i < labels->n; i++)
        check_label(l, labels->keys[i], labels->items[i]);
}

static void check_scope(struct load *l, const struct doc_node *to, enum rule_effect effect)
{
    bool names_apps = doc_get(to, "apps") || doc_get(to, "labels");
    if (effect == RULE_ALLOW && !names_apps)
        doc_error(l->f, to, "missing-key", "say to: everything if that is meant",
                  "an allow must name apps or labels in to");
    else if (!names_apps && !doc_get(to, "protocols"))
        doc_error(l->f, to, "missing-key", "say to: everything if that is meant",
                  "to must name apps, labels or protocols");
    static const char *const paths[] = {"paths", "paths_regex", NULL};
    load_excludes(l, to, paths, "exclusive-keys", "write two rules");
}

/* ---- parts of a request --------------------------------------------------------------------- */

static struct glob_list read_globs(struct load *l, const struct doc_node *node)
{
    size_t n = load_count(node);
    struct path_glob *globs = arena_array(l->a, struct path_glob, n);
    const char *why;
    for (size_t i = 0; i < n; i++)
        path_glob_compile(l->a, load_item(node, i)->text, &globs[i], &why);
    return (struct glob_list){globs, n};
}

static pcre2_code *compile(struct load *l, str text, bool ignores_case)
{
    const char *why;
    pcre2_code *code = regex_compile(text, ignores_case, &why);
    struct policy *p = l->p;
    if (p->n_regex_codes == l->cap_codes) {
        l->cap_codes = l->cap_codes ? 2 * l->cap_codes : 8;
        p->regex_codes = mem_grow(p->regex_codes, l->cap_codes * sizeof *p->regex_codes);
    }
    p->regex_codes[p->n_regex_codes++] = code;
    return code;
}

static void read_regexes(struct load *l, const struct doc_node *node, struct to *to)
{
    size_t n = load_count(node);
    struct regex *regexes = arena_array(l->a, struct regex, n);
    for (size_t i = 0; i < n; i++) {
        str text = load_item(node, i)->text;
        regexes[i].text = text;
        regexes[i].code = compile(l, text, false);
        regexes[i].code_nocase = l->ignores_case ? compile(l, text, true) : NULL;
    }
    to->regexes = regexes;
    to->n_regexes = n;
}

const struct to *decode_to(struct load *l, const struct doc_node *node, enum rule_effect effect)
{
    struct to *to = arena_new(l->a, struct to);
    if (node->kind == DOC_SCALAR) {
        to->everything = true;
        return to;
    }
    check_scope(l, node, effect);
    check_names(l, node);
    to->apps = find_apps(l, node);
    to->methods = load_texts(l, doc_get(node, "methods"));
    to->paths = read_globs(l, doc_get(node, "paths"));
    to->except = read_globs(l, doc_get(node, "except"));
    read_regexes(l, doc_get(node, "paths_regex"), to);
    to->logins = load_texts(l, doc_get(node, "logins"));
    to->names_http_parts = to->methods.n || to->paths.n || to->except.n || to->n_regexes;
    return to;
}
