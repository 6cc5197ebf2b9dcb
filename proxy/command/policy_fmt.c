/* postern policy fmt: the usual layout, in place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern policy fmt [options] PATH...\n"
    "\n"
    "Gives policy files their usual layout: two spaces a level, one after a colon, none inside\n"
    "brackets, single empty lines, ends of lines as Unix has them. Comments, the order of things\n"
    "and their meaning stay, and so do owner and rights of a file, which is replaced whole or not\n"
    "at all.\n"
    "\n"
    "  --policy PATH  the same as PATH\n"
    "  --check        change nothing, tell which files would change\n"
    "  --format json  as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage, 3 files would change (--check).\n";

struct options {
    bool is_check, is_json;
    const char *path; /* by --policy */
    struct option_args paths;
};

struct work {
    struct arena arena;
    struct findings findings;
    str *changed;
    size_t n_changed, cap, n_files;
};

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"policy", .text = &o->path},
                                      {"check", .flag = &o->is_check},
                                      {"format", .is_json = &o->is_json},
                                      {0}};
    const char *wrong = option_read(rows, argc, argv, &o->paths);

    if (wrong)
        return wrong;
    if (o->path && o->paths.n)
        return "the rules are named twice";
    if (o->path)
        o->paths = (struct option_args){(char **)(uintptr_t)&o->path, 1};
    return o->paths.n ? NULL : "a directory or file is missing";
}

static bool write_all(int fd, str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = str_from(bytes, (size_t)n);
    }
    return true;
}

/* Rights and owner stay: who may not give them refuses rather than takes the file over. */
static bool keep_rights(int fd, const struct stat *old)
{
    struct stat now;

    if (fstat(fd, &now) != 0)
        return false;
    bool is_same = old->st_uid == now.st_uid && old->st_gid == now.st_gid;
    return (is_same || fchown(fd, old->st_uid, old->st_gid) == 0) &&
           fchmod(fd, old->st_mode & 07777) == 0;
}

/* The name too survives a power cut; the file is good either way. */
static void sync_folder(const char *path, struct arena *a)
{
    str dir = str_upto(str_of(path), (size_t)(strrchr(path, '/') - path) + 1);
    int fd = open(arena_dup(a, dir).p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* Another name first, so that a full disk leaves the old file and no half one is ever loaded. */
static bool write_beside(const char *path, str bytes, const struct stat *old, struct arena *a)
{
    str next = arena_printf(a, "%s.XXXXXX", path);
    int fd = mkostemp((char *)(uintptr_t)next.p, O_CLOEXEC);

    if (fd < 0)
        return false;
    bool good = write_all(fd, bytes) && keep_rights(fd, old) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && good) {
        good = false;
        error = errno;
    }
    if (good && rename(next.p, path) == 0) {
        sync_folder(path, a);
        return true;
    }
    error = good ? errno : error;
    unlink(next.p);
    errno = error;
    return false;
}

/* A link stays a link. */
static bool replace(const char *path, str bytes, struct arena *a)
{
    struct stat st;
    char *real = realpath(path, NULL);
    bool good = real && stat(real, &st) == 0 && write_beside(real, bytes, &st, a);

    free(real);
    return good;
}

static void format_file(const struct options *o, struct work *w, const struct doc_file *file)
{
    struct finding_at at = {.file = file->name};
    str out;

    w->n_files++;
    if (!policy_format(file, &w->arena, &out, &w->findings) || str_eq(out, file->bytes))
        return;
    str name = arena_dup(&w->arena, file->name);
    if (!o->is_check && !replace(name.p, out, &w->arena)) {
        findings_add(&w->findings, FINDING_ERROR, "unwritable", &at, NULL,
                     "the file cannot be written: %s", strerror(errno));
        return;
    }
    if (w->n_changed == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 16;
        w->changed = mem_grow(w->changed, w->cap * sizeof *w->changed);
    }
    w->changed[w->n_changed++] = name;
}

static void format_path(const struct options *o, struct work *w, const char *path)
{
    struct policyset set;
    struct fail fail = {0};

    if (!policyset_read(path, &w->arena, &set, &fail)) {
        findings_add(&w->findings, FINDING_ERROR, "unreadable", NULL, NULL, "%s", fail.text);
        return;
    }
    policyset_warn(&set, &w->findings);
    for (size_t i = 0; i < set.n; i++)
        format_file(o, w, &set.files[i]);
}

static void write_json(struct jout *j, const void *what)
{
    const struct work *w = what;

    jout_open(j, '{');
    policy_json_findings(j, &w->findings);
    policy_json_texts(j, STR("changed"), w->changed, w->n_changed);
    jout_close(j, '}');
}

static void print_text(const struct options *o, struct work *w)
{
    findings_print(&w->findings, stderr);
    for (size_t i = 0; i < w->n_changed; i++)
        printf("%.*s\n", STR_ARG(w->changed[i]));
    printf("%zu file%s, %zu %s\n", w->n_files, policy_plural(w->n_files), w->n_changed,
           o->is_check ? "to change" : "changed");
}

int policy_fmt_command(int argc, char **argv)
{
    struct options o = {0};
    struct work w = {0};
    const char *wrong = read_options(argc, argv, &o);

    if (wrong)
        return usage_tell("policy fmt", wrong, usage_text);
    arena_init(&w.arena, NULL, 0);
    findings_init(&w.findings);
    for (int i = 0; i < o.paths.n; i++)
        format_path(&o, &w, o.paths.items[i]);
    findings_sort(&w.findings);
    if (o.is_json)
        policy_json_print(write_json, &w);
    else
        print_text(&o, &w);
    int status = w.findings.errors           ? EXIT_ERRORS
                 : o.is_check && w.n_changed ? EXIT_FINDINGS
                                             : EXIT_GOOD;
    free(w.changed);
    findings_finish(&w.findings);
    arena_finish(&w.arena);
    return status;
}
