/* policyset: the policy files of a directory as one consistent reading, and the time zones that
 * their rules need. For the snapshot and for `postern policy`. */
#ifndef PROXY_CONFIG_POLICYSET_H
#define PROXY_CONFIG_POLICYSET_H

#include "base/arena.h"
#include "base/doc.h"
#include "base/fail.h"
#include "base/findings.h"

enum {
    POLICYSET_MAX_FILES = 4096,
    POLICYSET_MAX_BYTES = 64 << 20,
    POLICYSET_TRIES = 5, /* how often a reading starts over when files move meanwhile */
    POLICYSET_DIGEST_CHARS = 64,
};

/* What `policy.loaded` tells of one file. */
struct policy_file {
    str name; /* without the directory */
    char digest[POLICYSET_DIGEST_CHARS + 1];
    uint32_t uid;
    int64_t modified_s;
};

struct policyset {
    const struct doc_file *files; /* sorted by name; named DIR/NAME */
    const struct policy_file *about;
    size_t n;
    char digest[POLICYSET_DIGEST_CHARS + 1]; /* of names and bytes */
    str overlooked;                          /* DIR/NAME of the first *.yml; absent: none */
};

/* All *.yaml of the directory, or one file. Everything is read through one directory descriptor and
 * looked at again afterwards; when anything moved, the reading starts over. A directory without
 * policies is a failure: it is far more often a mount that is missing than a wish to refuse all.
 * Memory is the arena's. */
bool policyset_read(const char *path, struct arena *a, struct policyset *out, struct fail *fail);
/* Warns of a file that somebody takes for a policy and that is none: a deny in it would not hold.
 */
void policyset_warn(const struct policyset *set, struct findings *f);

/* ---- Time zones ---- */

struct zones {
    const char *dir; /* of TZif files */
};

enum { ZONES_MAX_BYTES = 1 << 16 };

/* NULL: /usr/share/zoneinfo. */
struct zones zones_in(const char *dir);
/* A policy_zone_reader; ctx is a struct zones. */
str zones_read(void *ctx, struct arena *a, str name);
/* "2025b", or "unknown". */
str zones_version(const struct zones *z, struct arena *a);

#endif
