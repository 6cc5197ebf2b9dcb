/* decode_client: what makes an issuer one where people sign in in the browser, and the built-in
 * issuer, which is one always. */
#include "proxy/config/decode.h"

#include "base/schema.h"

static void needs_portal(struct decode *d, const struct doc_node *at, const char *what)
{
    if (!d->config->portal.host.n)
        doc_error(d->findings, at, "needs-portal", "add portal: {host: ...}",
                  "%s needs a portal: the host of all log-ins", what);
}

/* ---- client_id and what belongs to it ---- */

static enum client_auth read_auth(const struct doc_node *node)
{
    static const char *const words[] = {
        [CLIENT_AUTH_BASIC] = "basic",
        [CLIENT_AUTH_POST] = "post",
        [CLIENT_AUTH_KEY] = "private_key_jwt",
        [CLIENT_AUTH_NONE] = "none",
    };
    for (size_t i = CLIENT_AUTH_BASIC; node && i <= CLIENT_AUTH_NONE; i++)
        if (str_eq(node->text, str_of(words[i])))
            return (enum client_auth)i;
    return CLIENT_AUTH_AUTO;
}

static void decode_proof(struct decode *d, const struct doc_node *map, struct config_issuer *out)
{
    const struct doc_node *auth = doc_get(map, "client_auth");
    out->client_secret_at = doc_get(map, "client_secret_file");
    out->client_secret_file = decode_file(d, out->client_secret_at);
    out->client_key_at = doc_get(map, "client_key_file");
    out->client_key_file = decode_file(d, out->client_key_at);
    out->client_auth = read_auth(auth);
    bool has_secret = out->client_secret_at, has_key = out->client_key_at;
    const char *missing = NULL;
    if (has_secret && has_key)
        doc_error(d->findings, doc_key(map, "client_key_file"), "bad-value", NULL,
                  "client_secret_file and client_key_file exclude each other");
    else if (out->client_auth == CLIENT_AUTH_KEY && !has_key)
        missing = "client_key_file";
    else if ((out->client_auth == CLIENT_AUTH_BASIC || out->client_auth == CLIENT_AUTH_POST) &&
             !has_secret)
        missing = "client_secret_file";
    else if (out->client_auth == CLIENT_AUTH_NONE && (has_secret || has_key))
        doc_error(d->findings, auth, "bad-value", NULL,
                  "client_auth: none leaves nothing to do for the client's secret or key");
    if (missing)
        doc_error(d->findings, auth, "missing-key", NULL, "client_auth: %.*s needs %s",
                  STR_ARG(auth->text), missing);
}

static void set_scopes(struct decode *d, const str *texts, size_t n, struct config_issuer *out)
{
    str *scopes = arena_array(d->arena, str, n + 1);
    scopes[out->n_scopes++] = STR("openid");
    for (size_t i = 0; i < n; i++)
        if (!str_eq(texts[i], STR("openid")))
            scopes[out->n_scopes++] = texts[i];
    out->scopes = scopes;
}

static void decode_scopes(struct decode *d, const struct doc_node *node, struct config_issuer *out)
{
    static const str usual[] = {STR("profile"), STR("email")};
    size_t n = 0;
    const str *texts = decode_texts(d, node, &n);
    for (size_t i = 0; i < n; i++)
        if (!texts[i].n || str_find(texts[i], ' ') < texts[i].n)
            doc_error(d->findings, read_item(node, i), "bad-value", NULL,
                      "\"%.*s\" must be one scope: a word without spaces", STR_ARG(texts[i]));
    if (node)
        set_scopes(d, texts, n, out);
    else
        set_scopes(d, usual, 2, out);
}

static void decode_choice(struct decode *d, const struct doc_node *map, struct config_issuer *out)
{
    const struct doc_node *domains = doc_get(map, "mail_domains");
    if (doc_get(map, "title"))
        out->title = decode_text(d, doc_get(map, "title"));
    out->n_mail_domains = read_count(domains);
    str *lower = arena_array(d->arena, str, out->n_mail_domains);
    for (size_t i = 0; i < out->n_mail_domains; i++)
        lower[i] = arena_lower(d->arena, read_item(domains, i)->text);
    out->mail_domains = lower;
    out->apps_at = doc_get(map, "apps");
    out->apps = decode_texts(d, out->apps_at, &out->n_apps);
}

