/* What a provider says of itself (OpenID Connect Discovery 1.0, section 3). See oidc.h. */
#include "authn/discovery.h"
#include "authn/oidc.h"

/* An endpoint that we send secrets to: never in the clear, never to a host hidden in userinfo. */
static bool read_endpoint(struct arena *a, const struct jnode *root, const char *name,
                          bool is_needed, str *out, struct fail *fail)
{
    const struct jnode *m = jread_get(root, name);
    if (!m && !is_needed)
        return true;
    if (!m || m->kind != J_STRING || !fetch_url_allowed(m->text))
        return fail_set(fail, FAIL_INPUT,
                        "%s of the discovery document must be an https URL (http only to a "
                        "loopback host)",
                        name);
    *out = arena_dup(a, m->text);
    return true;
}

static bool read_endpoints(struct arena *a, const struct jnode *root, struct oidc_provider *out,
                           struct fail *fail)
{
    const struct {
        const char *name;
        bool is_needed;
        str *out;
    } endpoints[] = {
        {"authorization_endpoint", true, &out->authorization_endpoint},
        {"token_endpoint", true, &out->token_endpoint},
        {"jwks_uri", true, &out->jwks_uri},
        {"userinfo_endpoint", false, &out->userinfo_endpoint},
        {"end_session_endpoint", false, &out->end_session_endpoint},
        {"pushed_authorization_request_endpoint", false, &out->par_endpoint},
    };
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        if (!read_endpoint(a, root, endpoints[i].name, endpoints[i].is_needed, endpoints[i].out,
                           fail))
            return false;
    return true;
}

static bool is_true(const struct jnode *root, const char *name)
{
    const struct jnode *m = jread_get(root, name);
    return m && m->kind == J_BOOL && str_eq(m->text, STR("true"));
}

static bool lists(const struct jnode *list, str wanted)
{
    if (!jread_is_texts(list))
        return false;
    for (const struct jnode *m = list->first; m; m = m->next)
        if (str_eq(m->text, wanted))
            return true;
    return false;
}

static void read_auth_methods(const struct jnode *root, struct oidc_provider *out)
{
    const struct jnode *methods = jread_get(root, "token_endpoint_auth_methods_supported");
    out->takes_basic = !methods || lists(methods, STR("client_secret_basic"));
    out->takes_post = lists(methods, STR("client_secret_post"));
    out->takes_key = lists(methods, STR("private_key_jwt"));
}

static bool read_provider(struct arena *a, const struct jnode *root, struct oidc_provider *out,
                          struct fail *fail)
{
    const struct jnode *types = jread_get(root, "response_types_supported");
    if (!read_endpoints(a, root, out, fail))
        return false;
    if (types && !lists(types, STR("code")))
        return fail_set(fail, FAIL_INPUT,
                        "response_types_supported of the discovery document lacks \"code\": the "
                        "provider does not do the code flow");
    out->par_required = is_true(root, "require_pushed_authorization_requests");
    if (out->par_required && !out->par_endpoint.p)
        return fail_set(fail, FAIL_INPUT,
                        "the discovery document requires pushed authorization requests and names "
                        "no pushed_authorization_request_endpoint");
    out->sends_iss = is_true(root, "authorization_response_iss_parameter_supported");
    out->has_backchannel_logout = is_true(root, "backchannel_logout_supported");
    out->has_frontchannel_logout = is_true(root, "frontchannel_logout_supported");
    read_auth_methods(root, out);
    return true;
}

bool oidc_provider_parse(struct arena *a, str json, str issuer, struct oidc_provider *out,
                         struct fail *fail)
{
    struct arena scratch;
    *out = (struct oidc_provider){0};
    arena_init(&scratch, NULL, 0);
    const struct jnode *root = discovery_open(&scratch, json, issuer, fail);
    bool is_good = root && read_provider(a, root, out, fail);
    if (is_good)
        out->issuer = arena_dup(a, issuer);
    else
        *out = (struct oidc_provider){0};
    arena_finish(&scratch);
    return is_good;
}
