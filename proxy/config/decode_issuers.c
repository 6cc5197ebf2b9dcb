/* decode_issuers: who may vouch for people and programs, and which tokens are machines. */
#include "proxy/config/decode.h"

#include "base/schema.h"
#include "proxy/config/trust.h"

static unsigned decode_algs(const struct doc_node *node)
{
    size_t n = read_count(node);
    unsigned mask = node ? 0 : ALG_DEFAULT;
    enum token_alg alg;
    for (size_t i = 0; i < n; i++)
        if (alg_from_name(read_item(node, i)->text, &alg))
            mask |= ALG_BIT(alg);
    return mask;
}

static void decode_exponents(struct decode *d, const struct doc_node *node, struct issuer *out)
{
    size_t n = read_count(node);
    uint64_t *exponents = arena_array(d->arena, uint64_t, n);
    for (size_t i = 0; i < n; i++) {
        exponents[i] = read_uint(read_item(node, i), 0);
        if (exponents[i] < 3 || exponents[i] % 2 == 0)
            doc_error(d->findings, read_item(node, i), "out-of-range", NULL,
                      "a public exponent is odd and at least 3, not \"%.*s\"",
                      STR_ARG(read_item(node, i)->text));
    }
    out->rsa_exponents = exponents;
    out->n_rsa_exponents = n;
}

static void decode_claims(struct decode *d, const struct doc_node *map, struct issuer *out)
{
    const struct doc_node *claims = doc_get(map, "claims"), *mfa = doc_get(map, "mfa");
    const struct doc_node *from = doc_get(map, "claims_from");
    if (claims) {
        out->groups_claim = decode_text(d, doc_get(claims, "groups"));
        out->email_claim = decode_text(d, doc_get(claims, "email"));
    }
    if (mfa) {
        out->mfa_amr = decode_texts(d, doc_get(mfa, "amr"), &out->n_mfa_amr);
        out->mfa_acr = decode_texts(d, doc_get(mfa, "acr"), &out->n_mfa_acr);
    }
    out->absent_means_none =
        decode_texts(d, doc_get(map, "absent_means_none"), &out->n_absent_means_none);
    if (!from || str_eq(from->text, STR("id_token")))
        return;
    if (str_eq(from->text, STR("userinfo")))
        doc_error(d->findings, from, "not-available", NULL,
                  "claims_from: userinfo is not available in this version");
    else
        doc_error(d->findings, from, "bad-value", NULL, "claims_from must be id_token");
}

static void decode_keys(struct decode *d, const struct doc_node *map, struct config_issuer *out)
{
    const struct doc_node *url = doc_get(map, "jwks_url"), *file = doc_get(map, "jwks_file");
    const struct doc_node *issuer = doc_get(map, "issuer");
    out->ca_at = doc_get(map, "ca");
    out->ca = decode_file(d, out->ca_at);
    if (url && file)
        doc_error(d->findings, doc_key(map, "jwks_file"), "bad-value", NULL,
                  "jwks_url and jwks_file exclude each other");
    if (file) {
        out->keys = KEYS_FILE;
        out->file = decode_file(d, file);
        out->file_at = file;
    } else if (url) {
        out->keys = KEYS_URL;
        out->url = decode_text(d, url);
    } else {
        out->keys = KEYS_DISCOVERY;
        out->url = discovery_url(d->arena, issuer->text);
        if (!fetch_url_allowed(out->url))
            doc_error(d->findings, issuer, "bad-value", "name the keys by jwks_url or jwks_file",
                      "\"%.*s\" is no https URL, so its keys cannot be discovered",
                      STR_ARG(issuer->text));
    }
}

