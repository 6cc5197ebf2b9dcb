/* decode_test: embedded tests, with `like` and `without` applied. Requests are in
 * decode_request.c. */
#include <stdlib.h>

#include "policy/load.h"
#include "policy/scalar.h"

struct test_chain {
    const struct doc_node *nodes[LOAD_MAX_NESTING + 1]; /* own, like, like of like ... */
    size_t n;
};

/* ---- like ---------------------------------------------------------------------------------- */

/* A cycle, which begins at `start` of the chain, is told at the first of its tests in the file: not
 * at each of them, nor at those that only lead there. */
static bool is_told_here(const struct test_chain *chain, size_t start)
{
    for (size_t i = start + 1; i < chain->n; i++)
        if (chain->nodes[i]->line < chain->nodes[0]->line)
            return false;
    return start == 0;
}

static bool build_chain(struct load *l, const struct map *tests, const struct doc_node *test,
                        struct test_chain *chain)
{
    const struct doc_node *like;
    chain->nodes[chain->n++] = test;
    while ((like = doc_get(chain->nodes[chain->n - 1], "like"))) {
        const struct doc_node *next = map_get(tests, like->text);
        if (!next) {
            str *names = mem_alloc((tests->n + 1) * sizeof *names);
            for (size_t i = 0; i < tests->n; i++)
                names[i] = tests->entries[i].key;
            load_unknown(l, like, "test", names, tests->n);
            free(names);
            return false;
        }
        for (size_t i = 0; i < chain->n; i++) {
            if (chain->nodes[i] != next)
                continue;
            if (!is_told_here(chain, i))
                return false;
            doc_error(l->f, doc_get(test, "like"), "cycle", "a test cannot be like itself",
                      "test \"%.*s\" comes back to itself through like",
                      STR_ARG(doc_text(test, "name")));
            return false;
        }
        if (chain->n > LOAD_MAX_NESTING) {
            doc_error(l->f, doc_get(test, "like"), "nesting", NULL,
                      "like goes through more than %d tests", LOAD_MAX_NESTING);
            return false;
        }
        chain->nodes[chain->n++] = next;
    }
    return true;
}

/* Own keys replace those taken over by like whole. */
static const struct doc_node *effective(const struct test_chain *chain, const char *key)
{
    for (size_t i = 0; i < chain->n; i++) {
        const struct doc_node *found = doc_get(chain->nodes[i], key);
        if (found)
            return found;
    }
    return NULL;
}

static const struct doc_node *needed(struct load *l, const struct test_chain *chain,
                                     const char *key)
{
    const struct doc_node *found = effective(chain, key);
    /* told of the test at the end of the chain, whose heirs lack it for that reason alone */
    if (!found && chain->n == 1)
        doc_error(l->f, chain->nodes[0], "missing-key", NULL,
                  "key \"%s\" is missing in a test, and it has no like that brings one", key);
    return found;
}

/* ---- without ------------------------------------------------------------------------------- */

/* A fact is a dotted path in the principal; the rest of the path may itself have dots, as claims
 * and provider.name attributes do. */
struct omitted {
    const struct doc_node *list;
    bool *hit;
};

static bool omits(struct omitted *o, const char *prefix, str name)
{
    size_t n = strlen(prefix);
    bool found = false;
    for (size_t i = 0; i < load_count(o->list); i++) {
        str path = load_item(o->list, i)->text;
        if (path.n == n + name.n && str_starts(path, (str){prefix, n}) &&
            str_eq(str_from(path, n), name))
            found = o->hit[i] = true;
    }
    return found;
}

/* The member unless it is left out. */
static const struct doc_node *member(struct omitted *o, const struct doc_node *map,
                                     const char *prefix, const char *key)
{
    const struct doc_node *node = doc_get(map, key);
    return node && omits(o, prefix, str_of(key)) ? NULL : node;
}

static void check_omitted(struct load *l, const struct omitted *o)
{
    for (size_t i = 0; i < load_count(o->list); i++) {
        if (!o->hit[i])
            doc_error(l->f, load_item(o->list, i), "unknown-fact",
                      "write a dotted path of `as`, such as device.disk_encrypted",
                      "there is no fact \"%.*s\" to leave out in this test",
                      STR_ARG(str_upto(load_item(o->list, i)->text, 80)));
    }
}

