/* reload: see reload.h. The digest decides whether anything changed; inotify only makes the next
 * look come sooner, so a lost or a superfluous event costs time and nothing else. */
#include "proxy/config/reload.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "proxy/config/build.h"

enum {
    RELOAD_PATIENCE_MS = 2000, /* files that never come to rest are read all the same */
    WATCH_MASK = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
};

/* One directory, once for each reason to watch it. */
struct watch_entry {
    int wd;
    str name; /* the only entry of it that matters; absent: all */
};

struct watch_list {
    struct arena arena;
    struct watch_entry *entries;
    size_t n, cap;
};

struct reload {
    struct snapshot_inputs in;
    struct snapshot *current;
    int fd;
    struct watch_list watched;
    int64_t poll_ms;           /* the next look without a reason */
    int64_t first_ms, last_ms; /* of the events since the last look; 0: none */
    bool is_requested;
    const char *trigger;
    struct reload_counts counts;
    /* what failed last, so that the same failure is told once and not every 15 s */
    char failed_base[DIGEST_HEX_CHARS + 1], failed_rules[DIGEST_HEX_CHARS + 1];
};

/* ---- Watching ---- */

static bool list_has(const struct watch_list *l, int wd)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->entries[i].wd == wd)
            return true;
    return false;
}

static void watch(struct reload *r, struct watch_list *next, str dir, str name)
{
    str path = arena_dup(&next->arena, dir);
    int wd = r->fd < 0 ? -1 : inotify_add_watch(r->fd, path.p, WATCH_MASK);
    if (wd < 0)
        return;
    if (next->n == next->cap) {
        next->cap = next->cap ? 2 * next->cap : 16;
        next->entries = mem_grow(next->entries, next->cap * sizeof *next->entries);
    }
    next->entries[next->n++] =
        (struct watch_entry){wd, name.p ? arena_dup(&next->arena, name) : (str){NULL, 0}};
}

static void list_finish(struct watch_list *l)
{
    free(l->entries);
    arena_finish(&l->arena);
}

/* A file is watched through its directory, a directory by itself and from its parent: it may be
 * replaced as a whole. Of the parent only the name counts, which may be as busy as /tmp. */
static void watch_paths(struct reload *r, struct watch_list *next, const struct inputs *in)
{
    for (size_t i = 0; i < in->n_paths; i++) {
        str path = in->paths[i];
        while (path.n > 1 && path.p[path.n - 1] == '/')
            path.n--;
        size_t slash = str_rfind(path, '/');
        str dir = slash == path.n ? STR(".") : str_upto(path, slash ? slash : 1);
        str name = slash == path.n ? path : str_from(path, slash + 1);
        bool is_policies = r->current && str_eq(in->paths[i], r->current->config->policies_dir);
        watch(r, next, dir, is_policies ? name : (str){NULL, 0});
        if (is_policies)
            watch(r, next, path, (str){NULL, 0});
    }
}

/* Every look watches anew, since a directory that was replaced is another one. Adding the same
 * directory again gives the same number. */
static void rewatch(struct reload *r, const struct build *b)
{
    struct watch_list next = {0};
    arena_init(&next.arena, NULL, 0);
    watch_paths(r, &next, &b->base);
    watch_paths(r, &next, &b->rules);
    for (size_t i = 0; i < r->watched.n; i++)
        if (!list_has(&next, r->watched.entries[i].wd))
            inotify_rm_watch(r->fd, r->watched.entries[i].wd);
    list_finish(&r->watched);
    r->watched = next;
}

static bool event_matters(const struct reload *r, const struct inotify_event *e)
{
    str name = e->len ? str_of(e->name) : (str){NULL, 0};
    if (e->mask & IN_Q_OVERFLOW)
        return true;
    if (e->mask & IN_IGNORED)
        return false;
    for (size_t i = 0; i < r->watched.n; i++) {
        const struct watch_entry *w = &r->watched.entries[i];
        if (w->wd == e->wd && (!w->name.p || !name.p || str_eq(w->name, name)))
            return true;
    }
    return false;
}

