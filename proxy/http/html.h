/* html: bounded writing of pages: into a buffer of the caller, or into an arena that grows.
 *
 * Nothing that came from outside can become markup: html_text escapes for element and attribute
 * alike. Only html_raw takes text as it is, and is for our own. Any thread. */
#ifndef PROXY_HTTP_HTML_H
#define PROXY_HTTP_HTML_H

#include "base/arena.h"
#include "base/str.h"

struct html {
    char *buf;
    size_t n, cap;
    size_t room;         /* of buf, when it grows */
    struct arena *arena; /* NULL: the buffer does not grow */
    bool full;           /* something did not fit: the result must be dropped */
};

void html_fixed(struct html *h, char *buf, size_t cap);
/* Up to `most` bytes. */
void html_growing(struct html *h, struct arena *a, size_t most);

/* Our own markup. */
void html_raw(struct html *h, str s);
#define html_lit(h, literal) html_raw((h), STR(literal))
/* Escaped; cut with an ellipsis before a character that would pass `max` bytes. Control bytes are
 * spaces, what turns the direction of text is left out, bytes that are no UTF-8 are U+FFFD. */
void html_text(struct html *h, str s, size_t max);
/* The same, but a newline stays one: for what was written in a textarea. */
void html_lines(struct html *h, str s, size_t max);
void html_u64(struct html *h, uint64_t v);
/* The text so far; {NULL, 0} when it did not fit. */
str html_done(const struct html *h);

/* True for what may stand in a link: http(s), or a path of this host. A browser reads `//` and `/\`
 * as another host, and drops tabs and newlines before it looks. */
bool html_is_link(str url);
/* An address that a mail program takes as it is: nothing in it is a part of an URL's syntax. */
bool html_is_mail(str s);

#endif