/* ---- principal ------------------------------------------------------------------------------ */

static const struct test_attr *read_attrs(struct load *l, struct omitted *o,
                                          const struct doc_node *map, const char *prefix,
                                          const char *const *own_keys, size_t *n_out)
{
    size_t n = 0;
    struct test_attr *attrs = arena_array(l->a, struct test_attr, map->n);
    for (size_t i = 0; i < map->n; i++) {
        str name = map->keys[i]->text;
        bool is_own = false;
        for (const char *const *key = own_keys; *key; key++)
            is_own |= str_eq(name, str_of(*key));
        if (!is_own && !omits(o, prefix, name))
            attrs[n++] = (struct test_attr){name, map->items[i]};
    }
    *n_out = n;
    return attrs;
}

static str text_of(const struct doc_node *node)
{
    return node && node->kind == DOC_SCALAR ? node->text : (str){NULL, 0};
}

static void read_device(struct load *l, struct omitted *o, const struct doc_node *node,
                        struct test_device *device)
{
    static const char *const own_keys[] = {"id", "seen", "source", NULL};
    const struct doc_node *seen = member(o, node, "device.", "seen");
    const char *why = "";
    device->id = text_of(member(o, node, "device.", "id"));
    device->source = text_of(member(o, node, "device.", "source"));
    if (seen && (seen->kind != DOC_SCALAR || !scalar_seconds(seen->text, &device->seen_s))) {
        scalar_check_seconds(seen, &why);
        doc_error(l->f, seen, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(str_upto(seen->text, 80)),
                  why);
    }
    device->attrs = read_attrs(l, o, node, "device.", own_keys, &device->n_attrs);
}

static void read_devices(struct load *l, struct omitted *o, const struct doc_node *node,
                         struct test_principal *as)
{
    as->n_devices = load_count(node);
    struct test_device *devices = arena_array(l->a, struct test_device, as->n_devices);
    for (size_t i = 0; i < as->n_devices; i++)
        read_device(l, o, load_item(node, i), &devices[i]);
    as->devices = devices;
}

static enum opinion opinion_of(const struct doc_node *node)
{
    if (!node)
        return OPINION_SILENT;
    return read_bool(node, false) ? OPINION_YES : OPINION_NO;
}

static void read_auth(struct load *l, struct omitted *o, const struct doc_node *node,
                      struct test_principal *as)
{
    const struct doc_node *methods = member(o, node, "auth.", "methods");
    as->mfa = opinion_of(member(o, node, "auth.", "mfa"));
    as->auth_age_s = load_seconds(member(o, node, "auth.", "age"), -1);
    as->has_methods = methods != NULL;
    as->methods = load_texts(l, methods);
    as->acr = text_of(member(o, node, "auth.", "acr"));
}

static void check_names(struct load *l, const struct doc_node *node)
{
    static const char *const user_or_service[] = {"user", "service", NULL};
    const struct policy_known *known = l->in->known;
    load_excludes(l, node, user_or_service, "exclusive-keys", "a visitor is one of the two");
    load_check_issuers(l, doc_get(node, "issuer"));
    if (known)
        load_check_known(l, doc_get(node, "service"), "service", known->services,
                         known->n_services);
}

static void read_principal(struct load *l, struct omitted *o, const struct doc_node *node,
                           struct test_principal *as)
{
    static const char *const none[] = {NULL};
    check_names(l, node);
    const struct doc_node *groups = member(o, node, "", "groups"),
                          *claims = member(o, node, "", "claims"),
                          *auth = member(o, node, "", "auth"),
                          *device = member(o, node, "", "device");
    as->auth_age_s = -1;
    as->user = text_of(member(o, node, "", "user"));
    as->service = text_of(member(o, node, "", "service"));
    as->issuer = text_of(member(o, node, "", "issuer"));
    as->purpose = text_of(member(o, node, "", "purpose"));
    as->has_groups = groups != NULL;
    as->groups = load_texts(l, groups);
    if (claims)
        as->claims = read_attrs(l, o, claims, "claims.", none, &as->n_claims);
    if (auth)
        read_auth(l, o, auth, as);
    if (device)
        read_devices(l, o, device, as);
    as->approved = decode_rule_refs(l, member(o, node, "", "approved"), false);
}

