/* The writer: one thread that takes records from the rings, links them into the journal, syncs it
 * and tells the workers. Everything it does in one turn is audit_turn, so tests turn it by hand. */
#include "proxy/audit/audit.h"

#include "base/arena.h"
#include "base/log.h"
#include "proxy/audit/files.h"
#include "proxy/audit/journal.h"
#include "proxy/audit/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    RINGS_MAX = 256,
    NAP_US = 5 * 1000,
    NAPS_BEFORE_SLEEP = 4, /* empty turns until the writer sleeps instead of napping */
    SYNC_US = 50 * 1000,
    RETRY_US = 100 * 1000,
    SLEEP_MAX_US = 60 * 1000 * 1000,
    LOOK_US = 50 * 1000, /* at most this often: is the live file still ours */
    CLOSE_US = 2 * 1000 * 1000,
    EXPIRE_US = 60 * 1000 * 1000,
};

struct audit {
    struct audit_options options;
    char *file, *key_file, *state_file, *node, *boot;
    struct journal journal;
    struct audit_shared shared;
    struct overflow appended; /* audit_append */

    struct audit_ring *rings[RINGS_MAX];
    atomic_uint n_rings;
    pthread_mutex_t rings_lock;

    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;

    /* Writer only. */
    unsigned empty_turns;
    int64_t synced_us, looked_us, retry_us, expired_us;
    uint64_t noted_lost;

    pthread_t compressor;
    bool has_compressor;
    char *compressing;
    atomic_bool is_compressed;

    struct {
        atomic_uint_fast64_t records, bytes, lost, writes, syncs, errors, checkpoints, rotations;
    } counts;
};

/* ---- clocks ---- */

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t system_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

static int64_t system_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static struct journal_now now(const struct audit *a)
{
    return (struct journal_now){a->options.wall_us(), a->options.mono_us()};
}

/* ---- compression of rotated files, beside the writer ---- */

static void *compress_run(void *arg)
{
    struct audit *a = arg;
    struct fail f = {0};
    if (!files_compress(a->compressing, &a->is_stopping, &f) && !atomic_load(&a->is_stopping))
        log_warn("journal.compress", f.text, "file", a->compressing);
    atomic_store(&a->is_compressed, true);
    return NULL;
}

static void compress_join(struct audit *a)
{
    if (!a->has_compressor)
        return;
    pthread_join(a->compressor, NULL);
    a->has_compressor = false;
    free(a->compressing);
    a->compressing = NULL;
}

/* One at a time; a file that is rotated meanwhile waits in journal.rotated, and one that is
 * overtaken there stays plain, which reads just as well. */
static void tend_rotated(struct audit *a)
{
    if (a->has_compressor && atomic_load(&a->is_compressed))
        compress_join(a);
    if (!a->options.compress || !a->journal.rotated || a->has_compressor)
        return;
    a->compressing = a->journal.rotated;
    a->journal.rotated = NULL;
    atomic_store(&a->is_compressed, false);
    a->has_compressor = pthread_create(&a->compressor, NULL, compress_run, a) == 0;
    if (!a->has_compressor) {
        free(a->compressing);
        a->compressing = NULL;
    }
}

static void expire(struct audit *a, struct journal_now t)
{
    if (a->options.keep_s <= 0 || a->journal.is_stream || t.mono_us < a->expired_us)
        return;
    a->expired_us = t.mono_us + EXPIRE_US;
    files_expire(a->file, t.wall_us / 1000000, a->options.keep_s);
}

/* ---- draining ---- */

static unsigned ring_count(const struct audit *a)
{
    return atomic_load_explicit(&a->n_rings, memory_order_acquire);
}

static bool make_room(struct audit *a, struct fail *f)
{
    if (a->journal.out_n - a->journal.out_at >= JOURNAL_CHUNK && !journal_flush(&a->journal, f))
        return false;
    return journal_has_room(&a->journal) || journal_flush(&a->journal, f);
}

