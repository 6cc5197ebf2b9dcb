/* device_json: facts of a device as one JSON object, which is how they are kept. See device.h. */
#include "authn/device.h"
#include "authn/jread.h"
#include "base/jout.h"

enum { FACTS_ROOM = DEVICE_FACTS_MAX * 1024 };

str device_facts_write(const struct device *d, struct arena *a)
{
    struct jout j;
    jout_init(&j, arena_text(a, FACTS_ROOM), FACTS_ROOM);
    jout_open(&j, '{');
    for (size_t i = 0; i < d->n_facts; i++) {
        jout_key_text(&j, d->facts[i].attribute);
        if (d->facts[i].kind == CLAIM_STRING)
            jout_str(&j, d->facts[i].text);
        else
            jout_raw(&j, d->facts[i].text);
    }
    jout_close(&j, '}');
    return j.overflow ? STR("{}") : jout_text(&j);
}

static enum claim_kind kind_of(const struct jnode *n)
{
    return n->kind == J_STRING                         ? CLAIM_STRING
           : n->kind == J_BOOL                         ? CLAIM_BOOL
           : n->kind == J_INTEGER || n->kind == J_REAL ? CLAIM_NUMBER
                                                       : CLAIM_OTHER;
}

void device_facts_read(str id, str json, int64_t seen_s, struct arena *a, struct device *out)
{
    str own = arena_dup(a, json);
    const struct jnode *root = jread_object(a, (char *)own.p, own.n, NULL);
    struct device_fact *facts = arena_array(a, struct device_fact, DEVICE_FACTS_MAX);
    size_t n = 0;
    for (const struct jnode *m = root ? root->first : NULL; m && n < DEVICE_FACTS_MAX; m = m->next)
        if (device_fact_from_claim(m->name, kind_of(m), m->text, &facts[n]))
            facts[n++].seen_s = seen_s;
    *out = (struct device){arena_dup(a, id), facts, n, seen_s};
}
