/* driver: policy_decide as a filter, so that the reference interpreter can be held against it.
 *
 *   policy_driver [--no-causes] [--now SECONDS] DIR < facts.jsonl > decisions.jsonl
 *   policy_driver --diff [--now SECONDS] OLD NEW > diff.jsonl
 *
 * Loads the *.yaml of DIR as one set, at the time --now (default: the clock's); findings go to
 * standard error, and a set that does not load is exit status 1. Then one JSON object a line comes
 * in and one goes out. In, all members optional:
 *
 *   identity  null or {issuer, subject, issuer_name, issuer_is_trusted, is_machine, service, email,
 *             email_verified: bool|null, groups: [..]|null, claims: {name: value}, amr: [..]|null,
 *             acr, mfa: bool|null, auth_time_s, login_s, expires_s}
 *   devices   [{id, facts: [{attribute, value, source, seen_s, is_hint}]}]
 *   request   {app: name | host: name, protocol: http|ssh|rdp, method, path (normal form) | target,
 *             login, from: address|null, country}
 *   now_s or now_us, clock_is_good (true), grants: [{kind: approval|break_glass, rule, rule_digest
 *             (that of the rule now), expires_s}], grants_unknown, purpose
 *   subject_age_s  the identity was interned so long ago; absent: it was not
 *
 * A value is text, a number, a bool or a list; {"number": "1.10"} is a number as written; any other
 * object and null are of a type that cannot be compared. Out:
 *
 *   {effect, reason, rules (at most 8), n_rules, causes, remedies, valid_until (0: never),
 * obligations: {max_s, idle_s, record, clipboard, file_transfer, port_forwarding}, would: null or
 * {effect, reason, rules}}, lists sorted by bytes.
 *
 * A line that is no JSON object gives {"error": ...}.
 *
 * --diff prints what policy_diff says, an app a line: {app, change: same|narrower|wider|undecided,
 * gains, loses}, each null or {request, facts}: the text of the request, and what both sets were
 * asked in the form above, without the request and with the rules of each set's grants together. */
#include <dirent.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/author.h"

enum { MAX_FILES = 10000, ZONE_BYTES = 1 << 16 };

/* ---- the set --------------------------------------------------------------------------------- */

static str read_file(struct arena *a, const char *path, size_t max)
{
    FILE *file = fopen(path, "rb");
    char *room = mem_alloc(max);
    str bytes = {NULL, 0};

    if (file) {
        bytes = arena_dup(a, (str){room, fread(room, 1, max, file)});
        fclose(file);
    }
    free(room);
    return bytes;
}

static str read_zone(void *ctx, struct arena *a, str name)
{
    char path[256];

    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    return read_file(a, path, ZONE_BYTES);
}

static int is_policy(const struct dirent *e)
{
    return e->d_name[0] != '.' && str_ends(str_of(e->d_name), STR(".yaml"));
}

static struct policy *load_dir(struct arena *a, const char *dir, int64_t now_s)
{
    struct dirent **list;
    int n = scandir(dir, &list, is_policy, alphasort);
    struct doc_file *files = arena_array(a, struct doc_file, MAX_FILES);
    struct findings f;

    if (n < 0 || n > MAX_FILES)
        return NULL;
    for (int i = 0; i < n; i++) {
        str path = arena_printf(a, "%s/%s", dir, list[i]->d_name);
        files[i] = (struct doc_file){path, read_file(a, path.p, DOC_MAX_BYTES + 1)};
        free(list[i]);
    }
    free(list);
    findings_init(&f);
    struct policy_load_in in = {.files = files,
                                .n_files = (size_t)n,
                                .zone = read_zone,
                                .tzdata_version = STR("driver"),
                                .has_geoip = true,
                                .now_s = now_s};
    struct policy *p = policy_load(&in, &f);
    if (!p)
        findings_print(&f, stderr);
    findings_finish(&f);
    return p;
}

/* ---- facts from JSON ------------------------------------------------------------------------- */

static str text_of(const json_t *v)
{
    return json_is_string(v) ? (str){json_string_value(v), json_string_length(v)} : (str){NULL, 0};
}

