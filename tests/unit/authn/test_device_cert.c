/* Client certificates, from a CA that is made here. */
#include "check.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { DAY_S = 86400, MANY = 16 };

static int64_t now_s;
static struct arena mem;

struct ca {
    EVP_PKEY *key;
    X509 *cert;
};

static struct ca root, other, issuing, made_up;

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_true(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

struct wanted {
    const struct ca *ca; /* NULL: signs itself */
    const char *cn, *cn2, *san, *eku, *usage, *constraints;
    long serial;
    int64_t from_s, until_s; /* from now */
    const EVP_MD *md;
};

static X509 *make_cert(const struct wanted *w, EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new();
    X509 *issuer = w->ca ? w->ca->cert : x;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), w->serial);
    X509_time_adj_ex(X509_getm_notBefore(x), 0, (long)(w->from_s ? w->from_s : -DAY_S),
                     &(time_t){now_s});
    X509_time_adj_ex(X509_getm_notAfter(x), 0, (long)(w->until_s ? w->until_s : 30 * DAY_S),
                     &(time_t){now_s});
    if (w->cn)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->cn, -1, -1,
                                   0);
    if (w->cn2)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->cn2, -1, -1,
                                   0);
    X509_set_subject_name(x, name);
    X509_set_issuer_name(x, w->ca ? X509_get_subject_name(issuer) : name);
    X509_NAME_free(name);
    X509_set_pubkey(x, key);
    extend(x, issuer, NID_basic_constraints, w->constraints ? w->constraints : "critical,CA:FALSE");
    extend(x, issuer, NID_subject_key_identifier, "hash");
    if (w->ca)
        extend(x, issuer, NID_authority_key_identifier, "keyid");
    if (w->usage)
        extend(x, issuer, NID_key_usage, w->usage);
    if (w->eku)
        extend(x, issuer, NID_ext_key_usage, w->eku);
    if (w->san)
        extend(x, issuer, NID_subject_alt_name, w->san);
    assert_true(X509_sign(x, w->ca ? w->ca->key : key, w->md ? w->md : EVP_sha256()));
    return x;
}

static struct ca make_ca(const char *cn, const struct ca *above)
{
    struct ca ca = {.key = make_key()};
    struct wanted w = {.ca = above,
                       .cn = cn,
                       .constraints = "critical,CA:TRUE",
                       .usage = "critical,keyCertSign,cRLSign",
                       .serial = 1,
                       .until_s = 300 * DAY_S};
    ca.cert = make_cert(&w, ca.key);
    return ca;
}

static str der_of(X509 *x)
{
    unsigned char *der = NULL;
    int n = i2d_X509(x, &der);
    str copy = arena_dup(&mem, (str){(char *)der, (size_t)n});
    OPENSSL_free(der);
    return copy;
}

static str text_of(BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    str copy = arena_dup(&mem, (str){p, (size_t)n});
    BIO_free(bio);
    return copy;
}

static str pem_of(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x);
    return text_of(bio);
}

/* A list that names `serial` (0: nobody), good until then. */
static str crl_of(const struct ca *ca, long serial, int64_t until_s)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_adj(NULL, (time_t)now_s, -1, 0);
    ASN1_TIME *until = ASN1_TIME_adj(NULL, (time_t)now_s, 0, (long)until_s);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert));
    X509_CRL_set1_lastUpdate(crl, from);
    X509_CRL_set1_nextUpdate(crl, until);
    if (serial) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_INTEGER *n = ASN1_INTEGER_new();
        ASN1_INTEGER_set(n, serial);
        X509_REVOKED_set_serialNumber(r, n);
        X509_REVOKED_set_revocationDate(r, from);
        X509_CRL_add0_revoked(crl, r);
        ASN1_INTEGER_free(n);
    }
    X509_CRL_sort(crl);
    assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()));
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, crl);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(crl);
    return text_of(bio);
}

static str join(str a, str b)
{
    return arena_printf(&mem, "%.*s%.*s", STR_ARG(a), STR_ARG(b));
}

static int set_up(void **state)
{
    now_s = time(NULL);
    arena_init(&mem, NULL, 0);
    root = make_ca("Device root", NULL);
    other = make_ca("Somebody else", NULL);
    issuing = make_ca("Device issuing", &root);
    made_up = (struct ca){.key = other.key, .cert = root.cert}; /* the name, without the key */
    return 0;
}

static int tear_down(void **state)
{
    struct ca *all[] = {&root, &other, &issuing};
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY_free(all[i]->key);
        X509_free(all[i]->cert);
    }
    arena_finish(&mem);
    return 0;
}

