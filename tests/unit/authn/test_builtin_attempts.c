/* The built-in issuer against who guesses: throttles and PINs. */
#include "builtin_kit.h"

#include <stdio.h>

enum { NOW = 1800000000 };

static void guessing_at_an_account_grows_slow(void **state)
{
    struct builtin *b = kit_issuer();
    str url, ticket = kit_ticket(b, NOW);
    for (int i = 0; i < 6; i++)
        assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", false, NOW, &url),
                         BUILTIN_REFUSED);
    assert_int_equal(kit_sign_in(b, ticket, "Eva@corp.example", true, NOW, &url),
                     BUILTIN_THROTTLED);
    assert_int_equal(builtin_retry_s(b, STR("eva@corp.example"), &kit_there, NOW), 2);
    assert_int_equal(builtin_retry_s(b, STR("kim@acme.example"), &kit_here, NOW), 0);
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", false, NOW + 2, &url),
                     BUILTIN_REFUSED);
    assert_int_equal(builtin_retry_s(b, STR("eva@corp.example"), &kit_here, NOW + 2), 4);
    /* Success forgets the account's. */
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", true, NOW + 6, &url), BUILTIN_OK);
    assert_int_equal(builtin_retry_s(b, STR("eva@corp.example"), &kit_here, NOW + 6), 0);
    builtin_destroy(&b);
}

static void who_does_not_exist_is_throttled_alike(void **state)
{
    static const char *const rows[] = {
        "eva@corp.example", "nobody@corp.example", "pin@corp.example", "out@corp.example", "",
        "not an address"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct builtin *b = kit_issuer();
        str url, ticket = kit_ticket(b, NOW);
        for (int k = 0; k < 6; k++)
            assert_row(rows[i],
                       kit_sign_in(b, ticket, rows[i], false, NOW, &url) == BUILTIN_REFUSED);
        assert_row(rows[i], kit_sign_in(b, ticket, rows[i], false, NOW, &url) == BUILTIN_THROTTLED);
        assert_row(rows[i], builtin_retry_s(b, str_of(rows[i]), &kit_there, NOW) == 2);
        builtin_destroy(&b);
    }
}

/* Attempts are counted when they begin: a hundred at once are a hundred. */
static void attempts_at_the_same_time_count(void **state)
{
    struct builtin *b = kit_issuer();
    const struct builtin_user *user;
    int through = 0;
    for (int i = 0; i < 100; i++)
        through += builtin_attempt(b, kit_ticket(b, NOW), STR("eva@corp.example"), &kit_here, NOW,
                                   &user) == BUILTIN_OK;
    assert_int_equal(through, 6);
    builtin_destroy(&b);
}

static void guessing_from_an_address_grows_slow(void **state)
{
    struct builtin *b = kit_issuer();
    str url, ticket = kit_ticket(b, NOW);
    char email[64];
    int through = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(email, sizeof email, "user%d@corp.example", i);
        through += kit_sign_in(b, ticket, email, false, NOW, &url) == BUILTIN_REFUSED;
    }
    assert_int_equal(through, 31);
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", true, NOW, &url),
                     BUILTIN_THROTTLED);
    assert_int_equal(builtin_retry_s(b, STR("eva@corp.example"), &kit_there, NOW), 0);
    /* Success does not forget the address's. */
    assert_int_equal(kit_sign_in(b, ticket, "eva@corp.example", true, NOW + 2, &url), BUILTIN_OK);
    ticket = kit_ticket(b, NOW);
    assert_int_equal(kit_sign_in(b, ticket, "user1@corp.example", false, NOW + 4, &url),
                     BUILTIN_REFUSED);
    assert_int_equal(builtin_retry_s(b, STR("x@corp.example"), &kit_here, NOW + 4), 4);
    builtin_destroy(&b);
}

