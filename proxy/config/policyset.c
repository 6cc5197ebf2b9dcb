/* policyset: see policyset.h. The traps are the half-finished deployments: a file that is being
 * written, a directory that was emptied to be filled again, and Kubernetes, which swaps a `..data`
 * symlink under the names. Hence one descriptor, and a second look at everything after reading. */
#include "proxy/config/policyset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/config/disk.h"

enum verdict { READ_FAILED = 0, READ_GOOD, READ_MOVED };

struct reading {
    struct arena *arena;
    struct fail *fail;
    const char *dir;
    int fd;
    str *names;
    struct file_stamp *stamps;
    struct doc_file *files;
    struct policy_file *about;
    size_t n, bytes;
    str overlooked; /* a name */
};

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static bool is_policy_name(const char *name)
{
    return name[0] != '.' && str_ends(str_of(name), STR(".yaml"));
}

/* readdir has no order; what is told has. */
static void overlook(struct reading *r, const char *name)
{
    bool is_yml = name[0] != '.' && str_ends(str_of(name), STR(".yml"));
    if (is_yml && (!r->overlooked.p || str_cmp(str_of(name), r->overlooked) < 0))
        r->overlooked = arena_dup(r->arena, str_of(name));
}

/* Lists the names into r->names, sorted. */
static bool list_names(struct reading *r)
{
    int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return fail_errno(r->fail, "cannot read the directory %s", r->dir);
    }
    r->n = 0;
    r->names = arena_array(r->arena, str, POLICYSET_MAX_FILES);
    bool good = true;
    for (struct dirent *e; good && (e = readdir(dir));) {
        overlook(r, e->d_name);
        if (!is_policy_name(e->d_name))
            continue;
        if (r->n == POLICYSET_MAX_FILES)
            good = fail_set(r->fail, FAIL_LIMIT, "%s holds more than %d policy files", r->dir,
                            POLICYSET_MAX_FILES);
        else
            r->names[r->n++] = arena_dup(r->arena, str_of(e->d_name));
    }
    closedir(dir);
    qsort(r->names, r->n, sizeof *r->names, compare_names);
    return good;
}

static str shown_name(struct reading *r, str name)
{
    bool has_slash = str_ends(str_of(r->dir), STR("/"));
    return arena_printf(r->arena, "%s%s%.*s", r->dir, has_slash ? "" : "/", STR_ARG(name));
}

static void describe(const char *name, int fd, str bytes, struct policy_file *out)
{
    struct stat st;
    disk_digest(bytes, out->digest);
    if (fstatat(fd, name, &st, 0) != 0)
        return;
    out->uid = st.st_uid;
    out->modified_s = st.st_mtim.tv_sec;
}

static enum verdict read_one(struct reading *r, size_t i)
{
    const char *name = r->names[i].p;
    if (!disk_stamp_at(r->fd, name, &r->stamps[i]))
        return READ_MOVED;
    struct doc_file *file = &r->files[i];
    file->name = shown_name(r, r->names[i]);
    if (!disk_read_at(r->fd, name, DOC_MAX_BYTES, r->arena, &file->bytes, r->fail))
        return r->fail->code == FAIL_NOT_FOUND || r->fail->code == FAIL_BUSY ? READ_MOVED
                                                                             : READ_FAILED;
    r->about[i].name = r->names[i];
    describe(name, r->fd, file->bytes, &r->about[i]);
    r->bytes += file->bytes.n;
    if (r->bytes > POLICYSET_MAX_BYTES) {
        fail_set(r->fail, FAIL_LIMIT, "the policies in %s are larger than %d MiB together", r->dir,
                 POLICYSET_MAX_BYTES >> 20);
        return READ_FAILED;
    }
    return READ_GOOD;
}

/* The directory is still the one that the path names, with the same files in the same state. */
static bool is_unmoved(struct reading *r, const struct file_stamp *before)
{
    struct file_stamp now;
    if (!disk_stamp_at(AT_FDCWD, r->dir, &now) || !disk_same(before, &now))
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (!disk_stamp_at(r->fd, r->names[i].p, &now) || !disk_same(&r->stamps[i], &now))
            return false;
    return true;
}

