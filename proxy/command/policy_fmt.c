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
    "brackets, single empty lines. Comments, the order of things and their meaning stay.\n"
    "\n"
    "  --check        change nothing, tell which files would change\n"
    "  --format json  as JSON\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0 good, 1 errors, 2 usage, 3 files would change (--check).\n";

struct options {
    bool is_check, is_json;
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
    const struct option_row rows[] = {
        {"check", .flag = &o->is_check}, {"format", .is_json = &o->is_json}, {0}};
    const char *wrong = option_read(rows, argc, argv, &o->paths);

    return wrong || o->paths.n ? wrong : "a directory or file is missing";
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

/* Another name first, so that a full disk leaves the old file and no half one is ever loaded. A
 * link stays a link. */
static bool replace(const char *path, str bytes, struct arena *a)
{
    struct stat st;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &st)) {
        free(real);
        return false;
    }
    str next = arena_printf(a, "%s.%d~", real, (int)getpid());
    int fd = open(next.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
    bool good = fd >= 0 && write_all(fd, bytes) && fsync(fd) == 0;
    if (fd >= 0)
        good = close(fd) == 0 && good && rename(next.p, real) == 0;
    if (fd >= 0 && !good)
        unlink(next.p);
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
