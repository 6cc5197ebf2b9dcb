/* server: the control thread. Binds, starts the workers, watches the files, fetches keys, answers
 * signals: SIGHUP reloads, SIGTERM and SIGINT drain, a second one ends at once. */
#ifndef PROXY_SERVER_H
#define PROXY_SERVER_H

#include "proxy/config/config.h"

struct server_options {
    const char *config_path;
    const char *shadow_dir; /* policies that are only compared; NULL: none */
    const char *zoneinfo;   /* NULL: the system's */
    const char *audit_sink; /* "null" with -Dbench=true; NULL: the journal */
};

/* Runs until a signal ends it. The exit code: 0, or 1 when it could not start (told in the log and
 * on standard error). */
int server_run(const struct server_options *o);

#endif
