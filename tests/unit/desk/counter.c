/* See counter.h. */
#include "counter.h"

#include <openssl/ec.h>
#include <openssl/pem.h>

enum { PORT = 8090 };

static const char PORTAL[] =
    "portal: {host: access.localhost, origin: \"http://access.localhost:8090\"}\n"
    "builtin: {users: users.yaml}\n";

static const char POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.localhost, upstream: \"http://127.0.0.1:9\"}\n"
    "  - {name: reports, host: reports.localhost, upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: all, effect: allow, who: {groups: [staff]}, to: {apps: [inventory, reports]}}\n";

static void make_issuer_key(struct counter *c)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &p);
    c->issuer_keys = mem_alloc(sizeof *c->issuer_keys);
    c->issuer_keys->n = 1;
    c->issuer_keys->pems[0] = (str){mem_dup((str){p, (size_t)n}), (size_t)n};
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static const char USERS[] =
    "version: 1\nusers:\n  kim@acme.example: {groups: [staff], pin: true}\n";

struct counter *counter_open(const char *issuers, const char *more)
{
    static char text[2048];
    struct counter *c = mem_alloc(sizeof *c);
    struct fail f = {0};
    snprintf(text, sizeof text, "%s%s", PORTAL, more ? more : "");
    struct house_options o = {.issuers = issuers ? issuers : "  people: builtin\n",
                              .services = "  robot: {issuer: people, match: {sub: robot}}\n",
                              .more = text,
                              .policy = POLICY,

                              .users = USERS};
    c->house = house_open(&o);
    make_issuer_key(c);
    struct desk_options desk = {.loop = c->house->loop,
                                .mailbox = c->house->mailbox,
                                .audit = c->house->audit,
                                .node = STR("n1"),
                                .boot = STR("b1"),
                                .cookie_keys = c->house->cookie_keys,
                                .issuer_keys = c->issuer_keys,
                                .ctx = c};
    c->desk = desk_create(&desk, &f);
    desk_configure(c->desk, c->house->snapshot);
    return c;
}

void counter_close(struct counter *c)
{
    desk_destroy(c->desk);
    house_close(c->house);
    free((void *)(uintptr_t)c->issuer_keys->pems[0].p);
    free(c->issuer_keys);
    free(c);
}

static void answered(struct desk_ask *ask)
{
    ((struct counter *)ask->ctx)->answered++;
}

struct desk_ask *counter_ask(struct counter *c, enum desk_kind kind, unsigned char who)
{
    struct desk_ask *ask = desk_ask_create(kind);
    ask->answered = answered;
    ask->ctx = c;
    ask->request_id = STR("r1");
    memset(ask->browser, who, sizeof ask->browser);
    memset(ask->bound, who, sizeof ask->bound);
    ask->host = STR("inventory.localhost");
    ask->app = STR("inventory");
    return ask;
}

void counter_put(struct counter *c, struct desk_ask *ask)
{
    unsigned before = c->answered;
    desk_ask(c->desk, ask);
    house_turn(c->house);
    assert_int_equal(c->answered, before + 1);
}

struct desk_ask *counter_login(struct counter *c, unsigned char who, const char *path)
{
    struct desk_ask *ask = counter_ask(c, DESK_LOGIN, who);
    ask->to = arena_printf(&ask->arena, "http://inventory.localhost:%d%s", PORT, path);
    counter_put(c, ask);
    return ask;
}

const char *counter_state(const struct desk_ask *ask)
{
    static char buffers[8][64];
    static unsigned turn;
    char *out = buffers[turn++ % 8];
    size_t at = 0;
    while (at < ask->url.n && !str_starts(str_from(ask->url, at), STR("state=")))
        at++;
    str state = str_from(ask->url, at + 6);
    snprintf(out, sizeof buffers[0], "%.*s", (int)str_find(state, '&'), state.p ? state.p : "");
    return out;
}

json_t *counter_record(struct counter *c, const char *kind)
{
    json_t *log = house_log(c->house);
    for (size_t i = json_array_size(log); i-- > 0;)
        if (strcmp(member(json_array_get(log, i), "kind"), kind) == 0)
            return json_array_get(log, i);
    return NULL;
}
