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
                       const struct tls_cert *certs, char out[DIGEST_HEX_CHARS + 1])
{
    char one[DIGEST_HEX_CHARS + 1], key[DIGEST_HEX_CHARS + 1];
    str all = arena_printf(&b->arena, "min %d", (int)l->tls_min);
    for (size_t i = 0; i < l->n_certificates; i++) {
        disk_digest(certs[i].chain_pem, one);
        disk_digest(certs[i].key_pem, key);
        all = arena_printf(&b->arena, "%.*s %s %s", STR_ARG(all), one, key);
    }
    disk_digest(all, out);
}

bool certificates_read(struct build *b, const struct config_listener *l, struct tls_cert *out,
                       char digest[DIGEST_HEX_CHARS + 1])
{
    bool good = true;
    for (size_t i = 0; i < l->n_certificates; i++) {
        const struct certificate *c = &l->certificates[i];
        out[i].name = c->cert;
        good &= read_file(b, c->cert, c->cert_at, false, &out[i].chain_pem);
        good &= read_file(b, c->key, c->key_at, true, &out[i].key_pem);
    }
    if (good)
        digest_all(b, l, out, digest);
    return good;
}

static struct tls_server *open_some(struct build *b, const struct config_listener *l,
                                    const struct tls_cert *certs, size_t n, struct fail *fail)
{
    return tls_server_create(
        &(struct tls_server_options){
            .certs = certs, .n_certs = n, .min = l->tls_min, .tickets = b->in->tickets},
        fail);
}

/* Which of them it was is found by trying each alone, so that all are told in one pass. */
static void tell_bad(struct build *b, const struct config_listener *l, const struct tls_cert *certs)
{
    for (size_t i = 0; i < l->n_certificates; i++) {
        struct fail fail = {0};
        struct tls_server *alone = open_some(b, l, &certs[i], 1, &fail);
        if (!alone)
            build_refuse(b->findings, l->certificates[i].cert_at, certs[i].name, "tls", fail.text);
        tls_server_unref(&alone);
    }
}

struct tls_server *certificates_open(struct build *b, const struct config_listener *l,
                                     const struct tls_cert *certs)
{
    size_t before = b->findings->errors;
    struct fail fail = {0};
    struct tls_server *tls = open_some(b, l, certs, l->n_certificates, &fail);
    if (tls)
        return tls;
    tell_bad(b, l, certs);
    if (b->findings->errors == before)
        build_refuse(b->findings, l->certificates[0].cert_at, certs[0].name, "tls", fail.text);
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
