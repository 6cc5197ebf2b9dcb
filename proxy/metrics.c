/* Health, readiness and Prometheus text (exposition format 0.0.4). See metrics.h. */
#include "proxy/metrics.h"

#include <stdarg.h>
#include <stdio.h>

struct page {
    struct arena *arena;
    char *p;
    size_t n, cap;
};

__attribute__((format(printf, 2, 3))) static void put(struct page *page, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(page->p + page->n, page->cap - page->n, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < page->cap - page->n)
        page->n += (size_t)n;
}

static void metric(struct page *page, const char *name, const char *type, const char *help,
                   int64_t value)
{
    put(page, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name,
        (long long)value);
}

static int64_t sum(const struct metrics *m, size_t offset)
{
    int64_t total = 0;
    for (unsigned i = 0, n = atomic_load(&m->n_workers); i < n; i++) {
        const char *base = (const char *)worker_counters(m->workers[i]);
        const _Atomic int64_t *c = (const void *)(base + offset);
        total += atomic_load_explicit(c, memory_order_relaxed);
    }
    return total;
}

static void put_audit(struct page *page, const struct metrics *m)
{
    struct audit_counts c;
    audit_counts(m->audit, &c);
    metric(page, "postern_audit_records_total", "counter", "Records in the chain.",
           (int64_t)c.records);
    metric(page, "postern_audit_bytes_total", "counter", "Bytes of records.", (int64_t)c.bytes);
    metric(page, "postern_audit_lost_total", "counter", "Records that were lost.", (int64_t)c.lost);
    metric(page, "postern_audit_waits_total", "counter", "Times that a ring had no room.",
           (int64_t)c.waits);
    metric(page, "postern_audit_syncs_total", "counter", "Syncs of the journal.", (int64_t)c.syncs);
    metric(page, "postern_audit_errors_total", "counter", "Failed writes of the journal.",
           (int64_t)c.errors);
    metric(page, "postern_audit_checkpoints_total", "counter", "Signed checkpoints.",
           (int64_t)c.checkpoints);
    metric(page, "postern_audit_writable", "gauge", "1 while the journal can be written.",
           c.is_writable);
}

static void put_notices(struct page *page, const struct metrics *m)
{
    struct notify_counts c = {0};
    if (m->notify)
        notify_counts(m->notify, &c);
    metric(page, "postern_notices_sent_total", "counter", "Mails and webhooks that were taken.",
           (int64_t)c.sent);
    metric(page, "postern_notices_failed_total", "counter", "Mails and webhooks given up.",
           (int64_t)c.failed);
    metric(page, "postern_notices_queued", "gauge", "Mails and webhooks on their way.",
           (int64_t)c.queued);
}

static void put_control(struct page *page, struct metrics *m)
{
    metric(page, "postern_policy_generation", "gauge", "Policy sets published since start.",
           (int64_t)atomic_load(&m->policy_generation));
    metric(page, "postern_shadow_compared", "gauge",
           "1 while shadow policies are compared, 0 when there are none or they have errors.",
           atomic_load(&m->has_shadow));
    metric(page, "postern_shadow_failing", "gauge",
           "1 while the files of the shadow policies are not what is compared.",
           atomic_load(&m->shadow_fails));
    metric(page, "postern_reloads_total", "counter", "Reloads that were published.",
           (int64_t)atomic_load(&m->reloads_good));
    metric(page, "postern_reload_failures_total", "counter", "Reloads that were refused.",
           (int64_t)atomic_load(&m->reloads_failed));
    metric(page, "postern_reload_failing", "gauge", "1 while the files are not what runs.",
           atomic_load(&m->reload_fails));
    metric(page, "postern_key_fetches_total", "counter", "Key sets fetched from issuers.",
           (int64_t)atomic_load(&m->keys_fetched));
    metric(page, "postern_key_fetch_failures_total", "counter", "Fetches of key sets that failed.",
           (int64_t)atomic_load(&m->keys_failed));
    metric(page, "postern_start_time_seconds", "gauge", "When this process started.", m->started_s);
}

void metrics_init(struct metrics *m)
{
    pthread_mutex_init(&m->lock, NULL);
}

void metrics_show(struct metrics *m, struct snapshot *s)
{
    pthread_mutex_lock(&m->lock);
    struct snapshot *old = m->snapshot;
    m->snapshot = s ? snapshot_ref(s) : NULL;
    pthread_mutex_unlock(&m->lock);
    snapshot_unref(&old);
}

void metrics_show_sources(struct metrics *m, const struct devices_source *sources, size_t n)
{
    pthread_mutex_lock(&m->lock);
    m->n_sources = n < METRICS_SOURCES ? n : METRICS_SOURCES;
    for (size_t i = 0; i < m->n_sources; i++) {
        struct metrics_source *to = &m->sources[i];
        *to = (struct metrics_source){.is_up = sources[i].is_up,
                                      .n_devices = sources[i].n_devices,
                                      .seen_s = sources[i].seen_s};
        snprintf(to->name, sizeof to->name, "%.*s", STR_ARG(sources[i].name));
    }
    pthread_mutex_unlock(&m->lock);
}

static void put_source(struct page *page, const char *name, const struct metrics_source *s,
                       int64_t value)
{
    put(page, "%s{source=\"%s\"} %lld\n", name, s->name, (long long)value);
}