static void many_who_sign_in_behind_one_address_are_no_attack(void **state)
{
    struct builtin *b = kit_issuer();
    str url;
    for (int i = 0; i < 200; i++)
        assert_int_equal(kit_sign_in(b, kit_ticket(b, NOW), "eva@corp.example", true, NOW, &url),
                         BUILTIN_OK);
    builtin_destroy(&b);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
    struct builtin *b = kit_issuer();
    const struct builtin_user *user;
    struct addr from = {6, {0x20, 0x01, 0x0d, 0xb8}};
    int through = 0;
    for (int i = 0; i < 100; i++) {
        char email[32];
        from.bytes[15] = (uint8_t)i;
        snprintf(email, sizeof email, "u%d@x", i);
        through +=
            builtin_attempt(b, kit_ticket(b, NOW), str_of(email), &from, NOW, &user) == BUILTIN_OK;
    }
    assert_int_equal(through, 31);
    from.bytes[7] = 1;
    assert_int_equal(builtin_retry_s(b, STR("x@y"), &from, NOW), 0);
    builtin_destroy(&b);
}

/* ---- PINs ---- */

static enum builtin_verdict check(struct builtin *b, str ticket, const char *email, const char *pin,
                                  int64_t now_s)
{
    const struct builtin_user *user;
    return builtin_pin_check(b, ticket, str_of(email), str_of(pin), &kit_here, now_s, &user);
}

static void a_pin_signs_in_once(void **state)
{
    struct builtin *b = kit_issuer();
    char pin[BUILTIN_PIN_DIGITS + 1];
    const struct builtin_user *user;
    str url, ticket = kit_ticket(b, NOW);
    assert_int_equal(builtin_pin_make(b, ticket, STR("Pin@corp.example"), &kit_here, NOW, pin),
                     BUILTIN_OK);
    assert_int_equal(strspn(pin, "0123456789"), 8);
    assert_int_equal(builtin_pin_check(b, ticket, STR("pin@corp.example"), str_of(pin), &kit_here,
                                       NOW + 599, &user),
                     BUILTIN_OK);
    assert_true(str_eq(user->email, STR("pin@corp.example")));
    assert_int_equal(check(b, ticket, "pin@corp.example", pin, NOW + 599), BUILTIN_PIN);
    assert_int_equal(builtin_grant(b, ticket, user, STR("otp"), NOW + 599, &kit_arena, &url),
                     BUILTIN_OK);
    struct builtin_answer out = kit_redeem(b, kit_parameter(url, "code"), NOW + 599);
    struct identity *id = NULL;
    assert_verdict("id",
                   kit_verify(b, kit_member(out.body, "id_token"), TOKEN_KIND_ID, NOW + 599, &id),
                   TOKEN_OK);
    assert_true(str_eq(id->amr[0], STR("otp")));
    identity_unref(&id);
    builtin_destroy(&b);
}

static void a_pin_is_bound_to_its_form_its_person_and_its_time(void **state)
{
    struct builtin *b = kit_issuer();
    char pin[BUILTIN_PIN_DIGITS + 1], other_pin[BUILTIN_PIN_DIGITS + 1];
    str late = kit_ticket(b, NOW), ticket = kit_ticket(b, NOW + 500), other = kit_ticket(b, NOW);
    builtin_pin_make(b, ticket, STR("pin@corp.example"), &kit_here, NOW + 500, pin);
    assert_int_equal(check(b, other, "pin@corp.example", pin, NOW + 500), BUILTIN_PIN);
    assert_int_equal(check(b, ticket, "kim@acme.example", pin, NOW + 500), BUILTIN_PIN);
    assert_int_equal(check(b, late, "pin@corp.example", pin, NOW + 600), BUILTIN_TICKET);
    assert_int_equal(check(b, ticket, "pin@corp.example", "", NOW + 500), BUILTIN_PIN);
    /* A second PIN of the same form puts an end to the first. */
    builtin_pin_make(b, ticket, STR("pin@corp.example"), &kit_here, NOW + 500, other_pin);
    if (strcmp(pin, other_pin) != 0)
        assert_int_equal(check(b, ticket, "pin@corp.example", pin, NOW + 500), BUILTIN_PIN);
    assert_int_equal(check(b, ticket, "PIN@corp.example", other_pin, NOW + 500), BUILTIN_OK);
    builtin_destroy(&b);
}

