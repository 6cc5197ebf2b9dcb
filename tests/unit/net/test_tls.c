/* TLS contexts: whom a certificate covers, which one SNI chooses, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "proxy/net/net.h"
#include "testcert.h"

static struct testcert ca, corp, wild, other;

static int setup(void **state)
{
    testcert_make(&ca, "test CA", NULL, NULL);
    testcert_make(&corp, "corp", "DNS:Corp.Example,DNS:grafana.corp.example,IP:10.0.0.5", &ca);
    testcert_make(&wild, "wild", "DNS:*.corp.example,IP:fd00::5", &ca);
    testcert_make(&other, "other", "DNS:other.example", &ca);
    return 0;
}

static int teardown(void **state)
{
    testcert_finish(&ca);
    testcert_finish(&corp);
    testcert_finish(&wild);
    testcert_finish(&other);
    return 0;
}

static struct tls_server *server_of_three(void)
{
    struct tls_cert certs[] = {
        {corp.cert_pem, corp.key_pem, STR("corp.pem")},
        {wild.cert_pem, wild.key_pem, STR("wild.pem")},
        {other.cert_pem, other.key_pem, STR("other.pem")},
    };
    struct fail f = {0};
    struct tls_server *s =
        tls_server_create(&(struct tls_server_options){.certs = certs, .n_certs = 3}, &f);
    if (!s)
        fail_msg("%s", f.text);
    return s;
}

static void a_certificate_covers_its_names_only(void **state)
{
    static const struct {
        size_t cert;
        const char *host;
        bool covers;
    } rows[] = {
        {0, "corp.example", true},
        {0, "grafana.corp.example", true},
        {0, "wiki.corp.example", false},
        {0, "10.0.0.5", true},
        {0, "10.0.0.6", false},
        {0, "corp", false}, /* the common name does not count */
        {0, "", false},
        {1, "wiki.corp.example", true},
        {1, "corp.example", false},
        {1, "a.b.corp.example", false},
        {1, ".corp.example", false},
        {1, "*.corp.example", true},
        {1, "fd00::5", true},
        {1, "[fd00::5]", true},
        {1, "xcorp.example", false},
        {2, "other.example", true},
        {2, "other.example.", false},
    };
    struct tls_server *s = server_of_three();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tls_server_covers(s, rows[i].cert, str_of(rows[i].host)) != rows[i].covers)
            fail_msg("row %zu: %s", i, rows[i].host);
    tls_server_unref(&s);
    assert_null(s);
}

static void sni_chooses_the_closest_certificate(void **state)
{
    static const struct {
        const char *sni;
        size_t cert;
    } rows[] = {
        {"grafana.corp.example", 0},
        {"wiki.corp.example", 1},
        {"other.example", 2},
        {"nowhere.example", 0},
        {"", 0},
    };
    struct tls_server *s = server_of_three();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tls_server_choose(s, str_of(rows[i].sni)) != rows[i].cert)
            fail_msg("row %zu: %s", i, rows[i].sni);
    int64_t left_s = tls_server_not_after_s(s, 0) - (int64_t)time(NULL);
    assert_true(left_s > 80000 && left_s <= 86400);
    tls_server_unref(&s);
}

static void bad_material_is_refused_in_a_sentence(void **state)
{
    struct testcert nameless;
    testcert_make(&nameless, "nameless", NULL, &ca);
    const struct {
        const char *id;
        struct tls_cert cert;
        str client_ca;
        const char *says;
    } rows[] = {
        {"no pem", {STR("hello"), corp.key_pem, STR("a.pem")}, {NULL, 0}, "certificate a.pem"},
        {"empty", {STR(""), STR(""), STR("a.pem")}, {NULL, 0}, "certificate a.pem"},
        {"no key", {corp.cert_pem, STR("x"), STR("a.pem")}, {NULL, 0}, "key of certificate a.pem"},
        {"other key", {corp.cert_pem, wild.key_pem, STR("a.pem")}, {NULL, 0}, "mismatch"},
        {"no names",
         {nameless.cert_pem, nameless.key_pem, STR("a.pem")},
         {NULL, 0},
         "names no host"},
        {"bad client ca",
         {corp.cert_pem, corp.key_pem, STR("a.pem")},
         STR("junk"),
         "CA certificates"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fail f = {0};
        struct tls_server_options o = {
            .certs = &rows[i].cert, .n_certs = 1, .client_ca_pem = rows[i].client_ca};
        if (tls_server_create(&o, &f) || !strstr(f.text, rows[i].says))
            fail_msg("%s: %s", rows[i].id, f.text);
    }
    struct fail f = {0};
    assert_null(tls_server_create(&(struct tls_server_options){0}, &f));
    assert_null(tls_client_create(&(struct tls_client_options){.verify = TLS_VERIFY_PIN}, &f));
    assert_null(tls_client_create(&(struct tls_client_options){.ca_pem = STR("junk")}, &f));
    testcert_finish(&nameless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_covers_its_names_only),
        cmocka_unit_test(sni_chooses_the_closest_certificate),
        cmocka_unit_test(bad_material_is_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
