/* notify: tells people what they must hear: a PIN by mail, a notice to the channels of `notify:`.
 *
 * What is told is queued and sent by and by, tried again when a server does not answer, and never
 * waited for. What cannot be told is logged and counted, without its text. Control thread only. */
#ifndef PROXY_NOTIFY_H
#define PROXY_NOTIFY_H

#include "proxy/config/config.h"

enum {
    NOTIFY_QUEUE = 256,                /* messages at most, then one is refused */
    NOTIFY_QUEUE_MAILS = 192,          /* of them mails to one person: notices keep their room */
    NOTIFY_AT_ONCE = 4,                /* under way */
    NOTIFY_MAIL_MS = 5 * 60 * 1000,    /* then a mail to one person is too late: his PIN is old */
    NOTIFY_NOTICE_MS = 60 * 60 * 1000, /* the same for a notice */
};

struct notify;

struct notify *notify_create(struct loop *loop);
/* What is still queued is dropped, and logged. NULL is fine. */
void notify_destroy(struct notify *n);
/* Mail server and channels as configured now; what is queued goes where it was to go. */
void notify_configure(struct notify *n, const struct config *config);
/* To one person. Texts are copied, and wiped when they are sent. False: no mail server, no such
 * address, or no room. */
bool notify_mail(struct notify *n, str to, str subject, str text);
/* To a channel: its webhook and its addresses, one message each. False: no such channel, or no room
 * for one of them. */
bool notify_channel(struct notify *n, str channel, str subject, str text);

/* Any thread. */
struct notify_counts {
    uint64_t sent, failed; /* failed: given up, or refused at once */
    uint64_t queued;       /* now */
};
void notify_counts(const struct notify *n, struct notify_counts *out);

/* --- the pure part --- */

/* The body that a webhook gets: `channel`, `subject`, and `text` with the subject before it, as
 * chat servers show that member. */
str notify_webhook_body(struct arena *a, str channel, str subject, str text);
/* How long to wait after so many failed tries. */
int64_t notify_backoff_ms(unsigned tries);

#endif