static enum cert_verdict verify(const struct cert_store *s, X509 *leaf, X509 *above,
                                enum cert_id from, struct device_cert *out)
{
    str chain[2] = {der_of(leaf)};
    if (above)
        chain[1] = der_of(above);
    return device_cert_verify(s, chain, above ? 2 : 1, from, now_s, &mem, out);
}

static struct cert_store *store_of(str ca, str crl)
{
    struct fail fail = {0};
    struct cert_store *s = cert_store_create(ca, crl, &fail);
    if (!s)
        fail_msg("%s", fail.text);
    return s;
}

#define URI "URI:urn:uuid:309a4b7d-0000-0000-8e7f-26ae0815ede8"

static void who_vouches_for_it(void **state)
{
    enum { NO_CRL, CRL_EMPTY, CRL_NAMES_IT, CRL_EXPIRED, CRL_OF_OTHER, CRL_FORGED };
    static const struct {
        const char *name;
        struct wanted leaf;
        int crl;
        enum cert_verdict verdict;
    } rows[] = {
        {"good", {.ca = &root, .eku = "clientAuth"}, NO_CRL, CERT_OK},
        {"good for more", {.ca = &root, .eku = "serverAuth,clientAuth"}, NO_CRL, CERT_OK},
        {"not revoked", {.ca = &root, .eku = "clientAuth"}, CRL_EMPTY, CERT_OK},
        {"revoked", {.ca = &root, .eku = "clientAuth"}, CRL_NAMES_IT, CERT_REVOKED},
        {"revocation list expired", {.ca = &root, .eku = "clientAuth"}, CRL_EXPIRED, CERT_CRL},
        {"list of another CA", {.ca = &root, .eku = "clientAuth"}, CRL_OF_OTHER, CERT_CRL},
        {"list that others signed", {.ca = &root, .eku = "clientAuth"}, CRL_FORGED, CERT_CRL},
        {"another CA", {.ca = &other, .eku = "clientAuth"}, NO_CRL, CERT_UNTRUSTED},
        {"another CA of that name", {.ca = &made_up, .eku = "clientAuth"}, NO_CRL, CERT_UNTRUSTED},
        {"signs itself", {.eku = "clientAuth"}, NO_CRL, CERT_UNTRUSTED},
        {"expired", {.ca = &root, .eku = "clientAuth", .until_s = -60}, NO_CRL, CERT_EXPIRED},
        {"not yet", {.ca = &root, .eku = "clientAuth", .from_s = 600}, NO_CRL, CERT_EXPIRED},
        {"for servers", {.ca = &root, .eku = "serverAuth"}, NO_CRL, CERT_USAGE},
        {"for mail", {.ca = &root, .eku = "emailProtection"}, NO_CRL, CERT_USAGE},
        {"for anything, unsaid", {.ca = &root}, NO_CRL, CERT_USAGE},
        {"key only signs lists",
         {.ca = &root, .eku = "clientAuth", .usage = "critical,cRLSign"},
         NO_CRL,
         CERT_USAGE},
    };
    EVP_PKEY *key = make_key();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wanted w = rows[i].leaf;
        str crl = {NULL, 0};
        struct device_cert got;
        w.cn = "laptop-7";
        w.san = URI;
        w.serial = 77;
        if (rows[i].crl == CRL_EMPTY)
            crl = crl_of(&root, 78, DAY_S);
        else if (rows[i].crl == CRL_NAMES_IT)
            crl = crl_of(&root, 77, DAY_S);
        else if (rows[i].crl == CRL_EXPIRED)
            crl = crl_of(&root, 0, -60);
        else if (rows[i].crl == CRL_OF_OTHER)
            crl = crl_of(&other, 0, DAY_S);
        else if (rows[i].crl == CRL_FORGED)
            crl = crl_of(&made_up, 0, DAY_S);
        struct cert_store *s = store_of(pem_of(root.cert), crl);
        X509 *leaf = make_cert(&w, key);
        enum cert_verdict found = verify(s, leaf, NULL, CERT_ID_SAN_URI, &got);
        if (found != rows[i].verdict)
            fail_msg("row \"%s\": %s, wanted %s", rows[i].name, cert_verdict_code(found),
                     cert_verdict_code(rows[i].verdict));
        /* Whatever is wrong with it, the record can tell which one it was. */
        assert_row(rows[i].name, str_eq(got.serial, STR("4d")));
        X509_free(leaf);
        cert_store_unref(&s);
    }
    EVP_PKEY_free(key);
}

