/* device: see device.h.
 *
 * A certificate of the connection is verified with the first request, one in a trusted front's
 * header with each (such a connection carries many clients). What rules seldom need, documents and
 * hints, is looked for only when the gate asks. */
#include "proxy/http/device.h"

#include <stdlib.h>

#include "proxy/http/fields.h"
#include "proxy/http/front.h"

enum { DOCUMENTS_MOST = 8 };

struct device_cert_seen {
    struct gate_cert face;
    struct cert_store *by; /* a reference */
    bool is_of_header;
    str header; /* its DER then; absent: it cannot be read */
    struct arena arena;
};

/* ---- whom to ask ----------------------------------------------------------------------------- */

static bool any_app_wants(const struct snapshot *s)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (policy_app_wants_device(s->policy, s->apps[i].policy))
            return true;
    return false;
}

bool device_asks(void *ctx, str sni)
{
    const struct conn *c = ctx;
    const struct snapshot *s = gate_snapshot(c->server->options.gate);
    if (!s->policy || !s->client_cas[c->listener] || !sni.n)
        return false;
    if (str_eq(sni, s->config->portal.host))
        return any_app_wants(s);
    const struct app *app = snapshot_app_by_host(s, sni);
    return app && policy_app_wants_device(s->policy, app->policy);
}

/* ---- certificates ---------------------------------------------------------------------------- */

static enum cert_id id_from(const struct snapshot *s)
{
    static const enum cert_id of[] = {
        [DEVICE_ID_SAN_URI] = CERT_ID_SAN_URI,
        [DEVICE_ID_SAN_DNS] = CERT_ID_SAN_DNS,
        [DEVICE_ID_SERIAL] = CERT_ID_SERIAL,
        [DEVICE_ID_CN] = CERT_ID_CN,
    };
    for (size_t i = 0; i < s->config->n_sources; i++)
        if (s->config->sources[i].kind == SOURCE_CERTIFICATE)
            return of[s->config->sources[i].id_from];
    return CERT_ID_SAN_URI;
}

static void judge(const struct conn *c, const struct cert_store *by, const str *chain, size_t n,
                  struct arena *a, struct gate_cert *out)
{
    const struct snapshot *s = gate_snapshot(c->server->options.gate);
    int64_t now_s = loop_wall_us(c->server->loop) / 1000000;
    out->verdict = device_cert_verify(by, chain, n, id_from(s), now_s, a, &out->cert);
}

static const struct cert_store *store_of(const struct conn *c)
{
    return gate_snapshot(c->server->options.gate)->client_cas[c->listener];
}

/* Other CAs or revocation lists since then: what was good may be revoked; and by a list that has
 * run out nobody is. */
static bool is_judged(const struct device_cert_seen *seen, const struct conn *c)
{
    int64_t now_s = loop_wall_us(c->server->loop) / 1000000;
    return seen && seen->by == store_of(c) &&
           (seen->face.verdict != CERT_OK || now_s < cert_store_until_s(seen->by));
}

/* `chain` is not in its arena. */
static void judge_anew(struct conn *c, const str *chain, size_t n)
{
    if (!c->cert) {
        c->cert = mem_alloc(sizeof *c->cert);
        arena_init(&c->cert->arena, NULL, 0);
        c->cert->arena.chunk_bytes = 1024;
    }
    struct device_cert_seen *seen = c->cert;
    cert_store_unref(&seen->by);
    seen->by = cert_store_ref(store_of(c));
    arena_reset(&seen->arena);
    judge(c, seen->by, chain, n, &seen->arena, &seen->face);
}

static void judge_connection(struct conn *c)
{
    str chain[IO_CHAIN_MOST];
    struct arena a;
    if (is_judged(c->cert, c))
        return;
    arena_init(&a, NULL, 0);
    judge_anew(c, chain, io_peer_chain(&c->io, &a, chain));
    arena_finish(&a);
}

/* The next request of the connection may be another client's. */
static void judge_header(struct conn *c, str der)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    str own = arena_dup(&a, der);
    judge_anew(c, &own, 1);
    c->cert->is_of_header = true;
    c->cert->header = arena_dup(&c->cert->arena, own);
    arena_finish(&a);
}

static void judge_again(struct conn *c)
{
    if (!c->cert->is_of_header)
        judge_connection(c);
    else if (c->cert->header.n && !is_judged(c->cert, c))
        judge_header(c, c->cert->header);
}

void device_forget(struct device_cert_seen **seen)
{
    struct device_cert_seen *s = *seen;
    *seen = NULL;
    if (!s)
        return;
    cert_store_unref(&s->by);
    arena_finish(&s->arena);
    free(s);
}

