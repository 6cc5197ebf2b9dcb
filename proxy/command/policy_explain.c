/* postern policy explain: one request, every rule that concerns its app, and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/schema.h"
#include "proxy/command/command.h"
#include "proxy/command/option.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/usage.h"
#include "proxy/command/policy_explain.h"

static const char usage_text[] =
    "usage: postern policy explain [options] REQUEST\n"
    "\n"
    "REQUEST is \"GET https://host/path\", \"ssh LOGIN@APP\" or \"rdp APP\". Facts that are not\n"
    "given are unknown. Without --as, --service or --group the visit has no identity.\n"
    "\n"
    "  --policy PATH     the rules (default: policies)\n"
    "  --config FILE     check the names of the configuration too\n"
    "  --as USER         a verified mail address\n"
    "  --service NAME    a machine, by its entry in services:\n"
    "  --group NAME      a group; may be repeated, \"\" says that there is none\n"
    "  --claim K=V       a claim; may be repeated, a repeated name makes a list; a V in quotes is\n"
    "                    a text, whatever it looks like\n"
    "  --issuer NAME     the issuer, by its name in the configuration\n"
    "  --mfa, --no-mfa   more than one factor was used, or just one\n"
    "  --auth-age D      time since the log-in at the issuer, such as 10m\n"
    "  --method AMR      a method of authentication; may be repeated, \"\" says that there is "
    "none\n"
    "  --acr TEXT        the class of authentication\n"
    "  --device ID|K=V   the device, or a fact about it; may be repeated\n"
    "  --seen D          age of the facts about the device (default: 0s)\n"
    "  --source NAME     where the facts that follow come from, as in sources: of a rule\n"
    "  --from ADDRESS    where the visit comes from\n"
    "  --country XX      the country of that\n"
    "  --purpose TEXT    the stated purpose\n"
    "  --approved RULE   an approval for this rule is open; may be repeated\n"
    "  --broken-glass RULE  and the glass of this one is broken; may be repeated\n"
    "  --at INSTANT      the moment, such as 2026-11-27T15:00:00+01:00 (default: now)\n"
    "  --format json     the explanation as JSON\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0 allowed, 1 errors, 2 usage, 3 refused.\n";

enum { MAX_ITEMS = 64 };

struct options {
    struct policy_book_options book;
    struct arena arena; /* lists of claims */
    const char *request;
    struct policy_identity identity;
    struct policy_claim claims[MAX_ITEMS];
    str groups[MAX_ITEMS], methods[MAX_ITEMS];
    struct policy_device_fact facts[MAX_ITEMS];
    struct policy_device device;
    struct policy_request asked;
    struct policy_grant grants[MAX_ITEMS];
    size_t n_grants;
    str purpose, source;
    bool has_identity, has_device, has_mfa, has_no_mfa, is_json;
    int64_t at_s, age_s, seen_s; /* age_s below zero: not given */
};

static bool is_number(str s)
{
    size_t digits = 0, dots = 0;

    if (s.n && s.p[0] == '-')
        s = str_from(s, 1);
    for (size_t i = 0; i < s.n; i++) {
        digits += s.p[i] >= '0' && s.p[i] <= '9';
        dots += s.p[i] == '.';
    }
    return digits && digits + dots == s.n && dots <= 1;
}

bool policy_looks_typed(str text)
{
    bool is_quoted = text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"';

    return is_quoted || is_number(text) || str_eq(text, STR("true")) || str_eq(text, STR("false"));
}

static struct policy_value value_of(str text)
{
    enum policy_value_kind kind = POLICY_VALUE_TEXT;

    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        return (struct policy_value){.kind = kind, .text = {text.p + 1, text.n - 2}};
    if (str_eq(text, STR("true")) || str_eq(text, STR("false")))
        kind = POLICY_VALUE_BOOL;
    else if (is_number(text))
        kind = POLICY_VALUE_NUMBER;
    return (struct policy_value){.kind = kind, .text = text};
}

/* A name given again turns its value into a list. */
static void add_claim(struct options *o, str name, struct policy_value value)
{
    for (size_t i = 0; i < o->identity.n_claims; i++) {
        struct policy_value *v = &o->claims[i].value;
        if (!str_eq(o->claims[i].name, name))
            continue;
        size_t n = v->kind == POLICY_VALUE_LIST ? v->n : 1;
        struct policy_value *items = arena_array(&o->arena, struct policy_value, n + 1);
        memcpy(items, v->kind == POLICY_VALUE_LIST ? v->items : v, n * sizeof *items);
        items[n] = value;
        *v = (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n + 1};
        return;
    }
    o->claims[o->identity.n_claims++] = (struct policy_claim){name, value};
}

