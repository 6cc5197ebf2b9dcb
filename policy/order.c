/* order: where the rules of a wide app stand among each other.
 *
 * Effects first, as in every bucket. Then those that no path keeps out, and behind them those whose
 * first glob is alike side by side: what the method and the path of a request leave open is then a
 * few words of the app's bits, and so are the lines of a subject that are read for them. */
#include "policy/compiled.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Effect, node of the first glob (the root for none), rule. */
static uint64_t key_of(struct path_build *paths, const struct rule *rule, uint32_t index)
{
    uint64_t node = rule->to->paths.n ? path_build_add(paths, &rule->to->paths.items[0], 0) : 0;

    return (uint64_t)rule->effect << 62 | node << 32 | index;
}

void order_rules(struct path_build *paths, const struct rule *rules, const struct app *app)
{
    uint32_t *items = (uint32_t *)(uintptr_t)app->bucket.items;
    size_t n = app->bucket.n;
    uint64_t *keys = mem_alloc(n * sizeof *keys);

    path_build_start(paths, app->face.ignores_case);
    for (size_t i = 0; i < n; i++)
        keys[i] = key_of(paths, &rules[items[i]], items[i]);
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 0; i < n; i++)
        items[i] = (uint32_t)keys[i];
    free(keys);
}
