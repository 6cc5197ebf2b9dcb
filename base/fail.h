/* fail: an unexpected failure, told once, in a whole sentence.
 *
 * Expected outcomes (a token is expired, a rule denies) are verdict enums of their room, never
 * failures. A function that can fail takes `struct fail *` last, fills it and returns false; the
 * caller passes it up or logs it where it is given up. Any thread; owns nothing. */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base/str.h"

enum fail_code {
    FAIL_NONE = 0,
    FAIL_SYSTEM, /* a system call; the sentence carries strerror */
    FAIL_INPUT,  /* a file or message that is not what it must be */
    FAIL_LIMIT,  /* a named limit is exceeded */
    FAIL_NOT_FOUND,
    FAIL_CRYPTO,
    FAIL_UNSUPPORTED,
    FAIL_BUSY,
};

struct fail {
    enum fail_code code;
    char text[480];
};

/* Returns false, so that `return fail_set(f, ...)` reads well. f may be NULL. */
__attribute__((format(printf, 3, 4))) bool fail_set(struct fail *f, enum fail_code code,
                                                    const char *fmt, ...);
/* The same with ": strerror(errno)" appended; code FAIL_SYSTEM. */
__attribute__((format(printf, 2, 3))) bool fail_errno(struct fail *f, const char *fmt, ...);

#endif
