/* device_cert: client certificates, verified against the device CA. See device.h.
 *
 * The handshake has proved that the client holds the key; here it is asked who vouches for it. One
 * X509_STORE is shared by all threads, each verification has a context of its own. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "authn/device_words.h"
#include "base/encode.h"

enum { CHAIN_MAX = 8, CERT_MAX_BYTES = 16 << 10 };

struct cert_store {
    atomic_uint refs;
    X509_STORE *store;
    bool has_crl;
    int64_t until_s; /* of the list that runs out first */
};

const char *cert_verdict_code(enum cert_verdict v)
{
    static const char *const codes[] = {
#define X(id, code, text) [id] = code,
        CERT_VERDICTS(X)
#undef X
    };
    return v < CERT_VERDICT_COUNT ? codes[v] : "cert.none";
}

const char *cert_verdict_text(enum cert_verdict v)
{
    static const char *const texts[] = {
#define X(id, code, text) [id] = text,
        CERT_VERDICTS(X)
#undef X
    };
    return v < CERT_VERDICT_COUNT ? texts[v] : texts[CERT_NONE];
}

/* ---- the store ------------------------------------------------------------------------------- */

static BIO *open_pem(str pem)
{
    BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    if (!bio)
        abort();
    return bio;
}

/* After the last block PEM_read says "no start line"; anything else is a block that is broken. */
static bool was_the_end(void)
{
    unsigned long e = ERR_peek_last_error();
    bool is_end =
        e == 0 || (ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE);
    ERR_clear_error();
    return is_end;
}

static bool add_cas(struct cert_store *s, str pem, struct fail *fail)
{
    BIO *bio = open_pem(pem);
    size_t n = 0;
    bool good = true;
    ERR_clear_error();
    for (X509 *ca; good && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)); n++) {
        /* As a partial chain ends at any certificate of the store, one that is no CA would vouch
         * for itself. */
        good = X509_check_ca(ca) > 0 && X509_STORE_add_cert(s->store, ca);
        X509_free(ca);
    }
    BIO_free(bio);
    if (!good)
        return fail_set(fail, FAIL_CRYPTO, "certificate %zu of the device CA is not that of a CA",
                        n);
    if (!was_the_end())
        return fail_set(fail, FAIL_CRYPTO, "certificate %zu of the device CA is malformed", n + 1);
    return n > 0 || fail_set(fail, FAIL_INPUT, "there is no certificate (PEM) of a device CA");
}

/* A list that does not say when the next one comes never runs out. */
static void note_until(struct cert_store *s, const X509_CRL *crl)
{
    struct tm tm = {0};
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    if (!next || !ASN1_TIME_to_tm(next, &tm))
        return;
    int64_t until_s = (int64_t)timegm(&tm);
    if (until_s < s->until_s)
        s->until_s = until_s;
}

static bool add_crls(struct cert_store *s, str pem, struct fail *fail)
{
    BIO *bio = open_pem(pem);
    size_t n = 0;
    bool good = true;
    ERR_clear_error();
    for (X509_CRL *crl; good && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)); n++) {
        good = X509_STORE_add_crl(s->store, crl) == 1;
        note_until(s, crl);
        X509_CRL_free(crl);
    }
    BIO_free(bio);
    if (!good || !was_the_end())
        return fail_set(fail, FAIL_CRYPTO, "revocation list %zu is malformed", n + 1);
    s->has_crl = true;
    return n > 0 || fail_set(fail, FAIL_INPUT, "there is no revocation list (PEM)");
}

struct cert_store *cert_store_create(str ca_pem, str crl_pem, struct fail *fail)
{
    struct cert_store *s = mem_alloc(sizeof *s);
    atomic_init(&s->refs, 1);
    s->until_s = INT64_MAX;
    s->store = X509_STORE_new();
    if (!s->store)
        abort();
    if (!add_cas(s, ca_pem, fail) || (crl_pem.p && !add_crls(s, crl_pem, fail)))
        cert_store_unref(&s);
    return s;
}

int64_t cert_store_until_s(const struct cert_store *s)
{
    return s->until_s;
}

struct cert_store *cert_store_ref(const struct cert_store *s)
{
    struct cert_store *own = (struct cert_store *)s; /* the count alone changes */
    if (own)
        atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
    return own;
}

void cert_store_unref(struct cert_store **sp)
{
    struct cert_store *s = *sp;
    *sp = NULL;
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_STORE_free(s->store);
    free(s);
}

/* ---- the chain ------------------------------------------------------------------------------- */

