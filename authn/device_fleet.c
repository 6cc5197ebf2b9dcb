/* device_fleet: what a Fleet server says of its hosts (GET /api/v1/fleet/hosts).
 *
 * Fleet has three clocks a host, and each fact takes its own: details of the machine are as old as
 * `detail_updated_at`, results of policies as old as `policy_updated_at`, and whether the host is
 * in touch as `seen_time`. */
#include <stdlib.h>

#include "authn/device_table.h"
#include "authn/device_words.h"
#include "authn/jread.h"

enum { FLEET_PAGE_BYTES = 32 << 20, SLUG_MAX = 64 };

struct fleet_reader {
    struct device_table *table;
    str source;
    int64_t now_s;
    size_t n_hosts;
};

struct host {
    struct fleet_reader *reader;
    struct arena *arena;
    const struct jnode *node;
    struct device_fact facts[DEVICE_FACTS_MAX];
    size_t n;
    int64_t seen_s;
};

struct fleet_reader *fleet_reader_create(str source, int64_t now_s)
{
    struct fleet_reader *r = mem_alloc(sizeof *r);
    r->table = device_table_create(source);
    r->source = device_table_source(r->table);
    r->now_s = now_s;
    return r;
}

void fleet_reader_destroy(struct fleet_reader **rp)
{
    struct fleet_reader *r = *rp;
    *rp = NULL;
    if (!r)
        return;
    device_table_unref(&r->table);
    free(r);
}

struct device_table *fleet_reader_finish(struct fleet_reader **rp)
{
    struct device_table *t = device_table_ref((*rp)->table);
    device_table_close(t);
    fleet_reader_destroy(rp);
    return t;
}

/* ---- facts ----------------------------------------------------------------------------------- */

/* Without a time a fact says nothing: nobody can tell how old it is. Fleet writes the year 2000 for
 * "never". A clock of Fleet's that is ahead must not keep facts fresh. */
static int64_t time_of(const struct host *h, const char *name)
{
    int64_t at;
    if (!device_instant(jread_text(h->node, name), &at))
        return 0;
    return at < h->reader->now_s ? at : h->reader->now_s;
}

static void add(struct host *h, str attribute, enum claim_kind kind, str text, int64_t seen_s)
{
    struct device_fact fact = {.source = h->reader->source, .seen_s = seen_s};
    if (!seen_s || h->n == DEVICE_FACTS_MAX ||
        !device_word_take(device_word_find(attribute), kind, text, &fact))
        return;
    fact.attribute = arena_dup(h->arena, attribute);
    fact.text = arena_dup(h->arena, text);
    if (seen_s > h->seen_s)
        h->seen_s = seen_s;
    h->facts[h->n++] = fact;
}

static void add_flag(struct host *h, str attribute, bool is_true, int64_t seen_s)
{
    add(h, attribute, CLAIM_BOOL, is_true ? STR("true") : STR("false"), seen_s);
}

static str os_of(str platform)
{
    static const struct {
        str platform, os;
    } known[] = {
        {STR("darwin"), STR("macos")},    {STR("windows"), STR("windows")},
        {STR("ios"), STR("ios")},         {STR("ipados"), STR("ios")},
        {STR("android"), STR("android")}, {STR("chrome"), STR("chromeos")},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(platform, known[i].platform))
            return known[i].os;
    return platform.n ? STR("linux") : platform; /* ubuntu, debian, rhel, arch, amzn ... */
}

static bool is_number(str s, bool *has_dot)
{
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool is_dot = s.p[i] == '.';
        dots += is_dot;
        if (!is_dot && (s.p[i] < '0' || s.p[i] > '9'))
            return false;
    }
    *has_dot = dots > 0;
    return s.n > 0 && s.p[0] != '.' && s.p[s.n - 1] != '.' && !str_contains(s, STR(".."));
}

/* "macOS 14.2.1", "Ubuntu 22.04.3 LTS", "Windows 11 Enterprise 23H2 10.0.22631.2715": the last
 * number with a dot, or the first without. */
static str version_of(str text)
{
    str dotted = {NULL, 0}, whole = {NULL, 0};
    while (text.p) {
        str word = str_cut(&text, ' ');
        bool has_dot = false;
        if (!is_number(word, &has_dot))
            continue;
        if (has_dot)
            dotted = word;
        else if (!whole.p)
            whole = word;
    }
    return dotted.p ? dotted : whole;
}

