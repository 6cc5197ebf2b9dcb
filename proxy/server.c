/* The control thread. See server.h. */
#include "proxy/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/secret.h"
#include "proxy/crew.h"
#include "proxy/keys.h"
#include "proxy/metrics.h"
#include "proxy/parts.h"
#include "proxy/telling.h"

enum {
    TICKET_ROTATE_MS = 4 * 3600 * 1000,
};

#define SERVER_STATES(X)                                                                           \
    X(SERVER_STARTING, "starting")                                                                 \
    X(SERVER_RUNNING, "running")                                                                   \
    X(SERVER_DRAINING, "draining") /* no new connections; what runs is finished */                 \
    X(SERVER_OVER, "over")         /* the loop has ended; what workers still post is read off */

enum server_state {
#define X(id, name) id,
    SERVER_STATES(X)
#undef X
};

static const char *const STATE[] = {
#define X(id, name) [id] = name,
    SERVER_STATES(X)
#undef X
};

struct server {
    struct server_options options;
    struct snapshot_inputs inputs;
    struct loop *loop;
    struct mailbox *mailbox;
    struct snapshot *snapshot; /* what runs */
    struct reload *reload;
    struct watch reload_watch;
    struct deadline reload_due, drain_due, tickets_due;
    struct tls_tickets *tickets;
    struct keys *keys;
    struct parts *parts;
    struct audit *audit;
    struct crew crew;
    struct metrics metrics;
    struct signal_watch *signals[3];
    char node[256], boot[17];
    enum server_state state;
    bool has_reload_watch;
};

