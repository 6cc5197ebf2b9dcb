/* What tokens, posture documents and browsers say of a device. */
#include "check.h"

enum { NOW_S = 1764061200 };

static const struct issuer issuer = {
    .name = STR("mdm"),
    .issuer = STR("https://mdm.example"),
    .audiences = &STR("postern"),
    .n_audiences = 1,
    .algs = ALG_DEFAULT,
};

static struct identity *identity_of(struct arena *a, const char *claims)
{
    struct signer s = signer_make(ALG_ES256, "k");
    struct keyset *keys = signer_keys(signer_jwk(&s, ""), NULL);
    struct identity *id = NULL;
    str payload = arena_printf(a,
                               "{\"iss\":\"https://mdm.example\",\"aud\":\"postern\",\"sub\":\"s\","
                               "\"exp\":%d%s%s}",
                               NOW_S + 600, claims[0] ? "," : "", claims);
    assert_verdict(
        claims,
        token_verify(&issuer, keys, signer_token(&s, payload.p), TOKEN_KIND_ACCESS, NOW_S, &id),
        TOKEN_OK);
    keyset_unref(&keys);
    return id;
}

static const struct device_fact *fact_of(const struct device *d, str attribute)
{
    for (size_t i = 0; i < d->n_facts; i++)
        if (str_eq(d->facts[i].attribute, attribute))
            return &d->facts[i];
    return NULL;
}