static str text(const json_t *object, const char *key)
{
    return text_of(json_object_get(object, key));
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static enum policy_tri tri(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    return json_is_boolean(v) ? (json_is_true(v) ? POLICY_TRUE : POLICY_FALSE) : POLICY_UNKNOWN;
}

static struct policy_value value_of(struct arena *a, const json_t *v)
{
    struct policy_value out = {.kind = POLICY_VALUE_OTHER};

    if (json_is_string(v))
        out = (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = text_of(v)};
    else if (json_is_boolean(v))
        out = (struct policy_value){.kind = POLICY_VALUE_BOOL,
                                    .text = json_is_true(v) ? STR("true") : STR("false")};
    else if (json_is_integer(v))
        out = (struct policy_value){.kind = POLICY_VALUE_NUMBER,
                                    .text = arena_printf(a, "%lld", json_integer_value(v))};
    else if (json_is_real(v))
        out = (struct policy_value){.kind = POLICY_VALUE_NUMBER,
                                    .text = arena_printf(a, "%.15g", json_real_value(v))};
    else if (json_is_object(v) && json_is_string(json_object_get(v, "number")))
        out = (struct policy_value){.kind = POLICY_VALUE_NUMBER, .text = text(v, "number")};
    else if (json_is_array(v)) {
        struct policy_value *items = arena_array(a, struct policy_value, json_array_size(v) + 1);
        for (size_t i = 0; i < json_array_size(v); i++)
            items[i] = value_of(a, json_array_get(v, i));
        for (size_t i = 0; i < json_array_size(v); i++)
            if (items[i].kind == POLICY_VALUE_LIST)
                items[i] = (struct policy_value){0};
        out = (struct policy_value){
            .kind = POLICY_VALUE_LIST, .items = items, .n = json_array_size(v)};
    }
    return out;
}

static const str *texts(struct arena *a, const json_t *list, size_t *n_out)
{
    size_t n = json_array_size(list);
    str *items = arena_array(a, str, n + 1);

    for (size_t i = 0; i < n; i++)
        items[i] = text_of(json_array_get(list, i));
    *n_out = n;
    return items;
}

static void read_claims(struct arena *a, json_t *claims, struct policy_identity *id)
{
    struct policy_claim *list = arena_array(a, struct policy_claim, json_object_size(claims) + 1);
    const char *name;
    json_t *v;

    json_object_foreach(claims, name, v) list[id->n_claims++] =
        (struct policy_claim){str_of(name), value_of(a, v)};
    id->claims = list;
}

static const struct policy_identity *read_identity(struct arena *a, const json_t *v)
{
    struct policy_identity *id = arena_new(a, struct policy_identity);

    if (!json_is_object(v))
        return NULL;
    *id = (struct policy_identity){
        .issuer = text(v, "issuer"),
        .subject = text(v, "subject"),
        .issuer_name = text(v, "issuer_name"),
        .issuer_is_trusted = flag(v, "issuer_is_trusted"),
        .is_machine = flag(v, "is_machine"),
        .service = text(v, "service"),
        .email = text(v, "email"),
        .email_verified = tri(v, "email_verified"),
        .groups_known = json_is_array(json_object_get(v, "groups")),
        .amr_known = json_is_array(json_object_get(v, "amr")),
        .acr = text(v, "acr"),
        .mfa = tri(v, "mfa"),
        .auth_time_s = number(v, "auth_time_s"),
        .login_s = number(v, "login_s"),
        .expires_s = number(v, "expires_s"),
    };
    id->groups = texts(a, json_object_get(v, "groups"), &id->n_groups);
    id->amr = texts(a, json_object_get(v, "amr"), &id->n_amr);
    read_claims(a, json_object_get(v, "claims"), id);
    return id;
}

static void read_devices(struct arena *a, const json_t *list, struct policy_facts *facts)
{
    size_t n = json_array_size(list);
    struct policy_device *devices = arena_array(a, struct policy_device, n + 1);

    for (size_t d = 0; d < n; d++) {
        const json_t *device = json_array_get(list, d), *seen = json_object_get(device, "facts");
        size_t n_facts = json_array_size(seen);
        struct policy_device_fact *out = arena_array(a, struct policy_device_fact, n_facts + 1);
        for (size_t i = 0; i < n_facts; i++) {
            const json_t *fact = json_array_get(seen, i);
            out[i] =
                (struct policy_device_fact){.attribute = text(fact, "attribute"),
                                            .value = value_of(a, json_object_get(fact, "value")),
                                            .source = text(fact, "source"),
                                            .seen_s = number(fact, "seen_s"),
                                            .is_hint = flag(fact, "is_hint")};
        }
        devices[d] =
            (struct policy_device){.id = text(device, "id"), .facts = out, .n_facts = n_facts};
    }
    facts->devices = devices;
    facts->n_devices = n;
}

static void read_grants(struct arena *a, const struct policy *p, const json_t *list,
                        struct policy_facts *facts)
{
    size_t n = json_array_size(list);
    struct policy_grant *grants = arena_array(a, struct policy_grant, n + 1);

    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        bool is_approval = str_eq(text(v, "kind"), STR("approval"));
        grants[i] = (struct policy_grant){.kind = is_approval ? POLICY_GRANT_APPROVAL
                                                              : POLICY_GRANT_BREAK_GLASS,
                                          .rule = text(v, "rule"),
                                          .rule_digest = text(v, "rule_digest"),
                                          .expires_s = number(v, "expires_s")};
        if (!grants[i].rule_digest.p)
            grants[i].rule_digest = policy_rule_digest(p, grants[i].rule);
    }
    facts->grants = grants;
    facts->n_grants = n;
}

