/* rulebook: see rulebook.h. The order matters: read, load, tests, apps; only what passed all of it
 * is ever seen by a worker. */
#include "proxy/config/rulebook.h"

#include <stdlib.h>

#include "proxy/config/build.h"
#include "proxy/config/config.h"

static bool load_policy(const struct rulebook_in *in, const struct policyset *set,
                        struct rulebook *out, struct findings *f)
{
    const struct config *c = in->config;
    struct zones zones = zones_in(in->zoneinfo);
    struct arena *a = in->inputs->arena;
    struct policy_known known;
    config_known(c, a, &known);
    struct policy_load_in load = {
        .files = set->files,
        .n_files = set->n,
        .zone = zones_read,
        .zone_ctx = &zones,
        .tzdata_version = zones_version(&zones, a),
        .known = &known,
        .now_s = in->wall_us / 1000000,
    };
    struct policy_test_totals totals;
    out->policy = policy_load(&load, f);
    return out->policy && policy_test_run(out->policy, f, &totals);
}

static bool read_apps(const struct rulebook_in *in, struct rulebook *out, struct findings *f)
{
    size_t n = policy_app_count(out->policy);
    struct app_in app = {.config = in->config,
                         .arena = &out->arena,
                         .inputs = in->inputs,
                         .files = &out->app_files,
                         .previous = in->previous};
    bool good = true;
    out->apps = arena_array(&out->arena, struct app, n);
    for (size_t i = 0; i < n; i++) {
        app.done = out->apps;
        app.n_done = i;
        good &= app_read(&app, policy_app_at(out->policy, i), &out->apps[i], f);
        out->n_apps = i + 1;
    }
    return good;
}

static void keep_files(struct rulebook *out, const struct policyset *set)
{
    struct policy_file *files = arena_array(&out->arena, struct policy_file, set->n);
    for (size_t i = 0; i < set->n; i++) {
        files[i] = set->about[i];
        files[i].name = arena_dup(&out->arena, set->about[i].name);
    }
    out->files = files;
    out->n_files = set->n;
}

/* Rules that speak of local time are made from the time zones as well. */
static void set_digest(const struct rulebook_in *in, const struct policyset *set,
                       const struct zones *zones, struct rulebook *out)
{
    str version = zones_version(zones, in->inputs->arena);
    disk_digest(arena_printf(in->inputs->arena, "%s %.*s", set->digest, STR_ARG(version)),
                out->set_digest);
    inputs_add(in->inputs, in->config->policies_dir, str_of(out->set_digest));
}

static bool is_loaded(const struct rulebook *previous, const struct rulebook *next)
{
    return previous && strcmp(previous->set_digest, next->set_digest) == 0 &&
           strcmp(previous->config_digest, next->config_digest) == 0;
}

static void set_generation(struct rulebook *out, const struct rulebook *previous)
{
    bool is_same = previous && str_eq(policy_digest(previous->policy), policy_digest(out->policy));
    out->generation = previous ? previous->generation + (is_same ? 0 : 1) : 1;
}

/* Sets *same_out when there is nothing to build. */
static bool build(const struct rulebook_in *in, struct rulebook *out, bool *same_out,
                  struct findings *f)
{
    const char *dir = in->config->policies_dir.p;
    struct zones zones = zones_in(in->zoneinfo);
    struct policyset set;
    struct fail fail = {0};
    if (!policyset_read(dir, in->inputs->arena, &set, &fail)) {
        inputs_add(in->inputs, str_of(dir), str_of(fail.text));
        build_refuse(f, in->config->policies_at, str_of(dir), "unreadable", fail.text);
        return false;
    }
    policyset_warn(&set, f);
    keep_files(out, &set);
    set_digest(in, &set, &zones, out);
    memcpy(out->config_digest, in->config->digest, sizeof out->config_digest);
    /* the regular look at the files must not load and test ten thousand rules anew */
    *same_out =
        is_loaded(in->previous, out) && app_files_same(&in->previous->app_files, in->inputs);
    if (*same_out)
        return true;
    if (!load_policy(in, &set, out, f) || !read_apps(in, out, f))
        return false;
    policy_drop_source(out->policy);
    set_generation(out, in->previous);
    return true;
}

struct rulebook *rulebook_build(const struct rulebook_in *in, struct findings *f)
{
    struct rulebook *out = mem_alloc(sizeof *out);
    bool is_same = false;
    atomic_init(&out->refs, 1);
    arena_init(&out->arena, NULL, 0);
    if (!build(in, out, &is_same, f) || is_same)
        rulebook_unref(&out);
    return is_same ? rulebook_ref(in->previous) : out;
}

struct rulebook *rulebook_ref(struct rulebook *b)
{
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void rulebook_unref(struct rulebook **b)
{
    struct rulebook *gone = *b;
    *b = NULL;
    if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < gone->n_apps; i++)
        app_finish(&gone->apps[i]);
    policy_unref(&gone->policy);
    arena_finish(&gone->arena);
    free(gone);
}
