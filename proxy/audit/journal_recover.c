/* After a sync that failed: the kernel has dropped what it could not write and will not say so
 * again, so all since the last good sync is read back, held against the chain and written anew. */
#include "proxy/audit/journal.h"

#include "base/arena.h"
#include "proxy/audit/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Follows `chain` over the whole lines of text and returns their bytes; stops at one that is not
 * what was written. */
static size_t follow_checked(struct journal *j, struct chain *chain, str text)
{
    size_t good = 0;
    for (;;) {
        str rest = str_from(text, good);
        size_t n = str_find(rest, '\n');
        uint64_t seq;
        struct hash prev;
        if (n == rest.n)
            return good;
        str line = str_upto(rest, n);
        if (!line_tail(line, &seq, &prev) || seq != chain->seq + 1 || !hash_eq(&prev, &chain->last))
            return good;
        chain_follow(chain, line);
        good += n + 1;
    }
}

/* What came back from the disk is not what was written: the chain goes on from the last record
 * that is there, and a record tells how many are gone. */
static bool give_up_tail(struct journal *j, struct chain *chain, uint64_t end, struct fail *f)
{
    if (ftruncate(j->fd, (off_t)end) != 0)
        return fail_errno(f, "cannot cut %s", j->options->file);
    j->lost += j->chain.seq - chain->seq;
    j->chain = *chain;
    if (j->checkpoint_seq > chain->seq)
        j->checkpoint_seq = 0;
    j->offset = end;
    j->out_n = j->out_at = 0;
    return true;
}

static bool read_back(struct journal *j, char *buf, size_t n, struct fail *f)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = pread(j->fd, buf + at, n - at, (off_t)(j->synced + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_errno(f, "cannot read back %s", j->options->file);
        at += (size_t)got;
    }
    return true;
}

static bool write_again(struct journal *j, const char *buf, size_t n, struct fail *f)
{
    for (size_t at = 0; at < n;) {
        ssize_t done = j->io.pwrite(j->fd, buf + at, n - at, (off_t)(j->synced + at));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_errno(f, "cannot write %s again", j->options->file);
        at += (size_t)done;
    }
    return true;
}

/* The part of a line at the end of the file whose rest is still in `out`: lines start at out[0]. */
static str written_part(const struct journal *j)
{
    const char *nl = j->out_at ? memrchr(j->out, '\n', j->out_at) : NULL;
    size_t start = nl ? (size_t)(nl - j->out) + 1 : 0;
    return (str){j->out + start, j->out_at - start};
}

static bool rewrite(struct journal *j, struct fail *f)
{
    size_t n = (size_t)(j->offset - j->synced);
    char *buf = mem_alloc(n + 1);
    struct chain chain = j->synced_chain;
    bool ok = read_back(j, buf, n, f);
    size_t good = ok ? follow_checked(j, &chain, (str){buf, n}) : 0;
    bool is_whole = ok && str_eq((str){buf + good, n - good}, written_part(j));
    ok = ok && write_again(j, buf, is_whole ? n : good, f);
    if (ok && !is_whole)
        ok = give_up_tail(j, &chain, j->synced + good, f);
    free(buf);
    if (!ok)
        return false;
    if (j->io.fdatasync(j->fd) != 0)
        return fail_errno(f, "cannot sync %s", j->options->file);
    j->is_sync_lost = false;
    return true;
}

bool journal_recover(struct journal *j, struct journal_now now, struct fail *f)
{
    if (j->is_sync_lost && !rewrite(j, f))
        return false;
    return journal_check_replaced(j, now, f) && journal_sync(j, f);
}
