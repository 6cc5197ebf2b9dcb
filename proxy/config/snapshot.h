/* snapshot: all that a request is judged by, frozen.
 *
 * Built off the loops by the control thread, published to the workers, freed with the last
 * reference. The count is atomic but not for the request path: each worker holds one reference and
 * counts its own pins. Everything reachable from a snapshot is const or safe for many readers.
 * What did not change since the previous snapshot (policy, keys, TLS contexts, settings) is shared.
 */
#ifndef PROXY_CONFIG_SNAPSHOT_H
#define PROXY_CONFIG_SNAPSHOT_H

#include "proxy/config/app.h"
#include "proxy/config/policyset.h"
#include "proxy/config/settings.h"

#include "base/findings.h"
#include "policy/policy.h"

struct snapshot_issuer {
    const struct config_issuer *config; /* name, authn's settings, where keys come from */
    const struct keyset *keys;          /* NULL until they are known: its tokens are refused */
};

struct snapshot {
    const struct config *config;
    const struct policy *shadow; /* decided beside and never enforced; NULL: none */
    bool is_shadow_broken;       /* its files have errors: `shadow` is of before, or NULL */
    const struct policy *policy; /* NULL: nothing good was ever loaded; refuse all, policy:none */
    const struct app *apps;      /* same order and number as the policy's apps */
    size_t n_apps;
    const struct snapshot_issuer *issuers; /* same order as config->issuers */
    size_t n_issuers;
    /* What is listened on, in the order of the start: a reload brings new certificates, fronts and
     * trusted networks, but never other addresses. Use these, not config->listeners. */
    const struct config_listener *listeners;
    struct tls_server *const *tls; /* by listener; NULL for a plain one */
    size_t n_listeners;
    struct cert_store *const *client_cas;    /* by listener: CAs of devices; NULL: not asked */
    struct device_table *const *inventories; /* by source; NULL for the other kinds */
    const struct builtin_users *users; /* of the built-in issuer; NULL without one. The same object
                                        * as in the previous snapshot when its file is the same */
    char policy_digest[DIGEST_HEX_CHARS + 1]; /* empty while policy is NULL */
    uint64_t policy_generation; /* counts published policy sets from 1; 0 while policy is NULL */
    uint64_t serial;            /* of this snapshot, rising; keys and certificates count too */
    const struct policy_file *policy_files; /* what the policy was loaded from, for policy.loaded */
    size_t n_policy_files;
    struct snapshot_parts *parts; /* ours */
};

struct snapshot_inputs {
    const char *config_path;
    int64_t wall_us;             /* now: for the policies' tests and lifetimes */
    const char *zoneinfo;        /* NULL: /usr/share/zoneinfo */
    const char *shadow_dir;      /* policies that are only compared; NULL: none */
    struct tls_tickets *tickets; /* of all TLS listeners; NULL: no resumption */
};

/* Reads everything. NULL when the configuration, a certificate or a key is broken. When only the
 * policies are broken, the snapshot keeps the policy of `previous` (NULL without one) and
 * *policy_broken_out is set. `previous` may be NULL; it is only read. Control thread or start-up.
 */
struct snapshot *snapshot_build(const struct snapshot_inputs *in, const struct snapshot *previous,
                                bool *policy_broken_out, struct findings *f)
    __attribute__((warn_unused_result));
/* The same snapshot with other keys for one issuer. Takes `keys`. */
struct snapshot *snapshot_with_keys(const struct snapshot *old, size_t issuer, struct keyset *keys)
    __attribute__((warn_unused_result));
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);

/* The app that answers a normalised host (lower-case, no port, no trailing dot), or NULL. */
const struct app *snapshot_app_by_host(const struct snapshot *s, str host);
const struct app *snapshot_app_by_name(const struct snapshot *s, str name);
/* The issuer whose `iss` is byte-equal, or NULL: for Bearer tokens, so never an implicit one. */
const struct snapshot_issuer *snapshot_issuer_by_iss(const struct snapshot *s, str iss);
const struct snapshot_issuer *snapshot_issuer_by_name(const struct snapshot *s, str name);

#endif
