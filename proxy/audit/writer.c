#include "proxy/audit/writer.h"

#include "base/log.h"

#include <stdlib.h>

enum { LOOK_US = 50 * 1000 /* at most this often: is the live file still ours */ };

struct journal_now writer_now(const struct audit *a)
{
    return (struct journal_now){a->options.wall_us(), a->options.mono_us()};
}

/* ---- draining ---- */

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
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        if (!drain_ring(a, a->rings[i], taken, f) ||
            !drain_overflow(a, &a->rings[i]->overflow, taken, f))
            return false;
    return true;
}

/* on_error: continue. The rings must not fill while the disk is away: what is beyond the half of
 * one is dropped and counted. */
static void drop_excess(struct audit *a)
{
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        while (ring_is_half_full(a->rings[i])) {
            ring_drop(a->rings[i]);
            atomic_fetch_add(&a->counts.lost, 1);
        }
}

uint64_t writer_lost(const struct audit *a)
{
    uint64_t sum = atomic_load(&a->counts.lost);
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        sum += atomic_load_explicit(&a->rings[i]->lost, memory_order_relaxed);
    return sum;
}

static void note_lost(struct audit *a, struct journal_now t)
{
    char buf[64];
    struct jout out;
    uint64_t sum = writer_lost(a) + a->journal.lost;
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

bool writer_is_wanted(const struct audit *a)
{
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        if (is_wanted(a->rings[i]))
            return true;
    return false;
}

void writer_mark_taken(struct audit *a)
{
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        a->rings[i]->marked = a->rings[i]->taken;
}

void writer_tell_durable(struct audit *a)
{
    for (unsigned i = 0; i < audit_ring_count(a); i++) {
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
    for (unsigned i = 0; i < audit_ring_count(a); i++) {
        struct audit_ring *r = a->rings[i];
        if (atomic_load_explicit(&r->wants_room, memory_order_acquire) &&
            atomic_exchange(&r->wants_room, false) && r->changed)
            r->changed(r->ctx);
    }
}

/* The disk is gone: who waits for it shall refuse now rather than at a deadline. */
static void tell_broken(struct audit *a)
{
    for (unsigned i = 0; i < audit_ring_count(a); i++) {
        struct audit_ring *r = a->rings[i];
        if (r->changed && (is_wanted(r) || atomic_load(&r->wants_room)))
            r->changed(r->ctx);
    }
}

void writer_publish(struct audit *a)
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
    bool is_wanted_now = writer_is_wanted(a), was_syncing = j->is_syncing;
    if (!journal_sync_poll(j, f))
        return false;
    if (was_syncing && !j->is_syncing)
        writer_tell_durable(a);
    if (!is_wanted_now && (j->is_syncing || t.mono_us < a->synced_us + WRITER_SYNC_US))
        return true;
    writer_mark_taken(a);
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
        writer_tell_durable(a);
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

void writer_fail(struct audit *a, struct journal_now t, const struct fail *f)
{
    a->retry_us = t.mono_us + WRITER_RETRY_US;
    atomic_fetch_add(&a->counts.errors, 1);
    if (!atomic_exchange(&a->shared.is_writable, false))
        return;
    tell_broken(a);
    log_error("journal.failed", f->text, "on_error", a->shared.continues ? "continue" : "refuse");
}

/* A worker may have slept through the failure: the journal is good again when it looks, and a
 * record that is gone must not pass for one that is on disk. */
static bool recover(struct audit *a, struct journal_now t, struct fail *f)
{
    uint64_t lost = a->journal.lost;
    bool ok = journal_recover(&a->journal, t, f);
    for (unsigned i = 0; a->journal.lost != lost && i < audit_ring_count(a); i++)
        ring_forfeit(a->rings[i]);
    return ok;
}

static void recovered(struct audit *a)
{
    atomic_store(&a->shared.is_writable, true);
    log_info("journal.writable", "the journal can be written again", "file", a->file);
}

void writer_turn(struct audit *a, struct journal_now t)
{
    struct fail f = {0};
    size_t taken = 0;
    bool is_broken = !atomic_load(&a->shared.is_writable);
    if (is_broken && t.mono_us < a->retry_us)
        return;
    if ((is_broken && !recover(a, t, &f)) || !work(a, t, &taken, &f)) {
        writer_fail(a, t, &f);
        if (a->shared.continues)
            drop_excess(a);
    } else {
        if (is_broken)
            recovered(a);
        tell_room(a);
        archive_tend(&a->archive, &a->journal, t);
    }
    a->empty_turns = taken ? 0 : a->empty_turns + 1;
    writer_publish(a);
}
