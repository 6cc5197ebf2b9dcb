/* config: postern.yaml as plain structs, and what is made of it.
 *
 * `struct config` (settings.h) is one file's content: read once, immutable, in one arena. `struct
 * snapshot` (snapshot.h) joins it with the policies, the issuers' keys and the TLS contexts: all
 * that a request is judged by. `struct reload` (reload.h) watches the files for the control thread.
 * Other rooms include this header alone; it brings the others along.
 *
 * Every text in a config is NUL-terminated as well as counted (`.p` is a C string), and every file
 * name is absolute, or resolved against the directory of postern.yaml. */
#ifndef PROXY_CONFIG_CONFIG_H
#define PROXY_CONFIG_CONFIG_H

#include <stdio.h>

#include "proxy/config/app.h"
#include "proxy/config/loaded.h"
#include "proxy/config/reload.h"
#include "proxy/config/settings.h"
#include "proxy/config/snapshot.h"

#include "base/findings.h"

enum config_read { CONFIG_BROKEN = 0, CONFIG_GOOD, CONFIG_ABSENT };

/* Reads and checks the file alone (no policies, keys or certificates). On CONFIG_GOOD *out is owned
 * by the caller: config_unref. Findings tell all errors and warnings. Any thread. */
enum config_read config_open(const char *path, const struct config **out, struct findings *f);
/* The same from bytes; relative names hang on `dir`. */
bool config_parse(str path, str dir, str bytes, const struct config **out, struct findings *f);
const struct config *config_ref(const struct config *c);
void config_unref(const struct config **c);
/* workers, or the number of CPUs in our affinity mask. */
unsigned config_workers(const struct config *c);
/* The reference page of postern.yaml, from the schema tables. */
void config_print_reference(FILE *out);
/* The names that rules may use, for policy_load; lists from the arena. */
void config_known(const struct config *c, struct arena *a, struct policy_known *out);
/* POSTERN_CONFIG, or /etc/postern/postern.yaml. */
const char *config_default_path(void);

/* The same addresses in the same order, and the same kind of listener on each. */
bool config_same_listeners(const struct config *x, const struct config *y);
/* Parts that are fixed at start: one finding (note) for each that differs. True when there is one.
 */
bool config_needs_restart(const struct config *running, const struct config *next,
                          struct findings *f);

#endif
