/* reload: notices that files changed and builds the next snapshot. Control thread only.
 *
 * Directories are watched, never files (a file watch dies with the first replacement), and since
 * events can be lost without a sign everything is digested again every 15 s. After an event there
 * is a pause of 250 ms without further events before anything is read.
 *
 * The owner's loop: watch reload_fd() for reading; on readable call reload_notice(); on SIGHUP call
 * reload_request(); call reload_check() whenever reload_due_ms() has come. */
#ifndef PROXY_CONFIG_RELOAD_H
#define PROXY_CONFIG_RELOAD_H

#include "proxy/config/snapshot.h"

enum { RELOAD_DEBOUNCE_MS = 250, RELOAD_POLL_MS = 15000 };

struct reload;

enum reload_result {
    RELOAD_NOTHING = 0, /* not due, or nothing differs */
    RELOAD_SAME,        /* nothing differs, and somebody waits to hear it: it was requested, or an
                           error was taken back */
    RELOAD_NEW,         /* *next_out is a new snapshot, owned by the caller; publish it */
    RELOAD_FAILED,      /* the old one stays; the findings say why */
};

struct reload_counts {
    uint64_t good, failed; /* since start, for metrics */
    bool is_failing;       /* the last attempt failed: the running set is not what the files say */
};

/* `current` is what runs now (referenced). Works without inotify as well, by polling. */
struct reload *reload_create(const struct snapshot_inputs *in, struct snapshot *current,
                             int64_t mono_ms);
void reload_destroy(struct reload *r);
/* The inotify descriptor, -1 when there is none. */
int reload_fd(const struct reload *r);
/* Drains the descriptor; something may have changed. */
void reload_notice(struct reload *r, int64_t mono_ms);
/* SIGHUP, or a command: read again at the next check even if nothing seems changed. */
void reload_request(struct reload *r, const char *trigger);
/* When reload_check wants to be called next, in monotonic ms. */
int64_t reload_due_ms(const struct reload *r);
/* `f` is initialised by the caller and receives what was found (errors, warnings, notes). */
enum reload_result reload_check(struct reload *r, int64_t mono_ms, int64_t wall_us,
                                struct snapshot **next_out, struct findings *f);
/* The owner published another snapshot (new keys of an issuer). Referenced. */
void reload_set_current(struct reload *r, struct snapshot *current);
struct reload_counts reload_counts(const struct reload *r);
/* What caused the last look: "start", "change", "poll", or what reload_request was told. */
const char *reload_trigger(const struct reload *r);

#endif