/* What is there at the beginning, no more: a worker that writes as fast as we read must not keep
 * the others, a sync or a rotation waiting. */
static bool drain_ring(struct audit *a, struct audit_ring *r, size_t *taken, struct fail *f)
{
    uint64_t end = atomic_load_explicit(&r->committed, memory_order_acquire);
    while (r->taken != end) {
        if (!make_room(a, f))
            return false;
        journal_add(&a->journal, ring_peek(r));
        ring_drop(r);
        (*taken)++;
        /* A long turn must not keep checkpoints from their place. */
        journal_tick(&a->journal, a->journal.seen);
    }
    return true;
}

static bool drain_overflow(struct audit *a, struct overflow *o, size_t *taken, struct fail *f)
{
    for (;;) {
        if (!make_room(a, f))
            return false;
        struct overflow_record *record = overflow_take(o);
        if (!record)
            return true;
        journal_add(&a->journal, (str){record->text, record->n});
        free(record);
        (*taken)++;
    }
}

static bool drain(struct audit *a, size_t *taken, struct fail *f)
{
    if (!drain_overflow(a, &a->appended, taken, f))
        return false;
    for (unsigned i = 0; i < ring_count(a); i++)
        if (!drain_ring(a, a->rings[i], taken, f) ||
            !drain_overflow(a, &a->rings[i]->overflow, taken, f))
            return false;
    return true;
}

/* on_error: continue. The rings must not fill while the disk is away: what is beyond the half of
 * one is dropped and counted. */
static void drop_excess(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++)
        while (ring_is_half_full(a->rings[i])) {
            ring_drop(a->rings[i]);
            atomic_fetch_add(&a->counts.lost, 1);
        }
}

static uint64_t lost_sum(const struct audit *a)
{
    uint64_t sum = atomic_load(&a->counts.lost);
    for (unsigned i = 0; i < ring_count(a); i++)
        sum += atomic_load_explicit(&a->rings[i]->lost, memory_order_relaxed);
    return sum;
}

static void note_lost(struct audit *a, struct journal_now t)
{
    char buf[64];
    struct jout out;
    uint64_t sum = lost_sum(a) + a->journal.lost;
    if (sum == a->noted_lost)
        return;
    jout_init(&out, buf, sizeof buf);
    jout_kint(&out, STR("records"), (int64_t)(sum - a->noted_lost));
    journal_note(&a->journal, "journal.lost", t.wall_us, jout_text(&out));
    a->noted_lost = sum;
}

/* ---- telling ---- */

static bool is_wanted(struct audit_ring *r)
{
    return atomic_load_explicit(&r->wanted, memory_order_acquire) >
           atomic_load_explicit(&r->durable, memory_order_relaxed);
}

static bool any_wanted(const struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++)
        if (is_wanted(a->rings[i]))
            return true;
    return false;
}

/* What was taken from the rings when a sync begins is on disk when it is over. */
static void mark_taken(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++)
        a->rings[i]->marked = a->rings[i]->taken;
}

static void tell_durable(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++) {
        struct audit_ring *r = a->rings[i];
        if (r->marked == atomic_load_explicit(&r->durable, memory_order_relaxed))
            continue;
        bool was_wanted = is_wanted(r);
        atomic_store_explicit(&r->durable, r->marked, memory_order_release);
        if (was_wanted && r->changed)
            r->changed(r->ctx);
    }
}

static void tell_room(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++) {
        struct audit_ring *r = a->rings[i];
        if (atomic_load_explicit(&r->wants_room, memory_order_acquire) &&
            atomic_exchange(&r->wants_room, false) && r->changed)
            r->changed(r->ctx);
    }
}

/* The disk is gone: who waits for it shall refuse now rather than at a deadline. */
static void tell_broken(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++) {
        struct audit_ring *r = a->rings[i];
        if (r->changed && (is_wanted(r) || atomic_load(&r->wants_room)))
            r->changed(r->ctx);
    }
}

