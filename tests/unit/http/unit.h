/* unit: what the tests of this room share. */
#ifndef TESTS_UNIT_HTTP_UNIT_H
#define TESTS_UNIT_HTTP_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "proxy/http/h1_head.h"

/* A heap copy of exactly n bytes: one byte read too far is seen by the sanitizer. */
static inline char *exact_copy(str s)
{
    char *copy = malloc(s.n ? s.n : 1);
    assert_non_null(copy);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

#define assert_str(got, want) assert_str_at(got, want, __FILE__, __LINE__)
static inline void assert_str_at(str got, str want, const char *file, int line)
{
    if (str_eq(got, want))
        return;
    print_error("%s:%d: \"%.*s\" is not \"%.*s\"\n", file, line, STR_ARG(got), STR_ARG(want));
    fail();
}

/* Feeds the scanner in steps of `step` bytes (0: all at once); the refusal's verdict, or the
 * parser's when the head has an end. id "incomplete" when neither. */
static inline struct h1_verdict feed_request(str bytes, size_t step, const struct h1_limits *limits,
                                             struct arena *arena, struct http_request_head *out)
{
    struct h1_scan scan = {.limits = limits};
    size_t n = step ? 0 : bytes.n;
    enum h1_scan_result r = H1_SCAN_MORE;
    do {
        n = n + step < bytes.n ? n + step : bytes.n;
        char *seen = exact_copy(str_upto(bytes, n));
        r = h1_head_end(seen, n, &scan);
        free(seen);
    } while (r == H1_SCAN_MORE && n < bytes.n);
    if (r == H1_SCAN_BAD)
        return scan.verdict;
    if (r == H1_SCAN_MORE)
        return (struct h1_verdict){0, "incomplete", ""};
    str head = arena_dup(arena, str_upto(bytes, scan.head_len));
    return h1_request_parse(head, limits, arena, out);
}

#endif
