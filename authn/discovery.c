/* OpenID Connect Discovery 1.0: where an issuer keeps its keys. See authn.h. */
#include "authn/discovery.h"

#include "authn/authn.h"
#include "base/addr.h"

/* The authority of "SCHEME://AUTHORITY/..." without the port; absent when something is odd. */
static str host_of(str rest)
{
    str host = str_upto(rest, str_find(rest, '/'));
    host = str_upto(host, str_find(host, '?'));
    if (str_find(host, '@') != host.n || str_find(host, '\\') != host.n)
        return (str){NULL, 0};
    if (host.n && host.p[0] == '[') {
        size_t end = str_find(host, ']');
        return end < host.n ? str_upto(host, end + 1) : (str){NULL, 0};
    }
    return str_upto(host, str_find(host, ':'));
}

static bool is_loopback(str host)
{
    struct addr address;
    if (str_eq_nocase(host, STR("localhost")))
        return true;
    if (host.n > 10 && str_eq_nocase(str_from(host, host.n - 10), STR(".localhost")))
        return true;
    return addr_parse(host, &address) && addr_is_loopback(&address);
}

static bool is_printable(str url)
{
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] >= 0x7F)
            return false;
    return true;
}

bool fetch_url_allowed(str url)
{
    str https = STR("https://"), http = STR("http://");
    if (!is_printable(url) || str_find(url, '#') != url.n)
        return false;
    if (str_starts(url, https))
        return host_of(str_from(url, https.n)).n > 0;
    return str_starts(url, http) && is_loopback(host_of(str_from(url, http.n)));
}

str discovery_url(struct arena *a, str issuer)
{
    /* Section 4: a slash that ends the issuer is removed first. */
    while (str_ends(issuer, STR("/")))
        issuer.n--;
    return arena_printf(a, "%.*s/.well-known/openid-configuration", STR_ARG(issuer));
}

const struct jnode *discovery_open(struct arena *scratch, str json, str issuer, struct fail *fail)
{
    if (json.n > KEYSET_MAX_BYTES) {
        fail_set(fail, FAIL_LIMIT, "the discovery document has %zu bytes, at most %d are read",
                 json.n, KEYSET_MAX_BYTES);
        return NULL;
    }
    str copy = arena_dup(scratch, json);
    const struct jnode *root = jread_object(scratch, (char *)copy.p, copy.n, NULL);
    str found = jread_text(root, "issuer");
    if (!root) {
        fail_set(fail, FAIL_INPUT, "the discovery document is not one object of strict JSON");
        return NULL;
    }
    /* Else one issuer could speak with the keys of another (mix-up). */
    if (!str_eq(found, issuer) || issuer.n == 0) {
        fail_set(fail, FAIL_INPUT,
                 "the discovery document is of issuer \"%.200s\", it must be \"%.*s\"",
                 found.p ? arena_dup(scratch, found).p : "", STR_ARG(issuer));
        return NULL;
    }
    return root;
}

bool discovery_parse(struct arena *a, str json, str issuer, struct discovery *out,
                     struct fail *fail)
{
    struct arena scratch;
    *out = (struct discovery){0};
    arena_init(&scratch, NULL, 0);
    const struct jnode *root = discovery_open(&scratch, json, issuer, fail);
    str jwks_uri = jread_text(root, "jwks_uri");
    if (root && fetch_url_allowed(jwks_uri))
        out->jwks_uri = arena_dup(a, jwks_uri);
    else if (root)
        fail_set(fail, FAIL_INPUT,
                 "jwks_uri of the discovery document must be an https URL (http only to a "
                 "loopback host)");
    arena_finish(&scratch);
    return out->jwks_uri.p != NULL;
}