static X509 *read_der(str der)
{
    const unsigned char *p = (const unsigned char *)der.p;
    if (der.n == 0 || der.n > CERT_MAX_BYTES)
        return NULL;
    X509 *x = d2i_X509(NULL, &p, (long)der.n);
    if (x && p != (const unsigned char *)der.p + der.n) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static enum cert_verdict verdict_of(X509_STORE_CTX *ctx)
{
    switch (X509_STORE_CTX_get_error(ctx)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        return CERT_EXPIRED;
    case X509_V_ERR_CERT_REVOKED:
        return CERT_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        return CERT_CRL;
    case X509_V_ERR_INVALID_PURPOSE:
        return X509_STORE_CTX_get_error_depth(ctx) == 0 ? CERT_USAGE : CERT_UNTRUSTED;
    default:
        return CERT_UNTRUSTED;
    }
}

static enum cert_verdict verify(const struct cert_store *s, X509 *leaf, STACK_OF(X509) * others,
                                int64_t now_s)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum cert_verdict verdict = CERT_UNTRUSTED;
    if (!ctx || !X509_STORE_CTX_init(ctx, s->store, leaf, others))
        goto out;
    X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(p, (time_t)now_s);
    X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_CLIENT);
    X509_VERIFY_PARAM_set_depth(p, CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(p, 2); /* no SHA-1, no RSA under 2048 bits */
    /* An issuing CA below a larger hierarchy is trusted for itself, not for its siblings. */
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (s->has_crl)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(p, flags);
    verdict = X509_verify_cert(ctx) == 1 ? CERT_OK : verdict_of(ctx);
out:
    X509_STORE_CTX_free(ctx);
    return verdict;
}

/* A certificate without the extension may be used for anything, by RFC 5280; one that was made for
 * something else in mind must not open a door, so clientAuth has to be said. */
static bool is_for_clients(X509 *leaf)
{
    uint32_t usage = X509_get_extended_key_usage(leaf);
    return usage != UINT32_MAX && (usage & XKU_SSL_CLIENT);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static str asn1_text(const ASN1_STRING *s)
{
    return (str){(const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)};
}

static str san_of(X509 *leaf, int type, struct arena *a)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    str found = {NULL, 0};
    for (int i = 0; !found.p && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type == type)
            found = arena_dup(
                a, asn1_text(type == GEN_URI ? n->d.uniformResourceIdentifier : n->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    return found;
}

static str common_name(X509 *leaf, struct arena *a)
{
    X509_NAME *subject = X509_get_subject_name(leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return (str){NULL, 0}; /* with two of them nobody knows which is meant */
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    str name = n > 0 ? arena_dup(a, (str){(char *)utf8, (size_t)n}) : (str){NULL, 0};
    OPENSSL_free(utf8);
    return name;
}

static str serial_of(X509 *leaf, struct arena *a)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    size_t n = (size_t)ASN1_STRING_length(serial);
    if (n == 0 || n > 32)
        return (str){NULL, 0};
    char *hex = arena_text(a, 2 * n);
    hex_encode(ASN1_STRING_get0_data(serial), n, hex);
    return (str){hex, 2 * n};
}

/* urn:uuid: is how a URI says a UUID, which inventories write bare. */
static str id_of(X509 *leaf, enum cert_id from, struct arena *a)
{
    static const str uuid = STR("urn:uuid:");
    str id = {NULL, 0};
    switch (from) {
    case CERT_ID_SAN_URI:
        id = san_of(leaf, GEN_URI, a);
        return str_starts(id, uuid) ? str_from(id, uuid.n) : id;
    case CERT_ID_SAN_DNS:
        id = san_of(leaf, GEN_DNS, a);
        return id.p ? arena_lower(a, id) : id;
    case CERT_ID_SERIAL:
        return serial_of(leaf, a);
    case CERT_ID_CN:
        return common_name(leaf, a);
    }
    return id;
}

static bool describe(X509 *leaf, enum cert_id from, struct arena *a, struct device_cert *out)
{
    unsigned n = sizeof out->fingerprint;
    struct tm tm = {0};
    char issuer[256] = "";
    if (!X509_digest(leaf, EVP_sha256(), out->fingerprint, &n) ||
        !ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm))
        return false;
    X509_NAME_oneline(X509_get_issuer_name(leaf), issuer, sizeof issuer);
    out->issuer = arena_dup(a, str_of(issuer));
    out->serial = serial_of(leaf, a);
    out->not_after_s = (int64_t)timegm(&tm);
    out->id = id_of(leaf, from, a);
    return true;
}

enum cert_verdict device_cert_verify(const struct cert_store *s, const str *chain_der,
                                     size_t n_chain, enum cert_id from, int64_t now_s,
                                     struct arena *a, struct device_cert *out)
{
    enum cert_verdict verdict = CERT_MALFORMED;
    *out = (struct device_cert){0};
    if (n_chain == 0)
        return CERT_NONE;
    X509 *leaf = read_der(chain_der[0]);
    STACK_OF(X509) *others = sk_X509_new_null();
    if (!leaf || !others || n_chain > CHAIN_MAX)
        goto out;
    for (size_t i = 1; i < n_chain; i++) {
        X509 *x = read_der(chain_der[i]);
        if (!x || !sk_X509_push(others, x)) {
            X509_free(x);
            goto out;
        }
    }
    if (!describe(leaf, from, a, out))
        goto out;
    verdict = s ? verify(s, leaf, others, now_s) : CERT_UNTRUSTED;
    if (verdict == CERT_OK && !is_for_clients(leaf))
        verdict = CERT_USAGE;
    if (verdict == CERT_OK && !device_id_is_good(out->id))
        verdict = CERT_NO_ID;
out:
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    ERR_clear_error();
    return verdict;
}