static const struct policy_request *read_request(struct arena *a, const struct policy *p,
                                                 const json_t *v)
{
    struct policy_request *r = arena_new(a, struct policy_request);
    str protocol = text(v, "protocol"), target = text(v, "target");

    *r = (struct policy_request){.app = policy_app_named(p, text(v, "app")),
                                 .method = text(v, "method"),
                                 .path = text(v, "path"),
                                 .login = text(v, "login"),
                                 .country = text(v, "country")};
    if (text(v, "host").p)
        r->app = policy_app_find(p, text(v, "host"));
    if (str_eq(protocol, STR("ssh")))
        r->protocol = POLICY_SSH;
    else if (str_eq(protocol, STR("rdp")))
        r->protocol = POLICY_RDP;
    if (target.p && r->app)
        path_normalise(target, r->app->path_rules, arena_text(a, target.n + 1), &r->path);
    if (text(v, "from").p)
        addr_parse(text(v, "from"), &r->from);
    return r;
}

static void read_facts(struct arena *a, const struct policy *p, const json_t *v,
                       struct policy_facts *out)
{
    const json_t *us = json_object_get(v, "now_us"), *good = json_object_get(v, "clock_is_good");

    *out = (struct policy_facts){
        .identity = read_identity(a, json_object_get(v, "identity")),
        .request = read_request(a, p, json_object_get(v, "request")),
        .now_us = us ? json_integer_value(us) : number(v, "now_s") * 1000000,
        .clock_is_good = !json_is_false(good),
        .grants_unknown = flag(v, "grants_unknown"),
        .purpose = text(v, "purpose"),
    };
    read_devices(a, json_object_get(v, "devices"), out);
    read_grants(a, p, json_object_get(v, "grants"), out);
}

/* ---- decisions to JSON ----------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static json_t *sorted(struct arena *a, const str *items, size_t n)
{
    json_t *list = json_array();
    str *copy = arena_array(a, str, n + 1);

    if (n)
        memcpy(copy, items, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, by_bytes);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_stringn(copy[i].p, copy[i].n));
    return list;
}

static const char *effect_text(enum policy_effect effect)
{
    return effect == POLICY_ALLOW ? "allow" : "deny";
}

static json_t *would_json(struct arena *a, const struct policy_decision *d)
{
    if (!d->has_would)
        return json_null();
    return json_pack("{s:s, s:s, s:o}", "effect", effect_text(d->would), "reason",
                     policy_reason_code(d->would_reason), "rules",
                     sorted(a, d->would_rules, d->n_would_rules));
}

static json_t *decision_json(struct arena *a, const struct policy_decision *d, json_t *causes)
{
    const struct policy_obligations *o = &d->obligations;
    json_t *obligations =
        json_pack("{s:I, s:I, s:b, s:b, s:b, s:b}", "max_s", (json_int_t)o->max_s, "idle_s",
                  (json_int_t)o->idle_s, "record", o->record, "clipboard", o->clipboard,
                  "file_transfer", o->file_transfer, "port_forwarding", o->port_forwarding);

    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:I, s:o, s:o}", "effect", effect_text(d->effect),
                     "reason", policy_reason_code(d->reason), "rules",
                     sorted(a, d->rules, d->n_rules), "n_rules", (json_int_t)d->n_rules_total,
                     "causes", causes, "valid_until", (json_int_t)d->valid_until_s, "obligations",
                     obligations, "would", would_json(a, d));
}

/* The kind, and behind a blank the rule or the attribute that it names. */
static json_t *remedies_json(const struct policy_explanation *ex)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ex->n_remedies; i++) {
        const struct policy_remedy *r = &ex->remedies[i];
        str names = r->rule.p ? r->rule : r->attribute;
        json_array_append_new(list, json_sprintf("%s%s%.*s", policy_remedy_name(r->kind),
                                                 names.n ? " " : "", STR_ARG(names)));
    }
    return list;
}

