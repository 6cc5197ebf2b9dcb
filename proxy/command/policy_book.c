/* policy_book: the rules as the proxy would load them, from a directory or one file. */
#include <string.h>
#include <time.h>

#include "proxy/command/command.h"
#include "proxy/command/policy_command.h"

static bool read_config(struct policy_book *book, const char *path)
{
    if (config_open(path, &book->config, &book->findings) == CONFIG_GOOD) {
        config_known(book->config, &book->arena, &book->known);
        book->in.known = &book->known;
        return true;
    }
    if (!book->findings.errors)
        findings_add(&book->findings, FINDING_ERROR, "unreadable", NULL, NULL,
                     "there is no configuration at %s", path);
    return false;
}

/* Notes are what `check` is for; elsewhere they would stand before each answer. */
static void drop_notes(struct findings *f)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].severity != FINDING_NOTE)
            f->items[kept++] = f->items[i];
    f->n = kept;
}

bool policy_book_open(struct policy_book *book, const struct policy_book_options *o)
{
    struct policyset set;
    struct fail fail = {0};

    memset(book, 0, sizeof *book);
    arena_init(&book->arena, NULL, 0);
    findings_init(&book->findings);
    if (o->config && !read_config(book, o->config))
        return false;
    if (!policyset_read(o->path, &book->arena, &set, &fail)) {
        findings_add(&book->findings, FINDING_ERROR, "unreadable", NULL,
                     "name the directory or the file of the rules", "%s", fail.text);
        return false;
    }
    policyset_warn(&set, &book->findings);
    book->zones = zones_in(NULL);
    book->n_files = set.n;
    book->in.files = set.files;
    book->in.n_files = set.n;
    book->in.zone = zones_read;
    book->in.zone_ctx = &book->zones;
    book->in.tzdata_version = zones_version(&book->zones, &book->arena);
    book->in.now_s = time(NULL);
    book->in.wants_lints = o->wants_lints;
    book->policy = policy_load(&book->in, &book->findings);
    if (!o->wants_lints)
        drop_notes(&book->findings);
    return book->policy != NULL;
}

void policy_book_finish(struct policy_book *book)
{
    policy_unref(&book->policy);
    config_unref(&book->config);
    findings_finish(&book->findings);
    arena_finish(&book->arena);
}

void policy_book_print(struct policy_book *book, bool is_json)
{
    findings_sort(&book->findings);
    if (is_json)
        findings_print_json(&book->findings, stdout);
    else
        findings_print(&book->findings, stderr);
}

void policy_book_fail(struct policy_book *book, bool is_json, const char *suggestion,
                      const struct fail *fail)
{
    findings_add(&book->findings, FINDING_ERROR, "unreadable", NULL, suggestion, "%s", fail->text);
    policy_book_print(book, is_json);
}

int policy_book_use(const struct policy_book_options *o, bool is_json, policy_book_fn *run,
                    void *options)
{
    struct policy_book book;
    int status = EXIT_ERRORS;

    if (policy_book_open(&book, o))
        status = run(options, &book);
    else
        policy_book_print(&book, is_json);
    policy_book_finish(&book);
    return status;
}
