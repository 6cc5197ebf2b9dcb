/* The table of visits that last (a WebSocket, a stream): they hold no snapshot, and are decided
 * again by each new one, at `valid_until`, and when the clock was set. */
#include "proxy/gate/gate_impl.h"

/* When it is looked at next: what it is allowed by ends, or its session's claims grow old. */
static void look_later(struct visit *v, int64_t least_ms)
{
    struct loop *loop = v->gate->options.loop;
    int64_t next_s = v->decision.valid_until_s;
    int64_t refresh_s = v->session ? session_refresh_s(v->gate, v->session) : 0;
    if (refresh_s && (!next_s || refresh_s < next_s))
        next_s = refresh_s;
    if (next_s == 0)
        return;
    int64_t left_ms = next_s * 1000 - loop_wall_us(loop) / 1000;
    deadline_set(loop, &v->again, left_ms < least_ms ? least_ms : left_ms);
}

void standing_look(struct visit *v)
{
    enum visit_end why;
    if (v->outcome != VISIT_PERMITTED)
        return; /* it was told to end, and its owner is at it */
    if (!decide_again(v, &why)) {
        deadline_clear(v->gate->options.loop, &v->again);
        counter_add(&v->gate->options.counters->visits_ended, 1);
        v->ended(v, why);
        return;
    }
    if (v->session)
        session_refresh(v->gate, v->session, loop_wall_us(v->gate->options.loop) / 1000000);
    look_later(v, 100);
}

static void time_is_up(struct deadline *d)
{
    standing_look(list_entry(d, struct visit, again));
}

void standing_init(struct visit *v)
{
    list_init(&v->stand_link);
    list_init(&v->session_link);
    deadline_init(&v->again, time_is_up);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* `ended` may take visits out of the table, so the walk is over a list of its own. */
static void for_each_standing(struct gate *g, void (*fn)(struct visit *, void *), void *arg)
{
    struct list_node todo;
    list_init(&todo);
    if (list_empty(&g->standing))
        return;
    todo = g->standing;
    todo.next->prev = todo.prev->next = &todo;
    list_init(&g->standing);
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, stand_link);
        list_remove(&v->stand_link);
        list_append(&g->standing, &v->stand_link);
        fn(v, arg);
    }
}

static void recheck(struct visit *v, void *arg)
{
    standing_look(v);
}

void gate_decide_again(struct gate *g)
{
    for_each_standing(g, recheck, NULL);
}

bool standing_has(const struct gate *g, const struct credential *who)
{
    for (struct list_node *n = g->standing.next; n != &g->standing; n = n->next) {
        const struct visit *v = list_entry(n, struct visit, stand_link);
        if (v->who == who && !v->session)
            return true;
    }
    return false;
}

static void recheck_who(struct visit *v, void *who)
{
    if (v->who == who && !v->session)
        standing_look(v);
}

void standing_look_all(struct gate *g, const struct credential *who)
{
    for_each_standing(g, recheck_who, (void *)(uintptr_t)who);
}

static void end_standing(struct visit *v, void *arg)
{
    if (v->outcome == VISIT_PERMITTED)
        v->ended(v, *(enum visit_end *)arg);
}

void gate_end_all(struct gate *g, enum visit_end why)
{
    session_tell(g);
    for_each_standing(g, end_standing, &why);
}

size_t gate_standing(const struct gate *g)
{
    return g->n_standing;
}

/* ---- joining and leaving --------------------------------------------------------------------- */

static void keep_trust(struct visit *v, const struct snapshot *s)
{
    const struct snapshot_issuer *issuer =
        v->who ? snapshot_issuer_by_name(s, v->who->facts.issuer_name) : NULL;
    if (!issuer)
        return;
    v->trust = arena_dup(v->arena, str_of(issuer->config->trust));
    v->services_trust = arena_dup(v->arena, str_of(s->config->services_trust));
}

void standing_keep_trust(struct visit *v)
{
    const struct snapshot *s = v->gate->pin->snapshot;
    const struct snapshot_issuer *issuer = snapshot_issuer_by_name(s, v->who->facts.issuer_name);
    if (issuer && !str_eq(v->trust, str_of(issuer->config->trust)))
        keep_trust(v, s);
}

/* Everything that the visit still needs, out of the snapshot and into its own arena. */
static void let_go_of_snapshot(struct visit *v)
{
    v->app_name = arena_dup(v->arena, v->app_name);
    for (size_t i = 0; i < v->decision.n_rules; i++)
        v->decision.rules[i] = arena_dup(v->arena, v->decision.rules[i]);
    for (size_t i = 0; i < v->decision.n_would_rules; i++)
        v->decision.would_rules[i] = arena_dup(v->arena, v->decision.would_rules[i]);
    v->policy_digest = arena_dup(v->arena, str_of(v->pin->snapshot->policy_digest));
    v->policy_generation = v->pin->snapshot->policy_generation;
    keep_trust(v, v->pin->snapshot);
    v->app = NULL;
    pin_give(&v->pin);
}

/* False: it is not what it was when the visit began. */
static bool stand_by_session(struct visit *v)
{
    struct session *s = v->session;
    list_append(&s->standing, &v->session_link);
    if (s->is_stale)
        session_ask_again(v->gate, s);
    return !s->is_ended;
}

bool visit_stand(struct visit *v, enum visit_kind kind,
                 void (*ended)(struct visit *v, enum visit_end why))
{
    struct gate *g = v->gate;
    if (v->ended) { /* a stream that became a WebSocket: it stands already */
        v->kind = kind;
        v->ended = ended;
        record_start(v);
        return true;
    }
    if (g->n_standing >= g->pin->snapshot->config->limits.long_visits)
        return false;
    bool is_newest = v->pin == g->pin;
    v->kind = kind;
    v->ended = ended;
    record_start(v);
    let_go_of_snapshot(v);
    list_append(&g->standing, &v->stand_link);
    g->n_standing++;
    gate_clock_watch(g);
    counter_add(&g->options.counters->visits_open, 1);
    if (v->session)
        is_newest &= stand_by_session(v);
    if (is_newest)
        look_later(v, 1);
    else /* the rules changed while it was under way, or the session did */
        deadline_set(g->options.loop, &v->again, 1);
    return true;
}

void visit_touch(struct visit *v)
{
    if (v->session)
        session_touch(v->gate, v->session, loop_wall_us(v->gate->options.loop) / 1000000);
}

void standing_leave(struct visit *v)
{
    if (!v->ended)
        return;
    list_remove(&v->stand_link);
    list_remove(&v->session_link);
    deadline_clear(v->gate->options.loop, &v->again);
    v->ended = NULL;
    if (--v->gate->n_standing == 0)
        gate_clock_rest(v->gate);
    counter_add(&v->gate->options.counters->visits_open, -1);
}