static void decode_issuer(struct decode *d, const struct doc_node *name, const struct doc_node *map,
                          struct config_issuer *out)
{
    struct issuer *issuer = arena_new(d->arena, struct issuer);
    out->name = issuer->name = decode_text(d, name);
    out->issuer = issuer;
    if (map->kind != DOC_MAP) {
        bool is_builtin = str_eq(map->text, STR("builtin"));
        doc_error(d->findings, map, is_builtin ? "not-available" : "wrong-kind", NULL,
                  is_builtin ? "the built-in issuer is not available in this version"
                             : "an issuer is a mapping with issuer and audience");
        return;
    }
    issuer->issuer = decode_text(d, doc_get(map, "issuer"));
    issuer->audiences = decode_texts(d, doc_get(map, "audience"), &issuer->n_audiences);
    issuer->parties = decode_texts(d, doc_get(map, "authorized_parties"), &issuer->n_parties);
    issuer->algs = decode_algs(doc_get(map, "algs"));
    issuer->wants_at_jwt = read_bool(doc_get(map, "access_tokens"), false);
    issuer->trusted_email = read_bool(doc_get(map, "trusted_email"), false);
    decode_exponents(d, doc_get(map, "rsa_exponents"), issuer);
    decode_claims(d, map, issuer);
    decode_keys(d, map, out);
    decode_later(d, map, "client_id", "log-in in the browser (client_id)");
    decode_later(d, map, "client_secret_file", "log-in in the browser (client_secret_file)");
}

void decode_issuers(struct decode *d, const struct doc_node *dict)
{
    size_t n = dict ? dict->n : 0;
    struct config_issuer *out = arena_array(d->arena, struct config_issuer, n);
    for (size_t i = 0; i < n; i++) {
        decode_issuer(d, dict->keys[i], dict->items[i], &out[i]);
        trust_of_issuer(out[i].issuer, out[i].trust);
        /* a token is put to exactly one issuer, chosen by `iss` */
        for (size_t k = 0; k < i; k++)
            if (out[i].issuer->issuer.n && str_eq(out[i].issuer->issuer, out[k].issuer->issuer))
                doc_error(d->findings, doc_get(dict->items[i], "issuer"), "duplicate", NULL,
                          "\"%.*s\" is the issuer of %.*s already", STR_ARG(out[i].issuer->issuer),
                          STR_ARG(out[k].name));
    }
    d->config->issuers = out;
    d->config->n_issuers = n;
}

static bool has_issuer(const struct config *c, str name)
{
    for (size_t i = 0; i < c->n_issuers; i++)
        if (str_eq(c->issuers[i].name, name))
            return true;
    return false;
}

static void unknown_issuer(struct decode *d, const struct doc_node *node)
{
    str *names = arena_array(d->arena, str, d->config->n_issuers);
    for (size_t i = 0; i < d->config->n_issuers; i++)
        names[i] = d->config->issuers[i].name;
    str near = findings_nearest(node->text, names, d->config->n_issuers);
    str hint = near.p ? arena_printf(d->arena, "did you mean \"%.*s\"?", STR_ARG(near)) : near;
    doc_error(d->findings, node, "unknown-issuer", hint.p, "there is no issuer \"%.*s\"",
              STR_ARG(node->text));
}

/* "*" alone would make every token of the issuer a machine that carries the claim. */
static void check_value(struct decode *d, const struct doc_node *node)
{
    size_t star = str_find(node->text, '*');
    if (star + 1 < node->text.n || (star == 0 && node->text.n == 1))
        doc_error(d->findings, node, "bad-value", NULL,
                  "\"%.*s\" must have \"*\" at its end only, and something before it",
                  STR_ARG(node->text));
}

static void decode_service(struct decode *d, const struct doc_node *name,
                           const struct doc_node *map, struct service_match *out)
{
    const struct doc_node *match = doc_get(map, "match");
    struct service_claim *claims = arena_array(d->arena, struct service_claim, match->n);
    for (size_t i = 0; i < match->n; i++) {
        claims[i].name = decode_text(d, match->keys[i]);
        claims[i].value = decode_text(d, match->items[i]);
        check_value(d, match->items[i]);
    }
    *out = (struct service_match){decode_text(d, name), decode_text(d, doc_get(map, "issuer")),
                                  claims, match->n};
    if (!has_issuer(d->config, out->issuer))
        unknown_issuer(d, doc_get(map, "issuer"));
}

void decode_services(struct decode *d, const struct doc_node *dict)
{
    size_t n = dict ? dict->n : 0;
    struct service_match *out = arena_array(d->arena, struct service_match, n);
    for (size_t i = 0; i < n; i++)
        decode_service(d, dict->keys[i], dict->items[i], &out[i]);
    d->config->services = out;
    d->config->n_services = n;
    trust_of_services(out, n, d->config->services_trust);
}
