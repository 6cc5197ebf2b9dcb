#include "proxy/audit/files.h"

#include "base/arena.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { STAMP_CHARS = 16, COPY_BYTES = 256 * 1024 };

static void stamp(int64_t wall_s, char out[STAMP_CHARS + 1])
{
    time_t t = (time_t)wall_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, STAMP_CHARS + 1, "%Y%m%dT%H%M%SZ", &tm);
}

static bool stamp_parse(str s, int64_t *wall_s)
{
    struct tm tm = {0};
    char text[STAMP_CHARS + 1];
    if (s.n != STAMP_CHARS)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end)
        return false;
    *wall_s = (int64_t)timegm(&tm);
    return true;
}

/* "dir/access.jsonl" -> folder "dir/", stem "access", suffix ".jsonl". */
struct name_parts {
    str folder, stem, suffix;
};

static struct name_parts name_split(const char *live)
{
    str path = str_of(live);
    size_t slash = str_rfind(path, '/');
    struct name_parts parts = {STR(""), path, STR("")};
    if (slash < path.n) {
        parts.folder = str_upto(path, slash + 1);
        parts.stem = str_from(path, slash + 1);
    }
    size_t dot = str_rfind(parts.stem, '.');
    if (dot > 0 && dot < parts.stem.n) {
        parts.suffix = str_from(parts.stem, dot);
        parts.stem = str_upto(parts.stem, dot);
    }
    return parts;
}

char *files_folder(const char *path)
{
    struct name_parts parts = name_split(path);
    return parts.folder.n ? mem_dup(parts.folder) : mem_dup(STR("."));
}

char *files_rotated_path(const char *live, int64_t wall_s, uint64_t first_seq, uint64_t last_seq)
{
    struct name_parts parts = name_split(live);
    char when[STAMP_CHARS + 1], *path = NULL;
    stamp(wall_s, when);
    if (asprintf(&path, "%.*s%.*s-%s-%012llu-%012llu%.*s", STR_ARG(parts.folder),
                 STR_ARG(parts.stem), when, (unsigned long long)first_seq,
                 (unsigned long long)last_seq, STR_ARG(parts.suffix)) < 0)
        abort();
    return path;
}

char *files_apart_path(const char *live, const char *word, int64_t wall_s)
{
    char when[STAMP_CHARS + 1], *path = NULL;
    stamp(wall_s, when);
    for (unsigned n = 0;; n++) {
        char more[16] = "";
        if (n)
            snprintf(more, sizeof more, ".%u", n);
        if (asprintf(&path, "%s.%s-%s%s", live, word, when, more) < 0)
            abort();
        if (access(path, F_OK) != 0)
            return path;
        free(path);
    }
}

static bool name_parse(const struct name_parts *parts, str name, struct journal_file *file,
                       bool *is_gz)
{
    *is_gz = str_ends(name, STR(".gz"));
    if (*is_gz)
        name = str_upto(name, name.n - 3);
    if (!str_starts(name, parts->stem) || !str_ends(name, parts->suffix) ||
        name.n < parts->stem.n + parts->suffix.n + 1 || name.p[parts->stem.n] != '-')
        return false;
    str rest = str_from(str_upto(name, name.n - parts->suffix.n), parts->stem.n + 1);
    str when = str_cut(&rest, '-'), first = str_cut(&rest, '-');
    return stamp_parse(when, &file->wall_s) && str_to_u64(first, INT64_MAX, &file->first_seq) &&
           str_to_u64(rest, INT64_MAX, &file->last_seq) && file->first_seq > 0;
}

static void add(struct journal_files *list, const struct journal_file *file)
{
    list->items = mem_grow(list->items, (list->n + 1) * sizeof *list->items);
    list->items[list->n++] = *file;
}

