/* Fuzz target: any bytes as postern.yaml. A refusal says why, and what is accepted keeps the
 * promises that the rest of the house relies on. */
#include "fuzz.h"

#include "proxy/config/config.h"

static void check(const struct config *c)
{
    MUST(c->n_listeners > 0);
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        MUST(l->address.kind != ADDRESS_NONE && l->front != FRONT_NONE);
        /* plain on the network only when asked for */
        MUST(l->n_certificates || l->is_redirect || l->is_plain_allowed ||
             l->address.kind == ADDRESS_UNIX || addr_is_loopback(&l->address.addr));
        MUST(l->front != FRONT_FORWARDED || l->n_trusted || l->address.kind == ADDRESS_UNIX);
    }
    for (size_t i = 0; i < c->n_issuers; i++)
        MUST(c->issuers[i].keys != KEYS_NONE && c->issuers[i].issuer->algs &&
             c->issuers[i].issuer->issuer.n && c->issuers[i].issuer->n_audiences);
    for (size_t i = 0; i < c->n_services; i++)
        MUST(c->services[i].n_claims > 0);
    MUST(c->limits.request_line_bytes >= 256 && c->limits.header_bytes <= c->limits.headers_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct config *c = NULL;
    struct findings f;
    findings_init(&f);
    bool is_good = config_parse(STR("postern.yaml"), STR("/etc/postern"),
                                (str){(const char *)data, n}, &c, &f);
    MUST(is_good == (f.errors == 0) && is_good == (c != NULL));
    if (c)
        check(c);
    config_unref(&c);
    findings_finish(&f);
    return 0;
}
