/* devices_impl: the parts of devices. */
#ifndef PROXY_DEVICES_IMPL_H
#define PROXY_DEVICES_IMPL_H

#include "authn/authn.h"
#include "proxy/devices.h"

enum {
    DEVICES_OLD_S = 18 * 3600,       /* of a source's newest fact: rules ask for 24 h by default */
    DEVICES_LOOK_MS = 60 * 1000,     /* how often that is looked at */
    DEVICES_POSTED_MOST = 50 * 1000, /* devices whose documents are kept, of one source */
    DEVICES_POSTED_S = 7 * 86400,    /* and for how long */
};

struct devices_posted;

struct source {
    struct devices *owner;
    const struct config_source *config; /* of devices.snapshot */
    str name;                           /* heap, for logs: NUL-terminated */
    struct device_table *table;         /* NULL: knows nothing yet */
    bool is_down, is_old, was_told;     /* alarms */
    /* a Fleet server */
    struct deadline due;
    struct fetch *fetch;
    struct fleet_reader *reader;
    size_t page;
    unsigned failures; /* in a row */
    /* posted documents */
    struct devices_posted *posted;
    str issuer; /* heap: whose documents they are */
};

struct devices {
    struct devices_options options;
    struct snapshot *snapshot;
    struct fetcher *fetcher;
    struct source **sources; /* in the order of config->sources */
    size_t n;
    struct deadline look, publish, judge;
    struct list_node waiting; /* posts that wait for keys */
    struct list_node open;    /* posts that the store has */
    bool is_store_gone;
};

/* devices.c */
/* Takes `table`: records what changed, and publishes by and by. */
void devices_take(struct source *s, struct device_table *table);
/* It answers, or does not any more and why. */
void devices_up(struct source *s);
void devices_down(struct source *s, const char *why);

/* devices_fleet.c */
void fleet_begin(struct source *s); /* a new source, or a changed one: polls now */
void fleet_finish(struct source *s);

/* devices_posted.c */
void posted_begin(struct source *s); /* what the store has kept */
void posted_finish(struct source *s);
void posted_init(struct devices *d);
void posted_renumbered(struct devices *d); /* those that wait for keys are judged once more */
void posted_drop_all(struct devices *d);   /* what is under way is answered */

/* devices_told.c */
void told_changes(struct source *s, const struct device_table *old, const struct device_table *now);
void told_source(struct source *s, const char *state, const char *why);

#endif
