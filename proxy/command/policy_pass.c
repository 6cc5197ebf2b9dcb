#include "proxy/command/policy_pass.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/command/progress.h"

enum { BLOCK_BYTES = 1 << 20, N_BLOCKS = 12, PROGRESS_LINES = 1 << 14 };

/* Whole lines with their newlines. */
struct block {
    char *bytes;
    size_t n, cap;
};

/* Filled blocks and empty ones, each a stack under one lock: a thread takes a megabyte at a time.
 */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t has_full, has_empty;
    struct block *full[N_BLOCKS], *empty[N_BLOCKS];
    size_t n_full, n_empty;
    bool is_over;
};

struct decider {
    struct pass *pass;
    struct queue *queue;
    void *results;
    struct record_people people;
    struct arena arena; /* of one record */
    struct pass_counts counts;
    struct pass_sets sets;
    struct arena digests; /* of the sets */
    pthread_t thread;
};

struct reader {
    struct pass *pass;
    struct queue *queue;
    struct block *block; /* being filled */
    size_t n;            /* lines read */
};

/* ---- the queue ------------------------------------------------------------------------------- */

static struct block *take(struct queue *q, struct block **stack, size_t *n, pthread_cond_t *cond)
{
    struct block *b = NULL;

    pthread_mutex_lock(&q->lock);
    while (!*n && !(stack == q->full && q->is_over))
        pthread_cond_wait(cond, &q->lock);
    if (*n)
        b = stack[--*n];
    pthread_mutex_unlock(&q->lock);
    return b;
}

static void give(struct queue *q, struct block **stack, size_t *n, pthread_cond_t *cond,
                 struct block *b)
{
    pthread_mutex_lock(&q->lock);
    stack[(*n)++] = b;
    pthread_cond_signal(cond);
    pthread_mutex_unlock(&q->lock);
}

static void end(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->is_over = true;
    pthread_cond_broadcast(&q->has_full);
    pthread_mutex_unlock(&q->lock);
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* A session or a proof that is past its time, on another device and the like: whoever is known is
 * never refused so by a rule. */
static bool is_refused_beside(const struct record *r)
{
    return r->who.p && str_eq(r->reason, str_of(policy_reason_code(POLICY_REASON_NO_IDENTITY)));
}

/* Refusals that no rule has a part in: they would be refused again. */
static bool is_decided_by_rules(str reason)
{
    static const enum policy_reason others[] = {POLICY_REASON_INPUT_METHOD,
                                                POLICY_REASON_INPUT_HEADER};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_eq(reason, str_of(policy_reason_code(others[i]))))
            return false;
    for (int i = 0; i < POLICY_REASON_COUNT; i++)
        if (str_eq(reason, str_of(policy_reason_code((enum policy_reason)i))))
            return true;
    return false;
}

static enum policy_protocol protocol_of(str protocol)
{
    if (str_eq(protocol, STR("ssh")))
        return POLICY_SSH;
    return str_eq(protocol, STR("rdp")) ? POLICY_RDP : POLICY_HTTP;
}

/* The path as it was received, normalised by the rules of the app as it is now. */
static struct policy_request request_of(struct decider *d, const struct record *r)
{
    struct policy_request q = {
        .app = policy_app_find(d->pass->policy, record_text(&d->arena, r->host)),
        .protocol = protocol_of(r->protocol),
        .method = record_text(&d->arena, r->method),
        .from = r->client,
    };
    struct path_rules rules = q.app ? q.app->path_rules : (struct path_rules){0};
    str path = record_text(&d->arena, r->path);

    path_normalise(path, rules, arena_text(&d->arena, path.n + 2), &q.path);
    return q;
}

static void note_set(struct decider *d, str digest)
{
    struct pass_sets *sets = &d->sets;

    /* Newest last: a log is nearly always of the same set as its last line. */
    for (size_t i = sets->n; i-- > 0;)
        if (str_eq(sets->digests[i], digest))
            return;
    if (sets->n < PASS_MOST_DIGESTS)
        sets->digests[sets->n++] = arena_dup(&d->digests, digest);
}

static void decide_record(struct decider *d, const struct record *r)
{
    const struct record_person *person = record_person(&d->people, r);
    struct policy_request request = request_of(d, r);
    struct policy_decision decision;
    struct policy_facts facts = {.identity = person ? &person->identity : NULL,
                                 .subject = person ? person->subject : NULL,
                                 .request = &request,
                                 .now_us = r->now_s * 1000000,
                                 .clock_is_good = r->clock_is_good,
                                 .grants_unknown = r->grants_unknown,
                                 .purpose = record_text(&d->arena, r->purpose)};

    if (r->device.n)
        facts.n_devices = record_device(&d->arena, r, &facts.devices);
    facts.n_grants = record_grants(&d->arena, r, &facts.grants);
    policy_decide(d->pass->policy, &facts, &decision);
    note_set(d, r->digest);
    d->pass->fn(d->results, r, person, &facts, &decision);
    arena_reset(&d->arena);
}

static void decide_line(struct decider *d, str line)
{
    struct record r;
    enum record_kind kind = record_read(line, &r);

    d->counts.broken += kind == RECORD_BROKEN;
    d->counts.others += kind == RECORD_OTHER;
    d->counts.shortened += kind == RECORD_SHORTENED;
    if (kind != RECORD_DECISION)
        return;
    if (!is_decided_by_rules(r.reason) || is_refused_beside(&r)) {
        d->counts.unruled++;
        return;
    }
    d->counts.decided++;
    decide_record(d, &r);
}

