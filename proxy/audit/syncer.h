/* syncer: a thread that syncs the journal's file for the writer, one sync at a time.
 *
 * A disk may take its time for a sync. Records that are written meanwhile are in the kernel and
 * outlive a killed process; records that wait in a ring do not. So the writer goes on writing. */
#ifndef PROXY_AUDIT_SYNCER_H
#define PROXY_AUDIT_SYNCER_H

#include <stdbool.h>

struct syncer;

/* `sync` is fdatasync or what a test puts in its place. NULL: no thread. */
struct syncer *syncer_create(int (*sync)(int fd));
/* Waits for the sync that is under way. */
void syncer_destroy(struct syncer *s);

/* Only when none is under way, and the fd stays open until the result was taken. */
void syncer_begin(struct syncer *s, int fd);
/* True once, when it is over: then errno_out is 0 or says what failed. */
bool syncer_take(struct syncer *s, int *errno_out);
/* The same, but waits. Something must be under way. */
int syncer_wait(struct syncer *s);

#endif
