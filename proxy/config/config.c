/* config: opens and owns a configuration. The struct lives in its own arena, the count beside it.
 */
#include "proxy/config/config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/config/decode.h"
#include "proxy/config/disk.h"
#include "proxy/config/tables.h"

#include "base/doc.h"
#include "base/schema.h"

struct config_owner {
    struct config config; /* first: the owner is found from it */
    atomic_uint refs;
    struct arena arena;
};

static struct config_owner *owner_of(const struct config *c)
{
    return (struct config_owner *)(uintptr_t)c;
}

static void owner_destroy(struct config_owner *o)
{
    arena_finish(&o->arena);
    free(o);
}

const struct config *config_ref(const struct config *c)
{
    atomic_fetch_add_explicit(&owner_of(c)->refs, 1, memory_order_relaxed);
    return c;
}

void config_unref(const struct config **c)
{
    if (*c && atomic_fetch_sub_explicit(&owner_of(*c)->refs, 1, memory_order_acq_rel) == 1)
        owner_destroy(owner_of(*c));
    *c = NULL;
}

bool config_parse(str path, str dir, str bytes, const struct config **out, struct findings *f)
{
    size_t before = f->errors;
    struct config_owner *o = mem_alloc(sizeof *o);
    struct decode d = {&o->arena, f, &o->config};
    arena_init(&o->arena, NULL, 0);
    atomic_init(&o->refs, 1);
    o->config.path = arena_dup(&o->arena, path);
    o->config.dir = arena_dup(&o->arena, dir);
    disk_digest(bytes, o->config.digest);
    struct doc_file *file = arena_new(&o->arena, struct doc_file);
    *file = (struct doc_file){o->config.path, arena_dup(&o->arena, bytes)};
    const struct doc_node *root = doc_parse(&o->arena, file, f);
    if (root && !schema_check(&config_type, root, f) && root->kind != DOC_MAP)
        root = NULL;
    /* also after an error, so that all errors of the file come in one pass */
    if (root)
        decode_all(&d, root);
    if (!root || f->errors > before) {
        owner_destroy(o);
        return false;
    }
    *out = &o->config;
    return true;
}

void config_unreadable(const char *path, const struct fail *fail, struct findings *f)
{
    findings_add(f, FINDING_ERROR, "unreadable", &(struct finding_at){.file = str_of(path)},
                 fail->code == FAIL_NOT_FOUND ? "`postern init DIR` writes one to begin with"
                                              : NULL,
                 "%s", fail->text);
}

enum config_read config_open(const char *path, const struct config **out, struct findings *f)
{
    struct arena a;
    struct fail fail = {0};
    str bytes;
    enum config_read result = CONFIG_BROKEN;
    arena_init(&a, NULL, 0);
    if (!disk_read(path, DOC_MAX_BYTES, &a, &bytes, &fail)) {
        config_unreadable(path, &fail, f);
        result = fail.code == FAIL_NOT_FOUND ? CONFIG_ABSENT : CONFIG_BROKEN;
    } else if (config_parse(str_of(path), disk_directory(&a, path), bytes, out, f)) {
        result = CONFIG_GOOD;
    }
    arena_finish(&a);
    return result;
}

unsigned config_workers(const struct config *c)
{
    cpu_set_t set;
    if (c->workers)
        return c->workers;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

const char *config_default_path(void)
{
    const char *path = getenv("POSTERN_CONFIG");
    return path && *path ? path : "/etc/postern/postern.yaml";
}

void config_print_reference(FILE *out)
{
    fputs(
        "<!-- Made by `postern config reference`; change proxy/config/tables.c instead. -->\n\n"
        "`postern config check` tells every error of the file with its line and column;\n"
        "`postern init DIR` writes one to begin with. Names of files hang on the directory of\n"
        "postern.yaml. Durations are numbers with ms, s, m, h or d; sizes are bytes, or numbers\n"
        "with KiB, MiB, GiB or TiB. Secrets are files, never values. Unknown keys are errors.\n\n"
        "Certificates, keys, secrets, issuers, users, inventories, policies, limits, fronts and\n"
        "trusted networks are reloaded by themselves and on SIGHUP. Listeners' addresses, "
        "`admin`,\n"
        "`workers`, `state` and `audit` take effect at the next start; a reload that changes them\n"
        "says so.\n",
        out);
    schema_print_markdown(&config_type, "postern.yaml", out);
}

/* ---- What a reload cannot change ---- */

static void note_restart(struct findings *f, const struct config *next, const char *what)
{
    findings_add(f, FINDING_NOTE, "needs-restart", &(struct finding_at){.file = next->path}, NULL,
                 "%s changed: that takes effect at the next start", what);
}

static bool same_address(const struct listen_address *x, const struct listen_address *y)
{
    return x->kind == y->kind && x->port == y->port && str_eq(x->path, y->path) &&
           addr_eq(&x->addr, &y->addr);
}

static bool same_listener(const struct config_listener *x, const struct config_listener *y)
{
    return same_address(&x->address, &y->address) && x->is_redirect == y->is_redirect &&
           x->has_peer_uid == y->has_peer_uid && x->peer_uid == y->peer_uid &&
           (x->n_certificates > 0) == (y->n_certificates > 0);
}

bool config_same_listeners(const struct config *x, const struct config *y)
{
    if (x->n_listeners != y->n_listeners)
        return false;
    for (size_t i = 0; i < x->n_listeners; i++)
        if (!same_listener(&x->listeners[i], &y->listeners[i]))
            return false;
    return true;
}

static bool same_audit(const struct config_audit *x, const struct config_audit *y)
{
    return str_eq(x->file, y->file) && x->is_always == y->is_always &&
           x->continues == y->continues && x->rotate_bytes == y->rotate_bytes &&
           x->rotate_every_ms == y->rotate_every_ms && x->keep_ms == y->keep_ms &&
           x->compress == y->compress;
}

bool config_needs_restart(const struct config *running, const struct config *next,
                          struct findings *f)
{
    const struct limits *x = &running->limits, *y = &next->limits;
    const struct {
        bool is_same;
        const char *what;
    } parts[] = {
        {config_same_listeners(running, next),
         "listeners (an address, its kind, tls or not, peer_uid)"},
        {running->has_admin == next->has_admin && same_address(&running->admin, &next->admin),
         "admin"},
        {running->workers == next->workers, "workers"},
        {str_eq(running->state_dir, next->state_dir), "state"},
        {same_audit(&running->audit, &next->audit), "audit"},
        {x->audit_ring_bytes == y->audit_ring_bytes, "limits.audit_ring"},
        {x->token_cache == y->token_cache, "limits.token_cache"},
        {x->session_cache == y->session_cache, "limits.session_cache"},
        {x->tcp_keepalive_ms == y->tcp_keepalive_ms, "limits.tcp_keepalive"},
    };
    bool needs = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i].is_same) {
            note_restart(f, next, parts[i].what);
            needs = true;
        }
    return needs;
}
