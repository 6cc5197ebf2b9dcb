/* See trust.h. Every text stands with its length, so that no two lists are written alike. */
#include "proxy/config/trust.h"

#include "base/arena.h"
#include "proxy/config/disk.h"

struct account {
    struct arena arena;
    char digest[DIGEST_HEX_CHARS + 1]; /* of all so far */
};

static void begin(struct account *a)
{
    arena_init(&a->arena, NULL, 0);
    a->digest[0] = '\0';
}

static void end(struct account *a, char out[DIGEST_HEX_CHARS + 1])
{
    memcpy(out, a->digest, sizeof a->digest);
    arena_finish(&a->arena);
}

static void add_text(struct account *a, str text)
{
    str all =
        arena_printf(&a->arena, "%s %d %zu %.*s", a->digest, text.p != NULL, text.n, STR_ARG(text));
    disk_digest(all, a->digest);
}

static void add_number(struct account *a, uint64_t number)
{
    add_text(a, arena_printf(&a->arena, "%llu", (unsigned long long)number));
}

static void add_texts(struct account *a, const str *texts, size_t n)
{
    add_number(a, n);
    for (size_t i = 0; i < n; i++)
        add_text(a, texts[i]);
}

void trust_of_issuer(const struct issuer *issuer, char out[DIGEST_HEX_CHARS + 1])
{
    struct account a;
    begin(&a);
    add_text(&a, issuer->name);
    add_text(&a, issuer->issuer);
    add_texts(&a, issuer->audiences, issuer->n_audiences);
    add_texts(&a, issuer->parties, issuer->n_parties);
    add_number(&a, issuer->algs);
    add_number(&a, issuer->wants_at_jwt);
    add_number(&a, issuer->trusted_email);
    add_text(&a, issuer->groups_claim);
    add_text(&a, issuer->email_claim);
    add_texts(&a, issuer->absent_means_none, issuer->n_absent_means_none);
    add_texts(&a, issuer->mfa_amr, issuer->n_mfa_amr);
    add_texts(&a, issuer->mfa_acr, issuer->n_mfa_acr);
    for (size_t i = 0; i < issuer->n_rsa_exponents; i++)
        add_number(&a, issuer->rsa_exponents[i]);
    add_text(&a, issuer->service_claim);
    end(&a, out);
}

void trust_of_services(const struct service_match *services, size_t n,
                       char out[DIGEST_HEX_CHARS + 1])
{
    struct account a;
    begin(&a);
    for (size_t i = 0; i < n; i++) {
        add_text(&a, services[i].name);
        add_text(&a, services[i].issuer);
        add_number(&a, services[i].n_claims);
        for (size_t k = 0; k < services[i].n_claims; k++) {
            add_text(&a, services[i].claims[k].name);
            add_text(&a, services[i].claims[k].value);
        }
    }
    end(&a, out);
}
