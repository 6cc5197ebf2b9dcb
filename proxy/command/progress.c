#include "proxy/command/progress.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 500, EACH_MS = 100 };

static struct {
    bool has_begun, is_shown;
    int64_t next_ms;
} line;

static int64_t mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_show(const char *what, size_t done, size_t of)
{
    int64_t now_ms = mono_ms();

    if (!line.has_begun) {
        line.has_begun = true;
        line.next_ms = isatty(STDERR_FILENO) ? now_ms + FIRST_MS : INT64_MAX;
    }
    if (now_ms < line.next_ms)
        return;
    line.next_ms = now_ms + EACH_MS;
    line.is_shown = true;
    if (of)
        fprintf(stderr, "\r\033[K%zu of %zu %s", done, of, what);
    else
        fprintf(stderr, "\r\033[K%zu %s", done, what);
    fflush(stderr);
}

void progress_end(void)
{
    if (line.is_shown)
        fputs("\r\033[K", stderr);
    line.has_begun = line.is_shown = false;
}
