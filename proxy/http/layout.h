/* layout: what all pages of postern look like: one head, one style sheet (style.css, in the
 * binary), one drawing of the page. Rooms that serve pages write what stands inside. Any thread.
 *
 *     layout_open(h, &l);     the head, and the top of the page with the organisation's name
 *     ...                     further things for the top, such as who is signed in
 *     layout_main(h, &l);     the main part begins
 *     ...
 *     layout_close(h, &l);
 */
#ifndef PROXY_HTTP_LAYOUT_H
#define PROXY_HTTP_LAYOUT_H

#include "proxy/http/html.h"

/* CSP of a page without script, images or frames; form-action and script-src come after it. */
#define LAYOUT_CSP_BEGIN "default-src 'none'; img-src data:; style-src '"
#define LAYOUT_CSP_END "'; base-uri 'none'; frame-ancestors 'none'"

struct layout {
    str lang;  /* "en", "de" */
    str title; /* of the document */
    str brand; /* whose postern it is */
    str home;  /* where the brand leads; absent: nowhere */
    str skip;  /* words of the link to the main part */
    bool is_wide;
};

void layout_open(struct html *h, const struct layout *l);
void layout_main(struct html *h, const struct layout *l);
void layout_close(struct html *h, const struct layout *l);

/* A sign beside a headline: what kind of news this is, for the eye alone. */
enum layout_sign {
    LAYOUT_SIGN_NONE = 0,
    LAYOUT_SIGN_DOOR,  /* sign in */
    LAYOUT_SIGN_LOCK,  /* refused */
    LAYOUT_SIGN_CLOCK, /* not now */
    LAYOUT_SIGN_ALERT, /* something failed */
    LAYOUT_SIGN_DONE,
    LAYOUT_SIGN_PEN, /* to be filled in */
    LAYOUT_SIGN_COUNT
};
void layout_sign(struct html *h, enum layout_sign sign);
/* A row of the list at the foot of a page; nothing for an empty value. */
void layout_fact(struct html *h, str name, str value, size_t max);
/* The same for a contact: a mail address or an URL is a link. */
void layout_contact(struct html *h, str name, str contact);

/* The style sheet and its CSP source, "sha256-...". */
str layout_style(void);
str layout_style_hash(void);

#endif
