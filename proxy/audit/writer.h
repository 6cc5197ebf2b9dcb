/* writer: what stands behind audit.h: one thread that takes records from the rings, links them into
 * the journal, syncs it and tells the workers. Everything it does in one turn is writer_turn, so
 * tests turn it by hand. */
#ifndef PROXY_AUDIT_WRITER_H
#define PROXY_AUDIT_WRITER_H

#include "proxy/audit/archive.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/journal.h"
#include "proxy/audit/ring.h"

#include <pthread.h>

enum {
    AUDIT_RINGS_MAX = 256,
    WRITER_SYNC_US = 50 * 1000,   /* batch: a sync begins at most so often */
    WRITER_RETRY_US = 100 * 1000, /* between two tries of a journal that cannot be written */
};

struct audit {
    struct audit_options options;
    char *file, *key_file, *state_file, *node, *boot;
    struct journal journal;
    struct audit_shared shared;
    struct overflow appended; /* audit_append */

    struct audit_ring *rings[AUDIT_RINGS_MAX];
    atomic_uint n_rings;
    pthread_mutex_t rings_lock;

    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;

    /* Writer only. */
    unsigned empty_turns;
    int64_t synced_us, looked_us, retry_us;
    uint64_t noted_lost;
    struct archive archive;

    struct {
        atomic_uint_fast64_t records, bytes, lost, writes, syncs, errors, checkpoints, rotations;
    } counts;
};

/* ---- any thread ---- */

static inline unsigned audit_ring_count(const struct audit *a)
{
    return atomic_load_explicit(&a->n_rings, memory_order_acquire);
}

/* What found no room in a ring or was dropped. */
uint64_t writer_lost(const struct audit *a);

/* ---- writer.c: the writer's thread, or whoever closes it ---- */

struct journal_now writer_now(const struct audit *a);
/* Drains, writes, rotates, syncs when due, and tells. A failure makes the journal unwritable. */
void writer_turn(struct audit *a, struct journal_now now);
/* That was it: the journal cannot be written until a turn says otherwise. */
void writer_fail(struct audit *a, struct journal_now now, const struct fail *f);
bool writer_is_wanted(const struct audit *a);
/* What was taken from the rings when a sync begins is on disk when it is over. */
void writer_mark_taken(struct audit *a);
void writer_tell_durable(struct audit *a);
/* The journal's counts, for audit_counts. */
void writer_publish(struct audit *a);

/* ---- writer_thread.c ---- */

/* The thread, until is_stopping. */
void *writer_run(void *audit);
/* How long nothing is to be done unless somebody comes. */
int64_t writer_sleep_us(const struct audit *a, struct journal_now now);
/* After it: all that was committed, then a checkpoint, on disk. Gives up after two seconds. */
void writer_finish(struct audit *a);

#endif
