/* devices: what the sources know of devices, gathered for the workers.
 *
 * Inventory files come with each snapshot, a Fleet server is polled, posture documents are posted
 * by devices. Every source has one table; when one changes, all are published together, and what
 * changed about which device is recorded (device.changed). A source that does not answer, or that
 * has nothing new to say, is told before its facts are too old to count (device.source, the log, a
 * metric and the channels of `notify:`). Control thread only. */
#ifndef PROXY_DEVICES_H
#define PROXY_DEVICES_H

#include "proxy/desk/desk.h"

struct devices;

/* How a source is, for metrics. */
struct devices_source {
    str name;
    bool is_up;
    size_t n_devices;
    int64_t seen_s; /* its newest fact; 0: none */
};

struct devices_options {
    struct loop *loop;
    struct mailbox *mailbox;
    struct audit *audit;
    str node, boot;
    struct store *store; /* NULL: no document can be posted */
    /* All tables there are; the receiver takes a reference of each that it keeps. */
    void (*changed)(void *ctx, struct device_table *const *tables, size_t n);
    void (*need_keys)(void *ctx, size_t issuer, str kid); /* devices_keys_answered follows */
    bool (*notify)(void *ctx, str channel, str subject, str text);              /* or NULL */
    void (*sources)(void *ctx, const struct devices_source *sources, size_t n); /* or NULL */
    void *ctx;
};

struct devices *devices_create(const struct devices_options *o);
/* After the mailbox has delivered what was queued, and while those who ask still exist. NULL is
 * fine. */
void devices_destroy(struct devices *d);
/* The snapshot in force (a reference is taken): its inventories, sources and keys. Sources that
 * stay the same go on. */
void devices_configure(struct devices *d, struct snapshot *snapshot);
void devices_keys_answered(struct devices *d, size_t issuer);
/* A document that a device has posted (DESK_POSTURE): answers the ask. */
void devices_post(struct devices *d, struct desk_ask *ask);
/* The store is closed: documents that are posted from now on fail. */
void devices_store_gone(struct devices *d);

#endif
