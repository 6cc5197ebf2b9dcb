/* mail: sends one text mail over SMTP, through the libcurl of a fetcher.
 *
 * Control thread only. UTF-8 in, plain text out: quoted-printable, one recipient, no attachments.
 * Nothing given in can become a header: addresses are checked, a subject is one line. */
#ifndef PROXY_NET_MAIL_H
#define PROXY_NET_MAIL_H

#include "base/arena.h"
#include "proxy/net/fetch.h"

enum {
    MAIL_ADDRESS_MAX = 254, /* RFC 5321, section 4.5.3.1.3 */
    MAIL_SUBJECT_MAX = 200, /* bytes; the rest is cut */
    MAIL_TEXT_MAX = 64 * 1024,
    MAIL_DEFAULT_MS = 20000,
};

struct mail_server {
    str url;                /* smtp://HOST:25, smtp+starttls://HOST:587, smtps://HOST:465 */
    str username, password; /* absent: none; never logged */
    str ca_file;            /* PEM path; absent: the system's */
    int64_t timeout_ms;     /* 0 = MAIL_DEFAULT_MS */
};

struct mail {
    str from, to; /* bare addresses */
    str subject, text;
    int64_t wall_s; /* of its Date */
};

struct mail_result {
    bool is_sent;
    bool is_final; /* the server refuses it for good (5xx): sending again is of no use */
    int status;    /* the server's last word, 0 when it said none */
    struct fail fail;
};

typedef void mail_done_fn(void *ctx, const struct mail_result *result);

struct mail_sending;

/* Everything is copied. NULL and fail when it cannot even begin; otherwise `done` is called exactly
 * once, never before this returns. */
struct mail_sending *mail_start(struct fetcher *f, const struct mail_server *server,
                                const struct mail *mail, mail_done_fn *done, void *ctx,
                                struct fail *fail);
/* done will not be called. */
void mail_cancel(struct mail_sending *m);

/* --- the pure part; any thread --- */

/* local@domain: ASCII, no quotes, no white space; what may stand in <> and after RCPT TO. */
bool mail_address_is_sound(str address);
/* The message as it is sent (RFC 5322, 2045, 2047), CRLF line ends; absent and fail when an address
 * is unsound or the text is too long. `id` is what makes its Message-ID unique. */
str mail_write(struct arena *a, const struct mail *mail, str id, struct fail *fail);

#endif
