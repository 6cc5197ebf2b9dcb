/* loop: one event loop per thread, and what hangs on it: mailbox, deadline, watch, signal, job and
 * directory watch.
 *
 * Callbacks run on the loop's thread. Memory of a handle (watch) is freed only in its closed
 * callback, because the loop may still hold it. */
#ifndef PROXY_NET_LOOP_H
#define PROXY_NET_LOOP_H

#include <stdalign.h>

#include "base/fail.h"
#include "base/list.h"
#include "base/str.h"

struct loop;

struct loop *loop_create(struct fail *f);
/* Runs until loop_stop, even when nothing is open. */
void loop_run(struct loop *loop);
/* One turn: waits for at most one batch of events (or not at all). For tests. */
void loop_turn(struct loop *loop, bool may_wait);
/* Own thread; from another one post a function that calls it. */
void loop_stop(struct loop *loop);
/* Everything opened on it must be closed before; closed callbacks still outstanding are run. NULL
 * is fine. */
void loop_destroy(struct loop *loop);
/* `fn` runs once a turn, when all its events were handled and before the loop waits again: the
 * place to do at once what they left behind. One per loop. */
void loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* Monotonic, read once per turn. */
int64_t loop_now_ms(const struct loop *loop);
/* Wall time in microseconds since 1970, read at most once per turn. */
int64_t loop_wall_us(struct loop *loop);

/* --- mailbox: from any thread into a loop's thread ------------------------------------------ */

struct mailbox;

typedef void mailbox_fn(void *ctx, void *arg);

/* `ctx` is handed to every message. */
struct mailbox *mailbox_open(struct loop *loop, void *ctx, struct fail *f);
/* Any thread. Messages of one sender arrive in order. False, and arg stays the caller's, after
 * mailbox_close. */
bool mailbox_post(struct mailbox *m, mailbox_fn *fn, void *arg);
/* Loop thread. Delivers what is queued, then takes nothing more. */
void mailbox_close(struct mailbox *m);
/* Any thread, when no poster is left and after loop_destroy. NULL is fine. */
void mailbox_destroy(struct mailbox *m);

/* --- deadline: one coarse timer, embedded in its owner -------------------------------------- */

/* Resolution 100 ms, never early. Setting again costs a compare: the entry stays in its slot of the
 * wheel when the new time is later and is looked at again when the slot fires. */
struct deadline {
    struct list_node link; /* in a slot of the loop's wheel */
    int64_t due_ms;        /* 0 = not set */
    int64_t slot_tick;     /* which tick its slot fires at */
    void (*fn)(struct deadline *d);
};

void deadline_init(struct deadline *d, void (*fn)(struct deadline *d));
/* From now; fires once. Setting again replaces. */
void deadline_set(struct loop *loop, struct deadline *d, int64_t delay_ms);
/* Must be called before the owner is freed. Safe when not set. */
void deadline_clear(struct loop *loop, struct deadline *d);
static inline bool deadline_is_set(const struct deadline *d)
{
    return d->due_ms != 0;
}

/* --- watch: readiness of one file descriptor ------------------------------------------------ */

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch;
typedef void watch_fn(struct watch *w, unsigned events);
typedef void watch_closed_fn(struct watch *w);

/* Level-triggered; expect false readiness. An error on the socket is told as READ|WRITE: recv or
 * send says which. One watch per fd. Never freed, moved or reused before closed_fn was called. */
struct watch {
    alignas(16) unsigned char handle[192]; /* the loop's own */
    watch_fn *fn;
    watch_closed_fn *closed_fn;
    int fd;         /* -1 after close or detach */
    uint8_t wanted; /* the mask that the owner asked for */
    uint8_t armed;  /* the mask that the loop has */
    bool is_dead;   /* closed: no callback but closed_fn follows */
};

/* Makes fd non-blocking; from now on the fd belongs to the watch. On failure it stays the caller's
 * and the struct may be freed. Nothing is wanted yet. */
bool watch_open(struct loop *loop, struct watch *w, int fd, watch_fn *fn, struct fail *f);
/* Cheap when nothing changes; a change costs two system calls, so leave READ armed. */
void watch_want(struct watch *w, unsigned mask);
static inline unsigned watch_wanted(const struct watch *w)
{
    return w->wanted;
}
/* Closes the fd now; closed_fn (may be NULL) comes in a later turn phase and may free. A second
 * call is ignored. */
void watch_close(struct watch *w, watch_closed_fn *closed_fn);
/* The same, but hands the fd back to the caller, who may open another watch on it at once. */
int watch_detach(struct watch *w, watch_closed_fn *closed_fn);

/* --- signal ---------------------------------------------------------------------------------- */

struct signal_watch;

struct signal_watch *signal_open(struct loop *loop, int signum, void (*fn)(void *ctx, int signum),
                                 void *ctx, struct fail *f);
void signal_close(struct signal_watch *s); /* NULL is fine */

/* --- job: blocking work off the loop --------------------------------------------------------- */

/* `run` on a pool thread, then `done` on the loop. Not cancellable. */
bool job_start(struct loop *loop, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx,
               struct fail *f);

/* --- dirwatch: something in a directory changed ---------------------------------------------- */

/* Watches the directory and its parent (a directory may be replaced as a whole, as with a
 * Kubernetes volume), never a file: a file watch dies with the first replacement. A burst of
 * events is one call, ~100 ms later. Events can be lost without a sign: poll a digest as well. */
struct dirwatch;

struct dirwatch *dirwatch_open(struct loop *loop, const char *dir, void (*fn)(void *ctx), void *ctx,
                               struct fail *f);
void dirwatch_close(struct dirwatch *d); /* NULL is fine */

#endif
