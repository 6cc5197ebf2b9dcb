/* known: the names of the configuration that rules may use. */
#include "proxy/config/config.h"

void config_known(const struct config *c, struct arena *a, struct policy_known *out)
{
    struct policy_known_issuer *issuers =
        arena_array(a, struct policy_known_issuer, c->n_issuers + 1);
    str *services = arena_array(a, str, c->n_services + 1);
    str *sources = arena_array(a, str, c->n_sources + 2);
    str *channels = arena_array(a, str, c->n_channels + 1);

    size_t n_issuers = 0;
    for (size_t i = 0; i < c->n_issuers; i++)
        if (!c->issuers[i].is_posture)
            issuers[n_issuers++] = (struct policy_known_issuer){
                c->issuers[i].name, c->issuers[i].issuer->absent_means_none,
                c->issuers[i].issuer->n_absent_means_none};
    for (size_t i = 0; i < c->n_services; i++)
        services[i] = c->services[i].name;
    for (size_t i = 0; i < c->n_sources; i++)
        sources[i] = c->sources[i].name;
    sources[c->n_sources] = STR("client"); /* hints, which need no section */
    for (size_t i = 0; i < c->n_channels; i++)
        channels[i] = c->channels[i].name;
    *out = (struct policy_known){
        .issuers = issuers,
        .n_issuers = n_issuers,
        .services = services,
        .n_services = c->n_services,
        .sources = sources,
        .n_sources = c->n_sources + 1,
        .channels = channels,
        .n_channels = c->n_channels,
        .reserved_hosts = &c->portal.host,
        .n_reserved_hosts = c->portal.host.n ? 1 : 0,
    };
}
