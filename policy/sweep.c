/* sweep: walks over the rules of an app that the index leaves open, in the order of the bucket.
 *
 * There are two ways. The quick one is for a request whose subject fits: needs are looked up by
 * number and values are joined as bits, without a branch that a processor could guess wrongly,
 * because a rule in hand is as likely to apply as not. What is rare (audit, grants, regexes, a
 * purpose) goes the other way, rule by rule, through weigh. */
#include "policy/weigh.h"

enum {
    SWEEP_ROOM = 256, /* places in hand; a word gives up to 64 */
    SWEEP_TERMS = 64, /* session terms that are merged at the end */
    CLAUSE_RARE =
        CLAUSE_AUDIT | CLAUSE_TARGET_LEFT | CLAUSE_PURPOSE | CLAUSE_APPROVAL | CLAUSE_BREAK_GLASS,
};

/* What of an app a method leaves open whatever the path is, what the path may open, and what the
 * subject has not ruled out: a bit each. */
struct opening {
    const uint64_t *open, *pathful;
    const uint64_t *row; /* pairs of words, see policy_subject.rows */
    uint32_t row_step;   /* 0: the same pair for all places, and it rules out nothing */
    uint64_t paths[COMPILED_MAX_WORDS];
};

static void find_open(const struct weighing *w, const struct app_index *app, struct opening *o)
{
    static const uint64_t all[2] = {UINT64_MAX, UINT64_MAX};
    const struct policy_request *request = w->asking.eval.facts->request;
    const struct policy_subject *s = w->asking.subject;
    size_t column = method_column(w->asking.compiled, request->method);

    o->open = app->methods + 2 * column * app->n_words;
    o->pathful = o->open + app->n_words;
    o->row = s && app->row != COMPILED_NONE ? s->rows + app->row : all;
    o->row_step = o->row == all ? 0 : 2;
    for (size_t line = 0; line < 128; line += 64)
        __builtin_prefetch((const char *)(s ? s->needs : NULL) + line);
    __builtin_prefetch(o->row);
    __builtin_prefetch(o->open);
    __builtin_prefetch(app->rules);
    memset(o->paths, 0, app->n_words * sizeof *o->paths);
    path_index_match(&app->paths, request->path, o->paths);
}

static inline uint64_t open_word(const struct opening *o, uint32_t i)
{
    return (o->open[i] | (o->paths[i] & o->pathful[i])) & o->row[i * o->row_step];
}

/* ---- rule by rule ---------------------------------------------------------------------------- */

typedef void weigher(struct weighing *w, uint32_t rule);

static void each_open(struct weighing *w, const struct app_index *app, const struct opening *o,
                      weigher *call)
{
    for (uint32_t i = 0; i < app->n_words; i++)
        for (uint64_t word = open_word(o, i); word; word &= word - 1)
            call(w, app->rules[64 * i + (uint32_t)__builtin_ctzll(word)]);
}

static void each_rule(struct weighing *w, const struct app_index *app, weigher *call)
{
    for (uint32_t i = 0; i < app->n; i++)
        call(w, app->rules[i]);
}

static void open_glass(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];
    bool applies, binds;

    if (clause->effect != RULE_ALLOW || !(clause->flags & CLAUSE_BREAK_GLASS) ||
        w->n_openers == WEIGH_MAX_OPENERS)
        return;
    weigh_value(w, rule, &applies, &binds);
    if (applies)
        w->openers[w->n_openers++] = &w->asking.eval.policy->rules[rule];
}

/* A visit without identity, on a public path: only a deny of `anyone` has a say. */
static void weigh_public(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];

    if (clause->effect == RULE_DENY && clause->flags & CLAUSE_ANYONE)
        weigh(w, rule);
}

/* ---- the quick way --------------------------------------------------------------------------- */

/* Whether a rule applies or fires, by effect and on_missing: effect_applies as a bit for each
 * scope * 4 + need, in codes. */
static const uint16_t applies_tables[3][2] = {[RULE_DENY] = {0xA0A0, 0x8000},
                                              [RULE_REQUIRE] = {0x3030, 0x1000},
                                              [RULE_ALLOW] = {0x8000, 0x8000}};

static inline struct subject_value table_need(struct asking *q, uint32_t number)
{
    if (__builtin_expect(!(q->table_known[number / 64] >> number % 64 & 1), 0))
        asking_find(q, number);
    return q->table[number];
}

/* The earlier of two, the second only when it counts. */
static inline int64_t earlier_if(bool counts, int64_t until_s, int64_t other_s)
{
    return counts & (other_s < until_s) ? other_s : until_s;
}

static inline unsigned quick_life(const struct clause *c, int64_t now_s, int64_t *until_s)
{
    bool is_early = now_s < c->starts_s, is_over = now_s >= c->expires_s;
    int64_t edge_s = is_early ? c->starts_s : c->expires_s;

    *until_s = earlier_if(edge_s > now_s, *until_s, edge_s);
    return is_early | is_over ? CODE_FALSE : CODE_TRUE;
}

