/* snapshot: its parts are counted each for itself, so that the next snapshot shares what did not
 * change and a worker that is slow to let go of the last one holds no more than it must. */
#include "proxy/config/config.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "proxy/config/certificates.h"
#include "proxy/config/decode.h"
#include "proxy/config/posture.h"
#include "proxy/config/rulebook.h"
#include "proxy/config/shadow.h"
#include "proxy/config/watched.h"

#include "base/map.h"

struct snapshot_parts {
    struct snapshot face; /* what others see */
    atomic_uint refs;
    struct arena arena;
    const struct config *config;
    const struct config *listeners_config; /* the newest one that has the listeners of the start */
    const struct config *start_config;     /* what the process began with */
    struct rulebook *rules;
    struct shadow shadow;
    struct tls_server **tls;
    char (*tls_digests)[DIGEST_HEX_CHARS + 1];
    struct keyset **keys;
    struct snapshot_issuer *issuers;
    struct map by_iss;
    struct posture posture;
    struct builtin_users *users;
    char users_digest[DIGEST_HEX_CHARS + 1];
    char base_digest[DIGEST_HEX_CHARS + 1], rules_digest[DIGEST_HEX_CHARS + 1];
};

/* ---- Life ---- */

static struct snapshot_parts *parts_create(const struct config *config,
                                           const struct config *listeners_config,
                                           const struct config *start_config)
{
    struct snapshot_parts *p = mem_alloc(sizeof *p);
    arena_init(&p->arena, NULL, 0);
    atomic_init(&p->refs, 1);
    map_init(&p->by_iss);
    p->config = config_ref(config);
    p->listeners_config = config_ref(listeners_config);
    p->start_config = config_ref(start_config);
    p->tls = arena_array(&p->arena, struct tls_server *, listeners_config->n_listeners);
    p->tls_digests = (char(*)[DIGEST_HEX_CHARS + 1])
        arena_zalloc(&p->arena, listeners_config->n_listeners * sizeof *p->tls_digests);
    p->keys = arena_array(&p->arena, struct keyset *, config->n_issuers);
    p->issuers = arena_array(&p->arena, struct snapshot_issuer, config->n_issuers);
    posture_init(&p->posture, &p->arena, listeners_config->n_listeners, config->n_sources);
    return p;
}