static void publish(struct audit *a)
{
    const struct journal *j = &a->journal;
    atomic_store_explicit(&a->counts.records, j->records, memory_order_relaxed);
    atomic_store_explicit(&a->counts.bytes, j->bytes, memory_order_relaxed);
    atomic_store_explicit(&a->counts.writes, j->writes, memory_order_relaxed);
    atomic_store_explicit(&a->counts.syncs, j->syncs, memory_order_relaxed);
    atomic_store_explicit(&a->counts.checkpoints, j->checkpoints, memory_order_relaxed);
    atomic_store_explicit(&a->counts.rotations, j->rotations, memory_order_relaxed);
}

/* ---- one turn ---- */

static bool sync_if_due(struct audit *a, struct journal_now t, struct fail *f)
{
    struct journal *j = &a->journal;
    bool is_wanted_now = any_wanted(a), was_syncing = j->is_syncing;
    if (!journal_sync_poll(j, f))
        return false;
    if (was_syncing && !j->is_syncing)
        tell_durable(a);
    if (!is_wanted_now && (j->is_syncing || t.mono_us < a->synced_us + SYNC_US))
        return true;
    mark_taken(a);
    if (journal_has_unsynced(j)) {
        a->synced_us = t.mono_us;
        if (t.mono_us >= a->looked_us + LOOK_US) {
            a->looked_us = t.mono_us;
            if (!journal_check_replaced(j, t, f))
                return false;
        }
        if (!(is_wanted_now ? journal_sync(j, f) : journal_sync_begin(j, f)))
            return false;
    }
    if (!j->is_syncing)
        tell_durable(a);
    return true;
}

static bool work(struct audit *a, struct journal_now t, size_t *taken, struct fail *f)
{
    if (!make_room(a, f))
        return false;
    journal_tick(&a->journal, t);
    note_lost(a, t);
    return drain(a, taken, f) && journal_flush(&a->journal, f) &&
           journal_rotate_if_due(&a->journal, t, f) && sync_if_due(a, t, f);
}

static void fail_turn(struct audit *a, struct journal_now t, const struct fail *f)
{
    a->retry_us = t.mono_us + RETRY_US;
    atomic_fetch_add(&a->counts.errors, 1);
    if (!atomic_exchange(&a->shared.is_writable, false))
        return;
    tell_broken(a);
    log_error("journal.failed", f->text, "on_error", a->shared.continues ? "continue" : "refuse");
}

static void recovered(struct audit *a)
{
    atomic_store(&a->shared.is_writable, true);
    log_info("journal.writable", "the journal can be written again", "file", a->file);
}

static void turn(struct audit *a, struct journal_now t)
{
    struct fail f = {0};
    size_t taken = 0;
    bool is_broken = !atomic_load(&a->shared.is_writable);
    if (is_broken && t.mono_us < a->retry_us)
        return;
    if ((is_broken && !journal_recover(&a->journal, t, &f)) || !work(a, t, &taken, &f)) {
        fail_turn(a, t, &f);
        if (a->shared.continues)
            drop_excess(a);
    } else {
        if (is_broken)
            recovered(a);
        tell_room(a);
        tend_rotated(a);
        expire(a, t);
    }
    a->empty_turns = taken ? 0 : a->empty_turns + 1;
    publish(a);
}

void audit_turn(struct audit *a)
{
    turn(a, now(a));
}

/* ---- the thread ---- */

static bool has_records(const struct audit *a)
{
    if (atomic_load(&a->appended.is_filled))
        return true;
    for (unsigned i = 0; i < ring_count(a); i++)
        if (atomic_load(&a->rings[i]->committed) != a->rings[i]->taken ||
            atomic_load(&a->rings[i]->overflow.is_filled))
            return true;
    return false;
}

