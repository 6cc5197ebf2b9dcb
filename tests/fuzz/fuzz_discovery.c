/* Fuzz target: any bytes as what a provider says of itself. Whatever is accepted is of the issuer
 * that was asked and sends secrets nowhere in the clear. */
#include "tests/fuzz/fuzz.h"

#include "authn/authn.h"

static void check_endpoint(str url, bool is_needed)
{
    MUST(url.p || !is_needed);
    MUST(!url.p || fetch_url_allowed(url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char issuer[] = "https://idp.example";
    struct arena a;
    struct oidc_provider p;
    struct discovery d;
    struct fail fail = {0};
    str json = {(const char *)data, n};
    arena_init(&a, NULL, 0);
    bool is_good = oidc_provider_parse(&a, json, str_of(issuer), &p, &fail);
    MUST(is_good == (fail.code == FAIL_NONE));
    MUST(!is_good || str_eq(p.issuer, str_of(issuer)));
    check_endpoint(p.authorization_endpoint, is_good);
    check_endpoint(p.token_endpoint, is_good);
    check_endpoint(p.jwks_uri, is_good);
    check_endpoint(p.userinfo_endpoint, false);
    check_endpoint(p.end_session_endpoint, false);
    check_endpoint(p.par_endpoint, p.par_required);
    /* who only wants the keys finds them in every document that is good for a log-in */
    if (is_good)
        MUST(discovery_parse(&a, json, str_of(issuer), &d, NULL) && str_eq(d.jwks_uri, p.jwks_uri));
    arena_finish(&a);
    return 0;
}
