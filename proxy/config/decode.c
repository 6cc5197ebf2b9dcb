/* decode: the small sections, and the order of all. See decode.h. */
#include "proxy/config/decode.h"

#include "proxy/config/address.h"
#include "proxy/config/limits.h"
#include "proxy/config/tables.h"

#include "base/schema.h"

enum { WORKERS_MAX = 256 };

str decode_text(struct decode *d, const struct doc_node *node)
{
    return node ? arena_dup(d->arena, node->text) : (str){NULL, 0};
}

str decode_file(struct decode *d, const struct doc_node *node)
{
    if (!node)
        return (str){NULL, 0};
    if (node->text.p[0] == '/' || !d->config->dir.n)
        return arena_dup(d->arena, node->text);
    str name = node->text;
    while (name.n > 1 && name.p[name.n - 1] == '/')
        name.n--;
    return arena_printf(d->arena, "%.*s/%.*s", STR_ARG(d->config->dir), STR_ARG(name));
}

str decode_file_or(struct decode *d, const struct doc_node *node, const char *fallback)
{
    struct doc_node absent = {.kind = DOC_SCALAR, .text = str_of(fallback)};
    return decode_file(d, node ? node : &absent);
}

const str *decode_texts(struct decode *d, const struct doc_node *node, size_t *n_out)
{
    size_t n = read_count(node);
    str *out = arena_array(d->arena, str, n);
    for (size_t i = 0; i < n; i++)
        out[i] = decode_text(d, read_item(node, i));
    *n_out = n;
    return out;
}

const char *decode_hint(struct decode *d, str word, const str *names, size_t n)
{
    str near = findings_nearest(word, names, n);
    return near.p ? arena_printf(d->arena, "did you mean \"%.*s\"?", STR_ARG(near)).p : NULL;
}

void decode_later(struct decode *d, const struct doc_node *map, const char *key, const char *what)
{
    if (doc_get(map, key))
        doc_error(d->findings, doc_key(map, key), "not-available", NULL,
                  "%s is not available in this version", what);
}

static void decode_workers(struct decode *d, const struct doc_node *node)
{
    uint64_t n = 0;
    if (!node || str_eq(node->text, STR("auto")))
        return;
    if (!str_to_u64(node->text, WORKERS_MAX, &n) || n == 0)
        doc_error(d->findings, node, "out-of-range", NULL,
                  "workers must be auto or a number from 1 to %d, not \"%.*s\"", WORKERS_MAX,
                  STR_ARG(node->text));
    d->config->workers = (unsigned)n;
}

static void decode_audit(struct decode *d, const struct doc_node *map)
{
    struct config_audit *out = &d->config->audit;
    const struct doc_node *file = map ? doc_get(map, "file") : NULL;
    const struct doc_node *rotate = map ? doc_get(map, "rotate") : NULL;
    const int64_t day_ms = 86400000;
    out->file_at = file;
    out->file = file && str_eq(file->text, STR("-"))
                    ? STR("-")
                    : decode_file_or(d, file, "/var/log/postern/access.jsonl");
    out->rotate_bytes = read_size(rotate ? doc_get(rotate, "size") : NULL, 1 << 30);
    out->rotate_every_ms = read_duration_ms(rotate ? doc_get(rotate, "every") : NULL, day_ms);
    out->keep_ms = read_duration_ms(rotate ? doc_get(rotate, "keep") : NULL, 400 * day_ms);
    out->compress = read_bool(rotate ? doc_get(rotate, "compress") : NULL, true);
    if (!map)
        return;
    out->is_always = str_eq(doc_text(map, "sync"), STR("always"));
    out->continues = str_eq(doc_text(map, "on_error"), STR("continue"));
    if (str_eq(doc_text(map, "query"), STR("hash")))
        out->query = QUERY_HASH;
    if (out->continues)
        doc_warn(d->findings, doc_get(map, "on_error"), "audit-continue", NULL,
                 "access goes on without a record while the journal cannot be written");
    if (rotate && out->rotate_bytes && out->rotate_bytes < (1 << 20))
        doc_error(d->findings, doc_get(rotate, "size"), "out-of-range", NULL,
                  "size must be 0 or at least 1MiB");
    if (rotate && out->rotate_every_ms && out->rotate_every_ms < 60000)
        doc_error(d->findings, doc_get(rotate, "every"), "out-of-range", NULL,
                  "every must be 0s or at least 1m");
}