/* In the front's header, when it comes from there and once; from anybody else it is a spoof. */
static str take_header(struct exchange *ex, const struct config_listener *l)
{
    struct http_request_head *h = &ex->head;
    bool is_believed = front_vouches(l, &ex->conn->client);
    str found = {NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        struct http_field *f = &h->fields[i];
        if (!fields_folded_eq(f->name, l->client_cert_header))
            continue;
        bool is_it = is_believed && str_eq_nocase(f->name, l->client_cert_header) && !n++;
        if (is_it)
            found = f->value;
        h->spoof_attempts += (f->drop != DROP_IDENTITY) - is_it;
        f->drop = is_it ? DROP_REWRITTEN : DROP_IDENTITY;
    }
    return n == 1 ? found : (str){NULL, 0};
}

static const struct gate_cert *read_header(struct exchange *ex, str value)
{
    str der;
    if (!value.n)
        return NULL;
    if (!device_cert_from_header(value, &ex->arena, &der))
        der = STR(""); /* malformed */
    judge_header(ex->conn, der);
    return &ex->conn->cert->face;
}

/* ---- documents and hints ----------------------------------------------------------------------
 */

static str field_value(const struct http_request_head *h, str name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (h->fields[i].name.n == name.n && str_eq_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    return (str){NULL, 0};
}

static str cookie_value(str cookies, str name)
{
    while (cookies.p) {
        str one = str_trim(str_cut(&cookies, ';'), " \t");
        size_t eq = str_find(one, '=');
        if (eq < one.n && str_eq(str_upto(one, eq), name))
            return str_from(one, eq + 1);
    }
    return (str){NULL, 0};
}

static void find_documents(struct exchange *ex, const struct config *config)
{
    struct gate_request *r = &ex->visit.request;
    struct gate_document *found = arena_array(&ex->arena, struct gate_document, DOCUMENTS_MOST);
    size_t n = 0;
    for (size_t i = 0; i < config->n_sources && n < DOCUMENTS_MOST; i++) {
        const struct config_source *s = &config->sources[i];
        str token = {NULL, 0};
        if (s->kind != SOURCE_POSTURE)
            continue;
        if (s->header.p)
            token = field_value(&ex->head, s->header);
        if (!token.p && s->cookie.p)
            token = cookie_value(ex->head.cookie, s->cookie);
        if (token.n)
            found[n++] = (struct gate_document){i, token};
    }
    r->documents = found;
    r->n_documents = n;
}

size_t device_cookies(struct exchange *ex, const str **out)
{
    const struct config *config = gate_snapshot(ex->conn->server->options.gate)->config;
    size_t n = 0;
    *out = NULL;
    if (!ex->head.cookie.p || !config->n_sources)
        return 0;
    str *names = arena_array(&ex->arena, str, config->n_sources);
    for (size_t i = 0; i < config->n_sources; i++)
        if (config->sources[i].cookie.p)
            names[n++] = config->sources[i].cookie;
    *out = names;
    return n;
}

/* What a device says of itself is for us, and not for the app behind, whose people could say it of
 * theirs. */
static void mark_documents(struct exchange *ex, const struct config *config)
{
    for (size_t i = 0; i < config->n_sources; i++)
        for (size_t k = 0; config->sources[i].header.p && k < ex->head.n_fields; k++)
            if (fields_folded_eq(ex->head.fields[k].name, config->sources[i].header) &&
                ex->head.fields[k].drop == DROP_NOT)
                ex->head.fields[k].drop = DROP_REWRITTEN;
}

static void tell(struct visit *v)
{
    struct exchange *ex = list_entry(v, struct exchange, visit);
    struct gate_request *r = &v->request;
    const struct snapshot *s = visit_snapshot(v);
    if (ex->conn->cert)
        judge_again(ex->conn);
    if (!s || r->documents)
        return; /* it lasts, or it was told */
    find_documents(ex, s->config);
    r->sec_ch_ua = field_value(&ex->head, STR("sec-ch-ua"));
    r->sec_ch_ua_platform = field_value(&ex->head, STR("sec-ch-ua-platform"));
    r->sec_ch_ua_platform_version = field_value(&ex->head, STR("sec-ch-ua-platform-version"));
}

void device_fill(struct exchange *ex)
{
    struct conn *c = ex->conn;
    const struct snapshot *s = gate_snapshot(c->server->options.gate);
    const struct config_listener *l = &s->listeners[c->listener];
    struct gate_request *r = &ex->visit.request;
    r->tell_device = tell;
    if (s->config->n_sources)
        mark_documents(ex, s->config);
    if (io_asked_certificate(&c->io)) {
        judge_connection(c);
        r->cert = &c->cert->face;
    } else if (l->client_cert_header.p) {
        r->cert = read_header(ex, take_header(ex, l));
    }
}
