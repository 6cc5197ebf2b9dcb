/* See house.h. */
#include "house.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../authn/signer.h"
#include "base/log.h"
#include "base/secret.h"
#include "proxy/audit/io.h"
#include "proxy/config/keyring.h"
#include "proxy/gate/gate_impl.h"

bool house_disk_is_broken, house_disk_forgets;

static const char LISTENERS[] =
    "  - {address: \"127.0.0.1:8080\"}\n"
    "  - {address: \"127.0.0.1:8081\", front: {forwarded: {trusted: [192.0.2.0/24]}}}\n";

static const char ISSUERS[] =
    "  corp: {issuer: \"https://login.example\", audience: postern, jwks_file: corp.json,\n"
    "         mfa: {amr: [otp]}}\n"
    "  late: {issuer: \"https://late.example\", audience: postern}\n";

static const char SERVICES[] = "  robot: {issuer: corp, match: {sub: \"robot:*\"}}\n";

const char HOUSE_POLICY[] =
    "version: 1\n"
    "apps:\n"
    "  - name: inventory\n"
    "    title: The inventory\n"
    "    owner: ops@corp.example\n"
    "    host: inventory.example\n"
    "    upstream: \"unix:APP_SOCKET\"\n"
    "    public_paths: [/public/**]\n"
    "    identity: {headers: {X-User: email, X-Groups: groups, X-Note: note}}\n"
    "  - {name: other, host: other.example, upstream: \"http://127.0.0.1:9\"}\n"
    "rules:\n"
    "  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"
    "  - {id: robots, effect: allow, who: {services: [robot]}, to: {apps: [inventory]}}\n"
    "  - {id: no-suspended, effect: deny, who: {groups: [suspended]}, to: everything}\n"
    "  - {id: no-crawl, effect: deny, mode: audit, who: anyone,\n"
    "     to: {apps: [inventory], paths: [/old/**]}}\n"
    "  - {id: needs-factor, effect: require, owner: sec@corp.example, who: anyone,\n"
    "     to: {apps: [inventory], paths: [/admin/**]}, auth: {mfa: true}}\n";

void assert_text_at(const char *row, const char *found, const char *wanted, const char *file,
                    int line)
{
    if (strcmp(found, wanted) == 0)
        return;
    print_error("%s:%d: row \"%s\":\n--- found\n%s\n--- wanted\n%s\n---\n", file, line, row, found,
                wanted);
    fail();
}

/* ---- files ---- */

