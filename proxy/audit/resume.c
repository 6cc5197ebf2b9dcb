/* resume: where the chain goes on after a restart. The log is the truth, there is no index to
 * trust: the last checkpoint in it carries the tree's frontier, and from there (at most a minute or
 * ten thousand records) every line is hashed and compared again. */
#include "proxy/audit/journal.h"

#include "base/encode.h"
#include "proxy/audit/lines.h"

#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static str member(json_t *o, const char *name)
{
    json_t *v = json_object_get(o, name);
    return json_is_string(v) ? (str){json_string_value(v), json_string_length(v)} : (str){NULL, 0};
}

static bool tells_tree(json_t *o)
{
    str kind = member(o, "kind");
    return str_eq(kind, STR("checkpoint")) || str_eq(kind, STR("journal"));
}

static bool frontier_read(json_t *o, struct tree *tree)
{
    json_t *list = json_object_get(o, "frontier"), *size = json_object_get(o, "size");
    str hex[TREE_LEVELS];
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !json_is_integer(size) || json_integer_value(size) < 0 ||
        n > TREE_LEVELS)
        return false;
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_array_get(list, i);
        if (!json_is_string(v))
            return false;
        hex[i] = (str){json_string_value(v), json_string_length(v)};
    }
    return tree_read(tree, (uint64_t)json_integer_value(size), hex, n);
}

bool tree_of_record(str line, struct tree *tree, char *note)
{
    struct hash root, told;
    uint64_t seq;
    bool ok = false;
    note[0] = '\0';
    json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
    if (!o || !tells_tree(o) || !line_tail(line, &seq, &told) || !frontier_read(o, tree))
        goto out;
    str hex = member(o, "root"), text = member(o, "note");
    if (text.n >= NOTE_MAX || hex.n != HASH_HEX)
        goto out;
    memcpy(note, text.p ? text.p : "", text.n);
    note[text.n] = '\0';
    tree_root(tree, &root);
    ok = hex_decode(hex, told.b) && hash_eq(&root, &told) && tree->size == seq - 1;
out:
    json_decref(o);
    return ok;
}

int64_t time_of_record(str line)
{
    struct tm tm = {0};
    int64_t us = 0;
    const char *p = memmem(line.p, line.n, "\"time\":\"", 8);
    if (!p || line.n - (size_t)(p - line.p) < 8 + JOUT_TIME_CHARS)
        return -1;
    char text[JOUT_TIME_CHARS + 1];
    memcpy(text, p + 8, JOUT_TIME_CHARS);
    text[JOUT_TIME_CHARS] = '\0';
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || *rest++ != '.')
        return -1;
    for (; *rest >= '0' && *rest <= '9'; rest++)
        us = us * 10 + (*rest - '0');
    return (int64_t)timegm(&tm) * 1000000 + us;
}

/* The line that ends at `end` (behind its newline), without the newline. */
static str line_before(const char *map, size_t end)
{
    size_t stop = end - 1;
    const char *nl = stop ? memrchr(map, '\n', stop) : NULL;
    size_t start = nl ? (size_t)(nl - map) + 1 : 0;
    return (str){map + start, stop - start};
}

/* A crash of the machine leaves half a line, or blocks of zeros: the end is behind the last line
 * that has its chain members. */
static size_t whole_end(const char *map, size_t bytes)
{
    const char *nl = bytes ? memrchr(map, '\n', bytes) : NULL;
    size_t end = nl ? (size_t)(nl - map) + 1 : 0;
    while (end > 0) {
        struct hash prev;
        uint64_t seq;
        str line = line_before(map, end);
        if (line_tail(line, &seq, &prev) && !memchr(line.p, '\0', line.n))
            return end;
        end = (size_t)(line.p - map);
    }
    return 0;
}

/* Goes back to the last record that tells the tree; its start, or `end` when there is none. */
static size_t find_tree(const char *map, size_t end, struct chain *chain)
{
    for (size_t at = end; at > 0;) {
        char note[NOTE_MAX];
        str line = line_before(map, at);
        at = (size_t)(line.p - map);
        if (!memmem(line.p, line.n < 256 ? line.n : 256, "\"kind\":\"checkpoint\"", 19) && at > 0)
            continue;
        if (!tree_of_record(line, &chain->tree, note) ||
            !line_tail(line, &chain->seq, &chain->last))
            continue;
        chain->seq--; /* `last` is its prev: the hash of the record before it */
        return at;
    }
    return end;
}

