/* app: from the subtree that the policy's schema has checked to what the proxy acts on. */
#include "proxy/config/rulebook.h"

#include "proxy/config/address.h"

#include "base/encode.h"
#include "base/schema.h"

enum { PEM_MAX_BYTES = 1 << 20 };

static str text_of(const struct app_in *in, const struct doc_node *node)
{
    return node ? arena_dup(in->arena, node->text) : (str){NULL, 0};
}

static const str *texts_of(const struct app_in *in, const struct doc_node *node, size_t *n_out)
{
    str *out = arena_array(in->arena, str, read_count(node));
    *n_out = read_count(node);
    for (size_t i = 0; i < *n_out; i++)
        out[i] = text_of(in, read_item(node, i));
    return out;
}

static void read_upstreams(const struct app_in *in, const struct doc_node *node, struct app *out,
                           struct findings *f)
{
    const char *why;
    size_t n = read_count(node);
    struct upstream *upstreams = arena_array(in->arena, struct upstream, n);
    for (size_t i = 0; i < n; i++) {
        const struct doc_node *item = read_item(node, i);
        if (!upstream_parse(in->arena, item->text, &upstreams[i], &why))
            doc_error(f, item, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(item->text), why);
        else if (upstreams[i].scheme == UPSTREAM_OTHER)
            doc_warn(f, item, "not-available", NULL,
                     "\"%.*s\" is answered 501 in this version: only http, https and unix are "
                     "forwarded",
                     STR_ARG(item->text));
    }
    if (n > 1)
        doc_warn(f, node, "not-available", NULL, "only the first upstream is used in this version");
    out->upstreams = upstreams;
    out->n_upstreams = n;
}