static void *decide_all(void *arg)
{
    struct decider *d = arg;
    struct queue *q = d->queue;

    for (struct block *b; (b = take(q, q->full, &q->n_full, &q->has_full));) {
        str rest = {b->bytes, b->n};
        while (rest.p && rest.n)
            decide_line(d, str_cut(&rest, '\n'));
        b->n = 0;
        give(q, q->empty, &q->n_empty, &q->has_empty, b);
    }
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool on_line(void *ctx, str line)
{
    struct reader *reader = ctx;
    struct queue *q = reader->queue;
    struct block *b = reader->block;

    if (++reader->n % PROGRESS_LINES == 0)
        progress_show("records", reader->n, 0);
    if (b->n && b->cap - b->n < line.n + 1) {
        give(q, q->full, &q->n_full, &q->has_full, b);
        b = reader->block = take(q, q->empty, &q->n_empty, &q->has_empty);
    }
    if (b->cap < line.n + 1) {
        b->cap = line.n + 1;
        b->bytes = mem_grow(b->bytes, b->cap);
    }
    memcpy(b->bytes + b->n, line.p, line.n);
    b->bytes[b->n + line.n] = '\n';
    b->n += line.n + 1;
    return true;
}

static void queue_init(struct queue *q, struct block blocks[N_BLOCKS])
{
    *q = (struct queue){.n_full = 0};
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->has_full, NULL);
    pthread_cond_init(&q->has_empty, NULL);
    for (size_t i = 0; i < N_BLOCKS; i++) {
        blocks[i] = (struct block){.bytes = mem_alloc(BLOCK_BYTES), .cap = BLOCK_BYTES};
        q->empty[q->n_empty++] = &blocks[i];
    }
}

static void queue_finish(struct queue *q, struct block blocks[N_BLOCKS])
{
    for (size_t i = 0; i < N_BLOCKS; i++)
        free(blocks[i].bytes);
    pthread_cond_destroy(&q->has_empty);
    pthread_cond_destroy(&q->has_full);
    pthread_mutex_destroy(&q->lock);
}

size_t pass_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > PASS_MAX_THREADS ? PASS_MAX_THREADS : (size_t)n;
}

static void start(struct pass *pass, struct queue *q, struct decider *d, void *results)
{
    *d = (struct decider){.pass = pass, .queue = q, .results = results};
    arena_init(&d->arena, NULL, 0);
    arena_init(&d->digests, NULL, 0);
    record_people_init(&d->people, pass->policy, pass->config);
    if (pthread_create(&d->thread, NULL, decide_all, d) != 0)
        abort();
}

static void add(struct pass_counts *into, const struct pass_counts *from)
{
    into->decided += from->decided;
    into->unruled += from->unruled;
    into->shortened += from->shortened;
    into->others += from->others;
    into->broken += from->broken;
}

static void join(struct pass *pass, struct decider *first, struct decider *d)
{
    pthread_join(d->thread, NULL);
    add(&pass->counts, &d->counts);
    for (size_t i = 0; i < d->sets.n; i++)
        note_set(first, d->sets.digests[i]);
    record_people_finish(&d->people);
    arena_finish(&d->arena);
}

bool pass_run(struct pass *pass, struct fail *fail)
{
    struct block blocks[N_BLOCKS];
    struct decider deciders[PASS_MAX_THREADS];
    struct queue q;

    queue_init(&q, blocks);
    for (size_t i = 0; i < pass->n_threads; i++)
        start(pass, &q, &deciders[i], pass->results[i]);
    struct reader reader = {pass, &q, take(&q, q.empty, &q.n_empty, &q.has_empty), 0};
    bool good = audit_scan(pass->log, &pass->filter, on_line, &reader, fail);
    give(&q, q.full, &q.n_full, &q.has_full, reader.block);
    end(&q);
    progress_end();
    for (size_t i = 0; i < pass->n_threads; i++)
        join(pass, &deciders[0], &deciders[i]);
    pass->n_sets = deciders[0].sets.n;
    for (size_t i = 0; i < pass->n_threads; i++)
        arena_finish(&deciders[i].digests);
    queue_finish(&q, blocks);
    if (good && !pass->counts.decided)
        return fail_set(fail, FAIL_INPUT, "no decision in this log to replay: %s", pass->log);
    return good;
}

const char *pass_advice(const struct pass *pass)
{
    if (pass->counts.unruled || pass->counts.shortened)
        return "it has decisions, but none that rules made and a record holds whole";
    if (pass->filter.since_us || pass->filter.until_us)
        return "is it the access log, its live file? do --since and --until leave anything?";
    return "name the access log, its live file";
}

/* ---- what was not decided again ----------------------------------------------------------------
 */

void pass_write_counts(struct jout *j, const struct pass *pass)
{
    const struct pass_counts *n = &pass->counts;

    jout_key(j, STR("left_out"));
    jout_open(j, '{');
    jout_kint(j, STR("unruled"), (int64_t)n->unruled);
    jout_kint(j, STR("shortened"), (int64_t)n->shortened);
    jout_kint(j, STR("others"), (int64_t)n->others);
    jout_kint(j, STR("broken"), (int64_t)n->broken);
    jout_close(j, '}');
    jout_kint(j, STR("sets"), (int64_t)pass->n_sets);
}

static void print_count(uint64_t n, const char *what)
{
    if (n)
        printf("left out: %llu %s\n", (unsigned long long)n, what);
}

void pass_print_counts(const struct pass *pass)
{
    print_count(pass->counts.unruled, "that no rule decided");
    print_count(pass->counts.shortened, "whose path did not fit into the record");
    print_count(pass->counts.others, "of something else than a decision");
    print_count(pass->counts.broken, "lines that are no records");
}
