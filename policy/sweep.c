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

/* The places of an app that are still open: a bit each. */
struct opening {
    bool knows_who;       /* else it has to be asked place by place */
    const uint64_t *sure; /* then, where it is true; NULL: at all of them */
    uint64_t words[COMPILED_MAX_WORDS / 8 * 8 + 8]; /* eight are cleared at a time */
    uint64_t some[COMPILED_MAX_WORDS / 64 + 1];     /* a bit for each word that is not zero */
};

/* A subject that was not used for a while is far away: the lines of its row that the method leaves
 * open are sent for before the path is walked, and arrive meanwhile. */
static void send_for_row(const struct app_index *app, const uint64_t *row, const uint64_t *some)
{
    __builtin_prefetch(row);
    for (uint32_t block = 0; block < app_summary_words(app); block++)
        for (uint64_t left = some[block], line; left; left &= ~((uint64_t)0xFF << line)) {
            line = (uint64_t)__builtin_ctzll(left) & ~(uint64_t)7;
            __builtin_prefetch(row + 64 * block + line);
            __builtin_prefetch(row + 64 * block + line + 7);
        }
}

/* The words to look at. Of a few all: how many there are then depends on the app alone. */
static uint64_t words_to_close(const struct app_index *app, const struct opening *o,
                               const uint64_t *column, uint32_t block)
{
    if (app->n_words <= COMPILED_FEW_WORDS)
        return ((uint64_t)1 << app->n_words) - 1;
    return o->some[block] | column[block];
}

/* Leaves of the words that the path opened what the method and the person leave of them. */
static void close_others(struct opening *o, const struct app_index *app, const uint64_t *column,
                         const uint64_t *row)
{
    const uint64_t *open = column + app_summary_words(app), *pathful = open + app->n_words;

    for (uint32_t block = 0; 64 * block < app->n_words; block++) {
        uint64_t kept = 0;
        for (uint64_t left = words_to_close(app, o, column, block); left; left &= left - 1) {
            uint32_t i = 64 * block + (uint32_t)__builtin_ctzll(left);
            o->words[i] = (open[i] | (o->words[i] & pathful[i])) & (row ? row[i] : UINT64_MAX);
            kept |= o->words[i] ? left & -left : 0;
        }
        o->some[block] = kept;
    }
}

static void find_open(const struct weighing *w, const struct app_index *app, struct opening *o)
{
    const struct policy_request *request = w->asking.eval.facts->request;
    const struct policy_subject *s = w->asking.subject;
    const uint64_t *row = s && app->row != COMPILED_NONE ? s->rows + app->row : NULL,
                   *column = app->methods + (size_t)app_column_words(app) *
                                                method_column(w->asking.compiled, request->method);

    __builtin_prefetch(column);
    __builtin_prefetch(app->rules);
    if (row)
        send_for_row(app, row + 1, column);
    else
        __builtin_prefetch(app->whos);
    if (s) {
        __builtin_prefetch(s->needs);
        __builtin_prefetch(s->needs + 8);
    }
    for (uint32_t i = 0; i < app->n_words; i += 8)
        memset(&o->words[i], 0, 8 * sizeof *o->words);
    memset(o->some, 0, sizeof o->some);
    path_index_match(&app->paths, request->path, (struct path_bits){o->words, o->some});
    close_others(o, app, column, row ? row + 1 : NULL);
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

/* Until when a value holds, or UINT64_MAX when it does not count: `counts` is 0 or 1. */
static inline uint64_t until_if(uint64_t counts, uint64_t bits)
{
    return bits >> 2 | (counts - 1);
}

static inline uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Returns scope * 4 + need, and makes *until earlier. In the order of eval_need: a need that
 * decides keeps those behind it from bounding; `open` is the bit of a code that does not decide,
 * which is the lower one, and of an allow, which wants certainty, the higher one. */
static inline unsigned quick_value(const struct asking *q, const struct clause *c, unsigned scope,
                                   unsigned open, uint64_t *until)
{
    const struct subject_value *needs = q->subject->needs;
    uint64_t device = (uint64_t)needs[c->device].bits, auth = (uint64_t)needs[c->auth].bits,
             from = (uint64_t)q->table[c->from].bits, when = (uint64_t)q->table[c->when].bits;
    int64_t now_s = q->eval.now_s;
    bool is_early = now_s < c->starts_s, is_over = now_s >= c->expires_s;
    int64_t edge_s = is_early ? c->starts_s : c->expires_s;

    scope &= (is_early | is_over) ? CODE_FALSE : CODE_TRUE;
    uint64_t counts = scope >> open & 1, soonest = until_if(counts, device);
    counts &= device >> open;
    soonest = earlier(soonest, until_if(counts, auth));
    counts &= auth >> open;
    soonest = earlier(soonest, until_if(counts, from));
    counts &= from >> open;
    soonest = earlier(soonest, until_if(counts, when));
    soonest = earlier(soonest, (is_over & !is_early) ? UINT64_MAX : (uint64_t)edge_s);
    *until = earlier(*until, soonest);
    return scope * 4 + (unsigned)(device & auth & from & when & 3);
}

static inline uint64_t terms_if(struct sweep *sweep, uint32_t session, bool binds)
{
    if (__builtin_expect(session < SWEEP_TERMS, 1))
        return (uint64_t)binds << session;
    if (binds)
        merge_add(&sweep->w->merge, sweep->w->asking.compiled->sessions[session - 1]);
    return 0;
}

/* In a row a place that is open is not false, and of an allow true. */
static inline unsigned who_at(const struct sweep *sweep, uint32_t place)
{
    const struct opening *o = sweep->opening;

    if (!o->knows_who)
        return subject_who(sweep->w->asking.subject, sweep->app->whos[place]);
    if (o->sure && place < sweep->app->n_refusing)
        return CODE_UNKNOWN | (unsigned)(o->sure[place / 64] >> place % 64 & 1) << 1;
    return CODE_TRUE;
}

/* Places that are open, in the order of the bucket, and their clauses. */
struct batch {
    uint32_t n, n_refusing;
    uint32_t places[SWEEP_ROOM];
    const struct clause *clauses[SWEEP_ROOM];
};

/* From `i` on; returns behind the last. */
static uint32_t weigh_refusing(struct sweep *sweep, const struct batch *b, uint32_t i, uint32_t end)
{
    struct weighing *w = sweep->w;

    for (; i < end && i < b->n_refusing; i++) {
        const struct clause *c = b->clauses[i];
        bool ignores_missing = c->flags & CLAUSE_IGNORES_MISSING;
        unsigned value = quick_value(&w->asking, c, who_at(sweep, b->places[i]), 0, &sweep->until);
        sweep->terms |= terms_if(sweep, c->session, binds_tables[c->effect] >> value & 1);
        if (!(applies_tables[c->effect][ignores_missing] >> value & 1))
            continue;
        pan_add(&w->real, c);
        if (w->has_would)
            pan_add(&w->would, c);
    }
    return i;
}

/* An allow applies or does not, the one as often as the other: no branch asks which. */
static void weigh_allowing(struct sweep *sweep, const struct batch *b, uint32_t i, uint32_t end)
{
    struct weighing *w = sweep->w;
    const struct clause *applying[SWEEP_ROOM];
    uint64_t until = sweep->until, terms = sweep->terms;
    uint32_t n = 0;

    for (; i < end; i++) {
        const struct clause *c = b->clauses[i];
        bool applies =
            quick_value(&w->asking, c, CODE_TRUE, 1, &until) == 4 * CODE_TRUE + CODE_TRUE;
        terms |= terms_if(sweep, c->session, applies);
        applying[n] = c;
        n += applies;
    }
    sweep->until = until;
    sweep->terms = terms;
    pan_add_allows(&w->real, applying, n);
    if (w->has_would)
        pan_add_allows(&w->would, applying, n);
}

/* Clauses without any rarity, whose needs are all in the tables. */
static void weigh_run(struct sweep *sweep, const struct batch *b, uint32_t from, uint32_t end)
{
    weigh_allowing(sweep, b, weigh_refusing(sweep, b, from, end), end);
}

/* Without a row who is asked place by place. It settles most, so it is looked up first. */
static uint32_t drop_others(const struct sweep *sweep, uint32_t *places, uint32_t n)
{
    uint32_t n_kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t place = places[i];
        unsigned who = who_at(sweep, place);
        places[n_kept] = place;
        n_kept += who > (place < sweep->app->n_refusing ? CODE_FALSE : CODE_UNKNOWN);
    }
    return n_kept;
}