/* In the order of eval_need: a need that is false keeps those behind it from bounding. */
static inline unsigned quick_need(struct asking *q, const struct clause *c, bool is_live,
                                  int64_t *until_s)
{
    struct subject_value device = q->subject->needs[c->device], auth = q->subject->needs[c->auth],
                         from = table_need(q, c->from), when = table_need(q, c->when);
    int64_t until = earlier_if(is_live, *until_s, value_until_s(device));
    unsigned need = value_code(device);

    until = earlier_if(is_live & (need != 0), until, value_until_s(auth));
    need &= value_code(auth);
    until = earlier_if(is_live & (need != 0), until, value_until_s(from));
    need &= value_code(from);
    *until_s = earlier_if(is_live & (need != 0), until, value_until_s(when));
    return need & value_code(when);
}

struct sweep {
    struct weighing *w;
    const struct app_index *app;
    const struct opening *opening;
    bool denies_are_rare;
    uint64_t terms; /* a bit for each session terms that bind; bit 0 is nobody's */
};

static inline void bind_terms(struct sweep *sweep, uint32_t session, bool binds)
{
    if (__builtin_expect(session < SWEEP_TERMS, 1))
        sweep->terms |= (uint64_t)binds << session;
    else if (binds)
        merge_add(&sweep->w->merge, sweep->w->asking.compiled->sessions[session - 1]);
}

static inline void quick_weigh(struct sweep *sweep, const struct clause *c, unsigned scope)
{
    struct weighing *w = sweep->w;
    struct eval *e = &w->asking.eval;
    int64_t until_s = e->until_s;

    scope &= quick_life(c, e->now_s, &until_s);
    unsigned need = quick_need(&w->asking, c, scope != 0, &until_s);
    e->until_s = until_s;
    bool ignores_missing = c->flags & CLAUSE_IGNORES_MISSING;
    bool applies = applies_tables[c->effect][ignores_missing] >> (scope * 4 + need) & 1;
    bind_terms(sweep, c->session, c->effect == RULE_ALLOW ? applies : scope != 0);
    if (!applies)
        return;
    pan_add(&w->real, c);
    if (w->has_would)
        pan_add(&w->would, c);
}

/* In a row a place that is open is not false. */
static inline unsigned who_at(const struct sweep *sweep, uint32_t place)
{
    const struct opening *o = sweep->opening;

    if (o->row_step)
        return CODE_UNKNOWN | (unsigned)(o->row[place / 64 * 2 + 1] >> place % 64 & 1) << 1;
    return subject_who(sweep->w->asking.subject, sweep->app->whos[place]);
}

/* Who settles most, and is looked up first: by then the clauses of the others are on their way. */
static void take_places(struct sweep *sweep, const uint32_t *places, uint32_t n)
{
    const struct asking *q = &sweep->w->asking;
    const struct clause *clauses = q->compiled->clauses;
    uint32_t rules[SWEEP_ROOM], n_kept = 0;
    uint8_t scopes[SWEEP_ROOM];

    for (uint32_t i = 0; i < n; i++) {
        unsigned who = who_at(sweep, places[i]);
        rules[n_kept] = sweep->app->rules[places[i]];
        scopes[n_kept] = (uint8_t)who;
        __builtin_prefetch(&clauses[rules[n_kept]]);
        n_kept += who != CODE_FALSE;
    }
    for (uint32_t i = 0; i < n_kept; i++) {
        const struct clause *c = &clauses[rules[i]];
        if (c->flags & CLAUSE_RARE || (sweep->denies_are_rare && c->effect == RULE_DENY))
            weigh(sweep->w, rules[i]);
        else
            quick_weigh(sweep, c, scopes[i]);
    }
}

/* Most words hold none to three places: these are written without asking how many there are. */
static inline uint32_t put_places(uint32_t *places, uint32_t n, uint32_t base, uint64_t word)
{
    for (int i = 0; i < 3; i++) {
        places[n] = base + (uint32_t)__builtin_ctzll(word | (uint64_t)1 << 63);
        n += word != 0;
        word &= word - 1;
    }
    for (; __builtin_expect(word != 0, 0); word &= word - 1)
        places[n++] = base + (uint32_t)__builtin_ctzll(word);
    return n;
}

static void sweep_quickly(struct weighing *w, const struct app_index *app, const struct opening *o)
{
    struct sweep sweep = {
        .w = w, .app = app, .opening = o, .denies_are_rare = w->asking.subject->has_hint};
    uint32_t places[SWEEP_ROOM], n = 0;

    for (uint32_t i = 0; i < app->n_words; i++) {
        n = put_places(places, n, 64 * i, open_word(o, i));
        if (n > SWEEP_ROOM - 64 - 3) {
            take_places(&sweep, places, n);
            n = 0;
        }
    }
    take_places(&sweep, places, n);
    for (uint64_t terms = sweep.terms & ~(uint64_t)1; terms; terms &= terms - 1)
        merge_add(&w->merge, w->asking.compiled->sessions[__builtin_ctzll(terms) - 1]);
}

/* ---- both ------------------------------------------------------------------------------------ */

void weigh_all(struct weighing *w, const struct app_index *app, bool is_public)
{
    bool may_open = !is_public && w->asking.eval.facts->n_grants;
    struct opening o;

    if (w->is_plain) {
        if (may_open)
            each_rule(w, app, open_glass);
        each_rule(w, app, is_public ? weigh_public : weigh);
        return;
    }
    find_open(w, app, &o);
    if (may_open)
        each_open(w, app, &o, open_glass);
    /* An open glass skips requires one by one. */
    if (w->asking.is_quick && !w->n_openers)
        sweep_quickly(w, app, &o);
    else
        each_open(w, app, &o, is_public ? weigh_public : weigh);
}
