/* Fuzz target: any bytes as postern.yaml. A refusal says why, and what is accepted keeps the
 * promises that the rest of the house relies on. */
#include "fuzz.h"

#include "proxy/config/config.h"

/* Whoever trusts a header can read it: the issuer is there, with a way to its keys. */
static void check_assertion(const struct config *c, const struct config_listener *l)
{
    bool is_found = false;
    for (size_t i = 0; i < c->n_issuers; i++)
        is_found |= str_eq(c->issuers[i].name, l->assertion.issuer);
    MUST(!l->assertion.issuer.p || is_found);
    MUST(!l->assertion.header.p || l->assertion.issuer.p);
    MUST((l->front == FRONT_AWS_ALB) == (l->assertion.signer.p != NULL));
}

static void check_issuer(const struct config *c, const struct config_issuer *i)
{
    MUST(i->issuer->issuer.n);
    /* Without an audience no bearer token counts: of whom people sign in at alone, and of fronts
     * that have none (tailscale has no keys, aws-alb no audience). */
    MUST(i->keys != KEYS_NONE || i->is_implicit);
    MUST(i->issuer->algs || i->keys == KEYS_NONE);
    MUST(i->issuer->n_audiences || i->client_id.n || i->keys == KEYS_NONE ||
         i->keys == KEYS_BY_KID);
    MUST(!i->client_id.p || (c->portal.host.p && c->portal.origin.p && !i->is_implicit));
    MUST(!i->client_secret_at || !i->client_key_at);
}

static void check(const struct config *c)
{
    MUST(c->n_listeners > 0);
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        MUST(l->address.kind != ADDRESS_NONE && l->front != FRONT_NONE);
        /* plain on the network only when asked for */
        MUST(l->n_certificates || l->is_redirect || l->is_plain_allowed ||
             l->address.kind == ADDRESS_UNIX || addr_is_loopback(&l->address.addr));
        MUST(l->front == FRONT_DIRECT || l->n_trusted || l->address.kind == ADDRESS_UNIX);
        check_assertion(c, l);
    }
    for (size_t i = 0; i < c->n_issuers; i++)
        check_issuer(c, &c->issuers[i]);
    for (size_t i = 0; i < c->n_sources; i++)
        MUST(c->sources[i].kind != SOURCE_NONE);
    for (size_t i = 0; i < c->n_channels; i++)
        MUST(c->channels[i].webhook.p || (c->channels[i].n_mail && c->mail.url.p));
    MUST(c->sessions.idle_s > 0 && c->sessions.idle_s <= c->sessions.max_s);
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
