/* sign_in: what the pages on the way to a session share: fields with label, hint and error. */
#ifndef PROXY_PORTAL_SIGN_IN_H
#define PROXY_PORTAL_SIGN_IN_H

#include "proxy/portal/frame.h"

struct sign_in_field {
    str id;                           /* and name */
    str attributes;                   /* markup of ours: type, autocomplete ... */
    str value;                        /* typed before; never a secret */
    enum words_id label, hint, error; /* WORDS_NONE: none */
    bool has_focus;
};
void sign_in_field(struct frame *f, const struct sign_in_field *field);
/* "to continue to Inventory", below a headline. */
void sign_in_way(struct frame *f, str app_title);
/* What the attempt before was refused for, with the time to wait. */
void sign_in_error(struct frame *f, str reason, uint32_t retry_after_s);

#endif