/* Names are slugs: nothing in them needs an escape. */
static void put_sources(struct page *page, struct metrics *m)
{
    static const char up[] = "postern_device_source_up", many[] = "postern_device_source_devices",
                      seen[] = "postern_device_source_seen_timestamp_seconds";
    pthread_mutex_lock(&m->lock);
    if (m->n_sources)
        put(page,
            "# HELP %s 1 while a source of device facts can be heard.\n# TYPE %s gauge\n"
            "# HELP %s Devices that it knows.\n# TYPE %s gauge\n"
            "# HELP %s When it saw the newest of its facts.\n# TYPE %s gauge\n",
            up, up, many, many, seen, seen);
    for (size_t i = 0; i < m->n_sources; i++)
        put_source(page, up, &m->sources[i], m->sources[i].is_up);
    for (size_t i = 0; i < m->n_sources; i++)
        put_source(page, many, &m->sources[i], (int64_t)m->sources[i].n_devices);
    for (size_t i = 0; i < m->n_sources; i++)
        put_source(page, seen, &m->sources[i], m->sources[i].seen_s);
    pthread_mutex_unlock(&m->lock);
}

static struct snapshot *take_snapshot(struct metrics *m)
{
    pthread_mutex_lock(&m->lock);
    struct snapshot *s = m->snapshot ? snapshot_ref(m->snapshot) : NULL;
    pthread_mutex_unlock(&m->lock);
    return s;
}

/* A label's value may hold anything but these three as they are. */
static void put_label(struct page *page, str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\n')
            put(page, "\\n");
        else
            put(page, value.p[i] == '"' || value.p[i] == '\\' ? "\\%c" : "%c", value.p[i]);
}

/* A file that several listeners name is one certificate, and must be one series. */
static bool was_before(const struct snapshot *s, size_t listener, size_t index)
{
    str name = s->listeners[listener].certificates[index].cert;
    for (size_t i = 0; i <= listener; i++)
        for (size_t k = 0; k < (i == listener ? index : s->listeners[i].n_certificates); k++)
            if (str_eq(s->listeners[i].certificates[k].cert, name))
                return true;
    return false;
}

static void put_certificates(struct page *page, const struct snapshot *s)
{
    static const char name[] = "postern_certificate_expiration_timestamp_seconds";
    put(page, "# HELP %s When a listener's certificate ends.\n# TYPE %s gauge\n", name, name);
    for (size_t i = 0; i < s->n_listeners; i++)
        for (size_t k = 0; k < s->listeners[i].n_certificates; k++) {
            if (was_before(s, i, k))
                continue;
            put(page, "%s{certificate=\"", name);
            put_label(page, s->listeners[i].certificates[k].cert);
            put(page, "\"} %lld\n", (long long)tls_server_not_after_s(s->tls[i], k));
        }
}

/* Room for them: a name may be escaped whole. */
static size_t certificates_bytes(const struct snapshot *s)
{
    size_t bytes = 0;
    for (size_t i = 0; s && i < s->n_listeners; i++)
        for (size_t k = 0; k < s->listeners[i].n_certificates; k++)
            bytes += 2 * s->listeners[i].certificates[k].cert.n + 128;
    return bytes;
}

static void answer_metrics(struct metrics *m, struct arena *a, struct http_admin_answer *out)
{
    struct snapshot *s = take_snapshot(m);
    struct page page = {.arena = a, .cap = 32 * 1024 + certificates_bytes(s)};
    page.p = arena_text(a, page.cap);
#define X(member, name, type, help)                                                                \
    metric(&page, name, type, help, sum(m, offsetof(struct counters, member)));
    COUNTERS(X)
#undef X
    put_audit(&page, m);
    put_control(&page, m);
    put_notices(&page, m);
    put_sources(&page, m);
    if (s)
        put_certificates(&page, s);
    snapshot_unref(&s);
    put(&page,
        "# HELP postern_build_info Version.\n# TYPE postern_build_info gauge\n"
        "postern_build_info{version=\"%s\"} 1\n",
        POSTERN_VERSION);
    *out = (struct http_admin_answer){
        200, STR("text/plain; version=0.0.4; charset=utf-8"), {page.p, page.n}};
}

static void answer_ready(struct metrics *m, struct http_admin_answer *out)
{
    out->type = STR("text/plain; charset=utf-8");
    out->status = 503;
    if (atomic_load(&m->is_draining))
        out->body = STR("draining\n");
    else if (!atomic_load(&m->keys_settled))
        out->body = STR("the issuers are asked for their keys\n");
    else if (!atomic_load(&m->has_policy))
        out->body = STR("no valid policy is loaded: everything is refused\n");
    else if (!audit_is_writable(m->audit) && !audit_continues(m->audit))
        out->body = STR("the access log cannot be written: everything is refused\n");
    else {
        out->status = 200;
        out->body = STR("ready\n");
    }
}

void metrics_answer(struct metrics *m, str method, str path, struct arena *a,
                    struct http_admin_answer *out)
{
    *out = (struct http_admin_answer){404, STR("text/plain; charset=utf-8"),
                                      STR("try /healthz, /readyz or /metrics\n")};
    if (!str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"))) {
        out->status = 405;
        out->body = STR("GET only\n");
        return;
    }
    if (str_eq(path, STR("/healthz")))
        *out = (struct http_admin_answer){200, out->type, STR("ok\n")};
    else if (str_eq(path, STR("/readyz")))
        answer_ready(m, out);
    else if (str_eq(path, STR("/metrics")))
        answer_metrics(m, a, out);
}