static enum verdict read_set(struct reading *r)
{
    struct file_stamp before;
    if (!disk_stamp_at(r->fd, ".", &before)) {
        fail_errno(r->fail, "cannot look at %s", r->dir);
        return READ_FAILED;
    }
    if (!list_names(r))
        return READ_FAILED;
    r->bytes = 0;
    r->stamps = arena_array(r->arena, struct file_stamp, r->n);
    r->files = arena_array(r->arena, struct doc_file, r->n);
    r->about = arena_array(r->arena, struct policy_file, r->n);
    for (size_t i = 0; i < r->n; i++) {
        enum verdict v = read_one(r, i);
        if (v != READ_GOOD)
            return v;
    }
    return is_unmoved(r, &before) ? READ_GOOD : READ_MOVED;
}

static void set_digest(struct arena *a, struct policyset *out)
{
    size_t room = 1, at = 0;
    for (size_t i = 0; i < out->n; i++)
        room += out->about[i].name.n + POLICYSET_DIGEST_CHARS + 2;
    char *text = arena_text(a, room);
    for (size_t i = 0; i < out->n; i++)
        at += (size_t)snprintf(text + at, room - at, "%s %.*s\n", out->about[i].digest,
                               STR_ARG(out->about[i].name));
    disk_digest((str){text, at}, out->digest);
}

static bool read_file(const char *path, struct arena *a, struct policyset *out, struct fail *fail)
{
    struct doc_file *file = arena_new(a, struct doc_file);
    struct policy_file *about = arena_new(a, struct policy_file);
    str name = arena_dup(a, str_of(path));
    if (!disk_read(path, DOC_MAX_BYTES, a, &file->bytes, fail))
        return false;
    file->name = name;
    size_t slash = str_rfind(name, '/');
    about->name = slash < name.n ? str_from(name, slash + 1) : name;
    describe(path, AT_FDCWD, file->bytes, about);
    *out = (struct policyset){.files = file, .about = about, .n = 1};
    set_digest(a, out);
    return true;
}

static enum verdict read_dir(const char *path, struct arena *a, struct policyset *out,
                             struct fail *fail)
{
    struct reading r = {.arena = a, .fail = fail, .dir = path};
    r.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r.fd < 0) {
        fail_errno(fail, "cannot open the directory %s", path);
        return READ_FAILED;
    }
    enum verdict v = read_set(&r);
    close(r.fd);
    if (v != READ_GOOD)
        return v;
    if (r.n == 0) {
        fail_set(fail, FAIL_INPUT, "the directory %s holds no policy file (*.yaml)%s%.*s%s", path,
                 r.overlooked.p ? "; " : "", STR_ARG(r.overlooked),
                 r.overlooked.p ? " is not read" : "");
        return READ_FAILED;
    }
    *out = (struct policyset){.files = r.files, .about = r.about, .n = r.n};
    if (r.overlooked.p)
        out->overlooked = shown_name(&r, r.overlooked);
    set_digest(a, out);
    return READ_GOOD;
}

bool policyset_read(const char *path, struct arena *a, struct policyset *out, struct fail *fail)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return read_file(path, a, out, fail);
    for (int tries = 0; tries < POLICYSET_TRIES; tries++) {
        enum verdict v = read_dir(path, a, out, fail);
        if (v != READ_MOVED)
            return v == READ_GOOD;
    }
    return fail_set(fail, FAIL_BUSY, "the files in %s kept changing while they were read", path);
}

void policyset_warn(const struct policyset *set, struct findings *f)
{
    if (set->overlooked.p)
        findings_add(f, FINDING_WARNING, "not-read", &(struct finding_at){.file = set->overlooked},
                     "rename it if it holds rules", "this file is not read: policies are *.yaml");
}
