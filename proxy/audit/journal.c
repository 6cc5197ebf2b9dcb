/* The order that matters here and in journal_sync.c: a record is linked (it has its place in the
 * chain), then written, then synced; what a caller is told is never ahead of that. */
#include "proxy/audit/journal.h"

#include "base/encode.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
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

/* ---- time ---- */

void journal_note_clock(struct journal *j, struct journal_now now, int64_t expected_us)
{
    char buf[256];
    struct jout out;
    jout_init(&out, buf, sizeof buf);
    jout_ktime(&out, STR("expected"), expected_us);
    jout_kint(&out, STR("back_us"), expected_us - now.wall_us);
    journal_note(j, "clock.stepped", now.wall_us, jout_text(&out));
    log_warn("clock.stepped", "the system's clock was set back", "file", j->options->file);
}

int64_t journal_checkpoint_in_us(const struct journal *j, struct journal_now now)
{
    uint64_t records = j->chain.seq - j->checkpoint_seq;
    if (records == 0)
        return INT64_MAX;
    int64_t left_us = j->checkpoint_us + CHECKPOINT_US - now.mono_us;
    return records >= CHECKPOINT_RECORDS || left_us < 0 ? 0 : left_us;
}

void journal_tick(struct journal *j, struct journal_now now)
{
    int64_t expected_us = j->seen.wall_us + (now.mono_us - j->seen.mono_us);
    if (now.wall_us < expected_us - CLOCK_STEP_US)
        journal_note_clock(j, now, expected_us);
    j->seen = now;
    if (journal_checkpoint_in_us(j, now) == 0)
        journal_checkpoint(j, now);
}

/* ---- the end --------------------------------------------------------------------------------- */

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
