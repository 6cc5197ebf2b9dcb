/* The assertion: signed by us, for one app, with the claims that it lists and no others. */
#include "caller.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "../authn/signer.h"
#include "base/encode.h"
#include "proxy/config/keyring.h"
#include "proxy/gate/gate_impl.h"

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - name: inventory\n"
    "    host: inventory.example\n"
    "    upstream: \"unix:APP_SOCKET\"\n"
    "    public_paths: [/public/**]\n"
    "    identity: {assertion: true, claims: [email, groups, level, mixed, admin, absent, deep]}\n"
    "  - name: other\n"
    "    host: \"*.other.example\"\n"
    "    upstream: \"unix:APP_SOCKET\"\n"
    "    identity: {assertion: true, headers: {X-User: email}}\n"
    "  - {name: plain, host: plain.example, upstream: \"unix:APP_SOCKET\"}\n"
    "rules:\n"
    "  - {id: all, effect: allow, who: anyone, to: {apps: [inventory, other, plain]}}\n";

static struct keyring ring;

static str new_pem(const char *group)
{
    EVP_PKEY *pkey = EVP_EC_gen(group);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &text);
    str pem = {mem_dup((str){text, (size_t)n}), (size_t)n};
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return pem;
}

static int make_ring(void **state)
{
    ring = (struct keyring){.n = 3};
    ring.pems[0] = new_pem("P-256");
    ring.pems[1] = new_pem("P-384"); /* no key of ours: left out */
    ring.pems[2] = new_pem("P-256");
    return 0;
}

static int drop_ring(void **state)
{
    for (size_t i = 0; i < ring.n; i++)
        free((void *)(uintptr_t)ring.pems[i].p);
    return 0;
}

static struct house *open_house(void)
{
    return house_open(&(struct house_options){.policy = POLICY, .assertion_keys = &ring});
}

/* Asks, and gives back the assertion of the head that would be written; in the caller's arena. */
static str assertion_for(struct caller *c, struct house *h, const char *host, const char *path,
                         const char *bearer, unsigned *left_out)
{
    const struct visit_header *headers;
    caller_begin(c, h, host, path);
    c->visit.request.authorization = str_of(bearer);
    assert_int_equal(caller_run(c), VISIT_PERMITTED);
    size_t n = visit_identity_headers(&c->visit, &headers, left_out);
    str found = {NULL, 0};
    for (size_t i = 0; i < n; i++)
        if (str_eq(headers[i].name, STR("X-Postern-Assertion")))
            found = arena_dup(&signer_arena, headers[i].value);
    caller_end(c);
    return found;
}

/* Verified by the keys that we publish, as an app would. */
static json_t *opened(struct house *h, str jwt, const char *iss, const char *aud)
{
    struct fail f = {.text = ""};
    struct identity *id = NULL;
    str audience = str_of(aud);
    struct issuer issuer = {.name = STR("postern"),
                            .issuer = str_of(iss),
                            .audiences = &audience,
                            .n_audiences = 1,
                            .algs = ALG_BIT(ALG_ES256)};
    struct keyset *keys = keyset_parse(gate_jwks(h->gate), &f);
    assert_non_null(keys);
    assert_int_equal(keyset_count(keys), 2);
    assert_int_equal(
        token_verify(&issuer, keys, jwt, TOKEN_KIND_ID, clock_wall_us() / 1000000, &id), TOKEN_OK);
    identity_unref(&id);
    keyset_unref(&keys);
    unsigned char payload[8192];
    size_t n;
    str rest = jwt;
    str_cut(&rest, '.');
    assert_true(base64url_decode(str_cut(&rest, '.'), payload, &n));
    return json_loadb((char *)payload, n, JSON_REJECT_DUPLICATES, NULL);
}

#define WHO                                                                                        \
    STAFF ",\"level\":3,\"admin\":true,\"mixed\":[\"a,b\",7],\"deep\":{\"a\":1},\"secret\":\"s\""

static void what_it_says(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    str jwt = assertion_for(&c, h, "inventory.example", "/", house_bearer("kim", WHO), &left_out);
    json_t *said = opened(h, jwt, "https://inventory.example", "inventory");
    assert_int_equal(left_out, 1); /* deep */
    assert_text("sub", member(said, "sub"), "kim");
    assert_text("email", member(said, "email"), "kim@acme.example");
    assert_text("groups", member(said, "groups"), "[\"staff\"]");
    assert_text("level", member(said, "level"), "3");
    assert_text("admin", member(said, "admin"), "true");
    assert_text("mixed", member(said, "mixed"), "[\"a,b\",7]");
    assert_int_equal(json_object_size(said), 11);
    assert_int_equal(json_integer_value(json_object_get(said, "exp")),
                     json_integer_value(json_object_get(said, "iat")) + 300);
    assert_int_equal(strlen(member(said, "jti")), 32);
    json_decref(said);
    house_close(h);
}

