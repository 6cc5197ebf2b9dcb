/* Failures. See fail.h. */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static size_t put(struct fail *f, const char *fmt, va_list ap)
{
    int n = vsnprintf(f->text, sizeof f->text, fmt, ap);
    return n < 0 ? 0 : (size_t)n < sizeof f->text ? (size_t)n : sizeof f->text - 1;
}

bool fail_set(struct fail *f, enum fail_code code, const char *fmt, ...)
{
    if (!f)
        return false;
    va_list ap;
    va_start(ap, fmt);
    f->code = code;
    put(f, fmt, ap);
    va_end(ap);
    return false;
}

bool fail_errno(struct fail *f, const char *fmt, ...)
{
    int err = errno;
    if (!f)
        return false;
    va_list ap;
    va_start(ap, fmt);
    f->code = FAIL_SYSTEM;
    size_t n = put(f, fmt, ap);
    va_end(ap);
    snprintf(f->text + n, sizeof f->text - n, ": %s", strerror(err));
    return false;
}
