/* shadow: a second set of policies, decided beside the first and never enforced. */
#ifndef PROXY_CONFIG_SHADOW_H
#define PROXY_CONFIG_SHADOW_H

#include "proxy/config/build.h"

struct shadow {
    struct policy *policy;             /* NULL: none */
    char digest[DIGEST_HEX_CHARS + 1]; /* of the files and the configuration that it is of */
    bool is_broken;                    /* the files are no set: `policy` is of before, or NULL */
};

/* Reads in->shadow_dir; `previous` may be NULL. What cannot be loaded is told, and the last good
 * one stays: a shadow holds nothing up. False only at the start, when there is nothing to read:
 * with a wrong path nothing would ever differ, and that looks like good news. */
bool shadow_build(struct build *b, const struct config *c, const struct shadow *previous,
                  struct shadow *out);
void shadow_share(const struct shadow *from, struct shadow *out);
void shadow_finish(struct shadow *s);

#endif
