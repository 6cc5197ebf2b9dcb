/* audit: ready records in, a hash-chained journal out.
 *
 * Knows no request and no policy. A record is one JSON object as text, without a newline and
 * without the members `seq` and `prev`: the writer adds them (docs/protocol-audit.md). One thread,
 * the writer, owns the journal; each worker feeds it through a ring of its own, so the request
 * path takes no lock, makes no system call (but for one wake-up of a sleeping writer) and
 * allocates nothing.
 *
 * No record, no access. For every request, on its worker's thread:
 *
 *     if (!audit_reserve(ring, bytes))           before anything goes upstream: wait for `changed`
 *         ...                                    up to 200 ms, then 503 with Retry-After
 *     ... the request runs; its reservation stands, however long that takes ...
 *     char *room = audit_begin(ring, bytes);     build the object there with base/jout, at once
 *     audit_commit(ring, n, bytes);              n = its length; the reservation is given back
 *
 * A reservation is at least 1 KiB in all; it may be enlarged by reserving again, and is then given
 * back as one. Any number of reservations stand at once and end in any order; between audit_begin
 * and audit_commit nothing else happens on the ring. A reservation that is not used is given back
 * with audit_release. A long visit commits its start record at once (which ends the reservation)
 * and writes its end record with audit_append_forced.
 *
 * `sync: always`: the gate commits request.open, calls audit_want(ring, ticket), and dials only
 * when audit_durable(ring) >= ticket and not audit_is_lost(ring, ticket); `changed` is called after
 * each group commit.
 *
 * A build with -Dbench=true has the null sink, to measure what audit costs: there audit_begin
 * returns NULL, the caller builds nothing and commits 0 bytes. The null sink leaves out all of it:
 * building the record, the ring, the hash, the write and the sync. */
#ifndef PROXY_AUDIT_AUDIT_H
#define PROXY_AUDIT_AUDIT_H

#include "base/fail.h"
#include "base/str.h"
#include "proxy/audit/reading.h"

enum {
    AUDIT_RECORD_MAX = 128 * 1024,       /* one record; a larger reservation is refused */
    AUDIT_RING_BYTES = 8 * 1024 * 1024,  /* default room of a worker, touched only as needed */
    AUDIT_FORCED_BYTES = 8 * 1024 * 1024 /* heap room of a ring for audit_append_forced */
};

struct audit;
struct audit_ring;
struct audit_io; /* io.h: what tests replace to make a disk fail */

struct audit_options {
    const char *file;       /* the journal; its folder also holds the rotated files. "-": standard
                             * output, a chain that starts anew, without rotation */
    const char *key_file;   /* Ed25519 key of the checkpoints, made when missing; NULL: unsigned */
    const char *state_file; /* the last checkpoint, to notice a rolled-back journal; NULL: none */
    const char *node;       /* written into the writer's own records; also names a new key */
    const char *boot;
    bool is_always;         /* sync: always; false is batch */
    bool continues;         /* on_error: continue; false is refuse */
    int64_t rotate_bytes;   /* 0: not by size */
    int64_t rotate_every_s; /* 0: not by age; 86400 turns at midnight UTC */
    int64_t keep_s;         /* 0: rotated files are kept for ever */
    bool compress;          /* rotated files become .gz, on a thread of their own */
    size_t ring_bytes;      /* 0: AUDIT_RING_BYTES */
    bool is_null; /* the null sink; refused by audit_open unless built with -Dbench=true */
    /* For tests. */
    bool is_manual;           /* no thread: audit_turn is the writer */
    int64_t (*wall_us)(void); /* NULL: the system's clock */
    int64_t (*mono_us)(void);
    const struct audit_io *io; /* NULL: the system's calls */
};

/* Opens or resumes the journal (a torn last line is kept apart and noted), writes its first
 * records and starts the writer. NULL with the reason in `f` when that cannot be done. */
struct audit *audit_open(const struct audit_options *options, struct fail *f);
/* After the workers have stopped: writes what is there, a last checkpoint, and frees the rings.
 * What a full disk still refuses after two seconds is lost and told in the diagnostics. */
void audit_close(struct audit *a);

/* Any thread. False after the disk refused a write, until one succeeds again. */
bool audit_is_writable(const struct audit *a);
/* Any thread. True with `on_error: continue`: then a request whose audit_reserve failed goes on
 * with a reservation of 0 and writes its record with audit_append_forced, which may lose it. */
bool audit_continues(const struct audit *a);
/* sync: always. */
bool audit_is_always(const struct audit *a);
/* Any thread but a worker's (policy.loaded, admin.*): takes a lock. False: no room, the record is
 * counted as lost. */
bool audit_append(struct audit *a, str record);

/* A ring for one worker. Any thread; lives until audit_close. `changed` (may be NULL) is called on
 * the writer's thread when a record that was wanted is durable, when there is room again after a
 * refused reservation, and when the journal cannot be written any more or can again: it posts to
 * the worker's mailbox. */
struct audit_ring *audit_ring_create(struct audit *a, void (*changed)(void *ctx), void *ctx);

/* The rest: the ring's worker only. */

/* Room for one record of at most `bytes`. False: the ring is full, or the journal cannot be
 * written and on_error is refuse (audit_is_writable tells which). */
__attribute__((warn_unused_result)) bool audit_reserve(struct audit_ring *r, size_t bytes);
void audit_release(struct audit_ring *r, size_t bytes);
/* Contiguous memory for one record; bytes as reserved (or less). NULL with the null sink only. */
char *audit_begin(struct audit_ring *r, size_t bytes);
/* The record of n bytes at audit_begin's memory is handed to the writer; `reserved` bytes are
 * given back. n = 0 writes nothing. Returns the record's ticket (0 when n = 0). */
uint64_t audit_commit(struct audit_ring *r, size_t n, size_t reserved);
/* A record without a reservation: into the ring when it has room beyond what is reserved, else to
 * a bounded queue on the heap. False: that is full too, the record is counted as lost. */
bool audit_append_forced(struct audit_ring *r, str record);
/* The writer shall sync now, not within 50 ms. */
void audit_want(struct audit_ring *r, uint64_t ticket);
/* All records of this ring with a ticket up to this one are on disk, or lost. */
uint64_t audit_durable(const struct audit_ring *r);
/* The record may be one of those that a failed sync took. Asked after audit_durable. */
bool audit_is_lost(const struct audit_ring *r, uint64_t ticket);

/* Any thread. */
struct audit_counts {
    uint64_t records, bytes; /* accepted into the chain */
    uint64_t lost;           /* records that found no room or were dropped by on_error: continue */
    uint64_t waits;          /* reservations refused */
    uint64_t writes, syncs, wakes, errors, checkpoints, rotations;
    bool is_writable;
};
void audit_counts(const struct audit *a, struct audit_counts *out);

/* is_manual only: one turn of the writer: drains, writes, syncs when due. */
void audit_turn(struct audit *a);

#endif
