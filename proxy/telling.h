/* telling: what a load of the files found, told in the log and in the journal. Control thread. */
#ifndef PROXY_TELLING_H
#define PROXY_TELLING_H

#include "proxy/audit/audit.h"
#include "proxy/config/config.h"

struct telling {
    str node, boot;
    str kind;                      /* "policy.loaded" or "policy.failed" */
    const struct snapshot *now;    /* what is in force */
    const struct snapshot *before; /* NULL at the start */
    const char *trigger;
    const struct findings *findings; /* NULL: none */
    int64_t wall_us;
};

/* One finding a line in the log: an error is `reload.failed`, anything else `reload.finding`,
 * whatever became of the load. The command line prints them with their source. */
void telling_log(const struct findings *f);
/* The shadow rules that `now` compares, where they are others than those of `before` (NULL at the
 * start), and whether their files are broken. */
void telling_shadow(const struct snapshot *now, const struct snapshot *before, const char *dir);
void telling_record(const struct telling *t, struct audit *audit);

#endif