static void five_wrong_pins_end_it(void **state)
{
    struct builtin *b = kit_issuer();
    char pin[BUILTIN_PIN_DIGITS + 1];
    str ticket = kit_ticket(b, NOW);
    builtin_pin_make(b, ticket, STR("pin@corp.example"), &kit_here, NOW, pin);
    char wrong[BUILTIN_PIN_DIGITS + 1];
    memcpy(wrong, pin, sizeof wrong);
    wrong[7] = pin[7] == '0' ? '1' : '0';
    for (int i = 0; i < 5; i++)
        assert_int_equal(check(b, ticket, "pin@corp.example", wrong, NOW), BUILTIN_PIN);
    assert_int_equal(check(b, ticket, "pin@corp.example", pin, NOW), BUILTIN_PIN);
    assert_int_equal(check(b, ticket, "pin@corp.example", pin, NOW), BUILTIN_THROTTLED);
    assert_int_equal(check(b, ticket, "pin@corp.example", pin, NOW + 300), BUILTIN_PIN);
    builtin_destroy(&b);
}

static void who_takes_no_pin_gets_none_and_learns_nothing(void **state)
{
    static const char *const rows[] = {"nobody@corp.example", "eva@corp.example",
                                       "out@corp.example", ""};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct builtin *b = kit_issuer();
        char pin[BUILTIN_PIN_DIGITS + 1] = "x";
        str ticket = kit_ticket(b, NOW);
        assert_row(rows[i],
                   builtin_pin_make(b, ticket, str_of(rows[i]), &kit_here, NOW, pin) == BUILTIN_OK);
        assert_row(rows[i], pin[0] == '\0');
        assert_row(rows[i], check(b, ticket, rows[i], "00000000", NOW) == BUILTIN_PIN);
        assert_row(rows[i], check(b, ticket, rows[i], "", NOW) == BUILTIN_PIN);
        builtin_destroy(&b);
    }
    struct builtin *b = kit_issuer();
    char pin[BUILTIN_PIN_DIGITS + 1] = "x";
    assert_int_equal(builtin_pin_make(b, STR("x"), STR("pin@corp.example"), &kit_here, NOW, pin),
                     BUILTIN_TICKET);
    assert_int_equal(check(b, kit_ticket(b, NOW), "pin@corp.example", "00000000", NOW),
                     BUILTIN_PIN);
    builtin_destroy(&b);
}

static void a_mailbox_is_not_filled_through_us(void **state)
{
    struct builtin *b = kit_issuer();
    char pin[BUILTIN_PIN_DIGITS + 1];
    int mails = 0;
    for (int i = 0; i < 50; i++)
        mails += builtin_pin_make(b, kit_ticket(b, NOW), STR("pin@corp.example"),
                                  i % 2 ? &kit_here : &kit_there, NOW, pin) == BUILTIN_OK;
    assert_int_equal(mails, 4);
    assert_int_equal(
        builtin_pin_make(b, kit_ticket(b, NOW), STR("kim@acme.example"), &kit_here, NOW, pin),
        BUILTIN_OK);
    builtin_destroy(&b);
}

static void verdicts_have_their_words(void **state)
{
    for (int v = 0; v < BUILTIN_VERDICT_COUNT; v++)
        assert_true(strlen(builtin_verdict_code((enum builtin_verdict)v)) > 8 &&
                    strlen(builtin_verdict_text((enum builtin_verdict)v)) > 8);
    assert_string_equal(builtin_verdict_code(BUILTIN_VERDICT_COUNT), "builtin.refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guessing_at_an_account_grows_slow),
        cmocka_unit_test(who_does_not_exist_is_throttled_alike),
        cmocka_unit_test(attempts_at_the_same_time_count),
        cmocka_unit_test(guessing_from_an_address_grows_slow),
        cmocka_unit_test(many_who_sign_in_behind_one_address_are_no_attack),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(a_pin_signs_in_once),
        cmocka_unit_test(a_pin_is_bound_to_its_form_its_person_and_its_time),
        cmocka_unit_test(five_wrong_pins_end_it),
        cmocka_unit_test(who_takes_no_pin_gets_none_and_learns_nothing),
        cmocka_unit_test(a_mailbox_is_not_filled_through_us),
        cmocka_unit_test(verdicts_have_their_words),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_finish(&kit_arena);
    return failed;
}
