/* posture: see posture.h. */
#include "proxy/config/posture.h"

#include <fcntl.h>

#include "authn/authn.h"
#include "base/doc.h"
#include "proxy/config/watched.h"

enum { CA_MAX_BYTES = 1 << 20, CRL_MAX_BYTES = 16 << 20, CRL_WARN_S = 86400 };

void posture_init(struct posture *p, struct arena *a, size_t n_listeners, size_t n_sources)
{
    p->n_cas = n_listeners;
    p->n_inventories = n_sources;
    p->cas = arena_array(a, struct posture_ca, n_listeners + 1);
    p->inventories = arena_array(a, struct posture_inventory, n_sources + 1);
    p->stores = arena_array(a, struct cert_store *, n_listeners + 1);
    p->tables = arena_array(a, struct device_table *, n_sources + 1);
}

void posture_share(const struct posture *from, struct posture *p)
{
    for (size_t i = 0; i < p->n_cas && i < from->n_cas; i++) {
        p->cas[i] = from->cas[i];
        p->cas[i].store = cert_store_ref(from->cas[i].store);
    }
    for (size_t i = 0; i < p->n_inventories && i < from->n_inventories; i++) {
        p->inventories[i] = from->inventories[i];
        p->inventories[i].table = device_table_ref(from->inventories[i].table);
    }
}

void posture_show(struct posture *p)
{
    for (size_t i = 0; i < p->n_cas; i++)
        p->stores[i] = p->cas[i].store;
    for (size_t i = 0; i < p->n_inventories; i++)
        p->tables[i] = p->inventories[i].table;
}

/* A certificate names its device on the connection, and for the session that began there. */
static bool can_name_devices(const struct config *c)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        if (c->listeners[i].client_ca.p || c->listeners[i].client_cert_header.p)
            return true;
    for (size_t i = 0; i < c->n_sources; i++)
        if (c->sources[i].kind == SOURCE_POSTURE || c->sources[i].kind == SOURCE_CLAIMS)
            return true;
    return false;
}

void posture_warn_unnamed(struct findings *f, const struct snapshot *s)
{
    bool is_asked = false;
    for (size_t i = 0; i < s->n_apps; i++)
        is_asked = is_asked || policy_app_wants_device(s->policy, s->apps[i].policy);
    if (!is_asked || !s->config->sources_at || can_name_devices(s->config))
        return;
    doc_warn(f, s->config->sources_at, "no-device-id",
             "add client_ca to a listener's tls, a source of kind posture, or device to an issuer",
             "rules ask for the device, and nothing says which device a visit is from: these "
             "sources are looked into by its id");
}

void posture_finish(struct posture *p)
{
    for (size_t i = 0; i < p->n_cas; i++)
        cert_store_unref(&p->cas[i].store);
    for (size_t i = 0; i < p->n_inventories; i++)
        device_table_unref(&p->inventories[i].table);
}

/* ---- CAs of clients -------------------------------------------------------------------------- */

static bool read_file(struct build *b, str path, const struct doc_node *at, size_t most, str *out)
{
    struct fail fail = {0};
    if (!path.p || inputs_read(&b->base, path, most, false, out, &fail))
        return true;
    build_refuse(b->findings, at, path, "unreadable", fail.text);
    return false;
}

static struct cert_store *same_store(const struct posture *previous, const char *digest)
{
    for (size_t i = 0; previous && i < previous->n_cas; i++)
        if (previous->cas[i].store && strcmp(previous->cas[i].digest, digest) == 0)
            return cert_store_ref(previous->cas[i].store);
    return NULL;
}

static void digest_ca(struct build *b, str ca, str crl, char out[DIGEST_HEX_CHARS + 1])
{
    char one[DIGEST_HEX_CHARS + 1], other[DIGEST_HEX_CHARS + 1];
    disk_digest(ca, one);
    disk_digest(crl, other);
    disk_digest(arena_printf(&b->arena, "%s %s", one, crl.p ? other : "none"), out);
}

/* With a list that has run out nobody's certificate counts: better heard of before. */
static void warn_of_crl(struct build *b, const struct config_listener *l,
                        const struct cert_store *store)
{
    const char *hint = "replace the file: it is read again by itself";
    int64_t left_s = cert_store_until_s(store) - b->in->wall_us / 1000000;
    if (left_s <= 0)
        doc_warn(b->findings, l->client_crl_at, "crl-expired", hint,
                 "a revocation list of %.*s has run out: no certificate of its CA counts",
                 STR_ARG(l->client_crl));
    else if (left_s < CRL_WARN_S)
        doc_warn(b->findings, l->client_crl_at, "crl-expires", hint,
                 "a revocation list of %.*s runs out in %lld minutes", STR_ARG(l->client_crl),
                 (long long)left_s / 60);
}

bool posture_read_ca(struct build *b, const struct config_listener *l, size_t i,
                     const struct posture *previous, struct posture *p)
{
    str ca = {NULL, 0}, crl = {NULL, 0};
    struct fail fail = {0};
    if (!l->client_ca.p)
        return true;
    bool good = read_file(b, l->client_ca, l->client_ca_at, CA_MAX_BYTES, &ca);
    good &= read_file(b, l->client_crl, l->client_crl_at, CRL_MAX_BYTES, &crl);
    if (!good)
        return false;
    digest_ca(b, ca, crl, p->cas[i].digest);
    p->cas[i].store = same_store(previous, p->cas[i].digest);
    if (!p->cas[i].store)
        p->cas[i].store = cert_store_create(ca, crl, &fail);
    if (!p->cas[i].store)
        build_refuse(b->findings, l->client_ca_at, l->client_ca, "client-ca", fail.text);
    else if (crl.p)
        warn_of_crl(b, l, p->cas[i].store);
    return p->cas[i].store != NULL;
}

/* ---- inventories ----------------------------------------------------------------------------- */

static struct device_table *same_table(const struct posture *previous, const char *digest)
{
    for (size_t i = 0; previous && i < previous->n_inventories; i++)
        if (previous->inventories[i].table && strcmp(previous->inventories[i].digest, digest) == 0)
            return device_table_ref(previous->inventories[i].table);
    return NULL;
}

/* When the file was written is part of what it says: an export that finds nothing changed is as
 * fresh as one that does. A time in the future says no more than now. */
static int64_t written_s(struct build *b, str path)
{
    struct file_stamp stamp;
    int64_t now_s = b->in->wall_us / 1000000, at_s = 0;
    if (disk_stamp_at(AT_FDCWD, path.p, &stamp))
        at_s = stamp.modify_ns / 1000000000;
    inputs_add(&b->base, path, arena_printf(&b->arena, "written %lld", (long long)at_s));
    return at_s < now_s ? at_s : now_s;
}

bool posture_read_inventory(struct build *b, const struct config_source *s, size_t i,
                            const struct posture *previous, struct posture *p)
{
    struct posture_inventory *out = &p->inventories[i];
    str bytes;
    if (s->kind != SOURCE_INVENTORY || !s->file.p)
        return true;
    int64_t at_s = written_s(b, s->file);
    if (!read_file(b, s->file, s->file_at, INVENTORY_MAX_BYTES, &bytes))
        return false;
    char digest[DIGEST_HEX_CHARS + 1];
    disk_digest(bytes, digest);
    disk_digest(arena_printf(&b->arena, "%.*s %lld %s", STR_ARG(s->name), (long long)at_s, digest),
                out->digest);
    out->table = same_table(previous, out->digest);
    if (!out->table) {
        struct doc_file file = {s->file, bytes};
        out->table = inventory_parse(&file, s->name, at_s, b->findings);
    }
    return out->table != NULL;
}
