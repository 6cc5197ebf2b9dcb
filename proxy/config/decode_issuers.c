/* decode_issuers: who may vouch for people and programs, and which tokens are machines. */
#include "proxy/config/decode.h"

#include "base/schema.h"
#include "proxy/config/trust.h"

unsigned decode_algs(const struct doc_node *node)
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
}

void decode_keys(struct decode *d, const struct doc_node *map, const struct doc_node *iss_at,
                 struct config_issuer *out)
{
    const struct doc_node *url = doc_get(map, "jwks_url"), *file = doc_get(map, "jwks_file");
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
        out->url = discovery_url(d->arena, iss_at->text);
        if (!fetch_url_allowed(out->url))
            doc_error(d->findings, iss_at, "bad-value", "name the keys by jwks_url or jwks_file",
                      "\"%.*s\" is no https URL, so its keys cannot be discovered",
                      STR_ARG(iss_at->text));
    }
}

/* A client_id is no audience of bearer tokens: an ID token names it, and an app that got hold of
 * one would be its person at every other app. */
static void decode_audience(struct decode *d, const struct doc_node *map, struct issuer *out)
{
    const struct doc_node *audience = doc_get(map, "audience");
    const struct doc_node *client = doc_get(map, "client_id");
    if (!audience && !client)
        doc_error(d->findings, map, "missing-key", NULL,
                  "an issuer needs audience, or client_id for log-in in the browser");
    out->audiences = decode_texts(d, audience, &out->n_audiences);
    for (size_t i = 0; client && i < out->n_audiences; i++)
        if (str_eq(out->audiences[i], client->text))
            doc_warn(d->findings, audience, "audience-is-client",
                     "give programs an audience of their own",
                     "audience is the client_id: an ID token of a person counts as a bearer token");
}

static void decode_device(struct decode *d, const struct doc_node *dict, struct config_issuer *out)
{
    out->n_device = dict ? dict->n : 0;
    struct device_claim *device = arena_array(d->arena, struct device_claim, out->n_device);
    for (size_t i = 0; i < out->n_device; i++)
        device[i] =
            (struct device_claim){decode_text(d, dict->keys[i]), decode_text(d, dict->items[i])};
    out->device = device;
}

static void decode_issuer(struct decode *d, const struct doc_node *map, struct config_issuer *out)
{
    struct issuer *issuer = arena_new(d->arena, struct issuer);
    issuer->name = out->name;
    out->issuer = issuer;
    issuer->issuer = decode_text(d, doc_get(map, "issuer"));
    decode_audience(d, map, issuer);
    issuer->parties = decode_texts(d, doc_get(map, "authorized_parties"), &issuer->n_parties);
    issuer->algs = decode_algs(doc_get(map, "algs"));
    issuer->wants_at_jwt = read_bool(doc_get(map, "access_tokens"), false);
    issuer->trusted_email = read_bool(doc_get(map, "trusted_email"), false);
    decode_exponents(d, doc_get(map, "rsa_exponents"), issuer);
    decode_claims(d, map, issuer);
    decode_keys(d, map, doc_get(map, "issuer"), out);
    out->from_userinfo = str_eq(doc_text(map, "claims_from"), STR("userinfo"));
    decode_device(d, doc_get(map, "device"), out);
    decode_client(d, map, out);
}

static void decode_word(struct decode *d, const struct doc_node *word, struct config_issuer *out)
{
    if (!str_eq(word->text, STR("builtin"))) {
        doc_error(d->findings, word, "wrong-kind", NULL,
                  "an issuer is a mapping with issuer and audience, or the word builtin");
        out->issuer = arena_new(d->arena, struct issuer);
        return;
    }
    for (size_t i = 0; i < d->config->n_issuers; i++)
        if (d->issuers[i].is_builtin)
            doc_error(d->findings, word, "duplicate", NULL,
                      "there is one built-in issuer, and it is %.*s already",
                      STR_ARG(d->issuers[i].name));
    decode_builtin_issuer(d, word, out);
}

/* A token is put to exactly one issuer, chosen by `iss`. */
static void check_iss(struct decode *d, const struct doc_node *node, const struct issuer *issuer)
{
    for (size_t k = 0; node->kind == DOC_MAP && k < d->config->n_issuers; k++)
        if (issuer->issuer.n && str_eq(issuer->issuer, d->issuers[k].issuer->issuer))
            doc_error(d->findings, doc_get(node, "issuer"), "duplicate", NULL,
                      "\"%.*s\" is the issuer of %.*s already", STR_ARG(issuer->issuer),
                      STR_ARG(d->issuers[k].name));
}

void decode_issuers(struct decode *d, const struct doc_node *dict, size_t room)
{
    size_t n = dict ? dict->n : 0;
    d->issuers_cap = n + room;
    d->config->issuers = d->issuers = arena_array(d->arena, struct config_issuer, d->issuers_cap);
    for (size_t i = 0; i < n; i++) {
        struct config_issuer *out = &d->issuers[i];
        out->name = out->title = decode_text(d, dict->keys[i]);
        if (dict->items[i]->kind == DOC_MAP)
            decode_issuer(d, dict->items[i], out);
        else
            decode_word(d, dict->items[i], out);
        trust_of_issuer(out->issuer, out->trust);
        check_iss(d, dict->items[i], out->issuer);
        d->config->n_issuers++;
    }
}

/* ---- Issuers that fronts and sources imply ---- */

static bool is_same(const struct config_issuer *x, const struct config_issuer *y)
{
    return y->is_implicit && strcmp(x->trust, y->trust) == 0 && x->keys == y->keys &&
           str_eq(x->url, y->url) && str_eq(x->file, y->file) && str_eq(x->ca, y->ca);
}

size_t decode_add_issuer(struct decode *d, const struct doc_node *at,
                         const struct config_issuer *issuer)
{
    struct config_issuer added = *issuer;
    added.is_implicit = true;
    added.title = added.name;
    trust_of_issuer(added.issuer, added.trust);
    for (size_t i = 0; i < d->config->n_issuers; i++) {
        if (!str_eq(d->issuers[i].name, added.name))
            continue;
        if (!is_same(&added, &d->issuers[i]))
            doc_error(d->findings, at, "duplicate", NULL,
                      "the issuer of this front would be \"%.*s\", and there is another one of "
                      "that name",
                      STR_ARG(added.name));
        return i;
    }
    if (d->config->n_issuers == d->issuers_cap)
        return SIZE_MAX; /* cannot be: each front and source adds one */
    d->issuers[d->config->n_issuers] = added;
    return d->config->n_issuers++;
}

/* Implicit ones of sources have no name that could be written. */
size_t decode_find_issuer(struct decode *d, const struct doc_node *node)
{
    str *names = arena_array(d->arena, str, d->config->n_issuers);
    size_t n = 0;
    for (size_t i = 0; i < d->config->n_issuers; i++) {
        if (d->issuers[i].is_posture)
            continue;
        if (str_eq(d->issuers[i].name, node->text))
            return i;
        names[n++] = d->issuers[i].name;
    }
    doc_error(d->findings, node, "unknown-issuer", decode_hint(d, node->text, names, n),
              "there is no issuer \"%.*s\"", STR_ARG(node->text));
    return SIZE_MAX;
}
