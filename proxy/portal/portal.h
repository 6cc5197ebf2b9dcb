/* portal: the pages that people meet: log-in, launcher, sign-out, purposes and approvals; the face
 * of this folder for the worker.
 *
 * One a worker, on its thread. http reads a request and hands it up; a route of ours answers it at
 * once, or asks the desk or the store and answers when the answer comes back by this worker's
 * mailbox. What is asked for a client who has gone is dropped when it comes. */
#ifndef PROXY_PORTAL_PORTAL_H
#define PROXY_PORTAL_PORTAL_H

#include "proxy/config/keyring.h"
#include "proxy/desk/desk.h"
#include "proxy/http/http.h"

struct portal;

struct portal_options {
    struct mailbox *mailbox; /* this worker's */
    struct desk *desk;
    struct store *store;
    const struct keyring *cookie_keys;
};

struct portal *portal_create(const struct portal_options *o);
/* After http is gone, and the desk and the store have answered. NULL is fine. */
void portal_destroy(struct portal *p);
/* After a rotation, instead of that of portal_options. */
void portal_set_keys(struct portal *p, const struct keyring *cookie);
/* For http_options. */
struct http_pages portal_pages(struct portal *p);

#endif
