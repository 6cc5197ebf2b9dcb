/* verify: reads the chain from its first file to its last and names the first bad record.
 *
 * A record is vouched for by the `prev` of the one behind it. So when the two disagree, the next
 * line is asked as well: if it carries the hash of the line at hand, that line is whole and the one
 * before it was edited; if not, the line at hand was. */
#include "proxy/audit/reading.h"

#include "base/encode.h"
#include "proxy/audit/files.h"
#include "proxy/audit/journal.h"
#include "proxy/audit/lines.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { PROGRESS_BYTES = 64 * 1024 * 1024, LOOK_AHEAD = 1000 };

static const char *const FLAWS[] = {
    [VERIFY_UNKNOWN] = "unknown",     [VERIFY_GOOD] = "good",
    [VERIFY_EMPTY] = "empty",         [VERIFY_FORMAT] = "format",
    [VERIFY_TORN] = "torn",           [VERIFY_EDITED] = "edited",
    [VERIFY_MISSING] = "missing",     [VERIFY_ORDER] = "order",
    [VERIFY_FORKED] = "forked",       [VERIFY_CHECKPOINT] = "checkpoint",
    [VERIFY_SIGNATURE] = "signature", [VERIFY_ROLLED_BACK] = "rolled-back",
};

const char *verify_flaw_text(enum verify_flaw flaw)
{
    return (size_t)flaw < sizeof FLAWS / sizeof *FLAWS ? FLAWS[flaw] : "unknown";
}

struct verify {
    const struct verify_options *options;
    struct verify_result *out;
    struct note_key key;
    bool has_since, is_since_met;
    struct checkpoint since;
    struct chain chain;
    struct hash before; /* hash of the record before the last: chain.last is of the last */
    bool is_begun;      /* a first record was seen */
    const struct journal_file *file;
    uint64_t bytes_done, bytes_all, bytes_told;
};

/* One line with what its tail says. */
struct entry {
    str line;
    bool is_record;
    uint64_t seq, number;
    struct hash prev;
};

__attribute__((format(printf, 5, 6))) static bool
bad(struct verify *v, enum verify_flaw flaw, uint64_t seq, uint64_t line, const char *fmt, ...)
{
    va_list ap;
    v->out->flaw = flaw;
    v->out->bad_seq = seq;
    v->out->bad_line = line;
    snprintf(v->out->bad_file, sizeof v->out->bad_file, "%s", v->file ? v->file->path : "");
    va_start(ap, fmt);
    vsnprintf(v->out->text, sizeof v->out->text, fmt, ap);
    va_end(ap);
    return false;
}

static unsigned long long ull(uint64_t v)
{
    return v;
}

static bool is_kind(str line, const char *kind)
{
    char text[64];
    int n = snprintf(text, sizeof text, "\"kind\":\"%s\"", kind);
    return memmem(line.p, line.n < 256 ? line.n : 256, text, (size_t)n) != NULL;
}

/* ---- the reader ---- */

struct source {
    struct lines lines;
};

static void entry_read(struct entry *e, str line, uint64_t number)
{
    e->line = line;
    e->number = number;
    e->is_record = line_tail(line, &e->seq, &e->prev);
}

static bool source_take(struct source *s, struct entry *e, struct fail *f)
{
    str line;
    if (!lines_next(&s->lines, &line, f))
        return false;
    entry_read(e, line, s->lines.number);
    return true;
}

/* Does the line behind carry this hash? Asked only to name a flaw: the reader moves on. */
enum vouch { VOUCH_NONE, VOUCH_FITS, VOUCH_OTHER };

static enum vouch next_vouches(struct source *s, const struct hash *own)
{
    struct fail f;
    struct entry next;
    if (!source_take(s, &next, &f) || !next.is_record)
        return VOUCH_NONE;
    return hash_eq(&next.prev, own) ? VOUCH_FITS : VOUCH_OTHER;
}

/* ---- one record ---- */

static bool check_since(struct verify *v)
{
    struct hash root;
    if (!v->has_since || v->is_since_met || v->chain.seq != v->since.size)
        return true;
    tree_root(&v->chain.tree, &root);
    v->is_since_met = true;
    if (hash_eq(&root, &v->since.root))
        return true;
    return bad(v, VERIFY_ROLLED_BACK, v->chain.seq, 0,
               "the first %llu records are not those of the given checkpoint: another history",
               ull(v->since.size));
}

