/* device: what connection and request say of the device behind them, for the gate. */
#ifndef PROXY_HTTP_DEVICE_H
#define PROXY_HTTP_DEVICE_H

#include "proxy/http/exchange.h"

/* The certificate of a connection, judged once and again when the CAs changed. */
struct device_cert_seen;

/* An io_asks_fn; ctx is the conn. By the rules of this moment: for an app whose rules look at
 * devices, and for the portal when there is any, since a session is bound to its device there. */
bool device_asks(void *ctx, str sni);
/* visit.request.cert and tell_device, and the marks on fields that go no further. Before the spoof
 * attempts are counted. */
void device_fill(struct exchange *ex);
/* Names of the cookies that carry a document: like its headers they are not for the app. */
size_t device_cookies(struct exchange *ex, const str **out);
void device_forget(struct device_cert_seen **seen); /* takes NULL */

#endif
