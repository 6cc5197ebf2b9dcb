/* tls_names: for whom a certificate speaks. Only subjectAltName counts (RFC 6125 section 6.4.4); a
 * wildcard covers exactly one label, the leftmost. */
#include "proxy/net/tls_impl.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/arena.h"

static str asn1_text(const ASN1_STRING *s)
{
    return (str){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
}

static void add_host(struct tls_names *names, str host)
{
    /* A NUL inside is the old trick to make two readers see two names. */
    if (host.n == 0 || memchr(host.p, '\0', host.n))
        return;
    char *copy = mem_dup(host);
    for (char *c = copy; *c; c++)
        *c = str_lower_char(*c);
    names->hosts[names->n_hosts++] = copy;
}

static void add_ip(struct tls_names *names, str bytes)
{
    if (bytes.n != 4 && bytes.n != 16)
        return;
    struct addr *ip = &names->ips[names->n_ips++];
    ip->family = bytes.n == 4 ? 4 : 6;
    memcpy(ip->bytes, bytes.p, bytes.n);
}

bool tls_names_load(struct tls_names *names, X509 *leaf, str file, struct fail *f)
{
    GENERAL_NAMES *san = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int n = san ? sk_GENERAL_NAME_num(san) : 0;
    names->hosts = mem_alloc(sizeof *names->hosts * (size_t)(n + 1));
    names->ips = mem_alloc(sizeof *names->ips * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(san, i);
        if (name->type == GEN_DNS)
            add_host(names, asn1_text(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_ip(names, asn1_text(name->d.iPAddress));
    }
    GENERAL_NAMES_free(san);
    if (names->n_hosts + names->n_ips > 0)
        return true;
    return fail_set(f, FAIL_INPUT,
                    "certificate %.*s names no host; it needs a subjectAltName with the host "
                    "names it is for",
                    STR_ARG(file));
}

void tls_names_finish(struct tls_names *names)
{
    for (size_t i = 0; i < names->n_hosts; i++)
        free(names->hosts[i]);
    free(names->hosts);
    free(names->ips);
    *names = (struct tls_names){0};
}

static enum tls_match match_host(str pattern, str host)
{
    if (str_eq(pattern, host))
        return TLS_MATCH_EXACT;
    if (!str_starts(pattern, STR("*.")))
        return TLS_MATCH_NONE;
    size_t dot = str_find(host, '.');
    bool is_covered = dot > 0 && dot < host.n && str_eq(str_from(pattern, 1), str_from(host, dot));
    return is_covered ? TLS_MATCH_WILDCARD : TLS_MATCH_NONE;
}

enum tls_match tls_names_match(const struct tls_names *names, str host)
{
    struct addr ip;
    if (addr_parse(host, &ip)) {
        for (size_t i = 0; i < names->n_ips; i++)
            if (addr_eq(&names->ips[i], &ip))
                return TLS_MATCH_EXACT;
        return TLS_MATCH_NONE;
    }
    enum tls_match best = TLS_MATCH_NONE;
    for (size_t i = 0; i < names->n_hosts; i++) {
        enum tls_match match = match_host(str_of(names->hosts[i]), host);
        best = match > best ? match : best;
    }
    return best;
}
