/* decode_listeners: where requests come in. A plain listener that the network can reach must be
 * asked for in so many words, and a front never trusts anybody by default. */
#include "proxy/config/decode.h"

#include <pwd.h>

#include "proxy/config/address.h"

#include "base/schema.h"

enum { HTTPS_PORT = 443 };

static void bad_value(struct decode *d, const struct doc_node *node, const char *why)
{
    doc_error(d->findings, node, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(node->text), why);
}

static void decode_tls(struct decode *d, const struct doc_node *map, struct config_listener *out)
{
    const struct doc_node *list = doc_get(map, "certificates");
    size_t n = read_count(list);
    struct certificate *certificates = arena_array(d->arena, struct certificate, n);
    for (size_t i = 0; i < n; i++) {
        struct certificate *c = &certificates[i];
        c->cert_at = doc_get(read_item(list, i), "cert");
        c->key_at = doc_get(read_item(list, i), "key");
        c->cert = decode_file(d, c->cert_at);
        c->key = decode_file(d, c->key_at);
    }
    out->certificates = certificates;
    out->n_certificates = n;
    decode_later(d, map, "client_ca", "asking clients for certificates");
    out->tls_min = str_eq(doc_text(map, "min"), STR("1.3")) ? TLS_MIN_13 : TLS_MIN_12;
}

static void decode_trusted(struct decode *d, const struct doc_node *forwarded,
                           struct config_listener *out)
{
    const struct doc_node *list = doc_get(forwarded, "trusted");
    size_t n = read_count(list);
    struct cidr *trusted = arena_array(d->arena, struct cidr, n);
    for (size_t i = 0; i < n; i++)
        cidr_parse(read_item(list, i)->text, &trusted[i]);
    out->trusted = trusted;
    out->n_trusted = n;
    if (!n && out->address.kind == ADDRESS_TCP)
        doc_error(d->findings, forwarded, "missing-key", NULL,
                  "forwarded needs trusted on a TCP listener: the networks whose X-Forwarded "
                  "headers count");
}

static void decode_front_map(struct decode *d, const struct doc_node *map,
                             struct config_listener *out)
{
    if (map->n != 1) {
        doc_error(d->findings, map, "bad-value", NULL, "a listener has exactly one front");
        return;
    }
    if (!str_eq(map->keys[0]->text, STR("forwarded"))) {
        doc_error(d->findings, map->keys[0], "not-available", NULL,
                  "the front \"%.*s\" is not available in this version, only direct and forwarded "
                  "are",
                  STR_ARG(map->keys[0]->text));
        return;
    }
    out->front = FRONT_FORWARDED;
    decode_trusted(d, map->items[0], out);
}

static void decode_front(struct decode *d, const struct doc_node *node, struct config_listener *out)
{
    if (node && node->kind == DOC_MAP)
        decode_front_map(d, node, out);
    else if (!node || str_eq(node->text, STR("direct")))
        out->front = FRONT_DIRECT;
    else if (str_eq(node->text, STR("forwarded")))
        doc_error(d->findings, node, "bad-value",
                  "write front: {forwarded: {trusted: [127.0.0.1/32]}}",
                  "forwarded must say whom it trusts");
    else
        doc_error(d->findings, node, "not-available", NULL,
                  "the front \"%.*s\" is not available in this version, only direct and forwarded "
                  "are",
                  STR_ARG(node->text));
}

static void decode_peer_uid(struct decode *d, const struct doc_node *node,
                            struct config_listener *out)
{
    uint64_t uid = 0;
    if (!node)
        return;
    if (out->address.kind != ADDRESS_UNIX) {
        doc_error(d->findings, node, "bad-value", NULL, "peer_uid is for unix sockets only");
        return;
    }
    out->has_peer_uid = true;
    if (str_to_u64(node->text, UINT32_MAX - 1, &uid)) {
        out->peer_uid = (uid_t)uid;
        return;
    }
    const struct passwd *user = getpwnam(decode_text(d, node).p);
    if (user)
        out->peer_uid = user->pw_uid;
    else
        doc_error(d->findings, node, "unknown-user", NULL,
                  "there is no user \"%.*s\" on this system", STR_ARG(node->text));
}

