#include "proxy/audit/lines.h"

#include "base/arena.h"

#include <stdlib.h>
#include <zlib.h>

bool lines_open(struct lines *l, const char *path, struct fail *f)
{
    memset(l, 0, sizeof *l);
    l->gz = gzopen(path, "rbe"); /* reads a plain file as it is */
    if (!l->gz)
        return fail_errno(f, "cannot open %s", path);
    gzbuffer(l->gz, 128 * 1024);
    l->path = path;
    l->cap = 2 * LINES_BLOCK;
    l->buf = mem_alloc(l->cap);
    return true;
}

static bool more(struct lines *l, struct fail *f)
{
    if (l->start > 0) {
        memmove(l->buf, l->buf + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->cap - l->end < LINES_BLOCK) {
        l->cap *= 2;
        l->buf = mem_grow(l->buf, l->cap);
    }
    int n = gzread(l->gz, l->buf + l->end, LINES_BLOCK);
    int code;
    const char *why = gzerror(l->gz, &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)) {
        l->is_failed = true;
        return fail_set(f, FAIL_INPUT, "cannot read %s: %s", l->path, why);
    }
    if (code == Z_BUF_ERROR) {
        l->is_failed = true;
        return fail_set(f, FAIL_INPUT, "%s ends in the middle of its compressed data", l->path);
    }
    l->is_ended = n == 0;
    l->end += (size_t)n;
    l->raw_bytes = (uint64_t)gzoffset(l->gz);
    return true;
}

bool lines_next(struct lines *l, str *line, struct fail *f)
{
    size_t looked = 0;
    for (;;) {
        const char *from = l->buf + l->start;
        size_t n = l->end - l->start;
        const char *nl = n > looked ? memchr(from + looked, '\n', n - looked) : NULL;
        if (nl || (l->is_ended && n)) {
            *line = (str){from, nl ? (size_t)(nl - from) : n};
            l->start += line->n + (nl != NULL);
            l->is_torn = !nl;
            l->number++;
            return true;
        }
        if (l->is_ended || l->is_failed)
            return false;
        looked = n;
        if (n > LINE_MAX_BYTES) {
            l->is_failed = true;
            return fail_set(f, FAIL_LIMIT, "%s: line %llu is longer than any record", l->path,
                            (unsigned long long)l->number + 1);
        }
        if (!more(l, f))
            return false;
    }
}

void lines_close(struct lines *l)
{
    if (l->gz)
        gzclose(l->gz);
    free(l->buf);
    memset(l, 0, sizeof *l);
}
