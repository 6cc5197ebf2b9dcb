/* The order that matters, everywhere below: a record is linked (it has its place in the chain),
 * then written, then synced; what a caller is told is never ahead of that. */
#include "proxy/audit/journal.h"

#include "base/arena.h"
#include "base/encode.h"
#include "base/log.h"
#include "proxy/audit/files.h"
#include "proxy/audit/rotate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- records ---- */

bool journal_has_room(const struct journal *j)
{
    return j->out_n + AUDIT_RECORD_MAX + CHAIN_TAIL_MAX + 3 * JOURNAL_OWN_MAX <= JOURNAL_OUT;
}

void journal_add(struct journal *j, str record)
{
    assert(j->out_n + record.n + CHAIN_TAIL_MAX <= JOURNAL_OUT);
    char *line = j->out + j->out_n;
    size_t n = chain_link(&j->chain, record, line);
    /* A newline would let one record pose as two. The writer of a record escapes it; this is the
     * second look. */
    assert(memchr(line, '\n', n - 1) == NULL);
    j->out_n += n;
    j->records++;
    j->bytes += n;
}

static void own_begin(struct journal *j, struct jout *out, char *buf, const char *kind,
                      int64_t wall_us)
{
    jout_init(out, buf, JOURNAL_OWN_MAX - CHAIN_TAIL_MAX);
    jout_open(out, '{');
    jout_ktime(out, STR("time"), wall_us);
    jout_kstr(out, STR("kind"), str_of(kind));
    jout_kstr(out, STR("node"), str_of(j->options->node ? j->options->node : ""));
    jout_kstr(out, STR("boot"), str_of(j->options->boot ? j->options->boot : ""));
}

static void own_end(struct journal *j, struct jout *out)
{
    jout_close(out, '}');
    assert(!out->overflow);
    journal_add(j, jout_text(out));
}

void journal_note(struct journal *j, const char *kind, int64_t wall_us, str members)
{
    char buf[JOURNAL_OWN_MAX];
    struct jout out;
    own_begin(j, &out, buf, kind, wall_us);
    if (members.n)
        jout_raw(&out, members);
    own_end(j, &out);
}

/* size, root, frontier and the signed note: what a reader needs to verify from here on. */
static void put_tree(struct journal *j, struct jout *out)
{
    struct hash root;
    char hex[HASH_HEX], note[NOTE_MAX];
    tree_root(&j->chain.tree, &root);
    hex_encode(root.b, HASH_BYTES, hex);
    jout_key(out, STR("size"));
    jout_uint(out, j->chain.tree.size);
    jout_kstr(out, STR("root"), (str){hex, HASH_HEX});
    jout_key(out, STR("frontier"));
    tree_write(&j->chain.tree, out);
    if (j->key.pkey) {
        size_t n = note_sign(&j->key, j->chain.tree.size, &root, note);
        jout_kstr(out, STR("note"), (str){note, n});
    }
}

static void put_tree_record(struct journal *j, struct journal_now now, const char *kind)
{
    char buf[JOURNAL_OWN_MAX];
    struct jout out;
    own_begin(j, &out, buf, kind, now.wall_us);
    if (strcmp(kind, "journal") == 0) {
        jout_kint(&out, STR("format"), JOURNAL_FORMAT);
        if (j->key.pkey)
            jout_kstr(&out, STR("key"), str_of(j->key.verifier));
    }
    put_tree(j, &out);
    own_end(j, &out);
    j->checkpoint_seq = j->chain.seq;
    j->checkpoint_us = now.mono_us;
}

void journal_checkpoint(struct journal *j, struct journal_now now)
{
    if (j->checkpoint_seq == j->chain.seq)
        return;
    put_tree_record(j, now, "checkpoint");
    j->checkpoints++;
}

void journal_first(struct journal *j, struct journal_now now)
{
    j->file_first_seq = j->chain.seq + 1;
    j->file_wall_us = now.wall_us;
    put_tree_record(j, now, "journal");
}

/* ---- writing ---- */

