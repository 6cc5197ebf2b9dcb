/* idn: a domain in its own script as its A-labels (RFC 5890 section 2.3.2.1), by libidn2.
 *
 * Strictly IDNA 2008 (RFC 5891 section 5): nothing is mapped but the capitals of ASCII. A
 * full-width letter, an ideographic full stop or a capital of another script is refused: better no
 * domain than another one than the next reader finds. Any thread. */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include "base/str.h"

enum { IDN_MAX_BYTES = 253, IDN_MAX_LABEL_BYTES = 63 };

/* A domain of ASCII is taken over as it is, whatever it holds, and nothing is allocated for it.
 * `domain_out` points into `out`. False: refused. */
bool idn_to_ascii(str domain, char out[IDN_MAX_BYTES], str *domain_out);

#endif