static int by_seq(const void *a, const void *b)
{
    const struct journal_file *x = a, *y = b;
    if (x->first_seq != y->first_seq)
        return x->first_seq < y->first_seq ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* A crash between the two steps of compression leaves both: the plain one is read. */
static void drop_twins(struct journal_files *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct journal_file *file = &list->items[i];
        str path = str_of(file->path);
        if (kept > 0 && str_ends(path, STR(".gz")) &&
            str_eq(str_of(list->items[kept - 1].path), str_upto(path, path.n - 3)))
            free(file->path);
        else
            list->items[kept++] = *file;
    }
    list->n = kept;
}

static void add_live(struct journal_files *list, const char *live)
{
    struct stat st;
    if (stat(live, &st) != 0)
        return;
    struct journal_file file = {.path = mem_dup(str_of(live)), .is_live = true};
    file.bytes = (uint64_t)st.st_size;
    add(list, &file);
}

bool files_list(struct journal_files *list, const char *live, struct fail *f)
{
    struct name_parts parts = name_split(live);
    char *folder = files_folder(live);
    memset(list, 0, sizeof *list);
    DIR *dir = opendir(folder);
    if (!dir)
        fail_errno(f, "cannot read the folder %s", folder);
    free(folder);
    if (!dir)
        return false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct journal_file file = {0};
        struct stat st;
        bool is_gz;
        if (!name_parse(&parts, str_of(entry->d_name), &file, &is_gz) ||
            fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
            continue;
        file.bytes = (uint64_t)st.st_size;
        if (asprintf(&file.path, "%.*s%s", STR_ARG(parts.folder), entry->d_name) < 0)
            abort();
        add(list, &file);
    }
    closedir(dir);
    if (list->n)
        qsort(list->items, list->n, sizeof *list->items, by_seq);
    drop_twins(list);
    add_live(list, live);
    return true;
}

void files_finish(struct journal_files *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i].path);
    free(list->items);
    memset(list, 0, sizeof *list);
}

unsigned files_expire(const char *live, int64_t now_s, int64_t keep_s)
{
    struct journal_files list;
    unsigned removed = 0;
    if (keep_s <= 0 || !files_list(&list, live, NULL))
        return 0;
    /* From the oldest on and never beyond one that stays: no hole in the chain. */
    for (size_t i = 0; i < list.n; i++) {
        if (list.items[i].is_live || list.items[i].wall_s + keep_s > now_s)
            break;
        removed += unlink(list.items[i].path) == 0;
    }
    files_finish(&list);
    return removed;
}

static bool copy_into(gzFile out, int in, const _Atomic(bool) *stop)
{
    char *buf = mem_alloc(COPY_BYTES);
    bool ok = false;
    for (;;) {
        ssize_t n = read(in, buf, COPY_BYTES);
        if (n == 0)
            ok = true;
        if (n <= 0 || *stop || gzwrite(out, buf, (unsigned)n) != n)
            break;
    }
    free(buf);
    return ok;
}

bool files_compress(const char *path, const _Atomic(bool) *stop, struct fail *f)
{
    char *gz_path = NULL, *tmp_path = NULL;
    bool ok = false;
    if (asprintf(&gz_path, "%s.gz", path) < 0 || asprintf(&tmp_path, "%s.gz.tmp", path) < 0)
        abort();
    int in = open(path, O_RDONLY | O_CLOEXEC);
    int out_fd = open(tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int sync_fd = out_fd >= 0 ? dup(out_fd) : -1;
    gzFile out = out_fd >= 0 ? gzdopen(out_fd, "wb6") : NULL;
    if (in < 0 || sync_fd < 0 || !out) {
        fail_errno(f, "cannot open %s or its .gz", path);
        goto out;
    }
    ok = copy_into(out, in, stop);
    ok = gzclose(out) == Z_OK && ok; /* writes the trailer */
    out = NULL;
    ok = ok && fsync(sync_fd) == 0 && rename(tmp_path, gz_path) == 0 && unlink(path) == 0;
    if (!ok)
        fail_set(f, FAIL_SYSTEM, "cannot compress %s", path);
out:
    if (out)
        gzclose(out);
    if (sync_fd >= 0)
        close(sync_fd);
    if (in >= 0)
        close(in);
    if (!ok)
        unlink(tmp_path);
    free(tmp_path);
    free(gz_path);
    return ok;
}
