#include "proxy/audit/rotate.h"

#include "base/log.h"
#include "proxy/audit/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int rotate_open(const char *path, int flags, struct fail *f)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
    if (fd < 0) {
        fail_errno(f, "cannot open the access log %s", path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        fail_set(f, FAIL_BUSY, "another process writes %s", path);
        close(fd);
        return -1;
    }
    return fd;
}

bool rotate_sync_folder(const char *path, struct fail *f)
{
    char *folder = files_folder(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        fail_errno(f, "cannot sync the folder %s", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}

/* The new file is made first, under another name: if the disk has no room for it, the old one
 * simply goes on. */
static int make_next(const char *live, struct stat *st, char **path, struct fail *f)
{
    if (asprintf(path, "%s.new", live) < 0)
        abort();
    unlink(*path);
    int fd = rotate_open(*path, O_CREAT | O_EXCL, f);
    if (fd >= 0 && fstat(fd, st) != 0) {
        fail_errno(f, "cannot look at %s", *path);
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Moves the live file to `aside` (NULL: there is none) and the new one into its place. */
static bool switch_files(struct journal *j, struct journal_now now, const char *aside,
                         struct fail *f)
{
    const char *live = j->options->file;
    struct stat st;
    struct fail sync_why = {0};
    char *next = NULL;
    int fd = make_next(live, &st, &next, f);
    bool ok = fd >= 0;
    if (ok && aside && rename(live, aside) != 0)
        ok = fail_errno(f, "cannot rename %s to %s", live, aside);
    if (ok && rename(next, live) != 0) {
        ok = fail_errno(f, "cannot rename %s to %s", next, live);
        if (aside && rename(aside, live) != 0) /* or the next try finds no live file */
            log_error("journal.rotate", "the live file could not be put back", "file", aside);
    }
    if (ok) {
        close(j->fd);
        j->fd = fd;
        j->device = st.st_dev;
        j->inode = st.st_ino;
        j->offset = j->synced = j->uncached = 0;
        j->synced_chain = j->chain;
        journal_first(j, now);
        if (!rotate_sync_folder(live, &sync_why)) /* the names are there, if not yet on disk */
            log_warn("journal.rotate", "the folder could not be synced", "reason", sync_why.text);
    } else if (fd >= 0) {
        close(fd);
        unlink(next);
    }
    free(next);
    return ok;
}

static bool is_due(const struct journal *j, struct journal_now now)
{
    const struct audit_options *o = j->options;
    /* A file with nothing but its own first record is not worth turning. */
    if (j->is_stream || j->chain.seq <= j->file_first_seq || now.mono_us < j->rotate_after_us)
        return false;
    if (o->rotate_bytes > 0 && j->offset + (j->out_n - j->out_at) >= (uint64_t)o->rotate_bytes)
        return true;
    int64_t every_us = o->rotate_every_s * 1000000;
    return every_us > 0 && now.wall_us / every_us > j->file_wall_us / every_us;
}

bool journal_rotate_if_due(struct journal *j, struct journal_now now, struct fail *f)
{
    struct fail why = {0};
    if (!is_due(j, now))
        return true;
    journal_checkpoint(j, now);
    if (!journal_sync(j, f))
        return false;
    char *aside = files_rotated_path(j->options->file, now.wall_us / 1000000, j->file_first_seq,
                                     j->chain.seq);
    if (switch_files(j, now, aside, &why)) {
        j->rotations++;
        free(j->rotated);
        j->rotated = aside;
        return journal_sync(j, f);
    }
    /* Not rotated is no reason to refuse anybody: the record goes on in the old file. */
    log_warn("journal.rotate", "the journal could not be rotated", "reason", why.text);
    j->rotate_after_us = now.mono_us + ROTATE_RETRY_US;
    free(aside);
    return true;
}

bool journal_check_replaced(struct journal *j, struct journal_now now, struct fail *f)
{
    const char *live = j->options->file;
    struct stat st;
    if (j->is_stream)
        return true;
    bool is_there = lstat(live, &st) == 0;
    if (is_there && st.st_dev == j->device && st.st_ino == j->inode)
        return true;
    if (!is_there && errno != ENOENT)
        return fail_errno(f, "cannot look at %s", live);
    /* Somebody moved, removed or replaced our file. What it was given so far is completed there
     * (it may only have been moved); the record goes on under its own name. */
    if (!journal_sync(j, f))
        return false;
    char *aside = is_there ? files_apart_path(live, "foreign", now.wall_us / 1000000) : NULL;
    bool ok = switch_files(j, now, aside, f);
    if (ok) {
        journal_note(j, "journal.replaced", now.wall_us, STR(""));
        log_error("journal.replaced", "the journal's file was moved or replaced", "file", live);
    }
    free(aside);
    return ok;
}
