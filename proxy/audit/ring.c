#include "proxy/audit/ring.h"

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A record never crosses the end, so up to one record of room may be lost there: that much is kept
 * aside, and every reservation finds its place whatever the order they are used in. */
enum { RING_ASIDE = AUDIT_RECORD_MAX };

static void *map_room(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_DONTDUMP);
    return p;
}

bool ring_init(struct audit_ring *r, struct audit_shared *shared, size_t bytes)
{
    r->shared = shared;
    if (bytes < 4 * RING_ASIDE)
        bytes = 4 * RING_ASIDE;
    r->n_slots = 512;
    while (r->n_slots * RING_SLOT_BYTES < bytes)
        r->n_slots *= 2;
    r->room_bytes = bytes;
    r->room = map_room(bytes);
    r->slots = map_room(r->n_slots * sizeof *r->slots);
    overflow_init(&r->overflow, AUDIT_FORCED_BYTES);
    return r->room && r->slots;
}

void ring_finish(struct audit_ring *r)
{
    if (r->room)
        munmap(r->room, r->room_bytes);
    if (r->slots)
        munmap(r->slots, r->n_slots * sizeof *r->slots);
    overflow_finish(&r->overflow);
}

size_t ring_used(struct audit_ring *r)
{
    if (r->tail == r->head)
        return 0;
    size_t tail_at = r->slots[r->tail & (r->n_slots - 1)].offset;
    return r->write_at > tail_at ? r->write_at - tail_at : r->room_bytes - tail_at + r->write_at;
}

static bool fits_as_seen(struct audit_ring *r, size_t bytes)
{
    return ring_used(r) + r->reserved + bytes + RING_ASIDE <= r->room_bytes &&
           r->head - r->tail + (r->reserved + bytes) / RING_RESERVED_BYTES < r->n_slots;
}

bool ring_fits(struct audit_ring *r, size_t bytes)
{
    if (bytes > AUDIT_RECORD_MAX)
        return false;
    if (fits_as_seen(r, bytes))
        return true;
    r->tail = atomic_load_explicit(&r->consumed, memory_order_acquire);
    return fits_as_seen(r, bytes);
}

str ring_peek(struct audit_ring *r)
{
    if (r->taken == atomic_load_explicit(&r->committed, memory_order_acquire))
        return (str){NULL, 0};
    const struct ring_slot *slot = &r->slots[r->taken & (r->n_slots - 1)];
    return (str){r->room + slot->offset, slot->bytes};
}

void ring_drop(struct audit_ring *r)
{
    r->taken++;
    atomic_store_explicit(&r->consumed, r->taken, memory_order_release);
}

bool ring_is_half_full(struct audit_ring *r)
{
    uint64_t head = atomic_load_explicit(&r->committed, memory_order_acquire);
    if (head == r->taken)
        return false;
    if (head - r->taken > r->n_slots / 2)
        return true;
    const struct ring_slot *last = &r->slots[(head - 1) & (r->n_slots - 1)];
    size_t start = r->slots[r->taken & (r->n_slots - 1)].offset;
    size_t end = last->offset + last->bytes;
    return (end > start ? end - start : r->room_bytes - start + end) > r->room_bytes / 2;
}

/* ---- the producer's face ---- */

static void kick(struct audit_ring *r, bool (*wake)(struct wake *))
{
    if (wake(&r->shared->wake))
        atomic_fetch_add_explicit(&r->shared->wakes, 1, memory_order_relaxed);
}

bool audit_reserve(struct audit_ring *r, size_t bytes)
{
    if (!r->room)
        return true; /* the null sink */
    bool is_open =
        r->shared->continues || atomic_load_explicit(&r->shared->is_writable, memory_order_acquire);
    if (!is_open || !ring_fits(r, bytes)) {
        atomic_fetch_add_explicit(&r->waits, 1, memory_order_relaxed);
        atomic_store_explicit(&r->wants_room, true, memory_order_release);
        if (is_open)
            kick(r, wake_now); /* a broken journal is tried again in its own time */
        return false;
    }
    r->reserved += bytes;
    return true;
}

void audit_release(struct audit_ring *r, size_t bytes)
{
    if (bytes == 0 || !r->room)
        return;
    assert(r->reserved >= bytes);
    r->reserved -= bytes;
}

/* Everything is consumed: begin at the first byte again. After a burst (a disk that stood still)
 * the memory it took goes back, once it is certain that this was a burst and not the usual load. */
static void start_over(struct audit_ring *r)
{
    if (r->write_at > r->touched)
        r->touched = r->write_at;
    r->calm_starts = r->write_at > RING_KEPT_BYTES ? 0 : r->calm_starts + 1;
    r->write_at = 0;
    if (r->calm_starts < RING_CALM_STARTS || r->touched <= RING_KEPT_BYTES)
        return;
    madvise(r->room + RING_KEPT_BYTES, r->room_bytes - RING_KEPT_BYTES, MADV_DONTNEED);
    r->touched = RING_KEPT_BYTES;
}

char *audit_begin(struct audit_ring *r, size_t bytes)
{
    if (!r->room)
        return NULL; /* the null sink */
    assert(!r->begun && bytes > 0 && bytes <= AUDIT_RECORD_MAX);
    r->tail = atomic_load_explicit(&r->consumed, memory_order_acquire);
    if (r->tail == r->head)
        start_over(r);
    else if (r->room_bytes - r->write_at < bytes) {
        r->touched = r->room_bytes;
        r->write_at = 0; /* the reservation rule says that the oldest record is not in the way */
    }
    r->begun = bytes;
    return r->room + r->write_at;
}

