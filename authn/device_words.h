/* device_words: the attributes that rules know of a device, and what their values look like. */
#ifndef AUTHN_DEVICE_WORDS_H
#define AUTHN_DEVICE_WORDS_H

#include "authn/device.h"

enum device_word {
    WORD_NONE = 0,
    WORD_FLAG,    /* true, false */
    WORD_NAME,    /* macos, chrome */
    WORD_TEXT,    /* one line */
    WORD_VERSION, /* 14.10.1 */
    WORD_DATE,    /* 2026-11-01 */
    WORD_RISK,    /* 0 to 100 */
    WORD_FREE,    /* provider.name: whatever its provider says */
};

enum { DEVICE_VALUE_MAX = 256, DEVICE_WORD_MAX = 96 };

enum device_word device_word_find(str attribute);
/* The known word that was meant, or {NULL, 0}. */
str device_word_nearest(str attribute);
/* Kind and text of the fact from what somebody wrote; false: *why_out says "must be ...". */
bool device_word_read(enum device_word word, str text, struct device_fact *out,
                      const char **why_out);
/* The same from a claim. A value of a kind that the word cannot have stays what it is, and rules
 * find a type error; false: no fact can be made of it. */
bool device_word_take(enum device_word word, enum claim_kind kind, str text,
                      struct device_fact *out);
/* An id, or a serial number: no control bytes, UTF-8, 1 to DEVICE_ID_MAX bytes. */
bool device_id_is_good(str id);
/* RFC 3339: "2026-11-25T09:30:00Z", with a fraction or an offset. */
bool device_instant(str text, int64_t *out_s);

#endif