static void read_as(struct load *l, const struct test_chain *chain, struct policy_test *test)
{
    const struct doc_node *as = effective(chain, "as");
    struct omitted o = {.list = effective(chain, "without")};
    o.hit = mem_alloc(load_count(o.list) + 1);
    test->has_principal = as != NULL;
    if (as)
        read_principal(l, &o, as, &test->as);
    check_omitted(l, &o);
    free(o.hit);
}

/* ---- test ---------------------------------------------------------------------------------- */

static void read_expect(const struct doc_node *node, struct policy_test *test)
{
    test->expects_allow = str_eq(node->text, STR("allow"));
    if (!test->expects_allow)
        test->expected_code = str_from(node->text, 5);
}

static void decode_test(struct load *l, const struct map *tests, const struct doc_node *node,
                        struct policy_test *test)
{
    struct test_chain chain = {0};
    test->name = doc_text(node, "name");
    test->node = node;
    if (!build_chain(l, tests, node, &chain))
        return;
    const struct doc_node *at = needed(l, &chain, "at"), *requests = needed(l, &chain, "do");
    const struct doc_node *from = effective(&chain, "from");
    if (at)
        scalar_instant(at->text, &test->at_s);
    if (from)
        addr_parse(from->text, &test->from);
    if (requests)
        test->requests = decode_requests(l, requests, &test->n_requests);
    read_as(l, &chain, test);
    read_expect(doc_get(node, "expect"), test);
}

static void collect(struct load *l, const struct doc_node *list, struct map *tests, bool *is_usable)
{
    struct findings scratch;
    findings_init(&scratch);
    for (size_t i = 0; i < list->n; i++) {
        const struct doc_node *test = list->items[i], *name = doc_get(test, "name");
        is_usable[i] = schema_check(&policy_test_type, test, &scratch);
        if (!name || name->kind != DOC_SCALAR)
            continue;
        if (map_add(tests, name->text, (void *)(uintptr_t)test))
            continue;
        is_usable[i] = false;
        doc_error(l->f, name, "duplicate-name", "rename one of them",
                  "test \"%.*s\" stands here a second time; the first is in line %u",
                  STR_ARG(str_upto(name->text, 80)),
                  ((const struct doc_node *)map_get(tests, name->text))->line);
    }
    findings_finish(&scratch);
}

/* A test that is like one with an error of form is left alone: the error has been told. */
static bool chain_has_form(const struct doc_node *list, const bool *is_usable,
                           const struct map *tests, const struct doc_node *test)
{
    for (size_t steps = 0; test && steps <= LOAD_MAX_NESTING; steps++) {
        for (size_t i = 0; i < list->n; i++) {
            if (list->items[i] == test && !is_usable[i])
                return false;
        }
        const struct doc_node *like = doc_get(test, "like");
        test = like ? map_get(tests, like->text) : NULL;
    }
    return true;
}

static void decode_file(struct load *l, const struct load_file *file, size_t *cap)
{
    const struct doc_node *list = doc_get(file->root, "tests");
    if (!list || list->kind != DOC_LIST)
        return;
    struct map tests;
    map_init(&tests);
    bool *is_usable = mem_alloc(list->n + 1);
    collect(l, list, &tests, is_usable);
    for (size_t i = 0; i < list->n; i++) {
        struct policy_test test = {0};
        if (!is_usable[i] ||
            (!file->has_form && !chain_has_form(list, is_usable, &tests, list->items[i])))
            continue;
        decode_test(l, &tests, list->items[i], &test);
        arena_push(l->a, l->tests, l->p->n_tests, *cap, test);
    }
    free(is_usable);
    map_finish(&tests);
}

void decode_tests(struct load *l)
{
    size_t cap = 0;
    for (size_t i = 0; i < l->n_files; i++)
        decode_file(l, &l->files[i], &cap);
    l->p->tests = l->tests;
}
