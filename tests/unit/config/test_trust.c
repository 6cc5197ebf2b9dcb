/* Settings that read a token otherwise have another digest, those that do not the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "proxy/config/trust.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

static const str ab_c[] = {STR("ab"), STR("c")}, a_bc[] = {STR("a"), STR("bc")};
static const uint64_t exponents[] = {3};

static void every_setting_of_an_issuer_counts(void **state)
{
    static const struct issuer rows[] = {
        {.name = STR("corp")},
        {.issuer = STR("corp")},
        {.audiences = ab_c, .n_audiences = 2},
        {.audiences = a_bc, .n_audiences = 2},
        {.parties = ab_c, .n_parties = 2},
        {.algs = 1},
        {.wants_at_jwt = true},
        {.trusted_email = true},
        {.groups_claim = STR("roles")},
        {.groups_claim = STR("")},
        {.email_claim = STR("roles")},
        {.absent_means_none = ab_c, .n_absent_means_none = 2},
        {.mfa_amr = ab_c, .n_mfa_amr = 2},
        {.mfa_acr = ab_c, .n_mfa_acr = 2},
        {.rsa_exponents = exponents, .n_rsa_exponents = 1},
        {.service_claim = STR("common_name")},
        {.name = {NULL, 0}},
    };
    char digests[ROWS(rows)][DIGEST_HEX_CHARS + 1], again[DIGEST_HEX_CHARS + 1];
    for (size_t i = 0; i < ROWS(rows); i++) {
        trust_of_issuer(&rows[i], digests[i]);
        trust_of_issuer(&rows[i], again);
        assert_int_equal(strlen(digests[i]), DIGEST_HEX_CHARS);
        assert_string_equal(digests[i], again);
        for (size_t k = 0; k < i; k++)
            if (strcmp(digests[i], digests[k]) == 0)
                fail_msg("rows %zu and %zu are alike", k, i);
    }
}

static void every_part_of_a_service_counts(void **state)
{
    static const struct service_claim sub[] = {{STR("sub"), STR("a")}, {STR("b"), STR("c")}},
                                      other[] = {{STR("sub"), STR("a*")}};
    static const struct service_match rows[] = {
        {STR("s"), STR("corp"), sub, 1},   {STR("t"), STR("corp"), sub, 1},
        {STR("s"), STR("late"), sub, 1},   {STR("s"), STR("corp"), sub, 2},
        {STR("s"), STR("corp"), other, 1},
    };
    char digests[ROWS(rows) + 2][DIGEST_HEX_CHARS + 1];
    for (size_t i = 0; i < ROWS(rows); i++)
        trust_of_services(&rows[i], 1, digests[i]);
    trust_of_services(rows, 2, digests[ROWS(rows)]);
    trust_of_services(NULL, 0, digests[ROWS(rows) + 1]);
    for (size_t i = 0; i < ROWS(digests); i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(digests[i], digests[k]) == 0)
                fail_msg("rows %zu and %zu are alike", k, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_of_an_issuer_counts),
        cmocka_unit_test(every_part_of_a_service_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
