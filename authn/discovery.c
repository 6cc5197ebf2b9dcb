/* OpenID Connect Discovery 1.0: where an issuer keeps its keys. See authn.h. */
#include "authn/jread.h"

#include <stdlib.h>

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

static bool read_document(struct arena *a, const struct jnode *root, str issuer,
                          struct discovery *out, struct fail *fail)
{
    str found = jread_text(root, "issuer"), jwks_uri = jread_text(root, "jwks_uri");
    if (!root)
        return fail_set(fail, FAIL_INPUT,
                        "the discovery document is not one object of strict JSON");
    /* Else one issuer could speak with the keys of another (mix-up). */
    if (!str_eq(found, issuer) || issuer.n == 0)
        return fail_set(fail, FAIL_INPUT,
                        "the discovery document is of issuer \"%.200s\", it must be \"%.*s\"",
                        found.p ? arena_dup(a, found).p : "", STR_ARG(issuer));
    if (!fetch_url_allowed(jwks_uri))
        return fail_set(fail, FAIL_INPUT,
                        "jwks_uri of the discovery document must be an https URL (http only to a "
                        "loopback host)");
    out->jwks_uri = arena_dup(a, jwks_uri);
    return true;
}

bool discovery_parse(struct arena *a, str json, str issuer, struct discovery *out,
                     struct fail *fail)
{
    struct arena scratch;
    *out = (struct discovery){0};
    if (json.n > KEYSET_MAX_BYTES)
        return fail_set(fail, FAIL_LIMIT,
                        "the discovery document has %zu bytes, at most %d are read", json.n,
                        KEYSET_MAX_BYTES);
    arena_init(&scratch, NULL, 0);
    char *copy = mem_dup(json);
    bool is_good = read_document(a, jread_object(&scratch, copy, json.n, NULL), issuer, out, fail);
    free(copy);
    arena_finish(&scratch);
    return is_good;
}
