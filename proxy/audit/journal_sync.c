/* What is written becomes durable. A sync may be waited for or left to the syncer's thread; either
 * way it covers what was written when it began, and no more is told. */
#include "proxy/audit/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool journal_has_unsynced(const struct journal *j)
{
    return j->out_n > j->out_at || j->synced < j->offset;
}

/* The last checkpoint, where a restart finds it if the journal itself is set back. Written only
 * after the journal is on disk, or it would cry wolf after a power cut. */
static void save_state(struct journal *j)
{
    struct hash root;
    char note[NOTE_MAX], *tmp = NULL;
    if (!j->options->state_file || !j->key.pkey)
        return;
    tree_root(&j->synced_chain.tree, &root);
    size_t n = note_sign(&j->key, j->synced_chain.tree.size, &root, note);
    if (asprintf(&tmp, "%s.tmp", j->options->state_file) < 0)
        abort();
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        bool ok = write(fd, note, n) == (ssize_t)n;
        close(fd);
        if (!ok || rename(tmp, j->options->state_file) != 0)
            unlink(tmp);
    }
    free(tmp);
}

/* What is on disk leaves the page cache: the kernel then hands the same pages out again. With
 * fresh pages for ever, a write costs up to ten times as much CPU (measured on ext4 in a virtual
 * machine), and the log would push everything else out of memory. */
static void uncache(struct journal *j)
{
    if (j->synced < j->uncached + JOURNAL_UNCACHE)
        return;
    posix_fadvise(j->fd, (off_t)j->uncached, (off_t)(j->synced - j->uncached), POSIX_FADV_DONTNEED);
    j->uncached = j->synced;
}

/* What a sync covers: the part of the chain that is written, which is all when `out` is empty. */
static void mark(struct journal *j)
{
    j->marked = j->offset;
    j->marked_chain = j->chain;
}

static bool take_sync(struct journal *j, int error, struct fail *f)
{
    j->is_syncing = false;
    if (error) {
        j->is_sync_lost = true;
        errno = error;
        return fail_errno(f, "cannot sync %s", j->options->file);
    }
    bool is_new =
        j->checkpoint_seq > j->synced_chain.seq && j->checkpoint_seq <= j->marked_chain.seq;
    j->synced = j->marked;
    j->synced_chain = j->marked_chain;
    j->syncs++;
    uncache(j);
    if (is_new)
        save_state(j);
    return true;
}

bool journal_sync_poll(struct journal *j, struct fail *f)
{
    int error;
    if (!j->is_syncing || !syncer_take(j->syncer, &error))
        return true;
    return take_sync(j, error, f);
}

bool journal_sync(struct journal *j, struct fail *f)
{
    if (j->is_syncing && !take_sync(j, syncer_wait(j->syncer), f))
        return false;
    if (!journal_flush(j, f))
        return false;
    if (j->synced == j->offset)
        return true;
    mark(j);
    return take_sync(j, !j->is_stream && j->io.fdatasync(j->fd) != 0 ? errno : 0, f);
}

bool journal_sync_begin(struct journal *j, struct fail *f)
{
    if (!j->syncer || j->is_stream || j->is_syncing)
        return journal_sync(j, f);
    if (!journal_flush(j, f))
        return false;
    if (j->synced == j->offset)
        return true;
    mark(j);
    j->is_syncing = true;
    syncer_begin(j->syncer, j->fd);
    return true;
}
