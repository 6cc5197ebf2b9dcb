/* check: what every test here includes, and assertions that name the row of a table. */
#ifndef TESTS_UNIT_AUTHN_CHECK_H
#define TESTS_UNIT_AUTHN_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "signer.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

#define assert_row(row, condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row \"%s\": %s", (row), #condition);                                         \
    } while (0)

#define assert_verdict(row, found, wanted)                                                         \
    do {                                                                                           \
        enum token_verdict found_ = (found), wanted_ = (wanted);                                   \
        if (found_ != wanted_)                                                                     \
            fail_msg("row \"%s\": %s, wanted %s", (row), token_verdict_code(found_),               \
                     token_verdict_code(wanted_));                                                 \
    } while (0)

#endif
