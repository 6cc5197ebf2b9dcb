/* Which fields are known, dropped, and taken for one another. */
#include "unit.h"

#include "proxy/http/fields.h"

struct row {
    const char *name;
    enum field_drop drop;
    unsigned id;
};

static const struct row rows[] = {
    {"Accept", DROP_NOT, FIELD_ACCEPT},
    {"ACCEPT", DROP_NOT, FIELD_ACCEPT},
    {"accept", DROP_NOT, FIELD_ACCEPT},
    {"X-Custom", DROP_NOT, 0},
    {"X_Custom", DROP_NOT, 0},
    {"Accept-Encoding", DROP_NOT, 0},
    {"Via", DROP_NOT, 0},
    {"Connection", DROP_HOP, FIELD_CONNECTION},
    {"Keep-Alive", DROP_HOP, FIELD_KEEP_ALIVE},
    {"Proxy-Connection", DROP_HOP, 0},
    {"TE", DROP_HOP, FIELD_TE},
    {"Trailer", DROP_HOP, FIELD_TRAILER},
    {"Transfer-Encoding", DROP_HOP, FIELD_TRANSFER_ENCODING},
    {"Upgrade", DROP_HOP, FIELD_UPGRADE},
    {"Proxy-Authorization", DROP_HOP, 0},
    {"HTTP2-Settings", DROP_HOP, 0},
    {"Host", DROP_REWRITTEN, FIELD_HOST},
    {"Content-Length", DROP_REWRITTEN, FIELD_CONTENT_LENGTH},
    {"Expect", DROP_REWRITTEN, FIELD_EXPECT},
    {"X-Request-Id", DROP_REWRITTEN, FIELD_X_REQUEST_ID},
    {"X-Postern-Token", DROP_REWRITTEN, FIELD_X_POSTERN_TOKEN},
    {"Content_Length", DROP_LOOKALIKE, 0},
    {"content.length", DROP_LOOKALIKE, 0},
    {"Transfer_Encoding", DROP_LOOKALIKE, 0},
    {"X_Postern_Token", DROP_LOOKALIKE, 0},
    {"user_agent", DROP_LOOKALIKE, 0},
    {"Sec_Fetch-Mode", DROP_LOOKALIKE, 0},
    {"X-Forwarded-For", DROP_FORWARDED, FIELD_X_FORWARDED_FOR},
    {"X-Forwarded-Proto", DROP_FORWARDED, FIELD_X_FORWARDED_PROTO},
    {"X-Forwarded-Uri", DROP_FORWARDED, 0},
    {"X-Forwarded-Prefix", DROP_FORWARDED, 0},
    {"x.forwarded.prefix", DROP_FORWARDED, 0},
    {"X_Forwarded_For", DROP_LOOKALIKE, 0},
    {"Forwarded", DROP_FORWARDED, FIELD_FORWARDED},
    {"X-Real-IP", DROP_FORWARDED, FIELD_X_REAL_IP},
    {"True-Client-IP", DROP_FORWARDED, 0},
    {"CF-Connecting-IP", DROP_FORWARDED, 0},
    {"Proxy", DROP_OVERRIDE, 0},
    {"X-Original-URL", DROP_OVERRIDE, 0},
    {"X-Rewrite-URL", DROP_OVERRIDE, 0},
    {"X-HTTP-Method-Override", DROP_OVERRIDE, 0},
    {"X-Method-Override", DROP_OVERRIDE, 0},
    {"X_HTTP_Method_Override", DROP_LOOKALIKE, 0},
    {"X-Postern-Assertion", DROP_IDENTITY, 0},
    {"X.Postern_Anything", DROP_IDENTITY, 0},
    {"Remote-User", DROP_IDENTITY, 0},
    {"REMOTE_USER", DROP_IDENTITY, 0},
    {"Remote.User", DROP_IDENTITY, 0},
    {"X-Forwarded-User", DROP_IDENTITY, 0},
    {"X_Forwarded_User", DROP_IDENTITY, 0},
    {"x.forwarded.user", DROP_IDENTITY, 0},
    {"X-Forwarded-Email", DROP_IDENTITY, 0},
    {"X-Forwarded-Client-Cert", DROP_IDENTITY, 0},
    {"X-Forwarded-Tls-Client-Cert-Info", DROP_IDENTITY, 0},
    {"X-WEBAUTH-USER", DROP_IDENTITY, 0},
    {"X-Auth-Request-Email", DROP_IDENTITY, 0},
    {"X-Pomerium-Claim-Email", DROP_IDENTITY, 0},
    {"Cf-Access-Jwt-Assertion", DROP_IDENTITY, 0},
    {"Cf_Access-Authenticated-User-Email", DROP_IDENTITY, 0},
    {"X-Goog-IAP-JWT-Assertion", DROP_IDENTITY, 0},
    {"X-Goog-Authenticated-User-Email", DROP_IDENTITY, 0},
    {"X-Amzn-Oidc-Data", DROP_IDENTITY, 0},
    {"Tailscale-User-Login", DROP_IDENTITY, 0},
    {"OIDC_CLAIM_sub", DROP_IDENTITY, 0},
    {"X-MS-CLIENT-PRINCIPAL", DROP_IDENTITY, 0},
    {"Teleport-Jwt-Assertion", DROP_IDENTITY, 0},
    {"SSL_CLIENT_S_DN", DROP_IDENTITY, 0},
};