static int64_t at_least_zero(int64_t us)
{
    return us > 0 ? us : 0;
}

static int64_t sleep_us(const struct audit *a, struct journal_now t)
{
    if (!atomic_load(&a->shared.is_writable))
        return at_least_zero(a->retry_us - t.mono_us);
    if (a->journal.is_syncing)
        return NAP_US;
    if (journal_has_unsynced(&a->journal))
        return at_least_zero(a->synced_us + SYNC_US - t.mono_us);
    return SLEEP_MAX_US;
}

static void rest(struct audit *a)
{
    struct journal_now t = now(a);
    bool is_writable = atomic_load(&a->shared.is_writable);
    bool naps = is_writable && a->empty_turns < NAPS_BEFORE_SLEEP;
    enum wake_state state = naps || !is_writable ? WAKE_NAPPING : WAKE_SLEEPING;
    wake_announce(&a->shared.wake, state);
    bool has_work = atomic_load(&a->is_stopping) || (is_writable && any_wanted(a)) ||
                    (state == WAKE_SLEEPING && has_records(a));
    int64_t us = naps ? NAP_US : sleep_us(a, t);
    if (has_work || us == 0)
        wake_announce(&a->shared.wake, WAKE_AWAKE);
    else
        wake_wait(&a->shared.wake, state, us);
}

static void *run(void *arg)
{
    struct audit *a = arg;
    while (!atomic_load(&a->is_stopping)) {
        turn(a, now(a));
        rest(a);
    }
    return NULL;
}

/* All that was committed, then a checkpoint, on disk. */
static void finish(struct audit *a)
{
    int64_t end_us = now(a).mono_us + CLOSE_US;
    for (;;) {
        struct journal_now t = now(a);
        struct fail f = {0};
        turn(a, t);
        if (atomic_load(&a->shared.is_writable)) {
            journal_checkpoint(&a->journal, t);
            if (!has_records(a) && journal_sync(&a->journal, &f)) {
                mark_taken(a);
                tell_durable(a);
                break;
            }
        }
        if (a->options.is_manual || t.mono_us >= end_us) {
            log_error("journal.failed", "records could not be written before the end", "file",
                      a->file);
            break;
        }
        usleep(RETRY_US / 4);
    }
    publish(a);
}

/* ---- opening and closing ---- */

static char *dup_or_null(const char *s)
{
    return s ? mem_dup(str_of(s)) : NULL;
}

static void take_options(struct audit *a, const struct audit_options *o)
{
    a->options = *o;
    a->options.file = a->file = dup_or_null(o->file);
    a->options.key_file = a->key_file = dup_or_null(o->key_file);
    a->options.state_file = a->state_file = dup_or_null(o->state_file);
    a->options.node = a->node = dup_or_null(o->node);
    a->options.boot = a->boot = dup_or_null(o->boot);
    if (!o->wall_us)
        a->options.wall_us = system_wall_us;
    if (!o->mono_us)
        a->options.mono_us = system_mono_us;
    a->shared.continues = o->continues;
}

static void destroy(struct audit *a)
{
    for (unsigned i = 0; i < ring_count(a); i++) {
        if (a->rings[i]->room)
            ring_finish(a->rings[i]);
        free(a->rings[i]);
    }
    overflow_finish(&a->appended);
    pthread_mutex_destroy(&a->rings_lock);
    free(a->file);
    free(a->key_file);
    free(a->state_file);
    free(a->node);
    free(a->boot);
    free(a);
}

static bool null_allowed(struct fail *f)
{
#ifdef POSTERN_BENCH
    return true;
#else
    return fail_set(f, FAIL_UNSUPPORTED,
                    "the null audit sink exists only in a build with -Dbench=true");
#endif
}

