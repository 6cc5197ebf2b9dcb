/* people: what a configuration with a portal needs besides: the secret keys, the store and the
 * desk, opened and closed together. Control thread only, but for what the headers of those parts
 * say. */
#ifndef PROXY_PEOPLE_H
#define PROXY_PEOPLE_H

#include "proxy/config/keyring.h"
#include "proxy/desk/desk.h"

struct people;

struct people_options {
    struct loop *loop;
    struct mailbox *mailbox;
    struct audit *audit;
    str node, boot;
    struct snapshot *snapshot;
    void (*need_keys)(void *ctx, size_t issuer, str kid); /* as of desk_options */
    void (*posture)(void *ctx, struct desk_ask *ask);     /* as of desk_options */
    bool (*mail)(void *ctx, str to, str subject, str text);
    bool (*notify)(void *ctx, str channel, str subject, str text);
    /* Something in the store changed: all workers must hear of it, in this order. Called on the
     * store's thread. */
    void (*changed)(void *ctx, const struct store_change *change);
    void *ctx;
};

/* NULL with a sentence. Only with a portal. */
struct people *people_open(const struct people_options *o, struct fail *f);
void people_configure(struct people *p, struct snapshot *snapshot);
struct desk *people_desk(struct people *p);
struct store *people_store(struct people *p);
const struct keyring *people_keys(struct people *p, enum keyring_name name);
/* The key files again. True: some have other generations than before, and desk and store have them;
 * whoever else was given keyrings must be given them anew. A file that is gone or damaged changes
 * nothing. */
bool people_look_at_keys(struct people *p);
/* The built-in issuer's own keys, for the snapshot; NULL: there is none. */
struct keyset *people_issuer_keys(struct people *p);
/* After the workers have ended and before the mailbox closes: what the store still has to say comes
 * by it. */
void people_close_store(struct people *p);
/* While the workers still exist: they get the last answers. NULL is fine. */
void people_close(struct people *p);

#endif