/* Interned as it was then; NULL when it is not asked for. */
static struct policy_subject *read_subject(const struct policy *p, const struct policy_facts *facts,
                                           const json_t *v)
{
    const json_t *age = json_object_get(v, "subject_age_s");

    if (!json_is_integer(age))
        return NULL;
    return policy_subject_create(p, facts->identity, facts->devices, facts->n_devices,
                                 facts->now_us - json_integer_value(age) * 1000000);
}

static json_t *decide(struct arena *a, const struct policy *p, const json_t *v, bool has_causes)
{
    struct policy_explanation ex = {0};
    struct policy_facts facts;
    struct policy_decision d;

    read_facts(a, p, v, &facts);
    struct policy_subject *subject = read_subject(p, &facts, v);
    facts.subject = subject;
    policy_decide(p, &facts, &d);
    if (has_causes)
        policy_explain(p, &facts, a, &ex);
    policy_subject_destroy(&subject);
    json_t *out = decision_json(a, &d, sorted(a, ex.causes, ex.n_causes));
    if (has_causes)
        json_object_set_new(out, "remedies", remedies_json(&ex));
    return out;
}

static void answer(struct arena *a, const struct policy *p, const char *line, size_t n,
                   bool has_causes)
{
    json_error_t error;
    json_t *in = json_loadb(line, n, 0, &error), *out;

    if (json_is_object(in))
        out = decide(a, p, in, has_causes);
    else
        out = json_pack("{s:s}", "error", in ? "no object" : error.text);
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    json_decref(in);
}

/* ---- what differs ---------------------------------------------------------------------------- */

static json_t *text_json(str s)
{
    return s.p ? json_stringn(s.p, s.n) : json_null();
}

static json_t *tri_json(enum policy_tri value)
{
    return value == POLICY_UNKNOWN ? json_null() : json_boolean(value == POLICY_TRUE);
}

static json_t *texts_json(const str *items, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_stringn(items[i].p, items[i].n));
    return list;
}

static json_t *value_json(const struct policy_value *v)
{
    if (v->kind == POLICY_VALUE_NUMBER)
        return json_pack("{s:o}", "number", text_json(v->text));
    if (v->kind == POLICY_VALUE_BOOL)
        return json_boolean(str_eq(v->text, STR("true")));
    if (v->kind != POLICY_VALUE_LIST)
        return text_json(v->text);
    json_t *list = json_array();
    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, value_json(&v->items[i]));
    return list;
}

static void set_text(json_t *object, const char *key, str s)
{
    if (s.p)
        json_object_set_new(object, key, text_json(s));
}

static json_t *identity_json(const struct policy_identity *id)
{
    json_t *out =
        json_pack("{s:b, s:o, s:o, s:I, s:o}", "is_machine", (int)id->is_machine, "email_verified",
                  tri_json(id->email_verified), "mfa", tri_json(id->mfa), "auth_time_s",
                  (json_int_t)id->auth_time_s, "claims", json_object());

    set_text(out, "issuer", id->issuer);
    set_text(out, "subject", id->subject);
    set_text(out, "issuer_name", id->issuer_name);
    set_text(out, "service", id->service);
    set_text(out, "email", id->email);
    set_text(out, "acr", id->acr);
    if (id->groups_known)
        json_object_set_new(out, "groups", texts_json(id->groups, id->n_groups));
    if (id->amr_known)
        json_object_set_new(out, "amr", texts_json(id->amr, id->n_amr));
    for (size_t i = 0; i < id->n_claims; i++)
        json_object_setn_new(json_object_get(out, "claims"), id->claims[i].name.p,
                             id->claims[i].name.n, value_json(&id->claims[i].value));
    return out;
}

