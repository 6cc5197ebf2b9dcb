/* The issuers that people sign in at, as the snapshot has them: what we are to each, and its
 * provider. What a provider said of itself outlives a reload that does not concern it. */
#include "proxy/desk/desk_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

enum { SECRET_BYTES = 16 * 1024 };

/* The secret lives in a file, so that it stands in no configuration; its end of line is not part of
 * it. */
static char *read_secret(str path, str *out)
{
    char *buf = secret_alloc(SECRET_BYTES);
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, SECRET_BYTES);
    if (fd >= 0)
        close(fd);
    if (n <= 0) {
        log_error("login.secret", n < 0 ? strerror(errno) : "the file is empty", "file", path.p);
        secret_free(buf, SECRET_BYTES);
        *out = (str){NULL, 0};
        return NULL;
    }
    *out = (str){buf, (size_t)n};
    while (out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
        out->n--;
    return buf;
}

static void read_key(struct desk_issuer *i)
{
    struct fail f = {0};
    str pem;
    char *buf = read_secret(i->config->client_key_file, &pem);
    if (!buf)
        return;
    i->key = oidc_key_read(pem, &f);
    if (!i->key)
        log_error("login.key", f.text, "file", i->config->client_key_file.p);
    secret_free(buf, SECRET_BYTES);
}

bool issuer_is_offered(const struct config_issuer *i, str app)
{
    if (i->is_implicit || !(i->client_id.n || i->is_builtin))
        return false;
    for (size_t n = 0; n < i->n_apps; n++)
        if (str_eq(i->apps[n], app))
            return true;
    return i->n_apps == 0;
}

static void fill(struct desk *d, struct desk_issuer *i, size_t index)
{
    const struct config_portal *portal = &desk_config(d)->portal;
    i->index = index;
    i->config = &desk_config(d)->issuers[index];
    i->auth = i->config->client_auth;
    i->client = (struct oidc_client){
        .issuer = i->config->issuer,
        .client_id = i->config->client_id.n ? i->config->client_id : STR("postern"),
        .scopes = i->config->scopes,
        .n_scopes = i->config->n_scopes,
        .from_userinfo = i->config->from_userinfo,
    };
    char *uri = mem_alloc(portal->origin.n + sizeof "/.postern/callback");
    memcpy(uri, portal->origin.p, portal->origin.n);
    memcpy(uri + portal->origin.n, "/.postern/callback", sizeof "/.postern/callback");
    i->client.redirect_uri = str_of(uri);
    if (i->config->client_secret_file.n)
        i->secret = read_secret(i->config->client_secret_file, &i->client.client_secret);
    if (i->config->client_key_file.n)
        read_key(i);
    i->client.key = i->key;
}

static void finish(struct desk_issuer *i)
{
    provider_destroy(&i->provider);
    oidc_key_free(&i->key);
    secret_free(i->secret, SECRET_BYTES);
    free((void *)(uintptr_t)i->client.redirect_uri.p);
}

static struct provider *keep(struct desk_issuer *old, size_t n, const struct config_issuer *c)
{
    for (size_t i = 0; i < n; i++)
        if (old[i].provider && str_eq(old[i].provider->issuer, c->issuer->issuer) &&
            provider_fits(old[i].provider, c)) {
            struct provider *p = old[i].provider;
            old[i].provider = NULL;
            return p;
        }
    return NULL;
}

bool issuers_configure(struct desk *d, const struct config *before)
{
    const struct config *c = desk_config(d);
    struct desk_issuer *old = d->issuers;
    size_t n_old = d->n_issuers;
    d->issuers = mem_alloc((c->n_issuers + 1) * sizeof *d->issuers);
    d->n_issuers = c->n_issuers;
    for (size_t i = 0; i < c->n_issuers; i++) {
        fill(d, &d->issuers[i], i);
        struct provider *p = keep(old, n_old, &c->issuers[i]);
        d->issuers[i].provider = p ? p : provider_create(d, &c->issuers[i]);
    }
    for (size_t i = 0; i < n_old; i++)
        finish(&old[i]);
    free(old);
    return true;
}

void issuers_finish(struct desk *d)
{
    struct desk_issuer *old = d->issuers;
    size_t n = d->n_issuers;
    d->issuers = NULL;
    d->n_issuers = 0;
    for (size_t i = 0; i < n; i++)
        finish(&old[i]);
    free(old);
}

struct desk_issuer *issuer_named(struct desk *d, str name)
{
    for (size_t i = 0; i < d->n_issuers; i++)
        if (str_eq(d->issuers[i].config->name, name))
            return &d->issuers[i];
    return NULL;
}

struct desk_issuer *issuer_by_iss(struct desk *d, str iss)
{
    for (size_t i = 0; i < d->n_issuers; i++)
        if (str_eq(d->issuers[i].config->issuer->issuer, iss))
            return &d->issuers[i];
    return NULL;
}

const struct oidc_client *issuer_client(struct desk_issuer *i)
{
    static const enum oidc_auth fixed[] = {
        [CLIENT_AUTH_BASIC] = OIDC_AUTH_BASIC,
        [CLIENT_AUTH_POST] = OIDC_AUTH_POST,
        [CLIENT_AUTH_KEY] = OIDC_AUTH_KEY,
        [CLIENT_AUTH_NONE] = OIDC_AUTH_NONE,
    };
    const struct oidc_provider *doc = &i->provider->doc;
    if (i->auth != CLIENT_AUTH_AUTO)
        i->client.auth = fixed[i->auth];
    else if (i->key)
        i->client.auth = OIDC_AUTH_KEY;
    else if (!i->client.client_secret.n)
        i->client.auth = OIDC_AUTH_NONE;
    else /* basic is what a provider takes that says nothing (Discovery, section 3) */
        i->client.auth = doc->takes_post && !doc->takes_basic ? OIDC_AUTH_POST : OIDC_AUTH_BASIC;
    return &i->client;
}

const struct keyset *issuer_keys(struct desk *d, const struct desk_issuer *i)
{
    return i->index < d->snapshot->n_issuers ? d->snapshot->issuers[i->index].keys : NULL;
}
