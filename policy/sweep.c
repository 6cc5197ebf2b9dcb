/* sweep: walks over the rules of an app that the index leaves open, in the order of the bucket.
 *
 * There are two ways. The quick one is for a request whose subject fits: needs are looked up by
 * number and values are joined as bits, without a branch that a processor could guess wrongly,
 * because a rule in hand is as likely to apply as not. What is rare (audit, grants, regexes, a
 * purpose) goes the other way, rule by rule, through weigh. */
#include "policy/weigh.h"

enum {
    SWEEP_AHEAD = 4096, /* bytes */
    SWEEP_ROOM = 256,   /* places in hand; a word gives up to 64 */
    SWEEP_TERMS = 64,   /* session terms that are merged at the end */
    CLAUSE_RARE =
        CLAUSE_AUDIT | CLAUSE_TARGET_LEFT | CLAUSE_PURPOSE | CLAUSE_APPROVAL | CLAUSE_BREAK_GLASS,
};

/* The places of an app that are still open: a bit each. */
struct opening {
    bool knows_who;       /* else it has to be asked place by place */
    const uint64_t *sure; /* then, where it is true; NULL: at all of them */
    uint64_t words[COMPILED_MAX_WORDS];
    uint64_t some[COMPILED_MAX_WORDS / 64 + 1]; /* a bit for each word that is not zero */
};

/* A subject that was not used for a while is far away: its lines are sent for before the path is
 * walked, and arrive meanwhile. */
static void send_for(const void *from, size_t bytes)
{
    for (size_t at = 0; at < bytes && at < SWEEP_AHEAD; at += 64)
        __builtin_prefetch((const char *)from + at);
}

static void find_open(const struct weighing *w, const struct app_index *app, struct opening *o)
{
    const struct policy_request *request = w->asking.eval.facts->request;
    const struct policy_subject *s = w->asking.subject;
    const uint64_t *row = s && app->row != COMPILED_NONE ? s->rows + app->row : NULL,
                   *open = app->methods + 2 * (size_t)app->n_words *
                                              method_column(w->asking.compiled, request->method),
                   *pathful = open + app->n_words;

    if (row)
        send_for(row, (1 + app->n_words) * sizeof *row);
    if (s)
        send_for(s->needs, 128);
    send_for(open, 64);
    send_for(app->rules, 64);
    memset(o->words, 0, app->n_words * sizeof *o->words);
    memset(o->some, 0, (app->n_words / 64 + 1) * sizeof *o->some);
    path_index_match(&app->paths, request->path, o->words);
    for (uint32_t i = 0; i < app->n_words; i++) {
        uint64_t word = (open[i] | (o->words[i] & pathful[i])) & (row ? row[1 + i] : UINT64_MAX);
        o->words[i] = word;
        o->some[i / 64] |= (uint64_t)(word != 0) << i % 64;
    }
    o->knows_who = row;
    o->sure = row && row[0] ? row + 1 + app->n_words : NULL;
}

/* ---- rule by rule ---------------------------------------------------------------------------- */

typedef void weigher(struct weighing *w, uint32_t rule);

static void each_open(struct weighing *w, const struct app_index *app, const struct opening *o,
                      weigher *call)
{
    for (uint32_t i = 0; i < app->n_words; i++)
        for (uint64_t word = o->words[i]; word; word &= word - 1)
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
        w->openers[w->n_openers++] = rule;
}

/* A visit without identity, on a public path: only a deny of `anyone` has a say. */
static void weigh_public(struct weighing *w, uint32_t rule)
{
    const struct clause *clause = &w->asking.compiled->clauses[rule];

    if (clause->effect == RULE_DENY && clause->flags & CLAUSE_ANYONE)
        weigh(w, rule);
}

/* ---- the quick way --------------------------------------------------------------------------- */

/* effect_applies by effect and on_missing, and effect_binds by effect, as a bit for each
 * scope * 4 + need in codes. */
static const uint16_t applies_tables[3][2] = {[RULE_DENY] = {0xA0A0, 0x8000},
                                              [RULE_REQUIRE] = {0x3030, 0x1000},
                                              [RULE_ALLOW] = {0x8000, 0x8000}};
static const uint16_t binds_tables[3] = {
    [RULE_DENY] = 0, [RULE_REQUIRE] = 0xFFF0, [RULE_ALLOW] = 0x8000};

struct sweep {
    struct weighing *w;
    const struct app_index *app;
    const struct opening *opening;
    bool denies_are_rare;
    uint64_t terms; /* a bit for each session terms that bind; bit 0 is nobody's */
    uint64_t until; /* the earliest change so far, UINT64_MAX: none; eval.until_s is behind */
};

static inline uint64_t table_need(struct asking *q, uint32_t number)
{
    if (__builtin_expect(!(q->table_known[number / 64] >> number % 64 & 1), 0))
        asking_find(q, number);
    return (uint64_t)q->table[number].bits;
}

