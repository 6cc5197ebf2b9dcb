/* net: sockets, time and TLS for every thread of the proxy; the face of this folder.
 *
 * Only files of this folder include <uv.h> and <openssl/ssl.h>. net knows no request and no
 * configuration: it takes plain parameters and calls back. Unless a comment says "any thread", a
 * function may only be called on the thread that runs its loop. */
#ifndef PROXY_NET_NET_H
#define PROXY_NET_NET_H

#include "proxy/net/loop.h"         /* loop, mailbox, deadline, watch, signals, jobs, dirwatch */
#include "proxy/net/tls.h"          /* tls_server, tls_client, tls_tickets */
#include "proxy/net/io.h"           /* one connected socket, plain or TLS */
#include "proxy/net/listener.h"     /* bind and accept */
#include "proxy/net/dial.h"         /* resolve and connect */
#include "proxy/net/proxy_header.h" /* the PROXY protocol, bytes alone */
#include "proxy/net/fetch.h"        /* HTTPS documents, control thread only */
#include "proxy/net/mail.h"         /* text mails, control thread only */

#endif
