/* posture: what a snapshot knows of devices: the CAs that vouch for them by listener, and the
 * inventory files by source. What did not change is shared with the snapshot before. */
#ifndef PROXY_CONFIG_POSTURE_H
#define PROXY_CONFIG_POSTURE_H

#include "proxy/config/build.h"

struct posture_ca {
    struct cert_store *store; /* NULL: clients are not asked */
    char digest[DIGEST_HEX_CHARS + 1];
};
struct posture_inventory {
    struct device_table *table; /* NULL: the source is of another kind */
    char digest[DIGEST_HEX_CHARS + 1];
};

/* Zeroed: nothing. */
struct posture {
    struct posture_ca *cas; /* by listener */
    size_t n_cas;
    struct posture_inventory *inventories; /* by source */
    size_t n_inventories;
    struct cert_store **stores; /* the same, as the snapshot shows them */
    struct device_table **tables;
};

void posture_init(struct posture *p, struct arena *a, size_t n_listeners, size_t n_sources);
/* False: the findings say which file is broken, and where. */
bool posture_read_ca(struct build *b, const struct config_listener *l, size_t i,
                     const struct posture *previous, struct posture *p);
bool posture_read_inventory(struct build *b, const struct config_source *s, size_t i,
                            const struct posture *previous, struct posture *p);
/* `p` was made for as many. */
void posture_share(const struct posture *from, struct posture *p);
/* When everything is read. */
void posture_show(struct posture *p);
/* Warns of sources that know devices by their ids while nothing says which device a visit is from,
 * and rules ask. */
void posture_warn_unnamed(struct findings *f, const struct snapshot *s);
void posture_finish(struct posture *p);

#endif