static void follow(str text, struct chain *chain, struct resume *out)
{
    while (text.n) {
        uint64_t seq = 0;
        struct hash prev = {{0}};
        str line = str_cut(&text, '\n');
        if ((!line_tail(line, &seq, &prev) || seq != chain->seq + 1 ||
             !hash_eq(&prev, &chain->last)) &&
            !out->broken_seq)
            out->broken_seq = chain->seq + 1;
        chain_follow(chain, line);
    }
}

static bool is_journal(str line)
{
    return memmem(line.p, line.n < 256 ? line.n : 256, "\"kind\":\"journal\"", 16) != NULL;
}

static bool format_known(const char *path, str line, struct fail *f)
{
    json_t *o = json_loadb(line.p, line.n, 0, NULL);
    json_int_t format = json_integer_value(json_object_get(o, "format"));
    json_decref(o);
    if (format < 1)
        return fail_set(f, FAIL_INPUT, "%s does not begin with a journal record of postern", path);
    if (format > JOURNAL_FORMAT)
        return fail_set(f, FAIL_UNSUPPORTED,
                        "%s has format %lld, this postern knows up to %d: a newer one wrote it",
                        path, (long long)format, JOURNAL_FORMAT);
    return true;
}

static bool resume_map(const char *path, const char *map, size_t bytes, struct chain *chain,
                       struct resume *out, struct fail *f)
{
    out->end = whole_end(map, bytes);
    out->torn_bytes = bytes - out->end;
    if (out->end == 0) {
        /* Only what may be the beginning of our own first record is kept apart and begun anew. */
        if (memchr(map, '\n', bytes))
            return fail_set(f, FAIL_INPUT, "%s is not a journal of postern", path);
        return true;
    }
    str first = str_upto((str){map, out->end}, str_find((str){map, out->end}, '\n'));
    if (!is_journal(first))
        return fail_set(f, FAIL_INPUT, "%s does not begin with a journal record of postern", path);
    if (!format_known(path, first, f))
        return false;
    size_t at = find_tree(map, out->end, chain);
    if (at == out->end)
        return fail_set(f, FAIL_INPUT, "%s: its first record does not tell a consistent tree",
                        path);
    out->is_found = true;
    out->tree_seq = chain->seq + 1;
    tree_root(&chain->tree, &out->tree_root);
    struct hash prev;
    line_tail(first, &out->first_seq, &prev);
    out->first_wall_us = time_of_record(first);
    out->last_wall_us = time_of_record(line_before(map, out->end));
    follow((str){map + at, out->end - at}, chain, out);
    return true;
}

/* A compressed file is whole: it is read from its beginning. */
static bool resume_gz(const char *path, struct chain *chain, struct resume *out, struct fail *f)
{
    struct lines lines;
    str line;
    bool is_first = true, ok = true;
    char note[NOTE_MAX];
    if (!lines_open(&lines, path, f))
        return false;
    while (ok && lines_next(&lines, &line, f)) {
        if (is_first) {
            ok =
                (is_journal(line) && tree_of_record(line, &chain->tree, note) &&
                 line_tail(line, &chain->seq, &chain->last)) ||
                fail_set(f, FAIL_INPUT, "%s does not begin with a journal record of postern", path);
            chain->seq -= ok;
        }
        is_first = false;
        if (ok)
            follow(line, chain, out);
        out->last_wall_us = time_of_record(line);
    }
    out->is_found = ok && !is_first;
    ok = ok && !lines.is_failed;
    lines_close(&lines);
    return ok;
}

bool resume_file(const char *path, struct chain *chain, struct resume *out, struct fail *f)
{
    struct stat st;
    bool ok = false;
    memset(out, 0, sizeof *out);
    if (str_ends(str_of(path), STR(".gz")))
        return resume_gz(path, chain, out, f);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail_errno(f, "cannot read %s", path);
        goto out;
    }
    ok = true;
    if (st.st_size == 0)
        goto out;
    char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        ok = fail_errno(f, "cannot map %s", path);
        goto out;
    }
    ok = resume_map(path, map, (size_t)st.st_size, chain, out, f);
    munmap(map, (size_t)st.st_size);
out:
    if (fd >= 0)
        close(fd);
    return ok;
}