static void parts_destroy(struct snapshot_parts *p)
{
    for (size_t i = 0; i < p->listeners_config->n_listeners; i++)
        tls_server_unref(&p->tls[i]);
    for (size_t i = 0; i < p->config->n_issuers; i++)
        keyset_unref(&p->keys[i]);
    rulebook_unref(&p->rules);
    builtin_users_unref(&p->users);
    posture_finish(&p->posture);
    shadow_finish(&p->shadow);
    config_unref(&p->start_config);
    config_unref(&p->listeners_config);
    config_unref(&p->config);
    map_finish(&p->by_iss);
    arena_finish(&p->arena);
    free(p);
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->parts->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(struct snapshot **s)
{
    struct snapshot_parts *p = *s ? (*s)->parts : NULL;
    *s = NULL;
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        parts_destroy(p);
}

/* The face is filled once, when all parts are there. */
static struct snapshot *parts_show(struct snapshot_parts *p, const struct snapshot *previous)
{
    struct snapshot *s = &p->face;
    for (size_t i = 0; i < p->config->n_issuers; i++) {
        p->issuers[i] = (struct snapshot_issuer){&p->config->issuers[i], p->keys[i]};
        /* only a front or a device may say what an implicit issuer signed */
        if (!p->config->issuers[i].is_implicit)
            map_add(&p->by_iss, p->config->issuers[i].issuer->issuer, &p->issuers[i]);
    }
    posture_show(&p->posture);
    *s = (struct snapshot){
        .config = p->config,
        .issuers = p->issuers,
        .n_issuers = p->config->n_issuers,
        .listeners = p->listeners_config->listeners,
        .tls = p->tls,
        .n_listeners = p->listeners_config->n_listeners,
        .shadow = p->shadow.policy,
        .is_shadow_broken = p->shadow.is_broken,
        .client_cas = p->posture.stores,
        .inventories = p->posture.tables,
        .users = p->users,
        .serial = previous ? previous->serial + 1 : 1,
        .parts = p,
    };
    if (!p->rules)
        return s;
    str digest = policy_digest(p->rules->policy);
    memcpy(s->policy_digest, digest.p, digest.n < DIGEST_HEX_CHARS ? digest.n : DIGEST_HEX_CHARS);
    s->policy = p->rules->policy;
    s->apps = p->rules->apps;
    s->n_apps = p->rules->n_apps;
    s->policy_generation = p->rules->generation;
    s->policy_files = p->rules->files;
    s->n_policy_files = p->rules->n_files;
    return s;
}

struct snapshot *snapshot_with_keys(const struct snapshot *old, size_t issuer, struct keyset *keys)
{
    const struct snapshot_parts *from = old->parts;
    struct snapshot_parts *p =
        parts_create(from->config, from->listeners_config, from->start_config);
    for (size_t i = 0; i < from->listeners_config->n_listeners; i++) {
        p->tls[i] = from->tls[i] ? tls_server_ref(from->tls[i]) : NULL;
        memcpy(p->tls_digests[i], from->tls_digests[i], sizeof p->tls_digests[i]);
    }
    for (size_t i = 0; i < from->config->n_issuers; i++)
        p->keys[i] = i == issuer ? keys : from->keys[i] ? keyset_ref(from->keys[i]) : NULL;
    p->rules = rulebook_ref(from->rules);
    p->users = from->users ? builtin_users_ref(from->users) : NULL;
    memcpy(p->users_digest, from->users_digest, sizeof p->users_digest);
    posture_share(&from->posture, &p->posture);
    shadow_share(&from->shadow, &p->shadow);
    memcpy(p->base_digest, from->base_digest, sizeof p->base_digest);
    memcpy(p->rules_digest, from->rules_digest, sizeof p->rules_digest);
    return parts_show(p, old);
}

/* ---- Building ---- */

void build_refuse(struct findings *f, const struct doc_node *at, str path, const char *code,
                  const char *text)
{
    struct finding_at place = at ? doc_at(at) : (struct finding_at){.file = path};
    findings_add(f, FINDING_ERROR, code, &place, NULL, "%s", text);
}

static const struct config *read_config(struct build *b)
{
    const struct config *c = NULL;
    const char *path = b->in->config_path;
    struct fail fail = {0};
    str bytes;
    if (!inputs_read(&b->base, str_of(path), DOC_MAX_BYTES, false, &bytes, &fail)) {
        config_unreadable(path, &fail, b->findings);
        return NULL;
    }
    config_parse(str_of(path), disk_directory(&b->arena, path), bytes, &c, b->findings);
    return c;
}

static struct tls_server *find_tls(const struct snapshot *previous, const char *digest)
{
    const struct snapshot_parts *from = previous ? previous->parts : NULL;
    for (size_t i = 0; from && i < from->listeners_config->n_listeners; i++)
        if (from->tls[i] && strcmp(from->tls_digests[i], digest) == 0)
            return from->tls[i];
    return NULL;
}

static bool build_tls(struct build *b, struct snapshot_parts *p, size_t i)
{
    const struct config_listener *l = &p->listeners_config->listeners[i];
    if (!l->n_certificates)
        return true;
    struct certificates certs = {0};
    if (!certificates_read(b, l, &certs, p->tls_digests[i]))
        return false;
    struct tls_server *same = find_tls(b->previous, p->tls_digests[i]);
    p->tls[i] = same ? tls_server_ref(same) : certificates_open(b, l, &certs);
    if (p->tls[i])
        certificates_warn(b->findings, l, p->tls[i], b->in->wall_us);
    return p->tls[i] != NULL;
}

/* Keys that were fetched stay good as long as they are fetched from the same place. */
static struct keyset *fetched_keys(const struct snapshot *previous, const struct config_issuer *c)
{
    for (size_t i = 0; previous && i < previous->n_issuers; i++) {
        const struct config_issuer *old = previous->issuers[i].config;
        if (old->keys == c->keys && str_eq(old->url, c->url) &&
            str_eq(old->issuer->issuer, c->issuer->issuer) && previous->issuers[i].keys)
            return keyset_ref(previous->issuers[i].keys);
    }
    return NULL;
}

static bool build_keys(struct build *b, struct snapshot_parts *p, size_t i)
{
    const struct config_issuer *c = &p->config->issuers[i];
    struct fail fail = {0};
    str json;
    if (c->keys != KEYS_FILE) {
        p->keys[i] = fetched_keys(b->previous, c);
        return true;
    }
    if (!inputs_read(&b->base, c->file, KEYSET_MAX_BYTES, false, &json, &fail)) {
        build_refuse(b->findings, c->file_at, c->file, "unreadable", fail.text);
        return false;
    }
    p->keys[i] = keyset_parse(json, &fail);
    if (!p->keys[i]) {
        str text = arena_printf(&b->arena, "%.*s: %s", STR_ARG(c->file), fail.text);
        build_refuse(b->findings, c->file_at, c->file, "keys", text.p);
    }
    return p->keys[i] != NULL;
}

static bool build_users(struct build *b, struct snapshot_parts *p)
{
    const struct snapshot_parts *from = b->previous ? b->previous->parts : NULL;
    bool good = false;
    p->users = watched_users(b, p->config, from ? from->users : NULL,
                             from ? from->users_digest : "", p->users_digest, &good);
    return good;
}

static bool build_posture(struct build *b, struct snapshot_parts *p)
{
    const struct posture *from = b->previous ? &b->previous->parts->posture : NULL;
    bool good = true;
    for (size_t i = 0; i < p->listeners_config->n_listeners; i++)
        good &= posture_read_ca(b, &p->listeners_config->listeners[i], i, from, &p->posture);
    for (size_t i = 0; i < p->config->n_sources; i++)
        good &= posture_read_inventory(b, &p->config->sources[i], i, from, &p->posture);
    return good;
}

static bool check_state(struct build *b, const struct config *c)
{
    struct fail fail = {0};
    if (disk_check_keys(c->state_dir.p, &fail))
        return true;
    build_refuse(b->findings, c->state_at, c->state_dir, "key-mode", fail.text);
    return false;
}

/* A warning only: who checks may not be who runs. The usual place is made by the service manager.
 */
static void check_audit(struct build *b, const struct config *c)
{
    if (!b->previous && c->audit.file_at && !disk_has_folder(c->audit.file.p))
        doc_warn(b->findings, c->audit.file_at, "no-directory", "make it before the start",
                 "the access log %s is to be in a directory that does not exist", c->audit.file.p);
}

static void build_rules(struct build *b, struct snapshot_parts *p)
{
    struct rulebook *previous = b->previous ? b->previous->parts->rules : NULL;
    struct rulebook_in in = {.config = p->config,
                             .previous = previous,
                             .inputs = &b->rules,
                             .zoneinfo = b->in->zoneinfo,
                             .wall_us = b->in->wall_us};
    p->rules = rulebook_build(&in, b->findings);
    b->is_policy_broken = !p->rules;
    if (!p->rules)
        p->rules = rulebook_ref(previous);
}

/* What is listened on cannot change without a restart: then the running listeners stay. */
static struct snapshot_parts *create_for(struct build *b, const struct config *c)
{
    if (!b->previous)
        return parts_create(c, c, c);
    const struct snapshot_parts *from = b->previous->parts;
    config_needs_restart(from->start_config, c, b->findings);
    bool is_same = config_same_listeners(from->start_config, c);
    return parts_create(c, is_same ? c : from->listeners_config, from->start_config);
}

static struct snapshot_parts *build_parts(struct build *b)
{
    const struct config *c = read_config(b);
    if (!c)
        return NULL;
    struct snapshot_parts *p = create_for(b, c);
    bool good = check_state(b, c);
    check_audit(b, c);
    for (size_t i = 0; i < p->listeners_config->n_listeners; i++)
        good &= build_tls(b, p, i);
    for (size_t i = 0; i < c->n_issuers; i++)
        good &= build_keys(b, p, i);
    good &= watched_read(b, c);
    good &= build_users(b, p);
    good &= build_posture(b, p);
    build_rules(b, p);
    good &= shadow_build(b, c, b->previous ? &b->previous->parts->shadow : NULL, &p->shadow);
    config_unref(&c);
    if (good)
        return p;
    parts_destroy(p);
    return NULL;
}

struct snapshot *build_run(struct build *b)
{
    arena_init(&b->arena, NULL, 0);
    inputs_init(&b->base, &b->arena);
    inputs_init(&b->rules, &b->arena);
    struct snapshot_parts *p = build_parts(b);
    inputs_finish(&b->base, b->base_digest);
    inputs_finish(&b->rules, b->rules_digest);
    if (!p) {
        findings_sort(b->findings);
        return NULL;
    }
    memcpy(p->base_digest, b->base_digest, sizeof p->base_digest);
    memcpy(p->rules_digest, b->rules_digest, sizeof p->rules_digest);
    struct snapshot *s = parts_show(p, b->previous);
    watched_check_apps(b->findings, s);
    posture_warn_unnamed(b->findings, s);
    findings_sort(b->findings);
    return s;
}

void build_finish(struct build *b)
{
    arena_finish(&b->arena);
}

struct snapshot *snapshot_build(const struct snapshot_inputs *in, const struct snapshot *previous,
                                bool *policy_broken_out, struct findings *f)
{
    struct build b = {.in = in, .previous = previous, .findings = f};
    struct snapshot *s = build_run(&b);
    if (policy_broken_out)
        *policy_broken_out = b.is_policy_broken;
    build_finish(&b);
    return s;
}

const char *snapshot_base_digest(const struct snapshot *s)
{
    return s->parts->base_digest;
}

const char *snapshot_rules_digest(const struct snapshot *s)
{
    return s->parts->rules_digest;
}

/* ---- Look-ups of the request path ---- */

const struct app *snapshot_app_by_host(const struct snapshot *s, str host)
{
    const struct policy_app *app = s->policy ? policy_app_find(s->policy, host) : NULL;
    return app ? &s->apps[app->index] : NULL;
}

const struct app *snapshot_app_by_name(const struct snapshot *s, str name)
{
    const struct policy_app *app = s->policy ? policy_app_named(s->policy, name) : NULL;
    return app ? &s->apps[app->index] : NULL;
}

const struct snapshot_issuer *snapshot_issuer_by_iss(const struct snapshot *s, str iss)
{
    return map_get(&s->parts->by_iss, iss);
}

const struct snapshot_issuer *snapshot_issuer_by_name(const struct snapshot *s, str name)
{
    for (size_t i = 0; i < s->n_issuers; i++)
        if (str_eq(s->issuers[i].config->name, name))
            return &s->issuers[i];
    return NULL;
}