static void chains(void **state)
{
    EVP_PKEY *key = make_key();
    struct wanted w = {.ca = &issuing, .cn = "d", .san = URI, .eku = "clientAuth", .serial = 5};
    X509 *leaf = make_cert(&w, key);
    struct wanted below = {
        .ca = &(struct ca){key, leaf}, .cn = "e", .san = URI, .eku = "clientAuth", .serial = 6};
    EVP_PKEY *second = make_key();
    X509 *grandchild = make_cert(&below, second);
    str none = {NULL, 0}, root_crl = crl_of(&root, 0, DAY_S), crl = crl_of(&issuing, 0, DAY_S);
    struct device_cert got;

    struct cert_store *s = store_of(pem_of(root.cert), none);
    assert_int_equal(verify(s, leaf, issuing.cert, CERT_ID_CN, &got), CERT_OK);
    assert_int_equal(verify(s, leaf, NULL, CERT_ID_CN, &got), CERT_UNTRUSTED);
    assert_int_equal(verify(s, grandchild, leaf, CERT_ID_CN, &got), CERT_UNTRUSTED);
    cert_store_unref(&s);
    /* An issuing CA alone is trusted for what it issued, not for its root's other children. */
    s = store_of(pem_of(issuing.cert), none);
    assert_int_equal(verify(s, leaf, NULL, CERT_ID_CN, &got), CERT_OK);
    struct wanted sibling = {.ca = &root, .cn = "s", .eku = "clientAuth", .serial = 9};
    X509 *of_root = make_cert(&sibling, key);
    assert_int_equal(verify(s, of_root, root.cert, CERT_ID_CN, &got), CERT_UNTRUSTED);
    cert_store_unref(&s);
    /* Every CA of the chain must have its list. */
    s = store_of(pem_of(root.cert), root_crl);
    assert_int_equal(verify(s, leaf, issuing.cert, CERT_ID_CN, &got), CERT_CRL);
    cert_store_unref(&s);
    s = store_of(pem_of(root.cert), join(root_crl, crl));
    assert_int_equal(verify(s, leaf, issuing.cert, CERT_ID_CN, &got), CERT_OK);
    cert_store_unref(&s);
    s = store_of(pem_of(root.cert), join(crl_of(&root, 1, DAY_S), crl));
    assert_int_equal(verify(s, leaf, issuing.cert, CERT_ID_CN, &got), CERT_REVOKED);
    assert_int_equal(cert_store_until_s(s), now_s + DAY_S);
    cert_store_unref(&s);

    X509_free(of_root);
    X509_free(leaf);
    X509_free(grandchild);
    EVP_PKEY_free(key);
    EVP_PKEY_free(second);
}

static void which_device_it_names(void **state)
{
    static const struct {
        const char *name;
        struct wanted leaf;
        enum cert_id from;
        const char *id; /* NULL: none */
    } rows[] = {
        {"uuid", {.san = URI}, CERT_ID_SAN_URI, "309a4b7d-0000-0000-8e7f-26ae0815ede8"},
        {"uri", {.san = "URI:spiffe://corp/laptop-7"}, CERT_ID_SAN_URI, "spiffe://corp/laptop-7"},
        {"no uri", {.san = "DNS:laptop-7", .cn = "x"}, CERT_ID_SAN_URI, NULL},
        {"no san", {.cn = "x"}, CERT_ID_SAN_URI, NULL},
        {"dns", {.san = "DNS:Laptop-7.Corp"}, CERT_ID_SAN_DNS, "laptop-7.corp"},
        {"serial", {.cn = "x"}, CERT_ID_SERIAL, "1f40"},
        {"cn", {.cn = "laptop-7"}, CERT_ID_CN, "laptop-7"},
        {"two cns", {.cn = "laptop-7", .cn2 = "laptop-8"}, CERT_ID_CN, NULL},
        {"no cn", {.san = URI}, CERT_ID_CN, NULL},
        {"control byte", {.cn = "lap\ntop"}, CERT_ID_CN, NULL},
    };
    EVP_PKEY *key = make_key();
    struct cert_store *s = store_of(pem_of(root.cert), (str){NULL, 0});
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct wanted w = rows[i].leaf;
        struct device_cert got;
        unsigned char digest[32];
        w.ca = &root;
        w.eku = "clientAuth";
        w.serial = 8000;
        X509 *leaf = make_cert(&w, key);
        enum cert_verdict v = verify(s, leaf, NULL, rows[i].from, &got);
        assert_row(rows[i].name, v == (rows[i].id ? CERT_OK : CERT_NO_ID));
        assert_row(rows[i].name, !rows[i].id || str_eq(got.id, str_of(rows[i].id)));
        X509_digest(leaf, EVP_sha256(), digest, NULL);
        assert_row(rows[i].name, memcmp(got.fingerprint, digest, 32) == 0);
        assert_row(rows[i].name, str_contains(got.issuer, STR("Device root")));
        assert_row(rows[i].name, got.not_after_s == now_s + 30 * DAY_S);
        X509_free(leaf);
    }
    cert_store_unref(&s);
    EVP_PKEY_free(key);
}