static void add_details(struct host *h)
{
    int64_t at = time_of(h, "detail_updated_at");
    const struct jnode *mdm = jread_get(h->node, "mdm");
    const struct jnode *disk = jread_get(h->node, "disk_encryption_enabled");
    str os = os_of(jread_text(h->node, "platform"));
    str version = version_of(jread_text(h->node, "os_version"));
    str enrolled = jread_text(mdm, "enrollment_status"); /* "On (automatic)", "Off", "Pending" */
    if (os.n)
        add(h, STR("os"), CLAIM_STRING, os, at);
    if (version.n)
        add(h, STR("os_version"), CLAIM_STRING, version, at);
    if (enrolled.n)
        add_flag(h, STR("managed"), str_starts(enrolled, STR("On")), at);
    if (disk && disk->kind == J_BOOL)
        add(h, STR("disk_encrypted"), CLAIM_BOOL, disk->text, at);
    str status = jread_text(h->node, "status");
    if (status.n)
        add(h, STR("fleet.status"), CLAIM_STRING, status, time_of(h, "seen_time"));
}

/* "Gatekeeper enabled (macOS)" becomes fleet.gatekeeper_enabled_macos. */
static str slug_of(struct arena *a, str name)
{
    char *out = arena_text(a, SLUG_MAX);
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < SLUG_MAX; i++) {
        char c = str_lower_char(name.p[i]);
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_word)
            out[n++] = c;
        else if (n && out[n - 1] != '_')
            out[n++] = '_';
    }
    while (n && out[n - 1] == '_')
        n--;
    return (str){out, n};
}

/* A policy named "postern: firewall" says so itself: its result is that attribute. */
static str attribute_of(struct arena *a, str name)
{
    str slug, prefix = STR("postern:");
    if (str_starts(name, prefix)) {
        str word = str_trim(str_from(name, prefix.n), " ");
        return device_word_find(word) == WORD_FLAG ? word : (str){NULL, 0};
    }
    slug = slug_of(a, name);
    return slug.n ? arena_printf(a, "fleet.%.*s", STR_ARG(slug)) : slug;
}

static void add_policies(struct host *h)
{
    int64_t at = time_of(h, "policy_updated_at");
    const struct jnode *policies = jread_get(h->node, "policies");
    size_t passed = 0, failed = 0;
    if (!policies || policies->kind != J_LIST || !policies->n)
        return;
    for (const struct jnode *p = policies->first; p; p = p->next) {
        str answer = jread_text(p, "response"), name = jread_text(p, "name");
        bool is_pass = str_eq(answer, STR("pass")), is_fail = str_eq(answer, STR("fail"));
        passed += is_pass;
        failed += is_fail;
        str attribute = is_pass || is_fail ? attribute_of(h->arena, name) : (str){NULL, 0};
        if (attribute.n)
            add_flag(h, attribute, is_pass, at);
    }
    /* One that did not answer yet leaves it open whether all pass. */
    if (failed || passed == policies->n)
        add_flag(h, STR("compliant"), !failed, at);
}

static bool read_host(struct fleet_reader *r, const struct jnode *node, struct fail *fail)
{
    struct host *h = mem_alloc(sizeof *h);
    str id = jread_text(node, "uuid"), serial = jread_text(node, "hardware_serial");
    h->reader = r;
    h->arena = device_table_arena(r->table);
    h->node = node;
    bool good = true;
    if (device_id_is_good(id)) {
        add_details(h);
        add_policies(h);
        struct device_fact *facts = arena_array(h->arena, struct device_fact, h->n + 1);
        memcpy(facts, h->facts, h->n * sizeof *facts);
        struct device d = {arena_dup(h->arena, id), facts, h->n, h->seen_s};
        bool has_serial = device_id_is_good(serial);
        good = device_table_add(r->table, &d,
                                has_serial ? arena_dup(h->arena, serial) : (str){NULL, 0});
    }
    free(h);
    return good ||
           fail_set(fail, FAIL_LIMIT, "the Fleet server has more than %d hosts", DEVICE_TABLE_MAX);
}

bool fleet_reader_page(struct fleet_reader *r, str json, bool *more_out, struct fail *fail)
{
    struct arena a;
    bool good = false;
    *more_out = false;
    if (json.n > FLEET_PAGE_BYTES)
        return fail_set(fail, FAIL_LIMIT, "a page of the Fleet server has more than 32 MiB");
    arena_init(&a, NULL, 0);
    char *bytes = arena_text(&a, json.n + 1);
    memcpy(bytes, json.p, json.n);
    const struct jnode *root = jread_object(&a, bytes, json.n, NULL);
    const struct jnode *hosts = jread_get(root, "hosts");
    if (!hosts || hosts->kind != J_LIST) {
        fail_set(fail, FAIL_INPUT, "the answer is not a list of Fleet's hosts");
        goto out;
    }
    for (const struct jnode *h = hosts->first; h; h = h->next)
        if (h->kind != J_OBJECT || !read_host(r, h, fail)) {
            if (h->kind != J_OBJECT)
                fail_set(fail, FAIL_INPUT, "a host in the answer of the Fleet server is no object");
            goto out;
        }
    *more_out = hosts->n > 0; /* the pages end with an empty one */
    good = true;
out:
    arena_finish(&a);
    return good;
}
