#include "desk.h"

#include "base/arena.h"
#include "base/jout.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int64_t desk_wall_us, desk_mono_us;

static int64_t wall(void)
{
    return desk_wall_us;
}

static int64_t mono(void)
{
    return desk_mono_us;
}

int desk_setup(void **state)
{
    struct desk *d = mem_alloc(sizeof *d);
    const char *tmp = getenv("TMPDIR");
    log_level(LOG_LEVEL_ERROR + 1);
    desk_wall_us = 1764063000000000; /* 2025-11-25T09:30:00Z */
    desk_mono_us = 1000000000;
    snprintf(d->folder, sizeof d->folder, "%s/postern-audit-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->file, sizeof d->file, "%s/access.jsonl", d->folder);
    snprintf(d->key, sizeof d->key, "%s/keys/checkpoint", d->folder);
    snprintf(d->state, sizeof d->state, "%s/audit.checkpoint", d->folder);
    d->options = (struct audit_options){.file = d->file,
                                        .key_file = d->key,
                                        .state_file = d->state,
                                        .node = "desk",
                                        .boot = "b1",
                                        .ring_bytes = 512 * 1024,
                                        .is_manual = true,
                                        .wall_us = wall,
                                        .mono_us = mono};
    *state = d;
    return 0;
}

static void remove_all(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[600];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (unlink(path) != 0)
            remove_all(path);
    }
    closedir(dir);
    rmdir(folder);
}

int desk_teardown(void **state)
{
    struct desk *d = *state;
    audit_close(d->audit);
    remove_all(d->folder);
    free(d);
    return 0;
}

static void changed(void *ctx)
{
    ((struct desk *)ctx)->changes++;
}

void desk_open(struct desk *d)
{
    struct fail f = {0};
    d->audit = audit_open(&d->options, &f);
    if (!d->audit)
        print_message("%s\n", f.text);
    assert_non_null(d->audit);
    d->ring = audit_ring_create(d->audit, changed, d);
}

void desk_close(struct desk *d)
{
    audit_close(d->audit);
    d->audit = NULL;
    d->ring = NULL;
}

void desk_turn(struct desk *d, int64_t us)
{
    desk_wall_us += us;
    desk_mono_us += us;
    audit_turn(d->audit);
}

bool desk_put(struct desk *d, int n)
{
    struct jout j;
    if (!audit_reserve(d->ring, 2048))
        return false;
    jout_init(&j, audit_begin(d->ring, 2048), 2048);
    jout_open(&j, '{');
    jout_ktime(&j, STR("time"), desk_wall_us);
    jout_kstr(&j, STR("kind"), STR("decision"));
    jout_kint(&j, STR("n"), n);
    jout_close(&j, '}');
    audit_commit(d->ring, j.n, 2048);
    return true;
}

void desk_put_many(struct desk *d, int from, int to)
{
    for (int n = from; n < to; n++) {
        if (!desk_put(d, n)) {
            desk_turn(d, 1000);
            assert_true(desk_put(d, n));
        }
    }
}

char *desk_read(const char *path, size_t *n_out)
{
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    size_t n = (size_t)ftell(in);
    rewind(in);
    char *bytes = mem_alloc(n + 1);
    assert_int_equal(fread(bytes, 1, n, in), n);
    fclose(in);
    if (n_out)
        *n_out = n;
    return bytes;
}

void desk_write(const char *path, const char *bytes, size_t n)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

int desk_count(const struct desk *d, const char *text)
{
    size_t n;
    int count = 0;
    char *bytes = desk_read(d->file, &n);
    for (const char *p = bytes; (p = strstr(p, text)); p++)
        count++;
    free(bytes);
    return count;
}

struct verify_result desk_verify(const struct desk *d, enum verify_flaw want)
{
    struct verify_result r;
    struct fail f = {0};
    char path[320];
    snprintf(path, sizeof path, "%s.pub", d->key);
    char *key = desk_read(path, NULL);
    struct verify_options o = {.file = d->file, .key = str_of(key)};
    bool ok = audit_verify(&o, &r, &f);
    if (!ok || r.flaw != want)
        print_message("verify: %s %s %s line %llu record %llu\n", f.text, verify_flaw_text(r.flaw),
                      r.text, (unsigned long long)r.bad_line, (unsigned long long)r.bad_seq);
    assert_true(ok);
    assert_int_equal(r.flaw, want);
    free(key);
    return r;
}

char *desk_find(const struct desk *d, const char *part)
{
    DIR *dir = opendir(d->folder);
    char *found = NULL;
    assert_non_null(dir);
    for (struct dirent *e; !found && (e = readdir(dir));)
        if (strstr(e->d_name, part) && asprintf(&found, "%s/%s", d->folder, e->d_name) < 0)
            abort();
    closedir(dir);
    return found;
}
