/* pages: pages of ours on their way between a connection and the room above that makes them.
 *
 * A page's request is read whole (its body is small), recorded like every visit, and handed up; the
 * answer may come later. A refusal that a person would see is offered to the room above first.
 * Worker thread only. */
#ifndef PROXY_HTTP_PAGES_H
#define PROXY_HTTP_PAGES_H

#include "proxy/http/exchange.h"

/* True when the request was for a page of ours, or for none on the portal's host. The visit has
 * begun. */
bool pages_take(struct exchange *ex);
/* True when the room above answers this refusal, or will when the body is here. */
bool pages_refused(struct exchange *ex);
/* EX_FORM: the client has sent more, or nothing for too long. */
void pages_client_readable(struct exchange *ex);
void pages_stalled(struct exchange *ex);
/* EX_PAGE: the room above took too long. */
void pages_too_long(struct exchange *ex);
/* The exchange ends: nobody waits for the page any more. Fine when there is none. */
void pages_gone(struct exchange *ex);
/* Where a program may send its person: the app's own way to the log-in; {NULL, 0}: there is none.
 */
str pages_login_url(struct exchange *ex);

#endif
