/* rulebook: one loaded set of policies with the apps that it names. Shared by all snapshots that
 * have it, immutable, counted. The source of the rules is gone by the time it is built: of ten
 * thousand rules it would be most of what the process takes. */
#ifndef PROXY_CONFIG_RULEBOOK_H
#define PROXY_CONFIG_RULEBOOK_H

#include <stdatomic.h>

#include "proxy/config/inputs.h"
#include "proxy/config/snapshot.h"

/* A file that an app names, and what stood in it. */
struct app_file {
    str path;
    bool is_key;
    char digest[DIGEST_HEX_CHARS + 1];
};

struct app_files {
    struct app_file *items; /* in the order in which they were read */
    size_t n, cap;
};

struct rulebook {
    atomic_uint refs;
    struct arena arena;
    struct policy *policy;
    struct app *apps;
    size_t n_apps;
    struct app_files app_files;
    const struct policy_file *files;
    size_t n_files;
    char set_digest[DIGEST_HEX_CHARS + 1];    /* of the files alone */
    char config_digest[DIGEST_HEX_CHARS + 1]; /* whose names the rules were checked against */
    uint64_t generation;
};

struct rulebook_in {
    const struct config *config;
    struct rulebook *previous; /* may be NULL */
    struct inputs *inputs;
    const char *zoneinfo;
    int64_t wall_us;
};

/* Reads, checks and tests the policies. The previous one again, when all that it was made from is
 * the same. NULL: the findings say why. */
struct rulebook *rulebook_build(const struct rulebook_in *in, struct findings *f);
struct rulebook *rulebook_ref(struct rulebook *b);
void rulebook_unref(struct rulebook **b);

/* Fills `out` from the app's node, which it needs no more; false when there are errors. `done` are
 * apps whose TLS context may be shared when it comes of the same inputs. */
struct app_in {
    const struct config *config;
    struct arena *arena; /* of the rulebook */
    struct inputs *inputs;
    struct app_files *files; /* of the rulebook: what is read is noted there */
    const struct app *done;  /* of this rulebook */
    size_t n_done;
    const struct rulebook *previous; /* may be NULL */
};
bool app_read(const struct app_in *in, const struct policy_app *policy, struct app *out,
              struct findings *f);
void app_finish(struct app *app);
/* Whether the files are as they were; then they count as read, in the same order. */
bool app_files_same(const struct app_files *files, struct inputs *inputs);

#endif