static void decode_log(struct decode *d, const struct doc_node *map)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    d->config->log_level = LOG_LEVEL_INFO;
    if (!map)
        return;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (str_eq(doc_text(map, "level"), str_of(levels[i])))
            d->config->log_level = (enum log_level)i;
    d->config->log_style = str_eq(doc_text(map, "format"), STR("json")) ? LOG_JSON : LOG_TEXT;
}

/* A section that holds to its table, else NULL: what follows needs no checks of its own then. */
static const struct doc_node *section(const struct doc_node *root, const char *key)
{
    const struct doc_node *node = doc_get(root, key);
    const struct schema_field *field = config_type.fields;
    struct findings told_already;
    while (field->name && strcmp(field->name, key) != 0)
        field++;
    if (!node || !field->name)
        return NULL;
    findings_init(&told_already);
    bool is_good = schema_check(field->type, node, &told_already);
    findings_finish(&told_already);
    return is_good ? node : NULL;
}

static size_t count(const struct doc_node *node)
{
    return node ? node->n : 0;
}

/* Whoever names an issuer is told that there is none only if all of them could be read. */
static bool are_issuers_read(const struct doc_node *root)
{
    return !doc_get(root, "issuers") || section(root, "issuers");
}

static void decode_people(struct decode *d, const struct doc_node *root)
{
    decode_sessions(d, section(root, "sessions"));
    decode_mail(d, section(root, "mail"));
    decode_channels(d, section(root, "notify"));
    decode_builtin(d, section(root, "builtin"));
}

/* Behind a front, or a unix socket, it is what stands there that has TLS. */
static bool may_have_tls(const struct config *c)
{
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        if (l->n_certificates || l->front > FRONT_DIRECT || l->address.kind == ADDRESS_UNIX)
            return true;
    }
    return false;
}

static void check_origin(struct decode *d, const struct doc_node *portal)
{
    if (!portal || doc_get(portal, "origin") || !d->config->n_listeners || may_have_tls(d->config))
        return;
    doc_warn(d->findings, portal, "no-tls",
             "say how browsers reach the portal, such as origin: \"http://HOST:PORT\"",
             "origin is %.*s when left out, and no listener has TLS: the log-in would lead nowhere",
             STR_ARG(d->config->portal.origin));
}

void decode_all(struct decode *d, const struct doc_node *root)
{
    struct config *c = d->config;
    const struct doc_node *listeners = section(root, "listeners"),
                          *sources = section(root, "device_sources");
    d->are_issuers_read = are_issuers_read(root);
    decode_portal(d, section(root, "portal"));
    decode_issuers(d, section(root, "issuers"), count(listeners) + count(sources));
    decode_listeners(d, listeners);
    decode_admin(d, section(root, "admin"));
    decode_later(d, root, "console", "the console");
    c->policies_at = section(root, "policies");
    c->policies_dir = decode_file_or(d, c->policies_at, "policies");
    c->state_at = section(root, "state");
    c->state_dir = decode_file_or(d, c->state_at, "/var/lib/postern");
    decode_workers(d, section(root, "workers"));
    decode_sources(d, sources);
    if (d->are_issuers_read)
        decode_services(d, section(root, "services"));
    decode_people(d, root);
    check_origin(d, section(root, "portal"));
    decode_audit(d, section(root, "audit"));
    limits_read(section(root, "limits"), &c->limits, d->findings);
    decode_log(d, section(root, "log"));
    if (!doc_get(root, "issuers") && !c->n_issuers)
        doc_warn(
            d->findings, root, "no-issuer", NULL,
            "there are no issuers: nobody can prove an identity, only public paths are served");
}