static void decode_redirect(struct decode *d, const struct doc_node *map,
                            struct config_listener *out)
{
    out->is_redirect = doc_get(map, "redirect") != NULL;
    out->acme_dir = decode_file(d, doc_get(map, "acme_dir"));
    if (out->is_redirect && out->n_certificates)
        doc_error(d->findings, doc_key(map, "redirect"), "bad-value", NULL,
                  "a listener with tls has nothing to redirect to https");
    if (out->acme_dir.p && !out->is_redirect)
        doc_error(d->findings, doc_key(map, "acme_dir"), "bad-value", NULL,
                  "acme_dir is for listeners with redirect: https only");
}

static void check_plain(struct decode *d, const struct doc_node *map,
                        const struct config_listener *l)
{
    const struct doc_node *address = doc_get(map, "address");
    if (l->address.kind == ADDRESS_NONE || l->n_certificates || l->is_redirect ||
        doc_get(map, "tls") || address_is_local(&l->address))
        return;
    if (!l->is_plain_allowed)
        doc_error(d->findings, address, "plain-listener", "add tls: or plain: true",
                  "\"%.*s\" is neither on loopback nor a unix socket and has no tls",
                  STR_ARG(address->text));
    else
        doc_warn(d->findings, address, "plain-listener", NULL,
                 "\"%.*s\" takes requests, and tokens in them, without TLS",
                 STR_ARG(address->text));
}

/* A note: in front of us 443 may well lead to another port of ours. */
static void check_redirects(struct decode *d, const struct doc_node *list,
                            const struct config_listener *l, size_t n)
{
    size_t redirect = n;
    for (size_t i = 0; i < n; i++) {
        if (l[i].n_certificates && l[i].address.port == HTTPS_PORT)
            return;
        if (l[i].is_redirect && redirect == n)
            redirect = i;
    }
    if (redirect == n)
        return;
    struct finding_at at = doc_at(doc_get(list->items[redirect], "redirect"));
    findings_add(d->findings, FINDING_NOTE, "redirect-port", &at, NULL,
                 "redirects lead to port 443, and no listener with tls here has that port");
}

static void decode_listener(struct decode *d, const struct doc_node *map,
                            struct config_listener *out)
{
    const struct doc_node *address = doc_get(map, "address"), *tls = doc_get(map, "tls");
    const char *why;
    if (!address_parse(d->arena, address->text, &out->address, &why))
        bad_value(d, address, why);
    if (tls)
        decode_tls(d, tls, out);
    out->is_plain_allowed = read_bool(doc_get(map, "plain"), false);
    decode_front(d, doc_get(map, "front"), out);
    decode_peer_uid(d, doc_get(map, "peer_uid"), out);
    decode_redirect(d, map, out);
    check_plain(d, map, out);
}

void decode_listeners(struct decode *d, const struct doc_node *list)
{
    size_t n = read_count(list);
    struct config_listener *out = arena_array(d->arena, struct config_listener, n);
    for (size_t i = 0; i < n; i++) {
        decode_listener(d, list->items[i], &out[i]);
        for (size_t k = 0; k < i; k++)
            if (out[i].address.kind && address_clash(&out[i].address, &out[k].address))
                doc_error(d->findings, doc_get(list->items[i], "address"), "duplicate", NULL,
                          "\"%.*s\" is taken by the listener on line %u",
                          STR_ARG(out[i].address.text), list->items[k]->line);
    }
    check_redirects(d, list, out, n);
    d->config->listeners = out;
    d->config->n_listeners = n;
}

void decode_admin(struct decode *d, const struct doc_node *map)
{
    struct listen_address *out = &d->config->admin;
    const char *why;
    if (!map)
        return;
    const struct doc_node *address = doc_get(map, "address");
    if (!address_parse(d->arena, address->text, out, &why)) {
        bad_value(d, address, why);
        return;
    }
    d->config->has_admin = true;
    if (!address_is_local(out) && !read_bool(doc_get(map, "plain"), false))
        doc_error(d->findings, address, "plain-listener", "add plain: true if that is meant",
                  "the admin address \"%.*s\" is neither on loopback nor a unix socket",
                  STR_ARG(address->text));
    for (size_t i = 0; i < d->config->n_listeners; i++)
        if (address_clash(out, &d->config->listeners[i].address))
            doc_error(d->findings, address, "duplicate", NULL, "\"%.*s\" is taken by a listener",
                      STR_ARG(address->text));
}
