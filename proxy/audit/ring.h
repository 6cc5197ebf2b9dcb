/* ring: records of one worker on their way to the writer. One producer, one consumer, no lock.
 *
 * The bytes of a record are contiguous. A second, small ring holds for each record where it is and
 * how long; only it is shared, by two counters. Thus the producer knows when all is consumed and
 * starts again at the first byte: a worker that is not drowning touches a few pages of its 8 MiB.
 */
#ifndef PROXY_AUDIT_RING_H
#define PROXY_AUDIT_RING_H

#include "base/str.h"
#include "proxy/audit/audit.h"
#include "proxy/audit/wake.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    RING_KEPT_BYTES = 1024 * 1024, /* what an idle ring may keep of its memory */
    RING_CALM_STARTS = 1024,
    RING_SLOT_BYTES = 512,     /* one slot for so many bytes of room */
    RING_RESERVED_BYTES = 1024 /* a reservation is at least this much: it stands for one slot */
};

struct ring_slot {
    uint32_t offset, bytes;
};

/* Records without a reservation that the ring has no room for, newest last. */
struct overflow {
    pthread_mutex_t lock;
    struct overflow_record *first, *last;
    size_t bytes, max_bytes;
    atomic_bool is_filled; /* spares the consumer the lock */
};

struct overflow_record {
    struct overflow_record *next;
    size_t n;
    char text[];
};

/* What the producers see of the writer. */
struct audit_shared {
    struct wake wake;
    atomic_bool is_writable;
    bool continues;
    atomic_uint_fast64_t wakes; /* system calls made to wake the writer */
};

struct audit_ring {
    /* Producer. */
    struct audit_shared *shared;
    char *room;
    struct ring_slot *slots;
    size_t room_bytes, n_slots; /* n_slots: a power of two */
    size_t write_at;            /* the next record begins here */
    size_t begun;               /* bytes asked by audit_begin; 0: none is open */
    size_t reserved;
    size_t touched;       /* bytes of room that have pages behind them, about */
    unsigned calm_starts; /* times in a row that the ring began again with little in it */
    uint64_t head;        /* == committed */
    uint64_t tail;        /* consumed, as last seen */
    atomic_uint_fast64_t waits, lost;

    /* Shared; each written by one side. */
    _Alignas(64) atomic_uint_fast64_t committed;
    _Alignas(64) atomic_uint_fast64_t consumed;
    atomic_uint_fast64_t durable;
    atomic_uint_fast64_t forfeit_from, forfeit_to; /* (from, to] may not be on disk; to 0: none */
    _Alignas(64) atomic_uint_fast64_t wanted;      /* a ticket that somebody waits for */
    atomic_bool wants_room;
    struct overflow overflow;

    /* Consumer. */
    uint64_t taken;  /* == consumed */
    uint64_t marked; /* of them, when the last sync began */
    void (*changed)(void *ctx);
    void *ctx;
};

/* False: no memory. Without ring_init a zeroed ring is the null sink. */
bool ring_init(struct audit_ring *r, struct audit_shared *shared, size_t bytes);
void ring_finish(struct audit_ring *r);
/* Producer: bytes between the oldest record that is not consumed and the newest, holes included. */
size_t ring_used(struct audit_ring *r);
bool ring_fits(struct audit_ring *r, size_t bytes);

/* Consumer: the oldest record, {NULL, 0} when there is none; it stays until ring_drop. */
str ring_peek(struct audit_ring *r);
void ring_drop(struct audit_ring *r);
/* Consumer: a failed sync took some of what was taken since the last good one. Which is not known
 * by ring, so none of it counts as on disk; with a second loss nor does what lies between the two,
 * which nobody waits for any more. */
void ring_forfeit(struct audit_ring *r);
/* Consumer: half of the room or of the slots is taken by what waits. */
bool ring_is_half_full(struct audit_ring *r);

void overflow_init(struct overflow *o, size_t max_bytes);
void overflow_finish(struct overflow *o);
bool overflow_put(struct overflow *o, str record);
/* The oldest, which the caller frees, or NULL. */
struct overflow_record *overflow_take(struct overflow *o);
/* Puts back what could not be written. */
void overflow_untake(struct overflow *o, struct overflow_record *record);

#endif