static void check_alone(struct decode *d, const struct doc_node *map)
{
    static const char *const keys[] = {
        "client_secret_file", "client_key_file", "client_auth", "scopes", "mail_domains", "apps"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (doc_get(map, keys[i]))
            doc_error(d->findings, doc_key(map, keys[i]), "missing-key", NULL,
                      "%s is for log-in in the browser, which needs client_id", keys[i]);
}

void decode_client(struct decode *d, const struct doc_node *map, struct config_issuer *out)
{
    const struct doc_node *id = doc_get(map, "client_id"), *iss = doc_get(map, "issuer");
    if (!id) {
        check_alone(d, map);
        return;
    }
    needs_portal(d, doc_key(map, "client_id"), "log-in in the browser");
    out->client_id = decode_text(d, id);
    decode_proof(d, map, out);
    decode_scopes(d, doc_get(map, "scopes"), out);
    decode_choice(d, map, out);
    /* keys by discovery say this already */
    if (out->keys != KEYS_DISCOVERY && !fetch_url_allowed(discovery_url(d->arena, iss->text)))
        doc_error(d->findings, iss, "bad-value", NULL,
                  "\"%.*s\" is no https URL, so nobody can sign in there", STR_ARG(iss->text));
}

/* ---- the built-in issuer ---- */

void decode_builtin_issuer(struct decode *d, const struct doc_node *at, struct config_issuer *out)
{
    static const str client = STR("postern"), groups = STR("groups"),
                     usual[] = {STR("profile"), STR("email")};
    struct issuer *issuer = arena_new(d->arena, struct issuer);
    needs_portal(d, at, "the built-in issuer");
    /* its name is for rules and records; people know the organisation */
    str title = d->config->portal.title;
    out->title = title.n ? title : STR("postern");
    *issuer = (struct issuer){
        .name = out->name,
        .issuer = arena_printf(d->arena, "%.*s/.postern/issuer", STR_ARG(d->config->portal.origin)),
        .algs = ALG_BIT(ALG_ES256),
        .trusted_email = true, /* the operator wrote the address, or a PIN went there */
        .absent_means_none = &groups,
        .n_absent_means_none = 1,
    };
    out->issuer = issuer;
    out->is_builtin = true;
    out->keys = KEYS_BUILTIN;
    out->url = discovery_url(d->arena, issuer->issuer);
    out->client_id = client;
    out->client_auth = CLIENT_AUTH_NONE;
    set_scopes(d, usual, 2, out);
}

static struct config_issuer *find_builtin(struct decode *d)
{
    for (size_t i = 0; i < d->config->n_issuers; i++)
        if (d->issuers[i].is_builtin)
            return &d->issuers[i];
    return NULL;
}

void decode_builtin(struct decode *d, const struct doc_node *map)
{
    struct config_builtin *out = &d->config->builtin;
    struct config_issuer *issuer = find_builtin(d);
    if (!issuer && map && d->are_issuers_read)
        doc_warn(d->findings, map, "no-issuer", "add issuers: {people: builtin}",
                 "the section builtin has no effect without an issuer that is builtin");
    if (!issuer)
        return;
    out->users_at = map ? doc_get(map, "users") : NULL;
    out->users_file = decode_file_or(d, out->users_at, "users.yaml");
    out->has_pin = read_bool(map ? doc_get(map, "pin") : NULL, false);
    if (map && doc_get(map, "title"))
        issuer->title = decode_text(d, doc_get(map, "title"));
    if (out->has_pin && !d->config->mail.url.p)
        doc_error(d->findings, doc_get(map, "pin"), "needs-mail",
                  "add mail: {smtp: ..., from: ...}",
                  "a PIN goes out by mail, and there is no section mail");
}
