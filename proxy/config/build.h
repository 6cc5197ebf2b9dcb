/* build: one attempt to make a snapshot, with what reload needs to know of it even when it failed.
 */
#ifndef PROXY_CONFIG_BUILD_H
#define PROXY_CONFIG_BUILD_H

#include "proxy/config/inputs.h"
#include "proxy/config/snapshot.h"

struct build {
    const struct snapshot_inputs *in;
    const struct snapshot *previous; /* may be NULL */
    struct findings *findings;
    struct arena arena;        /* bytes of files; gone with build_finish */
    struct inputs base, rules; /* all but the policies; the policies and their apps' files */
    bool is_policy_broken;
    char base_digest[DIGEST_HEX_CHARS + 1], rules_digest[DIGEST_HEX_CHARS + 1];
};

/* A file that cannot be used: told where it is named, or of `path` when a default names it. */
void build_refuse(struct findings *f, const struct doc_node *at, str path, const char *code,
                  const char *text);
/* NULL when anything but the policies is broken. */
struct snapshot *build_run(struct build *b);
void build_finish(struct build *b);
/* The digests that the snapshot was built from. */
const char *snapshot_base_digest(const struct snapshot *s);
const char *snapshot_rules_digest(const struct snapshot *s);

#endif
