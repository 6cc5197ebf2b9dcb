/* idn: a domain in its own script as its A-labels (RFC 5890, RFC 3492).
 *
 * Only what needs no tables of Unicode: small letters of Latin, Greek and Cyrillic, kana, Han and
 * Hangul, each of them its own normal form and read alike by every version of IDNA. Anything else
 * (capitals, marks, other scripts, sharp s, final sigma) is refused: better no domain than another
 * one than the next reader finds. Any thread, no allocation. */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include "base/str.h"

enum { IDN_MAX_BYTES = 253, IDN_MAX_LABEL_BYTES = 63 };

/* Labels of ASCII are taken over as they are, whatever they hold. False: refused. */
bool idn_to_ascii(str domain, char out[IDN_MAX_BYTES], str *domain_out);

#endif
