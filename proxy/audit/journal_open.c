/* The journal is taken up where its files end (resume.c), and what is found wrong with them becomes
 * its first records: a torn end, a chain that does not fit, a file older than its last checkpoint.
 */
#include "proxy/audit/journal.h"

#include "base/encode.h"
#include "base/log.h"
#include "proxy/audit/files.h"
#include "proxy/audit/rotate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
        journal_note_clock(j, now, r->last_wall_us);
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

/* The chain goes on in the live file, or in a new one behind those that were rotated. */
static bool take_up(struct journal *j, const struct resume *live, struct journal_now now,
                    struct fail *f)
{
    struct resume r = *live;
    bool is_begun = live->end > 0;
    if (!is_begun && !resume_rotated(j, &r, f))
        return false;
    j->synced_chain = j->chain;
    if (is_begun) {
        j->file_first_seq = r.first_seq;
        j->file_wall_us = r.first_wall_us;
        j->checkpoint_seq = r.tree_seq;
    } else {
        journal_first(j, now);
    }
    if (r.is_found)
        note_resume(j, &r, now);
    note_rollback(j, &r, now.wall_us);
    return true;
}

static bool stand_at(struct journal *j, uint64_t end, struct fail *f)
{
    struct stat st;
    if (fstat(j->fd, &st) != 0)
        return fail_errno(f, "cannot look at %s", j->options->file);
    j->device = st.st_dev;
    j->inode = st.st_ino;
    j->offset = j->synced = j->uncached = end;
    return true;
}

static bool open_live(struct journal *j, struct journal_now now, struct fail *f)
{
    struct resume r = {0};
    char *torn = NULL;
    j->fd = rotate_open(j->options->file, O_CREAT, f);
    if (j->fd < 0)
        return false;
    bool ok = resume_file(j->options->file, &j->chain, &r, f) &&
              (r.torn_bytes == 0 || keep_torn(j, &r, now.wall_us, &torn, f)) &&
              stand_at(j, r.end, f) && take_up(j, &r, now, f);
    if (ok && torn)
        note_torn(j, &r, torn, now.wall_us);
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
    j->fd = -1;
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