static json_t *devices_json(const struct policy_facts *facts)
{
    json_t *list = json_array();

    for (size_t d = 0; d < facts->n_devices; d++) {
        json_t *seen = json_array();
        for (size_t i = 0; i < facts->devices[d].n_facts; i++) {
            const struct policy_device_fact *fact = &facts->devices[d].facts[i];
            json_array_append_new(
                seen,
                json_pack("{s:o, s:o, s:o, s:I, s:b}", "attribute", text_json(fact->attribute),
                          "value", value_json(&fact->value), "source", text_json(fact->source),
                          "seen_s", (json_int_t)fact->seen_s, "is_hint", (int)fact->is_hint));
        }
        json_array_append_new(list, json_pack("{s:s, s:o}", "id", "witness", "facts", seen));
    }
    return list;
}

static json_t *grants_json(const struct policy_witness *w)
{
    json_t *list = json_array();

    for (size_t set = 0; set < 2; set++)
        for (size_t i = 0; i < w->facts[set]->n_grants; i++) {
            const struct policy_grant *grant = &w->facts[set]->grants[i];
            bool is_approval = grant->kind == POLICY_GRANT_APPROVAL;
            json_array_append_new(
                list, json_pack("{s:s, s:o, s:I}", "kind", is_approval ? "approval" : "break_glass",
                                "rule", text_json(grant->rule), "expires_s",
                                (json_int_t)(w->facts[set]->now_us / 1000000 + 36000)));
        }
    return list;
}

static json_t *witness_json(const struct policy_witness *w)
{
    if (!w->is_there)
        return json_null();
    const struct policy_facts *facts = w->facts[0];
    char from[ADDR_TEXT_BYTES];
    addr_text(&facts->request->from, from);
    json_t *out =
        json_pack("{s:o, s:o, s:I, s:o, s:s}", "identity", identity_json(facts->identity),
                  "devices", devices_json(facts), "now_s", (json_int_t)(facts->now_us / 1000000),
                  "grants", grants_json(w), "from", from);
    set_text(out, "purpose", facts->purpose);
    set_text(out, "country", facts->request->country);
    return json_pack("{s:o, s:o}", "request", text_json(w->request), "facts", out);
}

static int print_diff(struct arena *a, char **dirs, int64_t now_s)
{
    static const char *const words[] = {[POLICY_CHANGE_UNDECIDED] = "undecided",
                                        [POLICY_CHANGE_NONE] = "same",
                                        [POLICY_CHANGE_NARROWER] = "narrower",
                                        [POLICY_CHANGE_SHOWN] = "wider"};
    struct policy *sets[2] = {load_dir(a, dirs[0], now_s), load_dir(a, dirs[1], now_s)};
    bool good = sets[0] && sets[1];
    struct policy_diff diff = {0};

    if (good)
        policy_diff(sets[0], sets[1], now_s * 1000000, NULL, a, &diff);
    for (size_t i = 0; i < diff.n_apps; i++) {
        const struct policy_app_change *app = &diff.apps[i];
        json_t *out = json_pack("{s:o, s:s, s:o, s:o}", "app", text_json(app->app), "change",
                                words[app->change], "gains", witness_json(&app->gains), "loses",
                                witness_json(&app->loses));
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(out);
    }
    policy_unref(&sets[0]);
    policy_unref(&sets[1]);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"no-causes", no_argument, NULL, 'c'},
                                            {"now", required_argument, NULL, 'n'},
                                            {"diff", no_argument, NULL, 'd'},
                                            {0}};
    bool has_causes = true, is_diff = false;
    int64_t now_s = time(NULL);
    struct arena files, a;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'c')
            has_causes = false;
        else if (c == 'n')
            now_s = strtoll(optarg, NULL, 10);
        else if (c == 'd')
            is_diff = true;
        else
            optind = argc;
    }
    if (optind + 1 + is_diff != argc) {
        fprintf(stderr,
                "usage: policy_driver [--no-causes] [--now SECONDS] DIR < FACTS > DECISIONS\n"
                "       policy_driver --diff [--now SECONDS] OLD NEW > DIFF\n");
        return 2;
    }
    arena_init(&files, NULL, 0);
    arena_init(&a, NULL, 0);
    if (is_diff) {
        int differs = print_diff(&a, argv + optind, now_s);
        arena_finish(&files);
        arena_finish(&a);
        return differs;
    }
    struct policy *p = load_dir(&files, argv[optind], now_s);
    arena_finish(&files);
    while (p && (n = getline(&line, &cap, stdin)) >= 0) {
        answer(&a, p, line, (size_t)n, has_causes);
        /* Whoever asks one at a time waits for this one. */
        fflush(stdout);
        arena_reset(&a);
    }
    int status = p ? 0 : 1;
    policy_unref(&p);
    arena_finish(&a);
    free(line);
    return status;
}
