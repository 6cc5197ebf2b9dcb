/* archive: files that were rotated: compressed on a thread of their own, removed when old. */
#ifndef PROXY_AUDIT_ARCHIVE_H
#define PROXY_AUDIT_ARCHIVE_H

#include "proxy/audit/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/* The writer's; zeroed at birth. */
struct archive {
    pthread_t thread;
    bool has_thread;
    char *path; /* what it compresses */
    atomic_bool is_over, is_stopping;
    int64_t expired_us; /* mono: old files are not looked for before */
};

/* Now and then: starts a compression when a file was rotated, removes what is too old. */
void archive_tend(struct archive *archive, struct journal *j, struct journal_now now);
/* Gives up what is under way: a plain file reads just as well. */
void archive_finish(struct archive *archive);

#endif