static void bytes_that_are_no_certificate(void **state)
{
    struct cert_store *s = store_of(pem_of(root.cert), (str){NULL, 0});
    EVP_PKEY *key = make_key();
    struct wanted w = {.ca = &root, .cn = "d", .eku = "clientAuth", .serial = 5};
    X509 *leaf = make_cert(&w, key);
    str good = der_of(leaf), many[MANY];
    str longer = join(good, STR("x"));
    struct device_cert got;
    for (size_t i = 0; i < MANY; i++)
        many[i] = good;
#define VERIFY(store, chain, n) device_cert_verify(store, chain, n, CERT_ID_CN, now_s, &mem, &got)
    assert_int_equal(VERIFY(s, NULL, 0), CERT_NONE);
    assert_int_equal(VERIFY(s, &STR(""), 1), CERT_MALFORMED);
    assert_int_equal(VERIFY(s, &STR("\x30\x03\x02\x01\x00"), 1), CERT_MALFORMED);
    assert_int_equal(VERIFY(s, (&(str){good.p, good.n - 1}), 1), CERT_MALFORMED);
    assert_int_equal(VERIFY(s, &longer, 1), CERT_MALFORMED);
    assert_int_equal(VERIFY(s, many, MANY), CERT_MALFORMED);
    assert_int_equal(VERIFY(s, many, 2), CERT_OK);
    assert_int_equal(VERIFY(NULL, &good, 1), CERT_UNTRUSTED);
    assert_string_equal(cert_verdict_code(CERT_REVOKED), "cert.revoked");
    assert_string_equal(cert_verdict_code(CERT_VERDICT_COUNT), "cert.none");
    X509_free(leaf);
    EVP_PKEY_free(key);
    cert_store_unref(&s);
}

static void stores_that_cannot_be(void **state)
{
    EVP_PKEY *key = make_key();
    struct wanted w = {.ca = &root, .cn = "d", .eku = "clientAuth", .serial = 5};
    X509 *leaf = make_cert(&w, key);
    str ca = pem_of(root.cert), none = {NULL, 0};
    const struct {
        const char *name;
        str ca, crl;
    } rows[] = {
        {"nothing", STR(""), none},
        {"no CA", pem_of(leaf), none},
        {"a CA and no CA", join(ca, pem_of(leaf)), none},
        {"cut", str_upto(ca, ca.n / 2), none},
        {"list of nothing", ca, STR("")},
        {"list is a certificate", ca, ca},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail fail = {0};
        assert_row(rows[i].name, !cert_store_create(rows[i].ca, rows[i].crl, &fail));
        assert_row(rows[i].name, fail.code != FAIL_NONE);
    }
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static str escaped(str s)
{
    char *out = arena_text(&mem, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (strchr("\n+/= -", s.p[i]))
            n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)s.p[i]);
        else
            out[n++] = s.p[i];
    }
    return (str){out, n};
}

static str without(str s, char c, char instead)
{
    char *out = arena_text(&mem, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != c)
            out[n++] = s.p[i];
        else if (instead)
            out[n++] = instead;
    return (str){out, n};
}

static void headers_of_fronts(void **state)
{
    str pem = pem_of(root.cert), der = der_of(root.cert);
    str body = str_upto(str_from(pem, 28), pem.n - 28 - 26);
    str base64 = without(body, '\n', 0);
    const struct {
        const char *name;
        str value;
        bool is_good;
    } rows[] = {
        {"nginx", escaped(pem), true},
        {"PEM with spaces", without(pem, '\n', ' '), true},
        {"base64", base64, true},
        {"a chain in base64", arena_printf(&mem, "%.*s,%.*s", STR_ARG(base64), STR_ARG(base64)),
         true},
        {"RFC 9440", arena_printf(&mem, ":%.*s:", STR_ARG(base64)), true},
        {"nothing", STR(""), false},
        {"words", STR("(none)"), false},
        {"bad escape", STR("-----BEGIN CERTIFICATE-----%0g"), false},
        {"cut escape", STR("-----BEGIN CERTIFICATE-----%"), false},
        {"no end", str_upto(pem, pem.n - 30), false},
        {"another block", STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
         false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        str found = {NULL, 0};
        assert_row(rows[i].name,
                   device_cert_from_header(rows[i].value, &mem, &found) == rows[i].is_good);
        assert_row(rows[i].name, !rows[i].is_good || str_eq(found, der));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_vouches_for_it),    cmocka_unit_test(chains),
        cmocka_unit_test(which_device_it_names), cmocka_unit_test(bytes_that_are_no_certificate),
        cmocka_unit_test(stores_that_cannot_be), cmocka_unit_test(headers_of_fronts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