const char *house_path(const struct house *h, const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *p = paths[turn++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", h->room, name);
    return p;
}

void house_write(const struct house *h, const char *name, const char *text)
{
    FILE *f = fopen(house_path(h, name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static void write_policy(struct house *h, const char *policy)
{
    static const char place[] = "APP_SOCKET";
    char text[16384], *at;
    assert_true(strlen(policy) < sizeof text - 512);
    strcpy(text, policy);
    const char *socket = house_path(h, "app.sock");
    while ((at = strstr(text, place))) {
        memmove(at + strlen(socket), at + strlen(place), strlen(at + strlen(place)) + 1);
        memcpy(at, socket, strlen(socket));
    }
    house_write(h, "policies/all.yaml", text);
}

static void write_keys(struct house *h)
{
    struct signer s = signer_make(ALG_ES256, "k");
    house_write(h, "corp.json",
                arena_printf(&signer_arena, "{\"keys\":[%s]}", signer_jwk(&s, "")).p);
}

static void write_config(struct house *h, const struct house_options *o)
{
    str text = arena_printf(
        &signer_arena,
        "version: 1\nlisteners:\n%sstate: state\npolicies: policies\nissuers:\n%sservices:\n%s"
        "audit: {file: access.jsonl%s}\n%s%s%s",
        o->listeners ? o->listeners : LISTENERS, o->issuers ? o->issuers : ISSUERS,
        o->services ? o->services : SERVICES, o->hashes_query ? ", query: hash" : "",
        o->limits ? "limits: " : "", o->limits ? o->limits : "", o->more ? o->more : "");
    house_write(h, "postern.yaml", text.p);
}

/* ---- snapshots ---- */

static struct snapshot *build(struct house *h, bool may_be_broken)
{
    struct snapshot_inputs in = {.config_path = house_path(h, "postern.yaml"),
                                 .wall_us = clock_wall_us()};
    struct findings f;
    bool is_broken;
    findings_init(&f);
    struct snapshot *s = snapshot_build(&in, h->snapshot, &is_broken, &f);
    for (size_t i = 0; i < f.n && (!s || (is_broken && !may_be_broken)); i++)
        print_error("%.*s:%u: %.*s\n", STR_ARG(f.items[i].file), f.items[i].line,
                    STR_ARG(f.items[i].message));
    assert_non_null(s);
    assert_int_equal(is_broken, may_be_broken);
    findings_finish(&f);
    return s;
}

static void publish(struct house *h, struct snapshot *next)
{
    snapshot_unref(&h->snapshot);
    h->snapshot = next;
    gate_swap(h->gate, snapshot_ref(next));
}

void house_swap_policy(struct house *h, const char *policy)
{
    write_policy(h, policy);
    publish(h, build(h, false));
}

void house_swap_config(struct house *h, const struct house_options *o)
{
    write_config(h, o);
    publish(h, build(h, false));
}

void house_swap_keys(struct house *h, size_t index, const char *kid, const char *kid2)
{
    struct signer s = signer_make(ALG_ES256, kid), s2 = signer_make(ALG_ES256, kid2 ? kid2 : kid);
    struct keyset *keys = kid2 ? signer_keys(signer_jwk(&s, ""), signer_jwk(&s2, ""), NULL)
                               : signer_keys(signer_jwk(&s, ""), NULL);
    publish(h, snapshot_with_keys(h->snapshot, index, keys));
}

/* ---- the journal ---- */

static ssize_t disk_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (house_disk_forgets)
        return ftruncate(fd, at + (off_t)n) == 0 ? (ssize_t)n : -1;
    if (!house_disk_is_broken)
        return pwrite(fd, p, n, at);
    errno = EIO;
    return -1;
}

static int disk_fdatasync(int fd)
{
    if (!house_disk_is_broken && !house_disk_forgets)
        return fdatasync(fd);
    errno = EIO;
    return -1;
}

static void audit_news(void *ctx)
{
    ((struct house *)ctx)->has_changed = true;
}

static void open_audit(struct house *h, const struct house_options *o)
{
    static const struct audit_io io = {disk_pwrite, disk_fdatasync};
    struct fail f = {0};
    struct audit_options options = {.file = house_path(h, "access.jsonl"),
                                    .node = "n1",
                                    .boot = "b1",
                                    .is_always = o->is_always,
                                    .continues = o->continues,
                                    .ring_bytes = 512 * 1024,
                                    .is_manual = true,
                                    .wall_us = clock_wall_us,
                                    .mono_us = clock_mono_us,
                                    .io = &io};
    h->audit = audit_open(&options, &f);
    if (!h->audit)
        print_error("%s\n", f.text);
    assert_non_null(h->audit);
    h->ring = audit_ring_create(h->audit, audit_news, h);
}

void house_sync(struct house *h)
{
    audit_turn(h->audit);
    if (!h->has_changed)
        return;
    h->has_changed = false;
    gate_audit_changed(h->gate);
}

void house_turn(struct house *h)
{
    for (int i = 0; i < 3; i++)
        loop_turn(h->loop, false);
}

void house_pass(struct house *h, int64_t ms)
{
    clock_pass(ms);
    house_turn(h);
    house_sync(h);
}

size_t house_fill_ring(struct house *h)
{
    size_t all = 0;
    for (size_t n = AUDIT_RECORD_MAX; n >= 1024; n /= 2)
        while (ring_fits(h->ring, n) && audit_reserve(h->ring, n))
            all += n;
    return all;
}

/* ---- open, close ---- */

static void need_keys(void *ctx, size_t issuer, str kid)
{
    struct house *h = ctx;
    h->asked++;
    h->asked_issuer = issuer;
    snprintf(h->asked_kid, sizeof h->asked_kid, "%.*s", STR_ARG(kid));
}

static void need_refresh(void *ctx, int64_t session)
{
    struct house *h = ctx;
    h->refreshes++;
    h->refreshed = session;
}

static struct keyring *make_keys(void)
{
    struct keyring *keys = mem_alloc(sizeof *keys);
    keys->n = 1;
    random_fill(keys->secrets[0], sizeof keys->secrets[0]);
    return keys;
}

struct house *house_open(const struct house_options *o)
{
    struct house *h = mem_alloc(sizeof *h);
    struct fail f = {0};
    clock_reset();
    house_disk_is_broken = house_disk_forgets = false;
    log_level(LOG_LEVEL_ERROR + 1);
    strcpy(h->room, "/tmp/postern-gate-XXXXXX");
    assert_non_null(mkdtemp(h->room));
    assert_int_equal(mkdir(house_path(h, "policies"), 0755), 0);
    write_keys(h);
    if (o->cert_pem) {
        house_write(h, "cert.pem", o->cert_pem);
        house_write(h, "key.pem", o->key_pem);
        assert_int_equal(chmod(house_path(h, "key.pem"), 0600), 0);
    }
    if (o->users) {
        house_write(h, "users.yaml", o->users);
        assert_int_equal(chmod(house_path(h, "users.yaml"), 0600), 0);
    }
    write_config(h, o);
    write_policy(h, o->no_policy ? "version: 1\nrules: [\n" : o->policy ? o->policy : HOUSE_POLICY);
    h->loop = loop_create(&f);
    assert_non_null(h->loop);
    h->mailbox = mailbox_open(h->loop, h, &f);
    assert_non_null(h->mailbox);
    h->cookie_keys = make_keys();
    open_audit(h, o);
    h->snapshot = build(h, o->no_policy);
    struct gate_options gate = {.loop = h->loop,
                                .audit = h->audit,
                                .ring = h->ring,
                                .counters = &h->counters,
                                .node = STR("n1"),
                                .boot = STR("b1"),
                                .need_keys = need_keys,
                                .ctx = h,
                                .store = o->store,
                                .mailbox = h->mailbox,
                                .cookie_keys = h->cookie_keys,
                                .assertion_keys = o->assertion_keys,
                                .need_refresh = need_refresh};
    h->gate = gate_create(&gate, snapshot_ref(h->snapshot));
    house_turn(h);
    return h;
}

void house_close(struct house *h)
{
    assert_int_equal(h->ring->reserved, 0);
    assert_true(list_empty(&h->gate->waiting));
    assert_true(list_empty(&h->gate->standing));
    assert_int_equal(gate_standing(h->gate), 0);
    assert_int_equal(h->gate->pin->uses, 1);
    house_disk_is_broken = house_disk_forgets = false;
    house_pass(h, 1000);
    mailbox_close(h->mailbox);
    gate_destroy(h->gate);
    snapshot_unref(&h->snapshot);
    loop_destroy(h->loop);
    mailbox_destroy(h->mailbox);
    free(h->cookie_keys);
    audit_close(h->audit);
    json_decref(h->log);
    nftw(h->room, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_reset(&signer_arena);
    free(h);
}

/* ---- tokens ---- */

const char *house_token_of(const char *iss, const char *kid, const char *sub, const char *claims)
{
    struct signer s = signer_make(ALG_ES256, kid);
    str payload = arena_printf(&signer_arena,
                               "{\"iss\":\"%s\",\"aud\":\"postern\",\"sub\":\"%s\",\"exp\":%lld%s}",
                               iss, sub, (long long)(clock_wall_us() / 1000000 + 3600), claims);
    return signer_token(&s, payload.p).p;
}

const char *house_token(const char *sub, const char *claims)
{
    return house_token_of("https://login.example", "k", sub, claims);
}

const char *house_bearer(const char *sub, const char *claims)
{
    return arena_printf(&signer_arena, "Bearer %s", house_token(sub, claims)).p;
}

/* ---- records ---- */

static char *read_journal(struct house *h, size_t *n)
{
    FILE *in = fopen(house_path(h, "access.jsonl"), "r");
    assert_non_null(in);
    fseek(in, 0, SEEK_END);
    *n = (size_t)ftell(in);
    rewind(in);
    char *bytes = mem_alloc(*n + 1);
    assert_int_equal(fread(bytes, 1, *n, in), *n);
    fclose(in);
    return bytes;
}

json_t *house_log(struct house *h)
{
    size_t n;
    house_sync(h);
    char *bytes = read_journal(h, &n);
    str rest = {bytes, n};
    json_decref(h->log);
    h->log = json_array();
    while (rest.n) {
        str line = str_cut(&rest, '\n');
        json_t *record = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        if (!record)
            print_error("no record: %.*s\n", STR_ARG(line));
        assert_non_null(record);
        if (json_object_get(record, "id"))
            json_array_append_new(h->log, record);
        else
            json_decref(record);
    }
    free(bytes);
    return h->log;
}

json_t *house_last(struct house *h)
{
    json_t *log = house_log(h);
    assert_true(json_array_size(log) > 0);
    return json_array_get(log, json_array_size(log) - 1);
}

const char *member(json_t *record, const char *path)
{
    static char texts[8][2048];
    static unsigned turn;
    char *out = texts[turn++ % 8];
    str rest = str_of(path);
    while (rest.p && record) {
        str name = str_cut(&rest, '.');
        record = json_object_getn(record, name.p, name.n);
    }
    out[0] = '\0';
    if (json_is_string(record)) {
        snprintf(out, sizeof texts[0], "%s", json_string_value(record));
    } else if (record) {
        char *text = json_dumps(record, JSON_ENCODE_ANY | JSON_COMPACT);
        snprintf(out, sizeof texts[0], "%s", text);
        free(text);
    }
    return out;
}