/* What the assertion says of itself, and no claim may say otherwise. */
static bool is_of_assertion(str name)
{
    static const str names[] = {STR("iss"), STR("aud"), STR("sub"), STR("iat"),
                                STR("exp"), STR("nbf"), STR("jti")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

static void read_assertion(const struct app_in *in, const struct doc_node *map, struct app *out,
                           struct findings *f)
{
    const struct doc_node *claims = doc_get(map, "claims");
    out->wants_assertion = read_bool(doc_get(map, "assertion"), false);
    if (claims && !out->wants_assertion)
        doc_warn(f, claims, "no-effect", NULL, "claims are for the assertion, which is not sent");
    out->assertion_claims = texts_of(in, claims, &out->n_assertion_claims);
    for (size_t i = 0; i < out->n_assertion_claims; i++) {
        const struct doc_node *item = read_item(claims, i);
        bool is_double = false;
        for (size_t k = 0; k < i; k++)
            is_double |= str_eq(out->assertion_claims[k], out->assertion_claims[i]);
        if (is_of_assertion(item->text) || is_double)
            doc_error(f, item, "bad-value", NULL, "\"%.*s\" %s", STR_ARG(item->text),
                      is_double ? "is there twice" : "is a claim of the assertion itself");
    }
}

static void read_identity(const struct app_in *in, const struct doc_node *map, struct app *out,
                          struct findings *f)
{
    if (!map)
        return;
    read_assertion(in, map, out, f);
    const struct doc_node *headers = doc_get(map, "headers");
    if (!headers)
        return;
    struct identity_header *list = arena_array(in->arena, struct identity_header, headers->n);
    for (size_t i = 0; i < headers->n; i++)
        list[i] =
            (struct identity_header){text_of(in, headers->keys[i]), text_of(in, headers->items[i])};
    out->identity_headers = list;
    out->n_identity_headers = headers->n;
}

static void read_cors(const struct app_in *in, const struct doc_node *map, struct app *out)
{
    if (!map)
        return;
    out->has_cors = true;
    out->cors.origins = texts_of(in, doc_get(map, "origins"), &out->cors.n_origins);
    out->cors.methods = texts_of(in, doc_get(map, "methods"), &out->cors.n_methods);
    out->cors.headers = texts_of(in, doc_get(map, "headers"), &out->cors.n_headers);
    out->cors.credentials = read_bool(doc_get(map, "credentials"), false);
}

static void read_timeouts(const struct app_in *in, const struct doc_node *map, struct app *out)
{
    out->connect_timeout_ms = read_duration_ms(map ? doc_get(map, "connect") : NULL, 5000);
    out->first_byte_timeout_ms = read_duration_ms(map ? doc_get(map, "first_byte") : NULL, 300000);
    out->body_stall_ms =
        read_duration_ms(map ? doc_get(map, "body_stall") : NULL, in->config->limits.body_stall_ms);
}

/* ---- TLS towards the upstream ---- */

struct tls_input {
    struct tls_client_options options;
    char digest[DIGEST_HEX_CHARS + 1];
};

static void note_file(const struct app_in *in, str path, bool is_key, str bytes)
{
    struct app_files *files = in->files;
    struct app_file file = {.path = arena_dup(in->arena, path), .is_key = is_key};
    disk_digest(bytes, file.digest);
    arena_push(in->arena, files->items, files->n, files->cap, file);
}

static bool is_as_it_was(const struct app_file *file, struct arena *a, str *bytes_out)
{
    char digest[DIGEST_HEX_CHARS + 1];
    struct fail fail = {0};
    bool good = file->is_key ? disk_read_secret(file->path.p, PEM_MAX_BYTES, a, bytes_out, &fail)
                             : disk_read(file->path.p, PEM_MAX_BYTES, a, bytes_out, &fail);
    if (!good)
        return false;
    disk_digest(*bytes_out, digest);
    return strcmp(digest, file->digest) == 0;
}

bool app_files_same(const struct app_files *files, struct inputs *inputs)
{
    str *bytes = arena_array(inputs->arena, str, files->n);
    for (size_t i = 0; i < files->n; i++)
        if (!is_as_it_was(&files->items[i], inputs->arena, &bytes[i]))
            return false;
    for (size_t i = 0; i < files->n; i++)
        inputs_add(inputs, files->items[i].path, bytes[i]);
    return true;
}

static bool read_pem(const struct app_in *in, const struct doc_node *node, bool is_key, str *out,
                     struct findings *f)
{
    struct fail fail = {0};
    str path = node->text;
    if (path.p[0] != '/')
        path =
            arena_printf(in->inputs->arena, "%.*s/%.*s", STR_ARG(in->config->dir), STR_ARG(path));
    if (inputs_read(in->inputs, path, PEM_MAX_BYTES, is_key, out, &fail)) {
        note_file(in, path, is_key, *out);
        return true;
    }
    doc_error(f, node, "unreadable", NULL, "%s", fail.text);
    return false;
}

static void read_pins(const struct app_in *in, const struct doc_node *list, struct tls_input *out)
{
    size_t n = read_count(list), got;
    unsigned char(*pins)[TLS_PIN_BYTES] =
        (unsigned char(*)[TLS_PIN_BYTES])arena_zalloc(in->inputs->arena, n * TLS_PIN_BYTES + 1);
    for (size_t i = 0; i < n; i++) {
        /* "sha256:" and base64, with or without its one padding character (checked by the schema)
         */
        unsigned char raw[36];
        str text = str_from(read_item(list, i)->text, 7);
        str padded = arena_printf(in->inputs->arena, "%.*s=", STR_ARG(str_upto(text, 43)));
        if (base64_decode(padded, raw, &got) && got == TLS_PIN_BYTES)
            memcpy(pins[i], raw, TLS_PIN_BYTES);
    }
    out->options.pins = (const unsigned char(*)[TLS_PIN_BYTES])pins;
    out->options.n_pins = n;
}

static void digest_tls(const struct app_in *in, struct tls_input *t)
{
    const struct tls_client_options *o = &t->options;
    char ca[DIGEST_HEX_CHARS + 1], cert[DIGEST_HEX_CHARS + 1], pins[DIGEST_HEX_CHARS + 1];
    disk_digest(o->ca_pem, ca);
    disk_digest(o->cert_pem, cert);
    disk_digest((str){(const char *)o->pins, o->n_pins * TLS_PIN_BYTES}, pins);
    disk_digest(arena_printf(in->inputs->arena, "%d %s %s %s", (int)o->verify, ca, cert, pins),
                t->digest);
}

static bool read_tls_input(const struct app_in *in, const struct doc_node *map,
                           struct tls_input *out, struct findings *f)
{
    const struct doc_node *ca = map ? doc_get(map, "ca") : NULL;
    const struct doc_node *client = map ? doc_get(map, "client_cert") : NULL;
    struct tls_client_options *o = &out->options;
    if (map)
        read_pins(in, doc_get(map, "pin"), out);
    /* a pin alone stands for the whole chain; with a ca both must hold */
    o->verify = o->n_pins && !ca ? TLS_VERIFY_PIN : TLS_VERIFY_CA;
    if (ca && !read_pem(in, ca, false, &o->ca_pem, f))
        return false;
    if (client && !read_pem(in, client, true, &o->cert_pem, f))
        return false;
    o->key_pem = o->cert_pem;
    digest_tls(in, out);
    return true;
}

/* A context holds the system's CAs: apps with equal settings share one, also across reloads, so
 * that pooled connections stay good. */
static struct tls_client *find_tls(const struct app *apps, size_t n, const char *digest)
{
    for (size_t i = 0; i < n; i++)
        if (apps[i].tls && strcmp(apps[i].tls_digest, digest) == 0)
            return apps[i].tls;
    return NULL;
}

static void read_tls(const struct app_in *in, const struct doc_node *app, struct app *out,
                     struct findings *f)
{
    const struct doc_node *map = doc_get(app, "tls");
    struct tls_input t = {0};
    struct fail fail = {0};
    out->tls_server_name = map ? text_of(in, doc_get(map, "server_name")) : (str){NULL, 0};
    if (!out->tls_server_name.p)
        out->tls_server_name = out->upstreams[0].host;
    if (out->upstreams[0].scheme != UPSTREAM_HTTPS) {
        if (map)
            doc_error(f, doc_key(app, "tls"), "bad-value", NULL,
                      "tls is for https:// upstreams only");
        return;
    }
    if (!read_tls_input(in, map, &t, f))
        return;
    memcpy(out->tls_digest, t.digest, sizeof out->tls_digest);
    struct tls_client *same = find_tls(in->done, in->n_done, t.digest);
    if (!same && in->previous)
        same = find_tls(in->previous->apps, in->previous->n_apps, t.digest);
    out->tls = same ? tls_client_ref(same) : tls_client_create(&t.options, &fail);
    if (!out->tls)
        doc_error(f, map ? map : app, "tls", NULL, "%s", fail.text);
}

bool app_read(const struct app_in *in, const struct policy_app *policy, struct app *out,
              struct findings *f)
{
    const struct doc_node *node = policy->node;
    size_t before = f->errors;
    uint64_t max_body = read_size(doc_get(node, "max_body"), UINT64_C(1) << 30);
    *out = (struct app){
        .policy = policy,
        .index = policy->index,
        .name = policy->name,
        .title = policy->title,
        .owner = policy->owner,
        .max_body_bytes = max_body ? max_body : UINT64_MAX,
        .rewrite_host = read_bool(doc_get(node, "rewrite_host"), false),
        .websocket = read_bool(doc_get(node, "websocket"), true),
        .shared_cache = read_bool(doc_get(node, "shared_cache"), false),
    };
    read_upstreams(in, doc_get(node, "upstream"), out, f);
    read_identity(in, doc_get(node, "identity"), out, f);
    read_cors(in, doc_get(node, "cors"), out);
    read_timeouts(in, doc_get(node, "timeouts"), out);
    read_tls(in, node, out, f);
    if (doc_get(node, "health"))
        doc_warn(f, doc_key(node, "health"), "not-available", NULL,
                 "upstreams are not checked actively in this version");
    return f->errors == before;
}

void app_finish(struct app *app)
{
    tls_client_unref(&app->tls);
}