bool journal_flush(struct journal *j, struct fail *f)
{
    while (j->out_at < j->out_n) {
        size_t n = j->out_n - j->out_at;
        ssize_t done = j->is_stream ? write(j->fd, j->out + j->out_at, n)
                                    : j->io.pwrite(j->fd, j->out + j->out_at, n, (off_t)j->offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail_errno(f, "cannot write %s", j->options->file);
        j->writes++;
        j->out_at += (size_t)done;
        j->offset += (uint64_t)done;
    }
    j->out_n = j->out_at = 0;
    return true;
}

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

/* ---- after a sync that failed ---- */

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

/* ---- time ---- */

static void note_clock(struct journal *j, struct journal_now now, int64_t expected_us)
{
    char buf[256];
    struct jout out;
    jout_init(&out, buf, sizeof buf);
    jout_ktime(&out, STR("expected"), expected_us);
    jout_kint(&out, STR("back_us"), expected_us - now.wall_us);
    journal_note(j, "clock.stepped", now.wall_us, jout_text(&out));
    log_warn("clock.stepped", "the system's clock was set back", "file", j->options->file);
}

void journal_tick(struct journal *j, struct journal_now now)
{
    int64_t expected_us = j->seen.wall_us + (now.mono_us - j->seen.mono_us);
    if (now.wall_us < expected_us - CLOCK_STEP_US)
        note_clock(j, now, expected_us);
    j->seen = now;
    uint64_t records = j->chain.seq - j->checkpoint_seq;
    if (records >= CHECKPOINT_RECORDS ||
        (records > 0 && now.mono_us - j->checkpoint_us >= CHECKPOINT_US))
        journal_checkpoint(j, now);
}

/* ---- opening ---- */

/* Keeps the torn tail in a file of its own, then cuts it off. */
static bool keep_torn(struct journal *j, const struct resume *r, int64_t wall_us, char **path,
                      struct fail *f)
{
    *path = files_apart_path(j->options->file, "torn", wall_us / 1000000);
    int out = open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    bool ok = out >= 0;
    char buf[4096];
    for (uint64_t at = r->end; ok && at < r->end + r->torn_bytes;) {
        uint64_t left = r->end + r->torn_bytes - at;
        ssize_t n = pread(j->fd, buf, left < sizeof buf ? left : sizeof buf, (off_t)at);
        ok = n > 0 && write(out, buf, (size_t)n) == n;
        at += ok ? (uint64_t)n : 0;
    }
    ok = ok && fsync(out) == 0 && ftruncate(j->fd, (off_t)r->end) == 0;
    if (!ok)
        fail_errno(f, "cannot keep the torn end of %s in %s", j->options->file, *path);
    if (out >= 0)
        close(out);
    return ok;
}

static void note_torn(struct journal *j, const struct resume *r, const char *path, int64_t wall_us)
{
    char buf[8192], num[24];
    struct jout out;
    jout_init(&out, buf, sizeof buf);
    jout_kint(&out, STR("bytes"), (int64_t)r->torn_bytes);
    jout_kstr(&out, STR("kept"), str_of(path));
    journal_note(j, "journal.torn", wall_us, jout_text(&out));
    log_warn("journal.torn", "the journal's end was torn and is kept apart", "file", path, "bytes",
             log_num(num, (int64_t)r->torn_bytes));
}

/* The last checkpoint that we know of covers more than the journal has, or something else. */
static void note_rollback(struct journal *j, const struct resume *r, int64_t wall_us)
{
    char note[NOTE_MAX], buf[512], hex[HASH_HEX];
    struct checkpoint known;
    struct jout out;
    int fd = j->options->state_file ? open(j->options->state_file, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, note, sizeof note) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0 || !checkpoint_parse((str){note, (size_t)n}, &known) ||
        !note_verify(&j->key, (str){note, (size_t)n}))
        return;
    bool is_other = known.size == r->tree_seq - 1 && !hash_eq(&known.root, &r->tree_root);
    if (known.size <= j->chain.seq && !is_other)
        return;
    hex_encode(known.root.b, HASH_BYTES, hex);
    jout_init(&out, buf, sizeof buf);
    jout_kint(&out, STR("known_size"), (int64_t)known.size);
    jout_kstr(&out, STR("known_root"), (str){hex, HASH_HEX});
    journal_note(j, "journal.rolled_back", wall_us, jout_text(&out));
    log_error("journal.rolled_back", "the journal is older than its last known checkpoint", "file",
              j->options->file);
}

