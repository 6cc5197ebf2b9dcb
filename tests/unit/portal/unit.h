/* unit: what the tests of this room share. */
#ifndef TESTS_UNIT_PORTAL_UNIT_H
#define TESTS_UNIT_PORTAL_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"

static inline size_t count(str text, const char *needle)
{
    size_t n = 0, len = strlen(needle);
    const char *at = text.p, *end = text.p + text.n;
    while (at && (at = memmem(at, (size_t)(end - at), needle, len))) {
        n++;
        at += len;
    }
    return n;
}

#endif