static void classifies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_field f = {.name = str_of(rows[i].name)};
        bool known = fields_classify(&f);
        if (!known || f.drop != rows[i].drop || f.id != rows[i].id)
            fail_msg("%s: drop %d, id %d", rows[i].name, f.drop, f.id);
        assert_int_equal(f.hash, fields_folded_hash(f.name));
    }
}

static void every_byte_that_is_no_token_refuses(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char name[] = {'a', (char)c, 'b'};
        struct http_field f = {.name = {name, 3}};
        bool token = c && (strchr("!#$%&'*+-.^_`|~", c) || (c >= '0' && c <= '9') ||
                           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 128));
        if (fields_classify(&f) != token)
            fail_msg("byte %d", c);
    }
    struct http_field empty = {.name = STR("")};
    assert_false(fields_classify(&empty));
}

static void connection_names_fields(void **state)
{
    struct http_field fields[] = {
        {.name = STR("X-A")},
        {.name = STR("X_B")},
        {.name = STR("X-C")},
        {.name = STR("X-Real-IP")},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++)
        fields_classify(&fields[i]);
    fields_drop_named(fields, 4, STR("close, x-a ,X-B,, x-real-ip"));
    assert_int_equal(fields[0].drop, DROP_CONNECTION);
    assert_int_equal(fields[1].drop, DROP_CONNECTION);
    assert_int_equal(fields[2].drop, DROP_NOT);
    assert_int_equal(fields[3].drop, DROP_FORWARDED);
}

static void knows_what_may_name_identity(void **state)
{
    static const struct {
        str name;
        bool may;
    } names[] = {
        {STR("X-WEBAUTH-USER"), true},
        {STR("Remote-User"), true},
        {STR("X-Forwarded-User"), true},
        {STR("X-Corp-Groups"), true},
        {STR("Host"), false},
        {STR("Cookie"), false},
        {STR("Content-Length"), false},
        {STR("content_length"), false},
        {STR("Authorization"), false},
        {STR("X-Postern-User"), false},
        {STR("X-Forwarded-For"), false},
        {STR("Sec-Anything"), false},
        {STR("X A"), false},
        {STR(""), false},
        {STR("X:"), false},
        {STR("Proxy"), false},
        {STR("X-Original-URL"), false},
        {STR("Connection"), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fields_may_name_identity(names[i].name) != names[i].may)
            fail_msg("%.*s", STR_ARG(names[i].name));
}

static void app_names_are_folded(void **state)
{
    static const str names[] = {STR("X-Corp-User"), STR("X-Corp-Groups")};
    struct arena a;
    (void)state;
    arena_init(&a, NULL, 0);
    struct field_set *s = field_set_new(&a, names, 2);
    str same[] = {STR("x-corp-user"), STR("X_CORP_USER"), STR("x.corp.groups")};
    for (size_t i = 0; i < 3; i++)
        assert_true(field_set_has(s, fields_folded_hash(same[i]), same[i]));
    str other = STR("X-Corp-Users");
    assert_false(field_set_has(s, fields_folded_hash(other), other));
    assert_false(field_set_has(NULL, fields_folded_hash(other), other));
    arena_finish(&a);
}

static void table_is_printed(void **state)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    (void)state;
    fields_print(out);
    fclose(out);
    assert_non_null(strstr(text, "  Remote-User\n"));
    assert_non_null(strstr(text, "  cf-access-*\n"));
    assert_non_null(strstr(text, "  X-Original-URL\n"));
    assert_null(strstr(text, "  Accept\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classifies),
        cmocka_unit_test(every_byte_that_is_no_token_refuses),
        cmocka_unit_test(connection_names_fields),
        cmocka_unit_test(knows_what_may_name_identity),
        cmocka_unit_test(app_names_are_folded),
        cmocka_unit_test(table_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