/* ---- options: NULL, or what is wrong ---- */

static const char *say_wrong(const char *option, const char *why, str near)
{
    static char text[256];

    snprintf(text, sizeof text, near.n ? "%s %s; did you mean %.*s?" : "%s %s", option, why,
             STR_ARG(near));
    return text;
}

static const char *read_user(void *options, str text)
{
    struct options *o = options;
    const char *why = policy_user_wrong(text);

    if (why)
        return say_wrong("--as", why, (str){NULL, 0});
    o->has_identity = true;
    o->identity.email = o->identity.subject = text;
    o->identity.email_verified = POLICY_TRUE;
    return NULL;
}

static const char *read_service(void *options, str text)
{
    struct options *o = options;

    o->has_identity = o->identity.is_machine = o->identity.groups_known = true;
    o->identity.service = o->identity.subject = text;
    return NULL;
}

static const char *read_claim(void *options, str text)
{
    struct options *o = options;
    str value = text, name = str_cut(&value, '=');

    if (!value.p || !name.n || o->identity.n_claims == MAX_ITEMS)
        return "--claim is NAME=VALUE, at most 64 times";
    add_claim(o, name, value_of(value));
    return NULL;
}

static const char *read_device(void *options, str text)
{
    struct options *o = options;
    str value = text, name = str_cut(&value, '=');

    o->has_device = true;
    if (!value.p) {
        o->device.id = text;
        return NULL;
    }
    if (!name.n || o->device.n_facts == MAX_ITEMS)
        return "--device is ID or NAME=VALUE, at most 64 times";
    str near;
    const char *why = policy_attribute_wrong(name, &near);
    if (why)
        return say_wrong("a name in --device", why, near);
    o->facts[o->device.n_facts++] = (struct policy_device_fact){
        .attribute = name, .value = value_of(value), .source = o->source};
    return NULL;
}

static const char *read_group(void *options, str text)
{
    struct options *o = options;

    o->has_identity = o->identity.groups_known = true;
    if (o->identity.n_groups == MAX_ITEMS)
        return "--group may be given at most 64 times";
    if (text.n)
        o->groups[o->identity.n_groups++] = text;
    return NULL;
}

static const char *read_method(void *options, str text)
{
    struct options *o = options;

    o->identity.amr_known = true;
    if (o->identity.n_amr == MAX_ITEMS)
        return "--method may be given at most 64 times";
    if (text.n)
        o->methods[o->identity.n_amr++] = text;
    return NULL;
}

static const char *add_grant(struct options *o, enum policy_grant_kind kind, str rule)
{
    if (o->n_grants == MAX_ITEMS)
        return "--approved and --broken-glass may be given at most 64 times";
    o->grants[o->n_grants++] = (struct policy_grant){.kind = kind, .rule = rule};
    return NULL;
}

static const char *read_approved(void *options, str text)
{
    return add_grant(options, POLICY_GRANT_APPROVAL, text);
}

static const char *read_glass(void *options, str text)
{
    return add_grant(options, POLICY_GRANT_BREAK_GLASS, text);
}

static const char *read_from(void *options, str text)
{
    struct options *o = options;

    return addr_parse(text, &o->asked.from) ? NULL : "--from is an IP address";
}

static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"policy", .text = &o->book.path},
                                      {"config", .text = &o->book.config},
                                      {"as", .call = read_user, .ctx = o},
                                      {"service", .call = read_service, .ctx = o},
                                      {"group", .call = read_group, .ctx = o},
                                      {"claim", .call = read_claim, .ctx = o},
                                      {"issuer", .str = &o->identity.issuer},
                                      {"mfa", .flag = &o->has_mfa},
                                      {"no-mfa", .flag = &o->has_no_mfa},
                                      {"auth-age", .age_s = &o->age_s},
                                      {"method", .call = read_method, .ctx = o},
                                      {"acr", .str = &o->identity.acr},
                                      {"device", .call = read_device, .ctx = o},
                                      {"seen", .age_s = &o->seen_s},
                                      {"source", .str = &o->source},
                                      {"approved", .call = read_approved, .ctx = o},
                                      {"broken-glass", .call = read_glass, .ctx = o},
                                      {"from", .call = read_from, .ctx = o},
                                      {"country", .str = &o->asked.country},
                                      {"purpose", .str = &o->purpose},
                                      {"at", .instant_s = &o->at_s},
                                      {"format", .is_json = &o->is_json},
                                      {0}};

    return policy_request_option(rows, argc, argv, &o->request);
}