/* By the time that they are looked at the clauses are on their way. */
static void find_clauses(const struct sweep *sweep, struct batch *b)
{
    const struct clause *clauses = sweep->w->asking.compiled->clauses;

    b->n_refusing = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        b->clauses[i] = &clauses[sweep->app->rules[b->places[i]]];
        __builtin_prefetch(b->clauses[i]);
        b->n_refusing += b->places[i] < sweep->app->n_refusing;
    }
}

static inline void find_need(struct asking *q, uint32_t number)
{
    if (__builtin_expect(!q->table[number].bits, 0))
        asking_find(q, number);
}

static void take_batch(struct sweep *sweep, struct batch *b)
{
    struct weighing *w = sweep->w;
    uint32_t from = 0;

    if (!sweep->opening->knows_who)
        b->n = drop_others(sweep, b->places, b->n);
    find_clauses(sweep, b);
    for (uint32_t i = 0; i < b->n; i++) {
        const struct clause *c = b->clauses[i];
        if (c->flags & CLAUSE_RARE || (sweep->denies_are_rare && c->effect == RULE_DENY)) {
            weigh_run(sweep, b, from, i);
            weigh(w, (uint32_t)(c - w->asking.compiled->clauses));
            from = i + 1;
            continue;
        }
        find_need(&w->asking, c->from);
        find_need(&w->asking, c->when);
    }
    weigh_run(sweep, b, from, b->n);
    b->n = 0;
}

static inline uint32_t put_place(uint32_t *places, uint32_t n, uint32_t base, uint64_t *word)
{
    places[n] = base + (uint32_t)__builtin_ctzll(*word | (uint64_t)1 << 63);
    n += *word != 0;
    *word &= *word - 1;
    return n;
}

/* Most words hold few places: these are written without asking how many there are. */
static inline uint32_t put_places(uint32_t *places, uint32_t n, uint32_t base, uint64_t word)
{
    n = put_place(places, n, base, &word);
    n = put_place(places, n, base, &word);
    n = put_place(places, n, base, &word);
    n = put_place(places, n, base, &word);
    while (__builtin_expect(word != 0, 0))
        n = put_place(places, n, base, &word);
    return n;
}

static void sweep_quickly(struct weighing *w, const struct app_index *app, const struct opening *o)
{
    struct sweep sweep = {.w = w,
                          .app = app,
                          .opening = o,
                          .denies_are_rare = w->asking.subject->has_hint,
                          .until = UINT64_MAX};
    struct batch b;

    b.n = 0;
    for (uint32_t block = 0; block < app->n_words; block += 64)
        for (uint64_t some = o->some[block / 64]; some; some &= some - 1) {
            uint32_t i = block + (uint32_t)__builtin_ctzll(some);
            b.n = put_places(b.places, b.n, 64 * i, o->words[i]);
            if (b.n > SWEEP_ROOM - 64 - 3)
                take_batch(&sweep, &b);
        }
    take_batch(&sweep, &b);
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
