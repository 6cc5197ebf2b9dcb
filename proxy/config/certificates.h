/* certificates: of one TLS listener, from the files that it names to a context, with every error
 * and every early end told where the configuration names the file. */
#ifndef PROXY_CONFIG_CERTIFICATES_H
#define PROXY_CONFIG_CERTIFICATES_H

#include "proxy/config/build.h"

/* From here on there is a warning at each start and reload. A certificate of 90 days is renewed
 * when a third is left: whoever sees this has a renewal that failed more than once. */
enum { CERTIFICATE_WARN_DAYS = 21 };

/* Bytes of the files, in the build's arena. */
struct certificates {
    struct tls_cert *own; /* l->n_certificates */
    str client_ca, client_crl;
};
/* Reads certificates, keys, and the CAs and revocation lists of clients. False when a file cannot
 * be read. The digest is equal when a context made of them would be. */
bool certificates_read(struct build *b, const struct config_listener *l, struct certificates *out,
                       char digest[DIGEST_HEX_CHARS + 1]);
/* NULL: the findings say why. */
struct tls_server *certificates_open(struct build *b, const struct config_listener *l,
                                     const struct certificates *certs);
/* Warns of those that have ended by now, or will soon. */
void certificates_warn(struct findings *f, const struct config_listener *l,
                       const struct tls_server *tls, int64_t wall_us);

#endif
