/* tls: contexts for both sides, immutable and shared by all threads.
 *
 * TLS 1.2 and 1.3 with AEAD suites and forward secrecy only; no compression, no renegotiation, no
 * early data. A reload makes a new context for new handshakes; connections keep the one they began
 * with. All bytes are given by the caller: nothing here opens a file (system CAs excepted). */
#ifndef PROXY_NET_TLS_H
#define PROXY_NET_TLS_H

#include "base/fail.h"
#include "base/str.h"

enum tls_min { TLS_MIN_12 = 0, TLS_MIN_13 };

/* --- session ticket keys ---------------------------------------------------------------------- */

/* Outside the contexts, so that tickets survive a reload. Any thread. Three generations: the newest
 * seals, the older ones still open. */
struct tls_tickets;

struct tls_tickets *tls_tickets_create(void);
/* Makes a new newest key; call every few hours. */
void tls_tickets_rotate(struct tls_tickets *t);
/* After the last context that uses it. NULL is fine. */
void tls_tickets_destroy(struct tls_tickets *t);

/* --- server side --------------------------------------------------------------------------------
 */

struct tls_server;

struct tls_cert {
    str chain_pem; /* leaf first */
    str key_pem;   /* not encrypted */
    str name;      /* for failure texts: the file's name */
};

struct tls_server_options {
    const struct tls_cert *certs; /* the first one answers when SNI is absent or unknown */
    size_t n_certs;
    enum tls_min min;
    /* Clients may be asked for a certificate (io_ask_certificate) and are told these names. Nothing
     * is verified here but that the client holds the key: a handshake that fails shows nobody why,
     * so whoever decides takes the chain (io_peer_chain) and judges it. Absent: never asked. */
    str client_ca_pem;
    bool h2;                     /* ALPN offers h2 before http/1.1 */
    struct tls_tickets *tickets; /* NULL: no resumption */
};

struct tls_server *tls_server_create(const struct tls_server_options *o, struct fail *f);
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server **s);
/* Does certificate `index` name this host (lower case; exact, or wildcard in the leftmost label) or
 * IP literal? */
bool tls_server_covers(const struct tls_server *s, size_t index, str host);
/* The certificate that SNI would choose. */
size_t tls_server_choose(const struct tls_server *s, str sni);
/* When certificate `index` ends, seconds since 1970; for warnings. */
int64_t tls_server_not_after_s(const struct tls_server *s, size_t index);

/* --- client side (upstreams)
 * ---------------------------------------------------------------------- */

struct tls_client;

/* The zero value is the strictest. */
enum tls_verify {
    TLS_VERIFY_CA = 0, /* chain and name; pins, when given, must match too */
    TLS_VERIFY_PIN,    /* the leaf's key is one of the pins; chain and name do not matter */
    TLS_VERIFY_NONE,
};

enum { TLS_PIN_BYTES = 32 }; /* SHA-256 of the SubjectPublicKeyInfo */

struct tls_client_options {
    enum tls_verify verify;
    str ca_pem; /* absent: the system's */
    const unsigned char (*pins)[TLS_PIN_BYTES];
    size_t n_pins;
    str cert_pem, key_pem; /* our client certificate, may be absent */
    enum tls_min min;
    bool h2;
};

struct tls_client *tls_client_create(const struct tls_client_options *o, struct fail *f);
struct tls_client *tls_client_ref(struct tls_client *c);
void tls_client_unref(struct tls_client **c);

#endif