uint64_t audit_commit(struct audit_ring *r, size_t n, size_t reserved)
{
    audit_release(r, reserved);
    size_t begun = r->begun;
    r->begun = 0;
    if (n == 0)
        return 0;
    assert(n <= begun);
    if (r->head - r->tail >= r->n_slots) {
        /* Only where many reservations were smaller than they must be; still no record is lost. */
        overflow_put(&r->overflow, (str){r->room + r->write_at, n});
        kick(r, wake_now);
        return r->head;
    }
    r->slots[r->head & (r->n_slots - 1)] = (struct ring_slot){(uint32_t)r->write_at, (uint32_t)n};
    bool was_empty = r->tail == r->head;
    r->write_at += n;
    r->head++;
    atomic_store_explicit(&r->committed, r->head, memory_order_release);
    /* With an older record still in the ring the writer was woken for that one, and it looks
     * several times more before it sleeps: the barrier of a wake-up (0.1 us) is spared. */
    if (ring_used(r) > r->room_bytes / 2 || r->head - r->tail > r->n_slots / 2)
        kick(r, wake_now);
    else if (was_empty)
        kick(r, wake_for_record);
    return r->head;
}

bool audit_append_forced(struct audit_ring *r, str record)
{
    if (!r->room)
        return true;
    /* Behind what waits on the heap already: a visit's records keep their order. */
    bool is_first = !atomic_load_explicit(&r->overflow.is_filled, memory_order_acquire);
    if (is_first && record.n <= AUDIT_RECORD_MAX && ring_fits(r, record.n)) {
        memcpy(audit_begin(r, record.n), record.p, record.n);
        audit_commit(r, record.n, 0);
        return true;
    }
    if (record.n > AUDIT_RECORD_MAX || !overflow_put(&r->overflow, record)) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        return false;
    }
    kick(r, wake_for_record);
    return true;
}

void audit_want(struct audit_ring *r, uint64_t ticket)
{
    if (!r->room || ticket == 0)
        return;
    atomic_store_explicit(&r->wanted, ticket, memory_order_release);
    kick(r, wake_now);
}

uint64_t audit_durable(const struct audit_ring *r)
{
    return r->room ? atomic_load_explicit(&r->durable, memory_order_acquire) : UINT64_MAX;
}

/* Stored before `durable` goes past them: whoever sees a ticket durable sees this too. */
bool audit_is_lost(const struct audit_ring *r, uint64_t ticket)
{
    return ticket <= atomic_load_explicit(&r->forfeit_to, memory_order_acquire) &&
           ticket > atomic_load_explicit(&r->forfeit_from, memory_order_relaxed);
}

void ring_forfeit(struct audit_ring *r)
{
    uint64_t durable = atomic_load_explicit(&r->durable, memory_order_relaxed);
    if (r->taken == durable)
        return;
    if (atomic_load_explicit(&r->forfeit_to, memory_order_relaxed) == 0)
        atomic_store_explicit(&r->forfeit_from, durable, memory_order_relaxed);
    atomic_store_explicit(&r->forfeit_to, r->taken, memory_order_release);
}

/* ---- overflow ---- */

void overflow_init(struct overflow *o, size_t max_bytes)
{
    pthread_mutex_init(&o->lock, NULL);
    o->max_bytes = max_bytes;
}

void overflow_finish(struct overflow *o)
{
    struct overflow_record *record;
    while ((record = overflow_take(o)))
        free(record);
    pthread_mutex_destroy(&o->lock);
}

bool overflow_put(struct overflow *o, str record)
{
    struct overflow_record *copy = mem_alloc(sizeof *copy + record.n);
    copy->n = record.n;
    memcpy(copy->text, record.p, record.n);
    pthread_mutex_lock(&o->lock);
    bool fits = o->bytes + record.n <= o->max_bytes;
    if (fits) {
        *(o->last ? &o->last->next : &o->first) = copy;
        o->last = copy;
        o->bytes += record.n;
        atomic_store_explicit(&o->is_filled, true, memory_order_release);
    }
    pthread_mutex_unlock(&o->lock);
    if (!fits)
        free(copy);
    return fits;
}

struct overflow_record *overflow_take(struct overflow *o)
{
    if (!atomic_load_explicit(&o->is_filled, memory_order_acquire))
        return NULL;
    pthread_mutex_lock(&o->lock);
    struct overflow_record *record = o->first;
    if (record) {
        o->first = record->next;
        if (!o->first)
            o->last = NULL;
        o->bytes -= record->n;
        record->next = NULL;
    }
    if (!o->first)
        atomic_store_explicit(&o->is_filled, false, memory_order_release);
    pthread_mutex_unlock(&o->lock);
    return record;
}

void overflow_untake(struct overflow *o, struct overflow_record *record)
{
    pthread_mutex_lock(&o->lock);
    record->next = o->first;
    o->first = record;
    if (!o->last)
        o->last = record;
    o->bytes += record->n;
    atomic_store_explicit(&o->is_filled, true, memory_order_release);
    pthread_mutex_unlock(&o->lock);
}