static void note_resume(struct journal *j, const struct resume *r, struct journal_now now)
{
    char buf[64];
    struct jout out;
    jout_init(&out, buf, sizeof buf);
    if (r->broken_seq) {
        jout_kint(&out, STR("broken_seq"), (int64_t)r->broken_seq);
        log_error("journal.broken", "a record of the journal does not fit the one before", "file",
                  j->options->file);
    }
    journal_note(j, r->broken_seq ? "journal.broken" : "journal.resumed", now.wall_us,
                 jout_text(&out));
    if (r->last_wall_us > now.wall_us + CLOCK_STEP_US)
        note_clock(j, now, r->last_wall_us);
}

/* No live file, but rotated ones: the chain goes on from the last of them. */
static bool resume_rotated(struct journal *j, struct resume *r, struct fail *f)
{
    struct journal_files list;
    if (!files_list(&list, j->options->file, f))
        return false;
    bool ok = true;
    for (size_t i = list.n; i-- > 0;) {
        if (list.items[i].is_live)
            continue;
        ok = resume_file(list.items[i].path, &j->chain, r, f);
        break;
    }
    files_finish(&list);
    return ok;
}

static bool open_live(struct journal *j, struct journal_now now, struct fail *f)
{
    struct resume r = {0};
    struct stat st;
    char *torn = NULL;
    j->fd = rotate_open(j->options->file, O_CREAT, f);
    if (j->fd < 0)
        return false;
    bool ok = resume_file(j->options->file, &j->chain, &r, f) &&
              (r.torn_bytes == 0 || keep_torn(j, &r, now.wall_us, &torn, f)) &&
              (fstat(j->fd, &st) == 0 || fail_errno(f, "cannot look at %s", j->options->file));
    if (!ok)
        goto out;
    j->device = st.st_dev;
    j->inode = st.st_ino;
    j->offset = j->synced = j->uncached = r.end;
    bool is_begun = r.end > 0;
    struct resume earlier = r;
    if (!is_begun && !(ok = resume_rotated(j, &earlier, f)))
        goto out;
    j->synced_chain = j->chain;
    if (is_begun) {
        j->file_first_seq = r.first_seq;
        j->file_wall_us = r.first_wall_us;
        j->checkpoint_seq = r.tree_seq;
    } else {
        journal_first(j, now);
    }
    if (earlier.is_found) {
        note_resume(j, &earlier, now);
        note_rollback(j, &earlier, now.wall_us);
    } else {
        note_rollback(j, &r, now.wall_us);
    }
    if (torn)
        note_torn(j, &r, torn, now.wall_us);
out:
    free(torn);
    return ok;
}

static ssize_t system_pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

static bool open_stream(struct journal *j, struct journal_now now, struct fail *f)
{
    j->is_stream = true;
    j->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (j->fd < 0)
        return fail_errno(f, "cannot write the journal to standard output");
    journal_first(j, now);
    return true;
}

bool journal_open(struct journal *j, const struct audit_options *o, struct journal_now now,
                  struct fail *f)
{
    memset(j, 0, sizeof *j);
    j->options = o;
    j->io = o->io ? *o->io : (struct audit_io){system_pwrite, fdatasync};
    j->fd = j->folder_fd = -1;
    j->seen = now;
    j->checkpoint_us = now.mono_us;
    j->out = malloc(JOURNAL_OUT); /* not zeroed: pages are touched as they are needed */
    if (!j->out)
        abort();
    if (o->key_file && !note_key_open(&j->key, o->key_file, o->node, f))
        return false;
    bool ok = strcmp(o->file, "-") == 0 ? open_stream(j, now, f) : open_live(j, now, f);
    return ok && journal_sync(j, f) && (j->is_stream || rotate_sync_folder(o->file, f));
}

void journal_close(struct journal *j)
{
    syncer_destroy(j->syncer);
    if (j->fd >= 0)
        close(j->fd);
    note_key_finish(&j->key);
    free(j->rotated);
    free(j->out);
    memset(j, 0, sizeof *j);
    j->fd = -1;
}
