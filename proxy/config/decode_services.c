/* decode_services: which tokens are machines. */
#include "proxy/config/decode.h"

#include "proxy/config/trust.h"

/* "*" alone would make every token of the issuer a machine that carries the claim. */
static void check_value(struct decode *d, const struct doc_node *node)
{
    size_t star = str_find(node->text, '*');
    if (star + 1 < node->text.n || (star == 0 && node->text.n == 1))
        doc_error(d->findings, node, "bad-value", NULL,
                  "\"%.*s\" must have \"*\" at its end only, and something before it",
                  STR_ARG(node->text));
}

static void decode_service(struct decode *d, const struct doc_node *name,
                           const struct doc_node *map, struct service_match *out)
{
    const struct doc_node *match = doc_get(map, "match");
    struct service_claim *claims = arena_array(d->arena, struct service_claim, match->n);
    for (size_t i = 0; i < match->n; i++) {
        claims[i].name = decode_text(d, match->keys[i]);
        claims[i].value = decode_text(d, match->items[i]);
        check_value(d, match->items[i]);
    }
    *out = (struct service_match){decode_text(d, name), decode_text(d, doc_get(map, "issuer")),
                                  claims, match->n};
    decode_find_issuer(d, doc_get(map, "issuer"));
}

void decode_services(struct decode *d, const struct doc_node *dict)
{
    size_t n = dict ? dict->n : 0;
    struct service_match *out = arena_array(d->arena, struct service_match, n);
    for (size_t i = 0; i < n; i++)
        decode_service(d, dict->keys[i], dict->items[i], &out[i]);
    d->config->services = out;
    d->config->n_services = n;
    trust_of_services(out, n, d->config->services_trust);
}