static void posture_documents(void **state)
{
#define AT(s) "\"iat\":17640612" s
    static const struct {
        const char *claims;
        const char *id; /* NULL: refused */
        const char *attribute, *text;
        enum claim_kind kind;
    } rows[] = {
        {"\"device_id\":\"d1\"," AT("00") ",\"managed\":true", "d1", "managed", "true", CLAIM_BOOL},
        {"\"device_id\":\"d1\"," AT("00") ",\"posture\":{\"firewall\":false}", "d1", "firewall",
         "false", CLAIM_BOOL},
        {"\"device_id\":\"d1\"," AT("00") ",\"posture\":{\"os_version\":\"14.1\"}", "d1",
         "os_version", "14.1", CLAIM_STRING},
        {"\"device_id\":\"d1\"," AT("00") ",\"risk\":12.5", "d1", "risk", "12.5", CLAIM_NUMBER},
        {"\"device_id\":\"d1\"," AT("00") ",\"managed\":\"true\"", "d1", "managed", "true",
         CLAIM_BOOL},
        /* Of the wrong type it stays what it is: rules find a type error, not an absence. */
        {"\"device_id\":\"d1\"," AT("00") ",\"managed\":1", "d1", "managed", "1", CLAIM_NUMBER},
        {"\"device_id\":\"d1\"," AT("00") ",\"managed\":[true]", "d1", "managed", NULL, 0},
        {"\"device_id\":\"d1\"," AT("00") ",\"corp.site\":\"lund\"", "d1", "corp.site", "lund",
         CLAIM_STRING},
        {"\"device_id\":\"d1\"," AT("00") ",\"nonsense\":true", "d1", "nonsense", NULL, 0},
        {"\"device_id\":\"d1\"," AT("00") ",\"posture\":{\"device_id\":\"d2\"}", "d1", "device_id",
         NULL, 0},
        {"\"device_id\":\"d1\",\"iat\":1764060300", "d1", "os", NULL, 0}, /* 900 s: just fresh */
        {"\"device_id\":\"d1\",\"iat\":1764060299", NULL, NULL, NULL, 0},
        {"\"device_id\":\"d1\"", NULL, NULL, NULL, 0},
        {"\"device_id\":\"\"," AT("00"), NULL, NULL, NULL, 0},
        {"\"device_id\":1," AT("00"), NULL, NULL, NULL, 0},
        {AT("00") ",\"managed\":true", NULL, NULL, NULL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct device d = {0};
        arena_init(&a, NULL, 0);
        struct identity *id = identity_of(&a, rows[i].claims);
        bool good = posture_read(id, STR("mdm"), 900, NOW_S, &a, &d);
        identity_unref(&id); /* texts of the device are its own */
        assert_row(rows[i].claims, good == (rows[i].id != NULL));
        if (good) {
            const struct device_fact *f = fact_of(&d, str_of(rows[i].attribute));
            assert_row(rows[i].claims, str_eq(d.id, str_of(rows[i].id)));
            assert_row(rows[i].claims, (f != NULL) == (rows[i].text != NULL));
            assert_row(rows[i].claims, !f || (str_eq(f->text, str_of(rows[i].text)) &&
                                              f->kind == rows[i].kind && f->seen_s == d.seen_s &&
                                              str_eq(f->source, STR("mdm")) && !f->is_hint));
        }
        arena_finish(&a);
    }
}

/* A clock of the agent's that is ahead by less than the skew makes nothing younger than now. */
static void a_posture_is_not_younger_than_now(void **state)
{
    struct arena a;
    struct device d;
    arena_init(&a, NULL, 0);
    struct identity *id =
        identity_of(&a, "\"device_id\":\"d\",\"iat\":1764061230,\"managed\":true");
    assert_true(posture_read(id, STR("mdm"), 900, NOW_S, &a, &d));
    assert_int_equal(d.seen_s, NOW_S);
    assert_int_equal(d.facts[0].seen_s, NOW_S);
    identity_unref(&id);
    arena_finish(&a);
}

static void compliance_claims_by_the_map(void **state)
{
    static const struct device_claim_map map[] = {
        {STR("compliant"), STR("deviceCompliant")},
        {STR("id"), STR("deviceid")},
        {STR("os"), STR("platform")},
    };
    static const struct {
        const char *claims, *id, *text; /* of compliant; NULL: none */
        size_t n;
    } rows[] = {
        {"\"iat\":1764061100,\"deviceCompliant\":true", "", "true", 1},
        {"\"iat\":1764061100,\"deviceCompliant\":\"false\",\"deviceid\":\"d7\"", "d7", "false", 1},
        {"\"iat\":1764061100,\"deviceid\":\"d7\",\"platform\":\"ios\"", "d7", NULL, 1},
        {"\"iat\":1764061100,\"deviceid\":7", "", NULL, 0},
        {"\"iat\":1764061100,\"compliant\":true", "", NULL, 0},
        {"\"deviceCompliant\":true", "", NULL, 0}, /* nobody knows how old that is */
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct device d = {0};
        arena_init(&a, NULL, 0);
        struct identity *id = identity_of(&a, rows[i].claims);
        bool good = device_from_claims(id, map, ROWS(map), STR("corp"), &a, &d);
        const struct device_fact *f = fact_of(&d, STR("compliant"));
        assert_row(rows[i].claims, good == (rows[i].n > 0 || rows[i].id[0]));
        assert_row(rows[i].claims, d.n_facts == rows[i].n && str_eq(d.id, str_of(rows[i].id)));
        assert_row(rows[i].claims, (f != NULL) == (rows[i].text != NULL));
        assert_row(rows[i].claims, !f || (str_eq(f->text, str_of(rows[i].text)) &&
                                          f->kind == CLAIM_BOOL && f->seen_s == 1764061100));
        identity_unref(&id);
        arena_finish(&a);
    }
}

static void what_browsers_say(void **state)
{
#define MAC "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
#define WIN "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    static const struct {
        const char *agent, *brands, *platform, *version;
        const char *facts; /* "os os_version browser browser_version", - where there is none */
    } rows[] = {
        {MAC " Chrome/131.0.0.0 Safari/537.36", NULL, NULL, NULL, "macos - chrome 131.0.0.0"},
        {MAC " Version/17.4 Safari/605.1.15", NULL, NULL, NULL, "macos - safari 17.4"},
        {WIN " Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70", NULL, NULL, NULL,
         "windows - edge 131.0.2903.70"},
        {WIN " Chrome/131.0.0.0 Safari/537.36", "\"Google Chrome\";v=\"131\", \"Not\";v=\"24\"",
         "\"Windows\"", "\"15.0.0\"", "windows 11 chrome 131"},
        {WIN " Chrome/131.0.0.0 Safari/537.36", "\"Chromium\";v=\"131\"", "\"Windows\"",
         "\"10.0.0\"", "windows 10 chrome 131.0.0.0"},
        {WIN " Chrome/131.0.0.0 Safari/537.36", NULL, "\"Windows\"", "\"0.3.0\"",
         "windows - chrome 131.0.0.0"},
        {MAC " Chrome/131.0.0.0 Safari/537.36", "\"Microsoft Edge\";v=\"131\"", "\"macOS\"",
         "\"14.4.1\"", "macos 14.4.1 edge 131"},
        {"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", NULL, NULL, NULL,
         "linux - firefox 132.0"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
         "like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
         NULL, NULL, NULL, "ios 17.4.1 safari 17.4.1"},
        {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile "
         "Safari/537.36",
         NULL, NULL, NULL, "android - chrome 131.0.0.0"},
        {"Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/131.0.0.0 Mobile", NULL, NULL, NULL,
         "android 14 chrome 131.0.0.0"},
        {"curl/8.5.0", NULL, NULL, NULL, "- - - -"},
        {NULL, "\"", "\"", "\"", "- - - -"},
        {NULL, ";v=\"1\"", "\"Amiga\"", "\"3\"", "- - - -"},
        {"Chrome/", NULL, NULL, NULL, "- - chrome -"},
    };
    static const char *const names[] = {"os", "os_version", "browser", "browser_version"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena a;
        struct device d = {0};
        arena_init(&a, NULL, 0);
        bool good = hints_read(str_of(rows[i].agent), str_of(rows[i].brands),
                               str_of(rows[i].platform), str_of(rows[i].version), NOW_S, &a, &d);
        str rest = str_of(rows[i].facts);
        for (size_t k = 0; k < 4; k++) {
            str wanted = str_cut(&rest, ' ');
            const struct device_fact *f = fact_of(&d, str_of(names[k]));
            str found = f ? f->text : STR("-");
            if (!str_eq(found, wanted))
                fail_msg("row %zu: %s is %.*s, wanted %.*s", i, names[k], STR_ARG(found),
                         STR_ARG(wanted));
            assert_true(!f || f->is_hint);
        }
        assert_true(good == (d.n_facts > 0));
        arena_finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posture_documents),
        cmocka_unit_test(a_posture_is_not_younger_than_now),
        cmocka_unit_test(compliance_claims_by_the_map),
        cmocka_unit_test(what_browsers_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
