/* decode_devices: who tells what of devices. */
#include "proxy/config/decode.h"

#include "base/schema.h"

enum { POLL_MIN_MS = 1000 };

/* Which kinds have a key, and which need it; one bit a kind. */
#define IN(kind) (1u << SOURCE_##kind)
static const struct {
    const char *key;
    unsigned in, needed;
} keys[] = {
    {"file", IN(INVENTORY), IN(INVENTORY)},
    {"url", IN(FLEET), IN(FLEET)},
    {"token_file", IN(FLEET), IN(FLEET)},
    {"every", IN(FLEET), 0},
    {"ca", IN(FLEET) | IN(POSTURE), 0},
    {"issuer", IN(POSTURE), IN(POSTURE)},
    {"audience", IN(POSTURE), IN(POSTURE)},
    {"jwks_url", IN(POSTURE), 0},
    {"jwks_file", IN(POSTURE), 0},
    {"algs", IN(POSTURE), 0},
    {"header", IN(POSTURE), 0},
    {"cookie", IN(POSTURE), 0},
    {"max_age", IN(POSTURE), 0},
    {"id", IN(CERTIFICATE), 0},
};
#undef IN

static const char *const kinds[] = {
    [SOURCE_INVENTORY] = "inventory",
    [SOURCE_FLEET] = "fleet",
    [SOURCE_POSTURE] = "posture",
    [SOURCE_CERTIFICATE] = "certificate",
};

static enum source_kind read_kind(str word)
{
    for (size_t i = SOURCE_INVENTORY; i <= SOURCE_CERTIFICATE; i++)
        if (str_eq(word, str_of(kinds[i])))
            return (enum source_kind)i;
    return SOURCE_NONE;
}

static bool check_keys(struct decode *d, const struct doc_node *map, enum source_kind kind)
{
    bool good = true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        bool is_there = doc_get(map, keys[i].key);
        if (is_there && !(keys[i].in & (1u << kind)))
            doc_error(d->findings, doc_key(map, keys[i].key), "bad-value", NULL,
                      "%s is not for a source of kind %s", keys[i].key, kinds[kind]);
        else if (!is_there && (keys[i].needed & (1u << kind)))
            doc_error(d->findings, map, "missing-key", NULL, "a source of kind %s needs %s",
                      kinds[kind], keys[i].key);
        else
            continue;
        good = false;
    }
    return good;
}

static void decode_fleet(struct decode *d, const struct doc_node *map, struct config_source *out)
{
    const struct doc_node *every = doc_get(map, "every");
    out->url = decode_text(d, doc_get(map, "url"));
    out->token_at = doc_get(map, "token_file");
    out->token_file = decode_file(d, out->token_at);
    out->ca_at = doc_get(map, "ca");
    out->ca = decode_file(d, out->ca_at);
    out->every_ms = read_duration_ms(every, 60000);
    if (out->every_ms < POLL_MIN_MS)
        doc_error(d->findings, every, "out-of-range", NULL, "every must be at least 1s");
}

/* Documents are read like tokens of an issuer, which has a name that no rule can write. */
static void decode_posture(struct decode *d, const struct doc_node *map, struct config_source *out)
{
    struct issuer *settings = arena_new(d->arena, struct issuer);
    struct config_issuer issuer = {.issuer = settings, .is_posture = true};
    issuer.name = settings->name = arena_printf(d->arena, "posture:%.*s", STR_ARG(out->name));
    settings->issuer = decode_text(d, doc_get(map, "issuer"));
    settings->audiences = decode_texts(d, doc_get(map, "audience"), &settings->n_audiences);
    settings->algs = decode_algs(doc_get(map, "algs"));
    decode_keys(d, map, doc_get(map, "issuer"), &issuer);
    out->issuer = decode_add_issuer(d, map, &issuer);
    if (doc_get(map, "header"))
        out->header = arena_lower(d->arena, doc_text(map, "header"));
    out->cookie = decode_text(d, doc_get(map, "cookie"));
    out->max_age_s = read_duration_ms(doc_get(map, "max_age"), 900000) / 1000;
    if (out->max_age_s < 1)
        doc_error(d->findings, doc_get(map, "max_age"), "out-of-range", NULL,
                  "max_age must be at least 1s");
}

static bool are_certificates_asked_for(const struct config *c)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        if (c->listeners[i].client_ca.p || c->listeners[i].client_cert_header.p)
            return true;
    return false;
}

static void decode_certificate(struct decode *d, const struct doc_node *map,
                               struct config_source *out)
{
    static const char *const ids[] = {
        [DEVICE_ID_SAN_URI] = "san_uri",
        [DEVICE_ID_SAN_DNS] = "san_dns",
        [DEVICE_ID_SERIAL] = "serial",
        [DEVICE_ID_CN] = "cn",
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (str_eq(doc_text(map, "id"), str_of(ids[i])))
            out->id_from = (enum device_id_from)i;
    if (!are_certificates_asked_for(d->config))
        doc_warn(d->findings, map, "no-client-ca", "add client_ca to a listener's tls",
                 "no listener asks clients for a certificate: \"%.*s\" will know nothing",
                 STR_ARG(out->name));
}

static void decode_source(struct decode *d, const struct doc_node *name, const struct doc_node *map,
                          struct config_source *out)
{
    out->name = decode_text(d, name);
    out->kind = read_kind(doc_text(map, "kind"));
    out->issuer = SIZE_MAX;
    if (!check_keys(d, map, out->kind))
        return;
    out->file_at = doc_get(map, "file");
    out->file = decode_file(d, out->file_at);
    if (out->kind == SOURCE_FLEET)
        decode_fleet(d, map, out);
    else if (out->kind == SOURCE_POSTURE)
        decode_posture(d, map, out);
    else if (out->kind == SOURCE_CERTIFICATE)
        decode_certificate(d, map, out);
}

/* Facts are told apart by the source's name. */
static void check_name(struct decode *d, const struct doc_node *dict, str issuer)
{
    for (size_t i = 0; dict && i < dict->n; i++)
        if (str_eq(dict->keys[i]->text, issuer))
            doc_error(d->findings, dict->keys[i], "duplicate", NULL,
                      "\"%.*s\" is the source of what that issuer's tokens say of devices",
                      STR_ARG(issuer));
}

void decode_sources(struct decode *d, const struct doc_node *dict)
{
    size_t n = dict ? dict->n : 0, n_issuers = d->config->n_issuers;
    struct config_source *out = arena_array(d->arena, struct config_source, n + n_issuers);
    for (size_t i = 0; i < n; i++)
        decode_source(d, dict->keys[i], dict->items[i], &out[i]);
    for (size_t i = 0; i < n_issuers; i++) {
        if (!d->issuers[i].n_device)
            continue;
        check_name(d, dict, d->issuers[i].name);
        out[n++] =
            (struct config_source){.name = d->issuers[i].name, .kind = SOURCE_CLAIMS, .issuer = i};
    }
    d->config->sources_at = dict;
    d->config->sources = out;
    d->config->n_sources = n;
}
