/* certificates: see certificates.h. */
#include "proxy/config/certificates.h"

#include <time.h>

#include "base/doc.h"

enum { CERTIFICATE_MAX_BYTES = 1 << 20 };

static bool read_file(struct build *b, str path, const struct doc_node *at, bool is_key, str *out)
{
    struct fail fail = {0};
    if (inputs_read(&b->base, path, CERTIFICATE_MAX_BYTES, is_key, out, &fail))
        return true;
    build_refuse(b->findings, at, path, "unreadable", fail.text);
    return false;
}

static void digest_all(struct build *b, const struct config_listener *l,
                       const struct certificates *c, char out[DIGEST_HEX_CHARS + 1])
{
    char one[DIGEST_HEX_CHARS + 1], key[DIGEST_HEX_CHARS + 1];
    str all = arena_printf(&b->arena, "min %d", (int)l->tls_min);
    for (size_t i = 0; i < l->n_certificates; i++) {
        disk_digest(c->own[i].chain_pem, one);
        disk_digest(c->own[i].key_pem, key);
        all = arena_printf(&b->arena, "%.*s %s %s", STR_ARG(all), one, key);
    }
    disk_digest(c->client_ca, one);
    disk_digest(c->client_crl, key);
    disk_digest(arena_printf(&b->arena, "%.*s clients %s %s", STR_ARG(all), one, key), out);
}

bool certificates_read(struct build *b, const struct config_listener *l, struct certificates *out,
                       char digest[DIGEST_HEX_CHARS + 1])
{
    bool good = true;
    out->own = arena_array(&b->arena, struct tls_cert, l->n_certificates);
    for (size_t i = 0; i < l->n_certificates; i++) {
        const struct certificate *c = &l->certificates[i];
        out->own[i].name = c->cert;
        good &= read_file(b, c->cert, c->cert_at, false, &out->own[i].chain_pem);
        good &= read_file(b, c->key, c->key_at, true, &out->own[i].key_pem);
    }
    if (l->client_ca.p)
        good &= read_file(b, l->client_ca, l->client_ca_at, false, &out->client_ca);
    if (l->client_crl.p)
        good &= read_file(b, l->client_crl, l->client_crl_at, false, &out->client_crl);
    if (good)
        digest_all(b, l, out, digest);
    return good;
}

static struct tls_server *open_some(struct build *b, const struct config_listener *l,
                                    const struct tls_cert *certs, size_t n, str client_ca,
                                    struct fail *fail)
{
    return tls_server_create(&(struct tls_server_options){.certs = certs,
                                                          .n_certs = n,
                                                          .min = l->tls_min,
                                                          .client_ca_pem = client_ca,
                                                          .tickets = b->in->tickets},
                             fail);
}

/* Which of them it was is found by trying each alone, so that all are told in one pass. */
static void tell_bad(struct build *b, const struct config_listener *l, const struct tls_cert *certs)
{
    for (size_t i = 0; i < l->n_certificates; i++) {
        struct fail fail = {0};
        struct tls_server *alone = open_some(b, l, &certs[i], 1, (str){NULL, 0}, &fail);
        if (!alone)
            build_refuse(b->findings, l->certificates[i].cert_at, certs[i].name, "tls", fail.text);
        tls_server_unref(&alone);
    }
}

struct tls_server *certificates_open(struct build *b, const struct config_listener *l,
                                     const struct certificates *c)
{
    size_t before = b->findings->errors;
    struct fail fail = {0};
    struct tls_server *tls = open_some(b, l, c->own, l->n_certificates, c->client_ca, &fail);
    if (tls)
        return tls;
    tell_bad(b, l, c->own);
    if (b->findings->errors > before)
        return NULL;
    /* each of them is good alone: then it is the CA of the clients */
    const struct doc_node *at = l->client_ca.p ? l->client_ca_at : l->certificates[0].cert_at;
    build_refuse(b->findings, at, c->own[0].name, "tls", fail.text);
    return NULL;
}

static void warn(struct findings *f, const struct certificate *c, int64_t end_s, int64_t now_s)
{
    const long long day_s = 86400;
    char date[sizeof "2026-11-25T15:00:00Z"];
    time_t end = (time_t)end_s;
    struct tm tm;
    if (!gmtime_r(&end, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return;
    const char *hint = "replace its file and the key's: they are read again by themselves";
    long long days = (long long)(end_s - now_s) / day_s;
    if (end_s <= now_s)
        doc_warn(f, c->cert_at, "certificate-expired", hint, "the certificate %.*s expired at %s",
                 STR_ARG(c->cert), date);
    else
        doc_warn(f, c->cert_at, "certificate-expires", hint,
                 "the certificate %.*s expires at %s, in %lld day%s", STR_ARG(c->cert), date, days,
                 days == 1 ? "" : "s");
}

void certificates_warn(struct findings *f, const struct config_listener *l,
                       const struct tls_server *tls, int64_t wall_us)
{
    int64_t now_s = wall_us / 1000000;
    for (size_t i = 0; i < l->n_certificates; i++) {
        int64_t end_s = tls_server_not_after_s(tls, i);
        if (end_s - now_s < (int64_t)CERTIFICATE_WARN_DAYS * 86400)
            warn(f, &l->certificates[i], end_s, now_s);
    }
}
