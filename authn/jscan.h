/* jscan: the tokens of strict JSON (RFC 8259), decoded in place.
 *
 * What two readers could take differently is no token here: bad UTF-8, a lone surrogate, U+0000, a
 * number that fits no integer or double. A text is decoded over its own escapes, as it is never
 * longer than they. Who reads (jread.c) knows the grammar. */
#ifndef AUTHN_JSCAN_H
#define AUTHN_JSCAN_H

#include "base/str.h"

enum { JSCAN_MAX_NUMBER = 64 };

/* The bytes still to be read are [p, end); they are the caller's, and are written to. */
struct jscan {
    char *p, *end;
    bool has_control; /* a text so far held a control character (C0, DEL, C1) */
};

static inline void jscan_space(struct jscan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

/* This byte, if it comes next. */
static inline bool jscan_take(struct jscan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* From here on false is final: where p then stands has no meaning. */

/* From quote to quote. */
bool jscan_string(struct jscan *s, str *out);
/* A number as written. */
bool jscan_number(struct jscan *s, str *out, bool *is_real);
/* true, false or null. */
bool jscan_word(struct jscan *s, str word);
/* What jscan_number read. */
bool jscan_number_value(str text, bool is_real, double *out);

#endif
