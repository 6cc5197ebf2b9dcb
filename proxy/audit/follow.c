/* follow: the live file as it grows, through its rotation. The folder is watched, never the file:
 * a watch on the file ends with its first replacement. */
#include "proxy/audit/reading.h"

#include "base/arena.h"
#include "proxy/audit/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLLOW_BLOCK = 256 * 1024, FOLLOW_MAX = 4 * 1024 * 1024 };

struct audit_follow {
    char *file;
    int fd, watch;
    char *buf;
    size_t n, cap;
};

/* Moves to the start of the last `lines` whole lines. */
static void seek_back(struct audit_follow *w, size_t lines)
{
    off_t end = lseek(w->fd, 0, SEEK_END), at = end;
    size_t seen = 0;
    char *block = mem_alloc(FOLLOW_BLOCK);
    while (at > 0) {
        size_t n = at < FOLLOW_BLOCK ? (size_t)at : FOLLOW_BLOCK;
        if (pread(w->fd, block, n, at - (off_t)n) != (ssize_t)n)
            break;
        for (size_t i = n; i > 0; i--)
            if (block[i - 1] == '\n' && ++seen > lines) {
                at = at - (off_t)n + (off_t)i;
                goto out;
            }
        at -= (off_t)n;
    }
out:
    free(block);
    lseek(w->fd, at, SEEK_SET);
}

struct audit_follow *audit_follow_open(const char *file, size_t lines, struct fail *f)
{
    struct audit_follow *w = mem_alloc(sizeof *w);
    w->file = mem_dup(str_of(file));
    w->cap = FOLLOW_BLOCK;
    w->buf = mem_alloc(w->cap);
    w->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    w->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (w->fd < 0) {
        fail_errno(f, "cannot open %s", file);
        audit_follow_close(w);
        return NULL;
    }
    char *folder = files_folder(file);
    inotify_add_watch(w->watch, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
    free(folder);
    seek_back(w, lines);
    return w;
}

/* Gives the whole lines in the buffer and keeps the rest. */
static bool give_lines(struct audit_follow *w, audit_line_fn fn, void *ctx)
{
    size_t at = 0;
    bool goes_on = true;
    while (goes_on) {
        const char *nl = memchr(w->buf + at, '\n', w->n - at);
        if (!nl)
            break;
        goes_on = fn(ctx, (str){w->buf + at, (size_t)(nl - w->buf) - at});
        at = (size_t)(nl - w->buf) + 1;
    }
    memmove(w->buf, w->buf + at, w->n - at);
    w->n -= at;
    return goes_on;
}

static bool read_more(struct audit_follow *w, audit_line_fn fn, void *ctx, struct fail *f)
{
    for (;;) {
        if (w->cap - w->n < FOLLOW_BLOCK / 2) {
            if (w->cap >= FOLLOW_MAX)
                return fail_set(f, FAIL_LIMIT, "%s has a line longer than any record", w->file);
            w->cap *= 2;
            w->buf = mem_grow(w->buf, w->cap);
        }
        ssize_t n = read(w->fd, w->buf + w->n, w->cap - w->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(f, "cannot read %s", w->file);
        if (n == 0)
            return true;
        w->n += (size_t)n;
        if (!give_lines(w, fn, ctx))
            return false;
    }
}

/* The live file's name now means another file: 1; the same or none: 0. */
static bool is_rotated(const struct audit_follow *w)
{
    struct stat here, there;
    return fstat(w->fd, &here) == 0 && stat(w->file, &there) == 0 &&
           (here.st_dev != there.st_dev || here.st_ino != there.st_ino);
}

static bool next_file(struct audit_follow *w, struct fail *f)
{
    int fd = open(w->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, "cannot open %s", w->file);
    close(w->fd);
    w->fd = fd;
    w->n = 0; /* a torn end of the old one */
    return true;
}

bool audit_follow_step(struct audit_follow *w, int wait_ms, audit_line_fn fn, void *ctx,
                       struct fail *f)
{
    char events[4096];
    /* Asked before reading: what was written before the rotation is read to its end first. */
    bool turns = is_rotated(w);
    if (!read_more(w, fn, ctx, f))
        return false;
    if (turns)
        return next_file(w, f) && read_more(w, fn, ctx, f);
    struct pollfd p = {.fd = w->watch, .events = POLLIN};
    if (poll(&p, 1, wait_ms) > 0)
        while (read(w->watch, events, sizeof events) > 0)
            ;
    return true;
}

void audit_follow_close(struct audit_follow *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    if (w->watch >= 0)
        close(w->watch);
    free(w->file);
    free(w->buf);
    free(w);
}