static void set_state(struct server *s, enum server_state state)
{
    log_debug("server.state", NULL, "from", STATE[s->state], "to", STATE[state]);
    s->state = state;
    if (state == SERVER_DRAINING)
        atomic_store(&s->metrics.is_draining, true);
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void note_snapshot(struct server *s)
{
    atomic_store(&s->metrics.has_policy, s->snapshot->policy != NULL);
    atomic_store(&s->metrics.has_shadow, s->snapshot->shadow != NULL);
    atomic_store(&s->metrics.shadow_fails, s->snapshot->is_shadow_broken);
    atomic_store(&s->metrics.policy_generation, s->snapshot->policy_generation);
    metrics_show(&s->metrics, s->snapshot);
}

static void publish(struct server *s, struct snapshot *next)
{
    struct snapshot *old = s->snapshot;
    s->snapshot = next;
    note_snapshot(s);
    /* Before there are workers, what the parts tell them would be told to nobody, and not again. */
    if (s->crew.n > 0)
        parts_configure(s->parts, next);
    crew_publish(&s->crew, next);
    snapshot_unref(&old);
}

static void keys_changed(void *ctx, size_t issuer, struct keyset *keys)
{
    struct server *s = ctx;
    struct snapshot *next = snapshot_with_keys(s->snapshot, issuer, keys);
    publish(s, next);
    if (s->reload)
        reload_set_current(s->reload, next);
}

/* The built-in issuer's keys are fetched from ourselves. */
static void take_builtin_keys(struct server *s)
{
    const struct config *c = s->snapshot->config;
    struct keyset *keys = parts_builtin_keys(s->parts);
    for (size_t i = 0; keys && i < c->n_issuers; i++)
        if (c->issuers[i].keys == KEYS_BUILTIN && !keyset_same(keys, s->snapshot->issuers[i].keys))
            keys_changed(s, i, keyset_ref(keys));
    keyset_unref(&keys);
}

static void keys_answered(void *ctx, size_t issuer, bool is_good)
{
    struct server *s = ctx;
    atomic_fetch_add(is_good ? &s->metrics.keys_fetched : &s->metrics.keys_failed, 1);
    atomic_store(&s->metrics.keys_settled, keys_are_settled(s->keys));
    /* After the snapshot with the new keys: messages of one sender arrive in order. */
    crew_keys_answered(&s->crew, issuer);
    parts_keys_answered(s->parts, issuer);
}

/* ---- messages from workers ------------------------------------------------------------------- */

struct missed {
    size_t issuer, kid_n;
    char kid[];
};

static void on_missed(void *ctx, void *arg)
{
    struct server *s = ctx;
    struct missed *m = arg;
    keys_missed(s->keys, m->issuer, (str){m->kid, m->kid_n});
    free(m);
}

static void need_keys(void *ctx, unsigned worker, size_t issuer, str kid)
{
    struct server *s = ctx;
    struct missed *m = mem_alloc(sizeof *m + kid.n);
    m->issuer = issuer;
    m->kid_n = kid.n;
    if (kid.n)
        memcpy(m->kid, kid.p, kid.n);
    if (!mailbox_post(s->mailbox, on_missed, m))
        free(m);
}

static void on_whois(void *ctx, void *arg)
{
    struct server *s = ctx;
    parts_ask_whois(s->parts, arg);
}

/* What is not delivered any more is freed by its gate. */
static void need_whois(void *ctx, struct whois_ask *ask)
{
    struct server *s = ctx;
    (void)!mailbox_post(s->mailbox, on_whois, ask);
}

static void on_drained(void *ctx, void *arg)
{
    struct server *s = ctx;
    if (crew_note_drained(&s->crew) && s->state != SERVER_OVER)
        loop_stop(s->loop);
}

static void drained(void *ctx, unsigned worker)
{
    struct server *s = ctx;
    mailbox_post(s->mailbox, on_drained, NULL);
}

static void admin(void *ctx, str method, str path, struct arena *a, struct http_admin_answer *out)
{
    struct server *s = ctx;
    metrics_answer(&s->metrics, method, path, a, out);
}

/* ---- reload ---------------------------------------------------------------------------------- */

static void record(struct server *s, str kind, const struct snapshot *before, const char *trigger,
                   const struct findings *f)
{
    struct telling t = {
        .node = str_of(s->node),
        .boot = str_of(s->boot),
        .kind = kind,
        .now = s->snapshot,
        .before = before,
        .trigger = trigger,
        .findings = f,
        .wall_us = loop_wall_us(s->loop),
    };
    telling_record(&t, s->audit);
}

static void arm_reload(struct server *s)
{
    int64_t left_ms = reload_due_ms(s->reload) - loop_now_ms(s->loop);
    deadline_set(s->loop, &s->reload_due, left_ms < 1 ? 1 : left_ms);
}

static const char *published_text(const struct snapshot *before, const struct snapshot *now)
{
    return before->policy_generation == now->policy_generation
               ? "a new snapshot is in force; its rules are those of before"
               : "a new snapshot is in force";
}

static void adopt(struct server *s, struct snapshot *next)
{
    struct snapshot *before = snapshot_ref(s->snapshot);
    publish(s, next);
    keys_configure(s->keys, next->config);
    take_builtin_keys(s);
    if (next->policy_generation != before->policy_generation)
        record(s, STR("policy.loaded"), before, reload_trigger(s->reload), NULL);
    log_info("reload.published", published_text(before, next), "policy", next->policy_digest,
             "trigger", reload_trigger(s->reload));
    telling_shadow(next, before, s->options.shadow_dir);
    snapshot_unref(&before);
}

static void look(struct server *s)
{
    struct snapshot *next = NULL;
    struct findings f;
    findings_init(&f);
    switch (reload_check(s->reload, loop_now_ms(s->loop), loop_wall_us(s->loop), &next, &f)) {
    case RELOAD_NOTHING:
        break;
    case RELOAD_SAME:
        telling_log(&f);
        log_info("reload.unchanged", "the files are good and say what is in force", "trigger",
                 reload_trigger(s->reload));
        break;
    case RELOAD_NEW:
        adopt(s, next);
        telling_log(&f);
        break;
    case RELOAD_FAILED:
        telling_log(&f);
        /* What is in force did not change: the files that are named are those of the errors. */
        record(s, STR("policy.failed"), s->snapshot, reload_trigger(s->reload), &f);
        log_error("reload.refused", "the files have errors; what was in force stays in force",
                  "trigger", reload_trigger(s->reload));
        break;
    }
    findings_finish(&f);
    if (parts_look_at_keys(s->parts))
        take_builtin_keys(s);
    struct reload_counts counts = reload_counts(s->reload);
    atomic_store(&s->metrics.reloads_good, counts.good);
    atomic_store(&s->metrics.reloads_failed, counts.failed);
    atomic_store(&s->metrics.reload_fails, counts.is_failing);
    arm_reload(s);
}

static void look_due(struct deadline *d)
{
    struct server *s = list_entry(d, struct server, reload_due);
    if (s->state != SERVER_OVER)
        look(s);
}

static void files_changed(struct watch *w, unsigned events)
{
    struct server *s = list_entry(w, struct server, reload_watch);
    reload_notice(s->reload, loop_now_ms(s->loop));
    arm_reload(s);
}

/* ---- signals --------------------------------------------------------------------------------- */

static void too_long(struct deadline *d)
{
    struct server *s = list_entry(d, struct server, drain_due);
    log_warn("drain.cut", "the drain timeout is over; what still runs is cut");
    loop_stop(s->loop);
}

static void drain(struct server *s)
{
    if (s->state == SERVER_DRAINING) {
        log_warn("drain.cut", "a second signal: what still runs is cut");
        loop_stop(s->loop);
        return;
    }
    set_state(s, SERVER_DRAINING);
    log_info("drain.begin", "no new connections; requests under way are answered");
    deadline_set(s->loop, &s->drain_due, s->snapshot->config->limits.drain_timeout_ms);
    crew_drain(&s->crew);
}

static void on_signal(void *ctx, int signum)
{
    struct server *s = ctx;
    if (s->state == SERVER_OVER)
        return;
    if (signum != SIGHUP) {
        drain(s);
        return;
    }
    reload_request(s->reload, "SIGHUP");
    arm_reload(s);
}

static bool open_signals(struct server *s, struct fail *f)
{
    static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a journal at its size limit is a failed write, not our end */
    for (size_t i = 0; i < 3; i++)
        if (!(s->signals[i] = signal_open(s->loop, signums[i], on_signal, s, f)))
            return false;
    return true;
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool start_workers(struct server *s, struct fail *f)
{
    struct worker_options common = {
        .audit = s->audit,
        .node = str_of(s->node),
        .boot = str_of(s->boot),
        .snapshot = s->snapshot,
        .events = {need_keys, drained, admin, s, need_whois},
    };
    parts_equip(s->parts, &common);
    s->metrics.workers = s->crew.workers;
    if (!crew_start(&s->crew, &common, f))
        return false;
    atomic_store(&s->metrics.n_workers, s->crew.n); /* the first one may be asked already */
    return true;
}

static bool open_audit(struct server *s, struct fail *f)
{
    const struct config *c = s->snapshot->config;
    char key[4096], state[4096];
    snprintf(key, sizeof key, "%.*s/keys/checkpoint", STR_ARG(c->state_dir));
    snprintf(state, sizeof state, "%.*s/audit.state", STR_ARG(c->state_dir));
    if (mkdir(c->state_dir.p, 0700) != 0 && errno != EEXIST)
        return fail_errno(f, "cannot make the directory %s", c->state_dir.p);
    struct audit_options o = {
        .file = c->audit.file.p,
        .key_file = key,
        .state_file = state,
        .node = s->node,
        .boot = s->boot,
        .is_always = c->audit.is_always,
        .continues = c->audit.continues,
        .rotate_bytes = (int64_t)c->audit.rotate_bytes,
        .rotate_every_s = c->audit.rotate_every_ms / 1000,
        .keep_s = c->audit.keep_ms / 1000,
        .compress = c->audit.compress,
        .ring_bytes = c->limits.audit_ring_bytes,
        .is_null = s->options.audit_sink && strcmp(s->options.audit_sink, "null") == 0,
    };
    s->audit = audit_open(&o, f);
    s->metrics.audit = s->audit;
    return s->audit != NULL;
}

/* A broken configuration is told with all its errors; broken policies alone start, and refuse. */
static bool load(struct server *s)
{
    struct findings f;
    bool policy_broken = false;
    findings_init(&f);
    s->inputs = (struct snapshot_inputs){
        .config_path = s->options.config_path,
        .wall_us = (int64_t)time(NULL) * 1000000,
        .zoneinfo = s->options.zoneinfo,
        .shadow_dir = s->options.shadow_dir,
        .tickets = s->tickets = tls_tickets_create(),
    };
    s->snapshot = snapshot_build(&s->inputs, NULL, &policy_broken, &f);
    findings_sort(&f);
    findings_print(&f, stderr);
    if (s->snapshot && policy_broken)
        log_error("policy.failed", "no valid policy: everything is refused until there is one");
    findings_finish(&f);
    return s->snapshot != NULL;
}

static void rotate_tickets(struct deadline *d)
{
    struct server *s = list_entry(d, struct server, tickets_due);
    tls_tickets_rotate(s->tickets);
    deadline_set(s->loop, &s->tickets_due, TICKET_ROTATE_MS);
}

static bool open_control(struct server *s, struct fail *f)
{
    struct keys_events events = {keys_changed, keys_answered, s};
    s->loop = loop_create(f);
    s->mailbox = s->loop ? mailbox_open(s->loop, s, f) : NULL;
    if (!s->mailbox || !open_signals(s, f))
        return false;
    deadline_init(&s->reload_due, look_due);
    deadline_init(&s->drain_due, too_long);
    deadline_init(&s->tickets_due, rotate_tickets);
    deadline_set(s->loop, &s->tickets_due, TICKET_ROTATE_MS);
    s->keys = keys_create(s->loop, &events);
    s->reload = reload_create(&s->inputs, s->snapshot, loop_now_ms(s->loop));
    if (reload_fd(s->reload) >= 0) {
        s->has_reload_watch =
            watch_open(s->loop, &s->reload_watch, reload_fd(s->reload), files_changed, f);
        if (!s->has_reload_watch)
            return false;
        watch_want(&s->reload_watch, WATCH_READ);
    }
    arm_reload(s);
    return true;
}

static bool open_parts(struct server *s, struct fail *f)
{
    struct parts_options o = {
        .loop = s->loop,
        .mailbox = s->mailbox,
        .audit = s->audit,
        .node = str_of(s->node),
        .boot = str_of(s->boot),
        .keys = s->keys,
        .crew = &s->crew,
        .metrics = &s->metrics,
    };
    s->parts = parts_open(&o, s->snapshot, f);
    if (s->parts)
        take_builtin_keys(s);
    return s->parts != NULL;
}

static void tell_ready(const struct server *s)
{
    char number[24];
    for (size_t i = 0; i < s->snapshot->n_listeners; i++) {
        const struct config_listener *l = &s->snapshot->listeners[i];
        log_info("listening", NULL, "address", l->address.text.p, "tls",
                 l->n_certificates ? "yes" : "no");
        if (l->is_plain_allowed && !l->n_certificates && !addr_is_loopback(&l->address.addr))
            log_warn("listening.plain", "tokens travel in the clear on this address", "address",
                     l->address.text.p);
    }
    if (!s->snapshot->policy) {
        log_warn("not-ready", "postern " POSTERN_VERSION " is running and refuses everything",
                 "workers", log_num(number, s->crew.n));
        return;
    }
    log_info("ready", "postern " POSTERN_VERSION " is running", "workers",
             log_num(number, s->crew.n), "policy", s->snapshot->policy_digest);
}

static void stop(struct server *s)
{
    crew_join(&s->crew);
    parts_close_store(s->parts);
    /* What they posted last is delivered now, while those it is for exist. */
    set_state(s, SERVER_OVER);
    if (s->mailbox)
        mailbox_close(s->mailbox);
    /* The desk waits for passwords that are being checked, and the loop turns for it: what happens
     * then must not call into rooms that are gone. */
    keys_destroy(s->keys);
    parts_close(s->parts);
    audit_close(s->audit); /* its writer posts to the workers' mailboxes until then */
    crew_destroy(&s->crew);
    parts_destroy(s->parts);
    if (s->has_reload_watch)
        watch_detach(&s->reload_watch, NULL);
    reload_destroy(s->reload);
    if (s->loop) {
        deadline_clear(s->loop, &s->reload_due);
        deadline_clear(s->loop, &s->drain_due);
        deadline_clear(s->loop, &s->tickets_due);
    }
    /* Without its handler a signal that comes twice would kill us at the last moment. */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (size_t i = 0; i < 3; i++)
        signal_close(s->signals[i]);
    loop_destroy(s->loop);
    mailbox_destroy(s->mailbox);
    metrics_show(&s->metrics, NULL);
    snapshot_unref(&s->snapshot);
    tls_tickets_destroy(s->tickets);
}

static void name_us(struct server *s)
{
    unsigned char boot[8];
    random_fill(boot, sizeof boot);
    hex_encode(boot, sizeof boot, s->boot);
    if (gethostname(s->node, sizeof s->node - 1) != 0 || !s->node[0])
        snprintf(s->node, sizeof s->node, "postern");
    s->metrics.started_s = time(NULL);
}

int server_run(const struct server_options *o)
{
    static struct server s; /* one a process; too large for a stack */
    struct fail f = {0};
    s = (struct server){.options = *o};
    metrics_init(&s.metrics);
    name_us(&s);
    if (!load(&s))
        return 1;
    log_level(s.snapshot->config->log_level);
    log_style(s.snapshot->config->log_style);
    note_snapshot(&s);
    bool good =
        open_audit(&s, &f) && open_control(&s, &f) && open_parts(&s, &f) && start_workers(&s, &f);
    if (good) {
        record(&s, s.snapshot->policy ? STR("policy.loaded") : STR("policy.failed"), NULL, "start",
               NULL);
        keys_configure(s.keys, s.snapshot->config);
        parts_configure(s.parts, s.snapshot);
        atomic_store(&s.metrics.keys_settled, keys_are_settled(s.keys));
        telling_shadow(s.snapshot, NULL, s.options.shadow_dir);
        tell_ready(&s);
        set_state(&s, SERVER_RUNNING);
        loop_run(s.loop);
        log_info("stopped", NULL);
    } else {
        log_error("start.failed", f.text);
    }
    stop(&s);
    return good ? 0 : 1;
}
