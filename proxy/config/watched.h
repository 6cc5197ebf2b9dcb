/* watched: files that the settings name and others read when they need them: secrets, inventories,
 * CAs of fetches, users. They are read here so that one that is missing is told where it is named,
 * before anybody depends on it, and so that a change of one is a reload. */
#ifndef PROXY_CONFIG_WATCHED_H
#define PROXY_CONFIG_WATCHED_H

#include "proxy/config/build.h"

enum { SECRET_MAX_BYTES = 64 * 1024, INVENTORY_MAX_BYTES = 16 << 20 };

/* False: the findings say which file cannot be read. */
bool watched_read(struct build *b, const struct config *c);
/* The users of the built-in issuer; those of `previous` when the file is the same (its digest is in
 * `digest`). NULL without one, or when the file is broken: *good_out. */
struct builtin_users *watched_users(struct build *b, const struct config *c,
                                    const struct builtin_users *previous,
                                    const char *previous_digest, char digest[DIGEST_HEX_CHARS + 1],
                                    bool *good_out);
/* Notes on names of apps in issuers that no policy has. */
void watched_check_apps(struct findings *f, const struct snapshot *s);

#endif
