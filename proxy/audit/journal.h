/* journal: the live file and its chain. The writer's thread only; time is a parameter.
 *
 * Lines are linked into `out` and from there they are the journal's: a write that fails is tried
 * again from where it stopped, so no accepted record is lost while the disk is away. A failed
 * fdatasync is worse: the kernel drops what it could not write and reports it once. All since the
 * last good sync is then read back, checked against the chain and written again. */
#ifndef PROXY_AUDIT_JOURNAL_H
#define PROXY_AUDIT_JOURNAL_H

#include "proxy/audit/audit.h"
#include "proxy/audit/chain.h"
#include "proxy/audit/io.h"
#include "proxy/audit/note.h"
#include "proxy/audit/syncer.h"

#include <sys/types.h>

enum {
    JOURNAL_FORMAT = 1,
    JOURNAL_CHUNK = 128 * 1024,  /* bytes of one write */
    JOURNAL_OWN_MAX = 16 * 1024, /* a record of the writer itself */
    JOURNAL_OUT = JOURNAL_CHUNK + AUDIT_RECORD_MAX + 4 * JOURNAL_OWN_MAX,
    JOURNAL_UNCACHE = 1024 * 1024, /* synced bytes that leave the page cache together */
    CHECKPOINT_RECORDS = 10000,
    CHECKPOINT_US = 60 * 1000 * 1000,
    CLOCK_STEP_US = 1000 * 1000, /* less is the clock being steered */
};

struct journal_now {
    int64_t wall_us, mono_us;
};

struct journal {
    const struct audit_options *options;
    struct audit_io io;
    struct note_key key; /* no pkey: checkpoints are not signed */
    struct chain chain;  /* with what is still in `out` */

    int fd;         /* -1: none */
    bool is_stream; /* standard output */
    dev_t device;
    ino_t inode;
    uint64_t offset; /* bytes in the file */
    uint64_t file_first_seq;
    int64_t file_wall_us; /* of its first record */

    uint64_t synced;           /* bytes that are on disk for certain */
    struct chain synced_chain; /* the chain there */
    uint64_t uncached;         /* bytes that have left the page cache */
    bool is_sync_lost;         /* a sync failed: [synced, offset) is to be written again */

    struct syncer *syncer; /* NULL: every sync is waited for */
    bool is_syncing;       /* one is under way, of all that was written when it began: */
    uint64_t marked;
    struct chain marked_chain;

    char *out;
    size_t out_n, out_at; /* [out_at, out_n) is still to be written */

    uint64_t checkpoint_seq; /* the last record that tells the tree */
    int64_t checkpoint_us;   /* mono */
    struct journal_now seen; /* the last look at the clocks */
    int64_t rotate_after_us; /* mono: a rotation that failed is not tried at once again */
    uint64_t lost;           /* records that a failed sync took */

    uint64_t records, bytes, writes, syncs, checkpoints, rotations;
    char *rotated; /* the last file that was rotated, until somebody takes it */
};

/* ---- journal_open.c ---- */

/* Opens or makes the live file, notes what is wrong with what is there, syncs. False: `f` says why,
 * and journal_close is still to be called. */
bool journal_open(struct journal *j, const struct audit_options *o, struct journal_now now,
                  struct fail *f);

/* ---- journal.c ---- */

void journal_close(struct journal *j);
/* There is room in `out` for one more record; if not, flush. */
bool journal_has_room(const struct journal *j);
void journal_add(struct journal *j, str record);
/* A record of the writer itself: `members` as ready JSON, may be empty. */
void journal_note(struct journal *j, const char *kind, int64_t wall_us, str members);
void journal_note_clock(struct journal *j, struct journal_now now, int64_t expected_us);
void journal_checkpoint(struct journal *j, struct journal_now now);
/* The `journal` record that every file begins with. */
void journal_first(struct journal *j, struct journal_now now);
bool journal_flush(struct journal *j, struct fail *f);
/* Time left until a checkpoint is due; INT64_MAX: nothing has come since the last. */
int64_t journal_checkpoint_in_us(const struct journal *j, struct journal_now now);
/* A step of the clock, a checkpoint that is due. */
void journal_tick(struct journal *j, struct journal_now now);

/* ---- journal_sync.c ---- */

bool journal_has_unsynced(const struct journal *j);
/* All of it, waited for. */
bool journal_sync(struct journal *j, struct fail *f);
/* The same, but the result is left to journal_sync_poll when there is a syncer. */
bool journal_sync_begin(struct journal *j, struct fail *f);
/* Takes the result of one that is over; false: it failed. */
bool journal_sync_poll(struct journal *j, struct fail *f);

/* ---- journal_recover.c ---- */

/* After any of the above failed: writes again what may be lost, then what waits. */
bool journal_recover(struct journal *j, struct journal_now now, struct fail *f);

/* ---- rotate.c ---- */

/* Rotation that is due; a live file that was replaced or removed by somebody else. */
bool journal_rotate_if_due(struct journal *j, struct journal_now now, struct fail *f);
bool journal_check_replaced(struct journal *j, struct journal_now now, struct fail *f);

/* ---- resume.c ---- */

/* Where a file ends, and so where the chain goes on. */
struct resume {
    bool is_found;
    uint64_t end;        /* bytes of whole records in the live file */
    uint64_t torn_bytes; /* behind them */
    uint64_t first_seq;  /* of the live file */
    int64_t first_wall_us, last_wall_us;
    uint64_t broken_seq; /* first record that does not fit, 0: none */
    uint64_t tree_seq;   /* the record that told the tree */
    struct hash tree_root;
};
bool resume_file(const char *path, struct chain *chain, struct resume *out, struct fail *f);
/* The tree that a `journal` or `checkpoint` record tells, and that it is consistent in itself.
 * `note` (NOTE_MAX bytes) receives its signed note, empty when there is none. */
bool tree_of_record(str line, struct tree *tree, char *note);
/* The record's `time`, or -1. */
int64_t time_of_record(str line);

#endif
