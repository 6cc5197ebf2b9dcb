/* Records about devices: what changed of which, and whether a source can be heard. */
#include "proxy/devices_impl.h"

#include "base/jout.h"

enum {
    TOLD_MOST = 200, /* devices of one change of a table; the rest is counted */
    RECORD_ROOM = 8192,
    CHANGE_ROOM = 640, /* a fact before and after, escaped */
};

static void begin(struct jout *j, char *room, const struct source *s, str kind)
{
    const struct devices_options *o = &s->owner->options;
    jout_init(j, room, RECORD_ROOM);
    jout_open(j, '{');
    jout_ktime(j, STR("time"), loop_wall_us(o->loop));
    jout_kstr(j, STR("kind"), kind);
    jout_kstr(j, STR("node"), o->node);
    jout_kstr(j, STR("boot"), o->boot);
    jout_kstr(j, STR("source"), s->name);
}

static void end(struct jout *j, const struct source *s)
{
    jout_close(j, '}');
    if (!j->overflow)
        audit_append(s->owner->options.audit, jout_text(j));
}

void told_source(struct source *s, const char *state, const char *why)
{
    char room[RECORD_ROOM];
    struct jout j;
    begin(&j, room, s, STR("device.source"));
    jout_kplain(&j, STR("state"), str_of(state));
    if (why)
        jout_kstr(&j, STR("why"), str_of(why));
    jout_kint(&j, STR("devices"), (int64_t)device_table_count(s->table));
    end(&j, s);
}

/* ---- changes --------------------------------------------------------------------------------- */

static const struct device_fact *find(const struct device *d, str attribute)
{
    for (size_t i = 0; d && i < d->n_facts; i++)
        if (str_eq(d->facts[i].attribute, attribute))
            return &d->facts[i];
    return NULL;
}

static bool is_same(const struct device_fact *a, const struct device_fact *b)
{
    return a && b && a->kind == b->kind && str_eq(a->text, b->text);
}

static bool differs(const struct device *a, const struct device *b)
{
    if (a->n_facts != b->n_facts)
        return true;
    for (size_t i = 0; i < a->n_facts; i++)
        if (!is_same(&a->facts[i], find(b, a->facts[i].attribute)))
            return true;
    return false;
}

static void write_change(struct jout *j, str attribute, const struct device_fact *from,
                         const struct device_fact *to)
{
    if (j->cap - j->n < CHANGE_ROOM)
        return;
    jout_open(j, '{');
    jout_kstr(j, STR("name"), attribute);
    if (from)
        jout_kstr(j, STR("from"), str_upto(from->text, 64));
    if (to)
        jout_kstr(j, STR("to"), str_upto(to->text, 64));
    jout_close(j, '}');
}

static void tell_device(struct source *s, str id, const struct device *from,
                        const struct device *to)
{
    char room[RECORD_ROOM];
    struct jout j;
    begin(&j, room, s, STR("device.changed"));
    jout_key(&j, STR("device"));
    jout_open(&j, '{');
    jout_kstr(&j, STR("id"), id);
    jout_close(&j, '}');
    if (!from || !to)
        jout_kbool(&j, from ? STR("removed") : STR("added"), true);
    jout_key(&j, STR("changes"));
    jout_open(&j, '[');
    for (size_t i = 0; to && i < to->n_facts; i++) {
        const struct device_fact *old = find(from, to->facts[i].attribute);
        if (!is_same(old, &to->facts[i]))
            write_change(&j, to->facts[i].attribute, old, &to->facts[i]);
    }
    for (size_t i = 0; from && i < from->n_facts; i++)
        if (!find(to, from->facts[i].attribute))
            write_change(&j, from->facts[i].attribute, &from->facts[i], NULL);
    jout_close(&j, ']');
    end(&j, s);
}

static void tell_rest(struct source *s, size_t n)
{
    char room[RECORD_ROOM];
    struct jout j;
    begin(&j, room, s, STR("device.changed"));
    jout_kint(&j, STR("more"), (int64_t)n);
    end(&j, s);
}

/* Of two devices that share an id neither is known. */
static const struct device *known(const struct device_table *t, str id)
{
    const struct device *d = device_table_find(t, id);
    return d && str_eq(d->id, id) ? d : NULL;
}

/* What a source says for the first time is no change. */
void told_changes(struct source *s, const struct device_table *old, const struct device_table *now)
{
    size_t n = 0;
    if (!old)
        return;
    for (size_t i = 0; i < device_table_count(now); i++) {
        const struct device *to = device_table_at(now, i);
        const struct device *from = known(old, to->id);
        if ((from && !differs(from, to)) || !known(now, to->id))
            continue;
        if (++n <= TOLD_MOST)
            tell_device(s, to->id, from, to);
    }
    for (size_t i = 0; i < device_table_count(old); i++) {
        const struct device *from = device_table_at(old, i);
        if (known(old, from->id) && !known(now, from->id) && ++n <= TOLD_MOST)
            tell_device(s, from->id, from, NULL);
    }
    if (n > TOLD_MOST)
        tell_rest(s, n - TOLD_MOST);
}
