/* audit: the face: opens and closes, hands out rings, counts. The work is the writer's. */
#include "proxy/audit/audit.h"

#include "base/arena.h"
#include "proxy/audit/writer.h"

#include <stdlib.h>
#include <time.h>

/* ---- opening and closing ---- */

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
    for (unsigned i = 0; i < audit_ring_count(a); i++) {
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
    if (!journal_open(&a->journal, &a->options, writer_now(a), f)) {
        journal_close(&a->journal);
        return false;
    }
    writer_publish(a);
    if (a->options.is_manual)
        return true;
    /* With `always` somebody waits for each sync, and the writer may as well wait itself. */
    if (!a->options.is_always)
        a->journal.syncer = syncer_create(a->journal.io.fdatasync);
    if (pthread_create(&a->thread, NULL, writer_run, a) != 0) {
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
        writer_finish(a);
        archive_finish(&a->archive);
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
    unsigned n = audit_ring_count(a);
    if (n == AUDIT_RINGS_MAX)
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
        .lost = writer_lost(a),
        .writes = atomic_load(&a->counts.writes),
        .syncs = atomic_load(&a->counts.syncs),
        .wakes = atomic_load(&a->shared.wakes),
        .errors = atomic_load(&a->counts.errors),
        .checkpoints = atomic_load(&a->counts.checkpoints),
        .rotations = atomic_load(&a->counts.rotations),
        .is_writable = audit_is_writable(a),
    };
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        out->waits += atomic_load_explicit(&a->rings[i]->waits, memory_order_relaxed);
}

void audit_turn(struct audit *a)
{
    writer_turn(a, writer_now(a));
}
