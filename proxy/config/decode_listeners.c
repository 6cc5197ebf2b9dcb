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
    out->client_ca_at = doc_get(map, "client_ca");
    out->client_ca = decode_file(d, out->client_ca_at);
    out->client_crl_at = doc_get(map, "client_crl");
    out->client_crl = decode_file(d, out->client_crl_at);
    if (out->client_crl_at && !out->client_ca_at)
        doc_error(d->findings, doc_key(map, "client_crl"), "missing-key", NULL,
                  "client_crl needs client_ca: the CAs whose lists these are");
    out->tls_min = str_eq(doc_text(map, "min"), STR("1.3")) ? TLS_MIN_13 : TLS_MIN_12;
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
    decode_peer_uid(d, doc_get(map, "peer_uid"), out);
    decode_front(d, doc_get(map, "front"), out);
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
