/* loaded: what the record `policy.loaded` tells: which files changed, whose they are, and why they
 * were read. */
#ifndef PROXY_CONFIG_LOADED_H
#define PROXY_CONFIG_LOADED_H

#include "proxy/config/snapshot.h"

#include "base/jout.h"

enum { LOADED_MAX_FILES = 64, LOADED_COMMIT_CHARS = 64 };

/* Members for an object that is open: policy {digest, generation}, trigger, files (with those that
 * are new or changed since `before`, at most LOADED_MAX_FILES), removed, changed_total and, when
 * the directory is of a git work tree, commit. `before` may be NULL. Control thread. */
void loaded_write(struct jout *j, const struct snapshot *now, const struct snapshot *before,
                  const char *trigger);
/* The commit that a directory's git work tree stands at; false when there is none. */
bool loaded_commit(const char *dir, char out[LOADED_COMMIT_CHARS + 1]);

#endif
