/* link: addresses of our own pages, with what they are told in the query. Absent when there is no
 * portal, or nothing to come back to. */
#ifndef PROXY_PORTAL_LINK_H
#define PROXY_PORTAL_LINK_H

#include "base/arena.h"
#include "proxy/portal/pages.h"

/* `issuer` absent: to be chosen. */
str link_login(struct arena *a, const struct page_env *env, const struct page_way *way, str issuer);
/* A form for an app: purpose, request, break-glass; `rule` may be absent. */
str link_form(struct arena *a, const struct page_env *env, str path, str app, str rule, str to);
str link_portal(struct arena *a, const struct page_env *env, str path);
/* Everything but unreserved characters (RFC 3986, section 2.3) as %XX. */
str link_encode(struct arena *a, str s);

#endif
