/* forwarded: elements of the header Forwarded (RFC 7239, 4). */
#ifndef PROXY_HTTP_FORWARDED_H
#define PROXY_HTTP_FORWARDED_H

#include "base/str.h"

enum { FORWARDED_VALUE_MOST = 64 };

/* What one hop says; absent where it does not say it. Texts are in here. */
struct forwarded {
    str client, proto; /* for=, proto=, unquoted */
    char client_room[FORWARDED_VALUE_MOST], proto_room[FORWARDED_VALUE_MOST];
};

/* Takes the leftmost element off *list ({NULL, 0} after the last one). False: it is malformed, and
 * nobody can say where the next one begins. An empty one is well-formed and says nothing. */
__attribute__((warn_unused_result)) bool forwarded_next(str *list, struct forwarded *out);

#endif
