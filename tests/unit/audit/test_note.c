/* Signed notes: keys, signatures, refusals. */
#include "desk.h"

#include "proxy/audit/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The example of golang.org/x/mod/sumdb/note. */
static void verifies_the_example_of_others(void **state)
{
    static const char note[] =
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "\xe2\x80\x94 PeterNeumann "
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnA"
        "M=\n";
    struct note_key k;
    struct fail f = {0};
    assert_true(note_key_parse(
        &k, STR("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n"), &f));
    assert_true(note_verify(&k, str_of(note)));
    char changed[sizeof note];
    memcpy(changed, note, sizeof note);
    changed[0] = 'i';
    assert_false(note_verify(&k, (str){changed, sizeof note - 1}));
    note_key_finish(&k);
}

static void refuses_bad_keys(void **state)
{
    static const char *const rows[] = {
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct note_key k;
        struct fail f = {0};
        if (note_key_parse(&k, str_of(rows[i]), &f))
            fail_msg("row %zu is taken", i);
        assert_true(f.text[0]);
        note_key_finish(&k);
    }
}

static void makes_a_key_once_and_signs(void **state)
{
    struct desk *d = *state;
    struct note_key first, second, public;
    struct fail f = {0};
    struct hash root = {{7}};
    struct checkpoint c;
    struct stat st;
    char note[NOTE_MAX], path[320];
    assert_true(note_key_open(&first, d->key, "node one+two", &f));
    assert_true(note_key_open(&second, d->key, "other", &f));
    assert_string_equal(first.name, "postern/audit/node-one-two");
    assert_string_equal(first.verifier, second.verifier);
    assert_int_equal(stat(d->key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s.pub", d->key);
    char *text = desk_read(path, NULL);
    assert_true(note_key_parse(&public, str_of(text), &f));
    size_t n = note_sign(&second, 42, &root, note);
    assert_true(checkpoint_parse((str){note, n}, &c));
    assert_int_equal(c.size, 42);
    assert_true(hash_eq(&c.root, &root));
    assert_true(note_verify(&public, (str){note, n}));
    note[n - 20] ^= 1;
    assert_false(note_verify(&public, (str){note, n}));
    free(text);
    note_key_finish(&first);
    note_key_finish(&second);
    note_key_finish(&public);
}

static void refuses_a_key_that_others_can_read(void **state)
{
    struct desk *d = *state;
    struct note_key k;
    struct fail f = {0};
    assert_true(note_key_open(&k, d->key, "n", &f));
    note_key_finish(&k);
    chmod(d->key, 0640);
    assert_false(note_key_open(&k, d->key, "n", &f));
    assert_non_null(strstr(f.text, "0600"));
    chmod(d->key, 0600);
    desk_write(d->key, "PRIVATE+KEY+x+00000000+AAAA\n", 28);
    assert_false(note_key_open(&k, d->key, "n", &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifies_the_example_of_others),
        cmocka_unit_test(refuses_bad_keys),
        cmocka_unit_test_setup_teardown(makes_a_key_once_and_signs, desk_setup, desk_teardown),
        cmocka_unit_test_setup_teardown(refuses_a_key_that_others_can_read, desk_setup,
                                        desk_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