static bool check_tree(struct verify *v, const struct entry *e)
{
    struct tree told;
    struct hash told_root, root;
    struct checkpoint signed_one;
    char note[NOTE_MAX];
    if (!tree_of_record(e->line, &told, note))
        return bad(v, VERIFY_CHECKPOINT, e->seq, e->number,
                   "record %llu tells a tree that does not fit itself", ull(e->seq));
    tree_root(&told, &told_root);
    tree_root(&v->chain.tree, &root);
    if (told.size != v->chain.tree.size || !hash_eq(&told_root, &root))
        return bad(v, VERIFY_CHECKPOINT, e->seq, e->number,
                   "the checkpoint in record %llu is not of the records before it", ull(e->seq));
    v->out->checkpoints++;
    str text = str_of(note);
    if (text.n && (!checkpoint_parse(text, &signed_one) || signed_one.size != told.size ||
                   !hash_eq(&signed_one.root, &root)))
        return bad(v, VERIFY_CHECKPOINT, e->seq, e->number,
                   "the signed note in record %llu is not of the records before it", ull(e->seq));
    if (!v->key.pkey)
        return true;
    if (!note_verify(&v->key, text))
        return bad(v, VERIFY_SIGNATURE, e->seq, e->number,
                   "the checkpoint in record %llu is not signed by the key %s", ull(e->seq),
                   v->key.name);
    v->out->signatures++;
    return true;
}

static bool accept_record(struct verify *v, const struct entry *e)
{
    bool tells = is_kind(e->line, "checkpoint") || is_kind(e->line, "journal");
    if (tells && !check_tree(v, e))
        return false;
    if (is_kind(e->line, "journal.rolled_back"))
        return bad(v, VERIFY_ROLLED_BACK, e->seq, e->number,
                   "record %llu says that the journal was set back before it", ull(e->seq));
    v->before = v->chain.last;
    chain_follow(&v->chain, e->line);
    v->out->records++;
    v->out->last_seq = e->seq;
    return check_since(v);
}

/* ---- a record that does not fit ---- */

static bool judge_hash(struct verify *v, struct source *s, struct entry *e)
{
    struct hash own;
    hash_leaf(e->line, &own);
    if (next_vouches(s, &own) != VOUCH_OTHER)
        return bad(v, VERIFY_EDITED, v->chain.seq, e->number - 1,
                   "record %llu is not what was written: the next one carries another hash",
                   ull(v->chain.seq));
    return bad(v, VERIFY_EDITED, e->seq, e->number,
               "record %llu is not what was written: neither neighbour fits it", ull(e->seq));
}

static bool comes_later(struct source *s, uint64_t seq)
{
    struct fail f;
    struct entry e;
    for (int i = 0; i < LOOK_AHEAD && source_take(s, &e, &f); i++)
        if (e.is_record && e.seq == seq)
            return true;
    return false;
}

static bool judge_gap(struct verify *v, struct source *s, const struct entry *e)
{
    uint64_t wanted = v->chain.seq + 1, seq = e->seq, number = e->number;
    if (comes_later(s, wanted))
        return bad(v, VERIFY_ORDER, seq, number, "record %llu stands where %llu belongs", ull(seq),
                   ull(wanted));
    return bad(v, VERIFY_MISSING, wanted, number, "record %llu%s missing", ull(wanted),
               seq - 1 > wanted ? " and those behind it are" : " is");
}

/* A second record with a number that we had. */
static bool judge_repeat(struct verify *v, struct source *s, struct entry *e)
{
    struct hash own;
    bool is_start = is_kind(e->line, "journal") || is_kind(e->line, "journal.resumed") ||
                    is_kind(e->line, "journal.broken");
    if (is_start)
        return bad(v, VERIFY_FORKED, e->seq, e->number,
                   "two records are number %llu: after a restart the chain went on from an older "
                   "copy",
                   ull(e->seq));
    bool is_rival = e->seq == v->chain.seq && hash_eq(&e->prev, &v->before);
    hash_leaf(e->line, &own);
    uint64_t seq = e->seq, number = e->number;
    if (is_rival && next_vouches(s, &own) == VOUCH_FITS)
        return bad(v, VERIFY_ORDER, seq, number - 1,
                   "record %llu was inserted: the chain runs through the one behind it", ull(seq));
    return bad(v, VERIFY_ORDER, seq, number, "record %llu stands where %llu belongs", ull(seq),
               ull(v->chain.seq + 1));
}

static bool judge_no_record(struct verify *v, struct source *s, const struct entry *e)
{
    uint64_t seq = v->chain.seq + 1;
    if (s->lines.is_torn)
        return bad(v, VERIFY_TORN, seq, e->number,
                   "the last line has no end: the file was cut, or is being written");
    return bad(v, VERIFY_FORMAT, seq, e->number, "line %llu is not a record of the journal",
               ull(e->number));
}

/* ---- files ---- */

