/* io: reads and writes one connected, non-blocking socket, in the clear or through TLS.
 *
 * io owns neither the fd nor the watch; the owner watches the fd and calls here when it is ready.
 * Under TLS one io_writev sends all its records with one system call, and one io_read takes several
 * records with one; what did not fit the socket is kept with the connection (io_unsent) and an idle
 * connection keeps no buffer. */
#ifndef PROXY_NET_IO_H
#define PROXY_NET_IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/arena.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls.h"

struct tls_stream;

enum io_status {
    IO_EOF = 0,          /* orderly end (read), or nothing to write */
    IO_AGAIN_READ = -1,  /* call again when readable */
    IO_AGAIN_WRITE = -2, /* call again when writable */
    IO_ERROR = -3,       /* dead: io_error_text says why */
    IO_DONE = 1,         /* io_handshake, io_flush, io_shutdown: finished */
};

enum {
    IO_BATCH_BYTES = 128 << 10, /* most plaintext that one io_writev takes under TLS */
};

struct io {
    int fd;
    int error;               /* errno of the failed call, 0 when TLS failed */
    unsigned long tls_error; /* the TLS library's code, 0 when the socket failed */
    struct tls_stream *tls;  /* NULL in the clear */
};

void io_open_plain(struct io *io, int fd);
/* Server side; holds a reference to the context. Call io_handshake until IO_DONE. */
bool io_open_server(struct io *io, struct loop *loop, int fd, struct tls_server *ctx,
                    struct fail *f);
/* Client side; `server_name` (a host name or an IP literal) is sent as SNI when it is a name, and
 * is what the certificate must be for. */
bool io_open_client(struct io *io, struct loop *loop, int fd, struct tls_client *ctx,
                    str server_name, struct fail *f);
/* Server side, before the handshake: `asks` is called at most once, when the client has said which
 * host it wants (absent: it did not), and tells whether to ask it for a certificate. The client may
 * still send none. Without a call, or without client_ca_pem, nobody is asked. */
typedef bool io_asks_fn(void *ctx, str sni);
void io_ask_certificate(struct io *io, io_asks_fn *asks, void *ctx);
/* Frees what belongs to TLS; the fd stays open. Also for a zeroed io. */
void io_finish(struct io *io);

/* IO_DONE, IO_AGAIN_READ, IO_AGAIN_WRITE or IO_ERROR. In the clear IO_DONE. The status names what
 * to wait for; when io_unsent() is not 0 wait for writable too. After IO_DONE look at io_pending:
 * the first request may have come in the same segment and raises no readiness any more. */
int io_handshake(struct io *io);
/* After a failed io_handshake: the peer began with an HTTP request instead of TLS. */
bool io_spoke_http(const struct io *io);
/* For such a peer: the bytes in the clear, best effort; then close. */
void io_answer_in_clear(struct io *io, str bytes);

/* Bytes read (> 0) or an io_status, with at most one recv. A result shorter than n means: wait for
 * readiness, which is level-triggered. Under TLS an end without close_notify is IO_ERROR, because
 * anybody on the way can cut a body short. Give 32 KiB or more. */
ssize_t io_read(struct io *io, void *buf, size_t n);
/* Bytes taken (> 0, maybe fewer than given) or an io_status. Under TLS bytes taken may still wait
 * here: look at io_unsent. */
ssize_t io_writev(struct io *io, const struct iovec *iov, int n);
/* Bytes that io_read would give without touching the socket; they raise no readiness, so read
 * again before waiting. */
size_t io_pending(const struct io *io);
/* Encrypted bytes that the socket did not take yet. While not 0 keep WATCH_WRITE wanted and call
 * io_flush (or io_writev) when writable; do not close before it is 0 unless you mean it. */
size_t io_unsent(const struct io *io);
/* IO_DONE when nothing is unsent, IO_AGAIN_WRITE or IO_ERROR. */
int io_flush(struct io *io);
/* Sends close_notify (best effort) and shuts the sending side down. */
void io_shutdown(struct io *io);

/* The reason of the last IO_ERROR in words, "closed" style, without addresses. */
void io_error_text(const struct io *io, char *buf, size_t n);

static inline bool io_is_tls(const struct io *io)
{
    return io->tls != NULL;
}
/* After the handshake; absent when not known. The slices live as long as the io. */
str io_alpn(const struct io *io);
str io_sni(const struct io *io);         /* lower case */
str io_tls_version(const struct io *io); /* "TLSv1.3" */
str io_cipher(const struct io *io);      /* "TLS_AES_128_GCM_SHA256" */
/* The group of the key exchange, "x25519"; looked up in a list: ask once a connection. */
str io_tls_group(const struct io *io);
bool io_is_resumed(const struct io *io);
/* Server side: does the certificate that SNI chose belong to this host name (lower case) or IP
 * literal? False otherwise and in the clear. http answers 421. */
bool io_covers_host(const struct io *io, str host);
/* Index of the certificate chosen, as given to tls_server_create. */
size_t io_certificate(const struct io *io);
/* The peer's leaf certificate as DER into out; false when there is none (or it is larger than cap).
 * On the server side nobody has verified it. */
bool io_peer_certificate(const struct io *io, unsigned char *out, size_t cap, size_t *n_out);
/* Server side: what the client sent, the leaf first, as DER in the arena; 0: no certificate. It is
 * there on a resumed connection, too. Not verified. */
enum { IO_CHAIN_MOST = 8 };
size_t io_peer_chain(const struct io *io, struct arena *a, str out[IO_CHAIN_MOST]);
/* Was the client asked for a certificate? */
bool io_asked_certificate(const struct io *io);

#endif