/* Until when a value holds, or UINT64_MAX when it does not count: `counts` is 0 or 1. */
static inline uint64_t until_if(uint64_t counts, uint64_t bits)
{
    return bits >> 2 | (counts - 1);
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Returns scope * 4 + need. In the order of eval_need: a need that is false keeps those behind it
 * from bounding. A code is not false when its lowest bit is set. */
static inline unsigned quick_value(struct sweep *sweep, const struct clause *c, unsigned scope)
{
    struct asking *q = &sweep->w->asking;
    const struct subject_value *needs = q->subject->needs;
    uint64_t device = (uint64_t)needs[c->device].bits, auth = (uint64_t)needs[c->auth].bits,
             from = table_need(q, c->from), when = table_need(q, c->when);
    int64_t now_s = q->eval.now_s;
    bool is_early = now_s < c->starts_s, is_over = now_s >= c->expires_s;
    int64_t edge_s = is_early ? c->starts_s : c->expires_s;

    scope &= (is_early | is_over) ? CODE_FALSE : CODE_TRUE;
    uint64_t counts = scope & 1, until = until_if(counts, device);
    counts &= device;
    until = earlier(until, until_if(counts, auth));
    counts &= auth;
    until = earlier(until, until_if(counts, from));
    counts &= from;
    until = earlier(until, until_if(counts, when));
    until = earlier(until, (is_over & !is_early) ? UINT64_MAX : (uint64_t)edge_s);
    sweep->until = earlier(sweep->until, until);
    return scope * 4 + (unsigned)(device & auth & from & when & 3);
}

static inline void bind_terms(struct sweep *sweep, uint32_t session, bool binds)
{
    if (__builtin_expect(session < SWEEP_TERMS, 1))
        sweep->terms |= (uint64_t)binds << session;
    else if (binds)
        merge_add(&sweep->w->merge, sweep->w->asking.compiled->sessions[session - 1]);
}

static inline bool quick_weigh(struct sweep *sweep, const struct clause *c, unsigned scope)
{
    unsigned value = quick_value(sweep, c, scope);
    bool ignores_missing = c->flags & CLAUSE_IGNORES_MISSING;

    bind_terms(sweep, c->session, binds_tables[c->effect] >> value & 1);
    return applies_tables[c->effect][ignores_missing] >> value & 1;
}

static void report_all(struct weighing *w, const struct clause *const *fired, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        pan_add(&w->real, fired[i]);
        if (w->has_would)
            pan_add(&w->would, fired[i]);
    }
}

/* In a row a place that is open is not false. */
static inline unsigned who_at(const struct sweep *sweep, uint32_t place)
{
    const struct opening *o = sweep->opening;

    if (!o->knows_who)
        return subject_who(sweep->w->asking.subject, sweep->app->whos[place]);
    if (o->sure)
        return CODE_UNKNOWN | (unsigned)(o->sure[place / 64] >> place % 64 & 1) << 1;
    return CODE_TRUE;
}

/* Who settles most, and is looked up first: by then the clauses of the others are on their way. */
static void take_places(struct sweep *sweep, const uint32_t *places, uint32_t n)
{
    const struct asking *q = &sweep->w->asking;
    const struct clause *clauses = q->compiled->clauses;
    const struct clause *fired[SWEEP_ROOM];
    uint32_t rules[SWEEP_ROOM], n_kept = 0, n_fired = 0;
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
        if (c->flags & CLAUSE_RARE || (sweep->denies_are_rare && c->effect == RULE_DENY)) {
            report_all(sweep->w, fired, n_fired);
            weigh(sweep->w, rules[i]);
            n_fired = 0;
            continue;
        }
        fired[n_fired] = c;
        n_fired += quick_weigh(sweep, c, scopes[i]);
    }
    report_all(sweep->w, fired, n_fired);
}

/* Most words hold one or two places: these are written without asking how many there are. */
static inline uint32_t put_places(uint32_t *places, uint32_t n, uint32_t base, uint64_t word)
{
    places[n++] = base + (uint32_t)__builtin_ctzll(word);
    word &= word - 1;
    places[n] = base + (uint32_t)__builtin_ctzll(word | (uint64_t)1 << 63);
    n += word != 0;
    word &= word - 1;
    for (; __builtin_expect(word != 0, 0); word &= word - 1)
        places[n++] = base + (uint32_t)__builtin_ctzll(word);
    return n;
}

static void sweep_quickly(struct weighing *w, const struct app_index *app, const struct opening *o)
{
    struct sweep sweep = {.w = w,
                          .app = app,
                          .opening = o,
                          .denies_are_rare = w->asking.subject->has_hint,
                          .until = UINT64_MAX};
    uint32_t places[SWEEP_ROOM], n = 0;

    for (uint32_t block = 0; block < app->n_words; block += 64)
        for (uint64_t some = o->some[block / 64]; some; some &= some - 1) {
            uint32_t i = block + (uint32_t)__builtin_ctzll(some);
            n = put_places(places, n, 64 * i, o->words[i]);
            if (n <= SWEEP_ROOM - 64 - 1)
                continue;
            take_places(&sweep, places, n);
            n = 0;
        }
    take_places(&sweep, places, n);
    if (sweep.until < SUBJECT_FOREVER_S)
        eval_until(&w->asking.eval, (int64_t)sweep.until);
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
