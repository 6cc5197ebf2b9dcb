/* lines: a file, plain or gzip, line by line. */
#ifndef PROXY_AUDIT_LINES_H
#define PROXY_AUDIT_LINES_H

#include "base/fail.h"
#include "base/str.h"

enum { LINES_BLOCK = 1024 * 1024, LINE_MAX_BYTES = 4 * 1024 * 1024 };

struct lines {
    void *gz; /* gzFile */
    const char *path;
    char *buf;
    size_t cap, start, end;
    uint64_t number;    /* of the line last given, 1-based */
    uint64_t raw_bytes; /* read from the disk so far */
    bool is_torn;       /* the line last given had no newline: the file ends in it */
    bool is_ended, is_failed;
};

bool lines_open(struct lines *l, const char *path, struct fail *f);
/* The next line without its newline, valid until the next call. False at the end, or with
 * is_failed. */
bool lines_next(struct lines *l, str *line, struct fail *f);
void lines_close(struct lines *l);

#endif