/* ---- run ---- */

/* A rule that there is not, or that opens by nothing, is as good as none. */
static void open_grants(struct options *o, struct policy_book *book)
{
    for (size_t i = 0; i < o->n_grants; i++) {
        struct policy_grant *grant = &o->grants[i];
        grant->rule_digest = policy_rule_digest(book->policy, grant->rule);
        grant->expires_s = o->at_s + 3600;
        if (!grant->rule_digest.n)
            findings_add(&book->findings, FINDING_NOTE, "no-grant", NULL, NULL,
                         "no rule \"%.*s\" opens by an approval or break glass",
                         STR_ARG(grant->rule));
    }
}

/* A slip in a group refuses as well as a group that is missing. */
static void note_groups(const struct options *o, struct policy_book *book)
{
    for (size_t i = 0; i < o->identity.n_groups; i++) {
        str near;
        if (policy_group_near(book->policy, o->groups[i], &book->arena, &near))
            findings_add(&book->findings, FINDING_NOTE, "unknown-group", NULL, NULL,
                         "no rule names the group \"%.*s\"; did you mean \"%.*s\"?",
                         STR_ARG(o->groups[i]), STR_ARG(near));
    }
}

/* Of loading none is left: see policy_book.c. */
static void print_notes(const struct findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].severity == FINDING_NOTE)
            fprintf(stderr, "note: %.*s\n", STR_ARG(f->items[i].message));
}

static void build_facts(struct options *o, struct policy_facts *facts)
{
    for (size_t i = 0; i < o->device.n_facts; i++) {
        o->facts[i].seen_s = o->at_s - o->seen_s;
    }
    o->device.facts = o->facts;
    o->identity.claims = o->claims;
    o->identity.groups = o->groups;
    o->identity.amr = o->methods;
    o->identity.issuer_name = o->identity.issuer;
    o->identity.mfa = o->has_mfa ? POLICY_TRUE : o->has_no_mfa ? POLICY_FALSE : POLICY_UNKNOWN;
    o->identity.auth_time_s = o->age_s < 0 ? 0 : o->at_s - o->age_s;
    *facts = (struct policy_facts){
        .identity = o->has_identity ? &o->identity : NULL,
        .devices = &o->device,
        .n_devices = o->has_device,
        .request = &o->asked,
        .now_us = o->at_s * 1000000,
        .clock_is_good = true,
        .purpose = o->purpose,
        .grants = o->grants,
        .n_grants = o->n_grants,
    };
}

static int explain(void *options, struct policy_book *book)
{
    struct options *o = options;
    struct arena *a = &book->arena;
    struct policy_explanation ex;
    struct policy_facts facts;
    struct policy_request asked;
    const char *wrong = policy_request_parse(str_of(o->request), book->policy, a, &asked);

    if (wrong)
        return usage_tell("policy explain", wrong, usage_text);
    asked.from = o->asked.from;
    asked.country = o->asked.country;
    o->asked = asked;
    open_grants(o, book);
    note_groups(o, book);
    build_facts(o, &facts);
    policy_explain(book->policy, &facts, a, &ex);
    struct policy_explain_view view = {&book->findings, book->policy, &ex, &facts, a};
    if (o->is_json)
        policy_json_print(policy_explain_write, &view);
    else {
        print_notes(&book->findings);
        policy_explain_print(&view);
    }
    if (!o->is_json && ex.decision.reason == POLICY_REASON_NO_IDENTITY && !o->has_identity)
        puts("  who it is was not given: --as, --service or --group");
    return ex.decision.effect == POLICY_ALLOW ? EXIT_GOOD : EXIT_FINDINGS;
}

int policy_explain_command(int argc, char **argv)
{
    struct options o = {
        .book.path = "policies", .at_s = time(NULL), .age_s = -1, .source = STR("command-line")};

    arena_init(&o.arena, NULL, 0);
    const char *wrong = read_options(argc, argv, &o);
    int status = wrong ? usage_tell("policy explain", wrong, usage_text)
                       : policy_book_use(&o.book, o.is_json, explain, &o);
    arena_finish(&o.arena);
    return status;
}
