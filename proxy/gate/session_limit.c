/* How long a session lasts: its absolute and idle limits, by the configuration and by the rules of
 * the visit; who was seen, told to the store in batches; and claims that have grown old.
 *
 * Idleness is the one fact that no worker knows alone: the person may be busy at another one. What
 * is known here may be up to a batch old, so before anybody is sent away for it the store is asked
 * again. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

enum {
    TELL_MS = 10 * 1000,
    TELL_LEAST_MS = 1000,
    TELL_PARTS = 10, /* a short idle limit is told of more often: so many times within it */
    TELL_MOST = 1024,
    REFRESH_EVERY_S = 60,
};

static int64_t least(int64_t a, int64_t b)
{
    return a > 0 && (b <= 0 || a < b) ? a : b;
}

static int64_t max_end_s(const struct gate *g, const struct session *s,
                         const struct policy_obligations *o)
{
    int64_t max_s = least(g->pin->snapshot->config->sessions.max_s, o->max_s);
    return max_s > 0 ? least(s->ends_s, s->created_s + max_s) : s->ends_s;
}

static int64_t idle_limit_s(struct gate *g, const struct policy_obligations *o)
{
    int64_t idle_s = least(g->pin->snapshot->config->sessions.idle_s, o->idle_s);
    g->least_idle_s = least(g->least_idle_s, idle_s);
    return idle_s;
}

enum session_limit session_limit(struct gate *g, const struct session *s,
                                 const struct policy_obligations *o, int64_t now_s)
{
    int64_t idle_s = idle_limit_s(g, o);
    if (now_s >= max_end_s(g, s, o))
        return SESSION_PAST_MAX;
    if (idle_s <= 0 || now_s < s->seen_s + idle_s)
        return SESSION_GOOD;
    int64_t end_s = session_seen_s(g, s) + idle_s;
    if (now_s < end_s)
        return SESSION_GOOD;
    return s->read_s >= end_s ? SESSION_PAST_IDLE : SESSION_MAY_BE_IDLE;
}

int64_t session_valid_until_s(struct gate *g, const struct session *s,
                              const struct policy_obligations *o)
{
    int64_t idle_s = idle_limit_s(g, o), end_s = max_end_s(g, s, o);
    return idle_s > 0 ? least(end_s, session_seen_s(g, s) + idle_s) : end_s;
}

const char *session_limit_cause(enum session_limit limit)
{
    return limit == SESSION_PAST_MAX ? "session.max" : "session.idle";
}

/* ---- who was seen ---------------------------------------------------------------------------- */

struct telling {
    size_t n;
    struct store_touch items[TELL_MOST];
};

static void tell(struct store_db *db, void *ctx)
{
    struct telling *t = ctx;
    struct fail f = {.text = ""};
    (void)store_sessions_touch(db, t->items, t->n, &f); /* the next batch tells the same again */
}

/* Ended ones are of no interest any more. */
static void take_touched(struct gate *g, struct telling *t)
{
    while (!list_empty(&g->touched) && t->n < TELL_MOST) {
        struct session *s = list_entry(g->touched.next, struct session, touched);
        list_remove(&s->touched);
        g->n_touched--;
        if (!s->is_ended && s->seen_s > s->told_s)
            t->items[t->n++] = (struct store_touch){s->id, s->seen_s};
        s->told_s = s->seen_s;
        session_unref(&s);
    }
}

void session_tell(struct gate *g)
{
    while (!list_empty(&g->touched)) {
        struct telling *t = mem_alloc(sizeof *t);
        take_touched(g, t);
        if (t->n == 0 || !store_post(g->options.store, tell, free, t))
            free(t);
    }
}

static void tell_due(struct deadline *d)
{
    session_tell(list_entry(d, struct gate, tell_due));
}

void session_limit_init(struct gate *g)
{
    list_init(&g->touched);
    deadline_init(&g->tell_due, tell_due);
}

/* The loop may be gone by now. */
void session_limit_finish(struct gate *g)
{
    struct telling rest;
    do {
        rest.n = 0;
        take_touched(g, &rest);
    } while (rest.n);
}

static int64_t tell_after_ms(const struct gate *g)
{
    int64_t part_ms = g->least_idle_s * 1000 / TELL_PARTS;
    return part_ms <= 0 || part_ms > TELL_MS ? TELL_MS
           : part_ms < TELL_LEAST_MS         ? TELL_LEAST_MS
                                             : part_ms;
}

void session_touch(struct gate *g, struct session *s, int64_t now_s)
{
    if (now_s <= s->seen_s)
        return;
    s->seen_s = now_s;
    if (!list_empty(&s->touched))
        return;
    session_ref(s);
    list_append(&g->touched, &s->touched);
    /* They are held until then, those too that the cache has no room for: not more than a batch. */
    if (++g->n_touched == TELL_MOST)
        deadline_set(g->options.loop, &g->tell_due, 1);
    else if (!deadline_is_set(&g->tell_due))
        deadline_set(g->options.loop, &g->tell_due, tell_after_ms(g));
}

/* ---- claims that have grown old -------------------------------------------------------------- */

static void note_asked(struct gate *g, struct session *s)
{
    s->refresh_asked_s = loop_wall_us(g->options.loop) / 1000000;
}

int64_t session_refresh_s(const struct gate *g, const struct session *s)
{
    int64_t refresh_s = g->pin->snapshot->config->sessions.refresh_s;
    if (!s->can_refresh || refresh_s <= 0 || !g->options.need_refresh || s->is_ended)
        return 0;
    int64_t due_s = s->claims_s + refresh_s, again_s = s->refresh_asked_s + REFRESH_EVERY_S;
    return due_s > again_s ? due_s : again_s;
}

void session_refresh(struct gate *g, struct session *s, int64_t now_s)
{
    int64_t due_s = session_refresh_s(g, s);
    if (!due_s || now_s < due_s)
        return;
    session_index_each(g, s->id, note_asked);
    g->options.need_refresh(g->options.ctx, s->id);
}
