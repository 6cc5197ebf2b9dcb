/* bucket: for each app the rules that can concern it, deny and require first, so that a decision
 * looks at no other and a refusal is known before any allow is read. */
#include "policy/load.h"

static const enum rule_effect order[] = {RULE_DENY, RULE_REQUIRE, RULE_ALLOW};

/* Calls put for each (app, rule) in the order of the buckets. */
static void each(struct load *l, void (*put)(struct app *app, uint32_t rule))
{
    for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
        for (size_t r = 0; r < l->p->n_rules; r++) {
            const struct rule *rule = &l->rules[r];
            if (rule->effect != order[o])
                continue;
            size_t n = rule->to->everything ? l->p->n_apps : rule->to->apps.n;
            for (size_t i = 0; i < n; i++) {
                size_t app = rule->to->everything ? i : rule->to->apps.items[i];
                put(&l->apps[app], (uint32_t)r);
            }
        }
    }
}

static void count(struct app *app, uint32_t rule)
{
    app->bucket.n++;
}

static void append(struct app *app, uint32_t rule)
{
    uint32_t *items = (uint32_t *)(uintptr_t)app->bucket.items;
    items[app->bucket.n++] = rule;
}

void bucket_fill(struct load *l)
{
    each(l, count);
    for (size_t i = 0; i < l->p->n_apps; i++) {
        l->apps[i].bucket.items = arena_array(&l->p->arena, uint32_t, l->apps[i].bucket.n);
        l->apps[i].bucket.n = 0;
    }
    each(l, append);
}