/* An address that nobody verified is no address. */
static void unverified_mail(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    str jwt = assertion_for(&c, h, "inventory.example", "/",
                            house_bearer("kim", ",\"email\":\"boss@acme.example\""), &left_out);
    json_t *said = opened(h, jwt, "https://inventory.example", "inventory");
    assert_int_equal(left_out, 1);
    assert_null(json_object_get(said, "email"));
    assert_null(json_object_get(said, "groups"));
    json_decref(said);
    house_close(h);
}

static void who_gets_none(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    const char *kim = house_bearer("kim", STAFF);
    assert_null(assertion_for(&c, h, "plain.example", "/", kim, &left_out).p);
    assert_null(assertion_for(&c, h, "inventory.example", "/public/x", kim, &left_out).p);
    assert_int_equal(left_out, 0);
    house_close(h);
    h = house_open(&(struct house_options){.policy = POLICY}); /* without keys */
    kim = house_bearer("kim", STAFF);
    assert_null(assertion_for(&c, h, "inventory.example", "/", kim, &left_out).p);
    assert_string_equal(gate_jwks(h->gate).p, "{\"keys\":[]}");
    house_close(h);
}

/* A wildcard app is told where it was asked: one for each host, in its name. */
static void wildcard(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    const char *kim = house_bearer("kim", STAFF);
    str a = assertion_for(&c, h, "a.other.example", "/", kim, &left_out);
    str b = assertion_for(&c, h, "b.other.example", "/", kim, &left_out);
    json_decref(opened(h, a, "https://a.other.example", "other"));
    json_decref(opened(h, b, "https://b.other.example", "other"));
    assert_true(str_eq(a, assertion_for(&c, h, "a.other.example", "/", kim, &left_out)));
    house_close(h);
}

static void made_once(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    const char *kim = house_bearer("kim", STAFF), *sam = house_bearer("sam", STAFF);
    str first = assertion_for(&c, h, "inventory.example", "/", kim, &left_out);
    assert_true(str_eq(first, assertion_for(&c, h, "inventory.example", "/a", kim, &left_out)));
    assert_false(str_eq(first, assertion_for(&c, h, "inventory.example", "/", sam, &left_out)));
    assert_false(str_eq(first, assertion_for(&c, h, "x.other.example", "/", kim, &left_out)));
    house_pass(h, 269 * 1000);
    assert_true(str_eq(first, assertion_for(&c, h, "inventory.example", "/", kim, &left_out)));
    house_pass(h, 1000); /* 30 s before its end */
    str second = assertion_for(&c, h, "inventory.example", "/", kim, &left_out);
    assert_false(str_eq(first, second));
    house_swap_policy(h, POLICY); /* other settings may want other claims */
    assert_false(str_eq(second, assertion_for(&c, h, "inventory.example", "/", kim, &left_out)));
    house_close(h);
}

/* It never outlives the proof, and near its end it is not made at every request. */
static void no_longer_than_the_proof(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    const char *kim = house_bearer("kim", STAFF);
    house_pass(h, 3600 * 1000 - 60 * 1000);
    str jwt = assertion_for(&c, h, "inventory.example", "/", kim, &left_out);
    json_t *said = opened(h, jwt, "https://inventory.example", "inventory");
    assert_int_equal(json_integer_value(json_object_get(said, "exp")),
                     clock_wall_us() / 1000000 + 60);
    json_decref(said);
    house_pass(h, 50 * 1000);
    assert_true(str_eq(jwt, assertion_for(&c, h, "inventory.example", "/", kim, &left_out)));
    house_close(h);
}

/* However many hosts a wildcard app has, a credential keeps a few. */
static void few_are_kept(void **state)
{
    struct house *h = open_house();
    struct caller c;
    unsigned left_out = 0;
    const char *kim = house_bearer("kim", STAFF);
    str first = assertion_for(&c, h, "h0.other.example", "/", kim, &left_out);
    for (int i = 1; i < 16; i++)
        assertion_for(&c, h, arena_printf(&signer_arena, "h%d.other.example", i).p, "/", kim,
                      &left_out);
    assert_true(str_eq(first, assertion_for(&c, h, "h0.other.example", "/", kim, &left_out)));
    assertion_for(&c, h, "h16.other.example", "/", kim, &left_out);
    assert_false(str_eq(first, assertion_for(&c, h, "h0.other.example", "/", kim, &left_out)));
    house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),  cmocka_unit_test(unverified_mail),
        cmocka_unit_test(who_gets_none), cmocka_unit_test(wildcard),
        cmocka_unit_test(made_once),     cmocka_unit_test(no_longer_than_the_proof),
        cmocka_unit_test(few_are_kept),
    };
    return cmocka_run_group_tests(tests, make_ring, drop_ring);
}