static bool start(struct audit *a, struct fail *f)
{
    if (a->options.is_null)
        return null_allowed(f);
    if (!journal_open(&a->journal, &a->options, now(a), f)) {
        journal_close(&a->journal);
        return false;
    }
    publish(a);
    if (a->options.is_manual)
        return true;
    /* With `always` somebody waits for each sync, and the writer may as well wait itself. */
    if (!a->options.is_always)
        a->journal.syncer = syncer_create(a->journal.io.fdatasync);
    if (pthread_create(&a->thread, NULL, run, a) != 0) {
        journal_close(&a->journal);
        return fail_set(f, FAIL_SYSTEM, "cannot start the audit writer's thread");
    }
    pthread_setname_np(a->thread, "audit");
    a->has_thread = true;
    return true;
}

struct audit *audit_open(const struct audit_options *o, struct fail *f)
{
    struct audit *a = aligned_alloc(64, (sizeof *a + 63) / 64 * 64);
    if (!a)
        abort();
    memset(a, 0, sizeof *a);
    take_options(a, o);
    pthread_mutex_init(&a->rings_lock, NULL);
    overflow_init(&a->appended, AUDIT_FORCED_BYTES);
    atomic_store(&a->shared.is_writable, true);
    if (start(a, f))
        return a;
    destroy(a);
    return NULL;
}

void audit_close(struct audit *a)
{
    if (!a)
        return;
    atomic_store(&a->is_stopping, true);
    if (a->has_thread) {
        wake_now(&a->shared.wake);
        pthread_join(a->thread, NULL);
    }
    if (!a->options.is_null) {
        finish(a);
        compress_join(a);
        journal_close(&a->journal);
    }
    destroy(a);
}

struct audit_ring *audit_ring_create(struct audit *a, void (*changed)(void *ctx), void *ctx)
{
    struct audit_ring *r = aligned_alloc(64, (sizeof *r + 63) / 64 * 64);
    if (!r)
        abort();
    memset(r, 0, sizeof *r);
    r->changed = changed;
    r->ctx = ctx;
    size_t bytes = a->options.ring_bytes ? a->options.ring_bytes : AUDIT_RING_BYTES;
    if (!a->options.is_null && !ring_init(r, &a->shared, bytes))
        abort();
    pthread_mutex_lock(&a->rings_lock);
    unsigned n = ring_count(a);
    if (n == RINGS_MAX)
        abort();
    a->rings[n] = r;
    atomic_store_explicit(&a->n_rings, n + 1, memory_order_release);
    pthread_mutex_unlock(&a->rings_lock);
    return r;
}

/* ---- any thread ---- */

bool audit_is_writable(const struct audit *a)
{
    return atomic_load_explicit(&a->shared.is_writable, memory_order_acquire);
}

bool audit_continues(const struct audit *a)
{
    return a->shared.continues;
}

bool audit_is_always(const struct audit *a)
{
    return a->options.is_always;
}

bool audit_append(struct audit *a, str record)
{
    if (a->options.is_null)
        return true;
    if (record.n > AUDIT_RECORD_MAX || !overflow_put(&a->appended, record)) {
        atomic_fetch_add(&a->counts.lost, 1);
        return false;
    }
    wake_for_record(&a->shared.wake);
    return true;
}

void audit_counts(const struct audit *a, struct audit_counts *out)
{
    *out = (struct audit_counts){
        .records = atomic_load(&a->counts.records),
        .bytes = atomic_load(&a->counts.bytes),
        .lost = lost_sum(a),
        .writes = atomic_load(&a->counts.writes),
        .syncs = atomic_load(&a->counts.syncs),
        .wakes = atomic_load(&a->shared.wakes),
        .errors = atomic_load(&a->counts.errors),
        .checkpoints = atomic_load(&a->counts.checkpoints),
        .rotations = atomic_load(&a->counts.rotations),
        .is_writable = audit_is_writable(a),
    };
    for (unsigned i = 0; i < ring_count(a); i++)
        out->waits += atomic_load_explicit(&a->rings[i]->waits, memory_order_relaxed);
}