static bool begin(struct verify *v, const struct entry *e)
{
    char note[NOTE_MAX];
    if (!is_kind(e->line, "journal") || !tree_of_record(e->line, &v->chain.tree, note))
        return bad(v, VERIFY_MISSING, 1, e->number,
                   "the file does not begin with a journal record: its beginning is missing");
    v->chain.seq = e->seq - 1;
    v->chain.last = e->prev;
    v->out->first_seq = e->seq;
    v->is_begun = true;
    if (v->has_since && v->since.size < v->chain.seq)
        v->is_since_met = true; /* older than what is kept; audit_verify refuses it */
    return check_since(v);
}

/* The writer holds a lock on its file: then an unfinished last line is one that is being written.
 */
static bool is_being_written(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    return is_locked;
}

static bool check_entry(struct verify *v, struct source *s, struct entry *e)
{
    if (!e->is_record || s->lines.is_torn)
        return judge_no_record(v, s, e);
    if (!v->is_begun && !begin(v, e))
        return false;
    if (e->seq > v->chain.seq + 1)
        return judge_gap(v, s, e);
    if (e->seq <= v->chain.seq)
        return judge_repeat(v, s, e);
    if (!hash_eq(&e->prev, &v->chain.last))
        return judge_hash(v, s, e);
    return accept_record(v, e);
}

static void tell_progress(struct verify *v, const struct source *s)
{
    uint64_t done = v->bytes_done + s->lines.raw_bytes;
    if (!v->options->progress || done < v->bytes_told + PROGRESS_BYTES)
        return;
    v->bytes_told = done;
    v->options->progress(v->options->ctx, done, v->bytes_all);
}

/* False when the file cannot be read; *is_good tells the rest. */
static bool verify_file(struct verify *v, bool *is_good, struct fail *f)
{
    struct source s = {0};
    struct entry e;
    if (!lines_open(&s.lines, v->file->path, f))
        return false;
    *is_good = true;
    while (*is_good && source_take(&s, &e, f)) {
        if (s.lines.is_torn && v->file->is_live && is_being_written(v->file->path))
            break;
        *is_good = check_entry(v, &s, &e);
        tell_progress(v, &s);
    }
    bool ok = !s.lines.is_failed || !*is_good;
    lines_close(&s.lines);
    v->bytes_done += v->file->bytes;
    v->out->files++;
    return ok;
}

static bool check_end(struct verify *v)
{
    struct hash root;
    if (!v->is_begun)
        return bad(v, VERIFY_EMPTY, 0, 0, "there is no record");
    if (v->has_since && v->chain.seq < v->since.size)
        return bad(v, VERIFY_ROLLED_BACK, v->chain.seq + 1, 0,
                   "the journal ends with record %llu, the given checkpoint covers %llu",
                   ull(v->chain.seq), ull(v->since.size));
    tree_root(&v->chain.tree, &root);
    hex_encode(root.b, HASH_BYTES, v->out->root);
    v->out->flaw = VERIFY_GOOD;
    return true;
}

static bool verify_files(struct verify *v, struct fail *f)
{
    struct journal_files list;
    bool ok = true, is_good = true;
    if (!files_list(&list, v->options->file, f))
        return false;
    for (size_t i = 0; i < list.n; i++)
        v->bytes_all += list.items[i].bytes;
    for (size_t i = 0; ok && is_good && i < list.n; i++) {
        v->file = &list.items[i];
        ok = verify_file(v, &is_good, f);
    }
    if (ok && is_good)
        check_end(v);
    v->file = NULL;
    files_finish(&list);
    return ok;
}

static bool take_since(struct verify *v, struct fail *f)
{
    if (!v->options->since.p)
        return true;
    if (!checkpoint_parse(v->options->since, &v->since))
        return fail_set(f, FAIL_INPUT, "the given checkpoint is not a signed note of a tree");
    if (v->key.pkey && !note_verify(&v->key, v->options->since))
        return fail_set(f, FAIL_INPUT, "the given checkpoint is not signed by the key %s",
                        v->key.name);
    v->has_since = v->since.size > 0;
    return true;
}

bool audit_verify(const struct verify_options *options, struct verify_result *out, struct fail *f)
{
    struct verify v = {.options = options, .out = out};
    memset(out, 0, sizeof *out);
    bool ok = (!options->key.p || note_key_parse(&v.key, options->key, f)) && take_since(&v, f) &&
              verify_files(&v, f);
    if (ok && out->flaw == VERIFY_GOOD && v.has_since && v.since.size < out->first_seq - 1)
        ok = fail_set(f, FAIL_INPUT,
                      "the given checkpoint covers %llu records, the files begin with record %llu: "
                      "it is too old to tell",
                      ull(v.since.size), ull(out->first_seq));
    if (!ok)
        out->flaw = VERIFY_UNKNOWN;
    note_key_finish(&v.key);
    return ok;
}
