#include "proxy/audit/archive.h"

#include "base/log.h"
#include "proxy/audit/files.h"

#include <stdlib.h>

enum { EXPIRE_US = 60 * 1000 * 1000 };

static void *compress(void *arg)
{
    struct archive *archive = arg;
    struct fail f = {0};
    if (!files_compress(archive->path, &archive->is_stopping, &f) &&
        !atomic_load(&archive->is_stopping))
        log_warn("journal.compress", f.text, "file", archive->path);
    atomic_store(&archive->is_over, true);
    return NULL;
}

static void forget(struct archive *archive)
{
    free(archive->path);
    archive->path = NULL;
}

static void join(struct archive *archive)
{
    if (!archive->has_thread)
        return;
    pthread_join(archive->thread, NULL);
    archive->has_thread = false;
    forget(archive);
}

/* One at a time; a file that is rotated meanwhile waits in journal.rotated, and one that is
 * overtaken there stays plain, which reads just as well. */
static void compress_next(struct archive *archive, struct journal *j)
{
    if (archive->has_thread && atomic_load(&archive->is_over))
        join(archive);
    if (!j->options->compress || !j->rotated || archive->has_thread)
        return;
    archive->path = j->rotated;
    j->rotated = NULL;
    atomic_store(&archive->is_over, false);
    archive->has_thread = pthread_create(&archive->thread, NULL, compress, archive) == 0;
    if (!archive->has_thread)
        forget(archive);
}

static void expire(struct archive *archive, const struct journal *j, struct journal_now now)
{
    if (j->options->keep_s <= 0 || j->is_stream || now.mono_us < archive->expired_us)
        return;
    archive->expired_us = now.mono_us + EXPIRE_US;
    files_expire(j->options->file, now.wall_us / 1000000, j->options->keep_s);
}

void archive_tend(struct archive *archive, struct journal *j, struct journal_now now)
{
    compress_next(archive, j);
    expire(archive, j, now);
}

void archive_finish(struct archive *archive)
{
    atomic_store(&archive->is_stopping, true);
    join(archive);
}
