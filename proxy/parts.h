/* parts: what the control thread holds besides workers and files: people, devices, the tailnet's
 * daemon and notices, opened, configured and closed together, and what they have to tell each other
 * and the workers. Control thread only. */
#ifndef PROXY_PARTS_H
#define PROXY_PARTS_H

#include "proxy/crew.h"
#include "proxy/keys.h"
#include "proxy/metrics.h"

struct parts;

struct parts_options {
    struct loop *loop;
    struct mailbox *mailbox;
    struct audit *audit;
    str node, boot;
    struct keys *keys;
    struct crew *crew;
    struct metrics *metrics;
};

/* Opens what this snapshot needs; without a portal nobody signs in: no store, no secret keys. NULL
 * with a sentence. */
struct parts *parts_open(const struct parts_options *o, struct snapshot *snapshot, struct fail *f);
/* Every snapshot, before the workers have it. */
void parts_configure(struct parts *p, struct snapshot *snapshot);
/* The keys of an issuer were asked for, well or not. */
void parts_keys_answered(struct parts *p, size_t issuer);
/* Secret keys that `postern key rotate` has made are taken, here and by the workers. True: there
 * were some, and the built-in issuer's own may be others than before. */
bool parts_look_at_keys(struct parts *p);
/* The built-in issuer's own keys, one reference; NULL: there is none. */
struct keyset *parts_builtin_keys(struct parts *p);
/* Fills in what workers need of them. */
void parts_equip(struct parts *p, struct worker_options *worker);
void parts_ask_whois(struct parts *p, struct whois_ask *ask);
/* After the workers have ended and before the mailbox closes. NULL is fine, here and below. */
void parts_close_store(struct parts *p);
/* While the workers still exist: they get the last answers. */
void parts_close(struct parts *p);
/* After the audit is closed. */
void parts_destroy(struct parts *p);

#endif