void reload_notice(struct reload *r, int64_t mono_ms)
{
    _Alignas(struct inotify_event) char buf[4096];
    ssize_t n;
    while (r->fd >= 0 && (n = read(r->fd, buf, sizeof buf)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(buf + at);
            at += (ssize_t)sizeof *e + e->len;
            if (!event_matters(r, e))
                continue;
            r->first_ms = r->first_ms ? r->first_ms : mono_ms;
            r->last_ms = mono_ms;
        }
}

/* ---- Life ---- */

struct reload *reload_create(const struct snapshot_inputs *in, struct snapshot *current,
                             int64_t mono_ms)
{
    struct reload *r = mem_alloc(sizeof *r);
    struct findings quiet;
    r->in = *in;
    r->in.config_path = mem_dup(str_of(in->config_path));
    r->current = snapshot_ref(current);
    r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    r->poll_ms = mono_ms + RELOAD_POLL_MS;
    arena_init(&r->watched.arena, NULL, 0);
    /* one look to learn what is to be watched; what changed since `current` comes with the poll */
    struct build b = {.in = &r->in, .previous = current, .findings = &quiet};
    findings_init(&quiet);
    struct snapshot *same = build_run(&b);
    rewatch(r, &b);
    r->counts.is_failing = !same || b.is_policy_broken;
    if (b.is_policy_broken) {
        memcpy(r->failed_base, b.base_digest, sizeof r->failed_base);
        memcpy(r->failed_rules, b.rules_digest, sizeof r->failed_rules);
    }
    snapshot_unref(&same);
    build_finish(&b);
    findings_finish(&quiet);
    return r;
}

void reload_destroy(struct reload *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    list_finish(&r->watched);
    snapshot_unref(&r->current);
    free((char *)(uintptr_t)r->in.config_path);
    free(r);
}

int reload_fd(const struct reload *r)
{
    return r->fd;
}

void reload_request(struct reload *r, const char *trigger)
{
    r->is_requested = true;
    r->trigger = trigger;
}

int64_t reload_due_ms(const struct reload *r)
{
    int64_t due = r->poll_ms;
    if (r->is_requested)
        return 0;
    if (r->first_ms) {
        int64_t rest = r->last_ms + RELOAD_DEBOUNCE_MS, end = r->first_ms + RELOAD_PATIENCE_MS;
        int64_t soon = rest < end ? rest : end;
        due = soon < due ? soon : due;
    }
    return due;
}

void reload_set_current(struct reload *r, struct snapshot *current)
{
    snapshot_ref(current);
    snapshot_unref(&r->current);
    r->current = current;
}

struct reload_counts reload_counts(const struct reload *r)
{
    return r->counts;
}

const char *reload_trigger(const struct reload *r)
{
    return r->trigger ? r->trigger : "start";
}

/* ---- The look ---- */

static bool is_same_failure(const struct reload *r, const struct build *b)
{
    return strcmp(r->failed_base, b->base_digest) == 0 &&
           strcmp(r->failed_rules, b->rules_digest) == 0;
}

static enum reload_result fail_look(struct reload *r, const struct build *b)
{
    memcpy(r->failed_base, b->base_digest, sizeof r->failed_base);
    memcpy(r->failed_rules, b->rules_digest, sizeof r->failed_rules);
    r->counts.failed++;
    r->counts.is_failing = true;
    return RELOAD_FAILED;
}

/* From here on a failure is news again, also one that was told before. */
static void settle(struct reload *r)
{
    r->counts.is_failing = false;
    r->failed_base[0] = r->failed_rules[0] = '\0';
}

static enum reload_result judge(struct reload *r, const struct build *b, struct snapshot *built,
                                bool is_forced, struct snapshot **next_out)
{
    bool is_broken = !built || b->is_policy_broken;
    bool is_base_same = strcmp(b->base_digest, snapshot_base_digest(r->current)) == 0;
    bool is_rules_same = strcmp(b->rules_digest, snapshot_rules_digest(r->current)) == 0;
    if (is_broken && !is_forced && is_same_failure(r, b))
        return RELOAD_NOTHING;
    if (!built || (b->is_policy_broken && is_base_same))
        return fail_look(r, b);
    /* the files are again what runs: an error was taken back */
    if (is_base_same && is_rules_same) {
        bool is_awaited = is_forced || r->counts.is_failing;
        settle(r);
        return is_awaited ? RELOAD_SAME : RELOAD_NOTHING;
    }
    /* new certificates or keys beside broken policies are not held up by them */
    if (b->is_policy_broken)
        fail_look(r, b);
    else
        settle(r);
    r->counts.good++;
    *next_out = snapshot_ref(built);
    reload_set_current(r, built);
    return RELOAD_NEW;
}

enum reload_result reload_check(struct reload *r, int64_t mono_ms, int64_t wall_us,
                                struct snapshot **next_out, struct findings *f)
{
    *next_out = NULL;
    if (mono_ms < reload_due_ms(r))
        return RELOAD_NOTHING;
    bool is_forced = r->is_requested;
    if (!is_forced)
        r->trigger = r->first_ms ? "change" : "poll";
    r->is_requested = false;
    r->first_ms = r->last_ms = 0;
    r->poll_ms = mono_ms + RELOAD_POLL_MS;
    r->in.wall_us = wall_us;
    struct build b = {.in = &r->in, .previous = r->current, .findings = f};
    struct snapshot *built = build_run(&b);
    rewatch(r, &b);
    enum reload_result result = judge(r, &b, built, is_forced, next_out);
    snapshot_unref(&built);
    build_finish(&b);
    return result;
}
