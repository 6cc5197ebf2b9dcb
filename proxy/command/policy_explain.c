/* postern policy explain: one request, every rule that concerns its app, and why. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/schema.h"
#include "proxy/command/command.h"
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
    "  --claim K=V       a claim; may be repeated, a repeated name makes a list\n"
    "  --issuer NAME     the issuer, by its name in the configuration\n"
    "  --mfa             more than one factor was used\n"
    "  --auth-age D      time since the log-in at the issuer, such as 10m\n"
    "  --method AMR      a method of authentication; may be repeated\n"
    "  --acr TEXT        the class of authentication\n"
    "  --device ID|K=V   the device, or a fact about it; may be repeated\n"
    "  --seen D          age of the facts about the device (default: 0s)\n"
    "  --from ADDRESS    where the visit comes from\n"
    "  --country XX      the country of that\n"
    "  --purpose TEXT    the stated purpose\n"
    "  --at INSTANT      the moment, such as 2026-11-27T15:00:00+01:00 (default: now)\n"
    "  --format json     the explanation as JSON\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0 allowed, 1 errors, 2 usage, 3 refused.\n";

enum { MAX_ITEMS = 64 };

struct options {
    struct policy_book_options book;
    const char *request;
    struct policy_identity identity;
    struct policy_claim claims[MAX_ITEMS];
    str groups[MAX_ITEMS], methods[MAX_ITEMS];
    struct policy_device_fact facts[MAX_ITEMS];
    struct policy_device device;
    struct policy_request asked;
    str purpose;
    bool has_identity, has_device, is_json, wants_help, has_age, has_at;
    int64_t at_s, age_s, seen_s;
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

static struct policy_value value_of(str text)
{
    enum policy_value_kind kind = POLICY_VALUE_TEXT;

    if (str_eq(text, STR("true")) || str_eq(text, STR("false")))
        kind = POLICY_VALUE_BOOL;
    else if (is_number(text))
        kind = POLICY_VALUE_NUMBER;
    return (struct policy_value){.kind = kind, .text = text};
}

/* A name given again turns its value into a list. */
static void add_claim(struct options *o, struct arena *a, str name, struct policy_value value)
{
    for (size_t i = 0; i < o->identity.n_claims; i++) {
        struct policy_value *v = &o->claims[i].value;
        if (!str_eq(o->claims[i].name, name))
            continue;
        size_t n = v->kind == POLICY_VALUE_LIST ? v->n : 1;
        struct policy_value *items = arena_array(a, struct policy_value, n + 1);
        memcpy(items, v->kind == POLICY_VALUE_LIST ? v->items : v, n * sizeof *items);
        items[n] = value;
        *v = (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = n + 1};
        return;
    }
    o->claims[o->identity.n_claims++] = (struct policy_claim){name, value};
}

static const char *read_claim(struct options *o, struct arena *a, str text)
{
    str value = text, name = str_cut(&value, '=');

    if (!value.p || !name.n || o->identity.n_claims == MAX_ITEMS)
        return "--claim is NAME=VALUE, at most 64 times";
    add_claim(o, a, name, value_of(value));
    return NULL;
}

static const char *read_device(struct options *o, str text)
{
    str value = text, name = str_cut(&value, '=');

    o->has_device = true;
    if (!value.p) {
        o->device.id = text;
        return NULL;
    }
    if (!name.n || o->device.n_facts == MAX_ITEMS)
        return "--device is ID or NAME=VALUE, at most 64 times";
    o->facts[o->device.n_facts++] = (struct policy_device_fact){
        .attribute = name, .value = value_of(value), .source = STR("command-line")};
    return NULL;
}

static const char *read_group(struct options *o, str text)
{
    o->has_identity = o->identity.groups_known = true;
    if (o->identity.n_groups == MAX_ITEMS)
        return "--group may be given at most 64 times";
    if (text.n)
        o->groups[o->identity.n_groups++] = text;
    return NULL;
}

static const char *read_method(struct options *o, str text)
{
    o->identity.amr_known = true;
    if (o->identity.n_amr == MAX_ITEMS)
        return "--method may be given at most 64 times";
    o->methods[o->identity.n_amr++] = text;
    return NULL;
}

static const char *read_age(str text, int64_t *out_s)
{
    int64_t ms;

    if (!parse_duration_ms(text, &ms))
        return "an age is a duration such as 90s, 10m or 4h";
    *out_s = ms / 1000;
    return NULL;
}

enum option_id {
    OPTION_POLICY = 1,
    OPTION_CONFIG,
    OPTION_AS,
    OPTION_SERVICE,
    OPTION_GROUP,
    OPTION_CLAIM,
    OPTION_ISSUER,
    OPTION_MFA,
    OPTION_AUTH_AGE,
    OPTION_METHOD,
    OPTION_ACR,
    OPTION_DEVICE,
    OPTION_SEEN,
    OPTION_FROM,
    OPTION_COUNTRY,
    OPTION_PURPOSE,
    OPTION_AT,
    OPTION_FORMAT,
    OPTION_HELP,
};

static const struct option longs[] = {{"policy", required_argument, NULL, OPTION_POLICY},
                                      {"config", required_argument, NULL, OPTION_CONFIG},
                                      {"as", required_argument, NULL, OPTION_AS},
                                      {"service", required_argument, NULL, OPTION_SERVICE},
                                      {"group", required_argument, NULL, OPTION_GROUP},
                                      {"claim", required_argument, NULL, OPTION_CLAIM},
                                      {"issuer", required_argument, NULL, OPTION_ISSUER},
                                      {"mfa", no_argument, NULL, OPTION_MFA},
                                      {"auth-age", required_argument, NULL, OPTION_AUTH_AGE},
                                      {"method", required_argument, NULL, OPTION_METHOD},
                                      {"acr", required_argument, NULL, OPTION_ACR},
                                      {"device", required_argument, NULL, OPTION_DEVICE},
                                      {"seen", required_argument, NULL, OPTION_SEEN},
                                      {"from", required_argument, NULL, OPTION_FROM},
                                      {"country", required_argument, NULL, OPTION_COUNTRY},
                                      {"purpose", required_argument, NULL, OPTION_PURPOSE},
                                      {"at", required_argument, NULL, OPTION_AT},
                                      {"format", required_argument, NULL, OPTION_FORMAT},
                                      {"help", no_argument, NULL, OPTION_HELP},
                                      {0}};

/* NULL, or what is wrong. */
static const char *read_option(struct options *o, struct arena *a, int id, str text)
{
    struct policy_identity *identity = &o->identity;

    switch (id) {
    case OPTION_POLICY:
        o->book.path = text.p;
        return NULL;
    case OPTION_CONFIG:
        o->book.config = text.p;
        return NULL;
    case OPTION_AS:
        o->has_identity = true;
        identity->email = identity->subject = text;
        identity->email_verified = POLICY_TRUE;
        return NULL;
    case OPTION_SERVICE:
        o->has_identity = identity->is_machine = identity->groups_known = true;
        identity->service = identity->subject = text;
        return NULL;
    case OPTION_GROUP:
        return read_group(o, text);
    case OPTION_CLAIM:
        return read_claim(o, a, text);
    case OPTION_ISSUER:
        identity->issuer = identity->issuer_name = text;
        return NULL;
    case OPTION_MFA:
        identity->mfa = POLICY_TRUE;
        return NULL;
    case OPTION_AUTH_AGE:
        o->has_age = true;
        return read_age(text, &o->age_s);
    case OPTION_METHOD:
        return read_method(o, text);
    case OPTION_ACR:
        identity->acr = text;
        return NULL;
    case OPTION_DEVICE:
        return read_device(o, text);
    case OPTION_SEEN:
        return read_age(text, &o->seen_s);
    case OPTION_FROM:
        return addr_parse(text, &o->asked.from) ? NULL : "--from is an IP address";
    case OPTION_COUNTRY:
        o->asked.country = text;
        return NULL;
    case OPTION_PURPOSE:
        o->purpose = text;
        return NULL;
    case OPTION_AT:
        o->has_at = policy_instant_parse(text, &o->at_s);
        return o->has_at ? NULL : "--at is an instant with its offset: 2026-11-27T15:00:00+01:00";
    case OPTION_FORMAT:
        return policy_read_format(text.p, &o->is_json);
    case OPTION_HELP:
        o->wants_help = true;
        return NULL;
    default:
        return "an option is unknown";
    }
}

static const char *read_options(int argc, char **argv, struct options *o, struct arena *a)
{
    int c;

    *o = (struct options){.book.path = "policies", .identity.mfa = POLICY_UNKNOWN};
    opterr = 0;
    optind = 0;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        const char *wrong =
            c == '?' ? usage_bad_option(argv) : read_option(o, a, c, str_of(optarg));
        if (wrong || o->wants_help)
            return wrong;
    }
    if (optind + 1 != argc)
        return optind == argc ? "a request is missing" : "the request is one argument: quote it";
    o->request = argv[optind];
    return NULL;
}

static void build_facts(struct options *o, struct policy_facts *facts)
{
    if (!o->has_at)
        o->at_s = time(NULL);
    for (size_t i = 0; i < o->device.n_facts; i++)
        o->facts[i].seen_s = o->at_s - o->seen_s;
    o->device.facts = o->facts;
    o->identity.claims = o->claims;
    o->identity.groups = o->groups;
    o->identity.amr = o->methods;
    o->identity.auth_time_s = o->has_age ? o->at_s - o->age_s : 0;
    *facts = (struct policy_facts){
        .identity = o->has_identity ? &o->identity : NULL,
        .devices = &o->device,
        .n_devices = o->has_device,
        .request = &o->asked,
        .now_us = o->at_s * 1000000,
        .clock_is_good = true,
        .purpose = o->purpose,
    };
}

static int explain(struct options *o, struct policy_book *book, struct arena *a)
{
    struct policy_explanation ex;
    struct policy_facts facts;
    const char *wrong;

    if (!policy_book_open(book, &o->book)) {
        policy_book_print(book, o->is_json);
        return EXIT_ERRORS;
    }
    struct policy_request asked;
    wrong = policy_request_parse(str_of(o->request), book->policy, a, &asked);
    if (wrong)
        return usage_wrong("policy explain", wrong, usage_text);
    asked.from = o->asked.from;
    asked.country = o->asked.country;
    o->asked = asked;
    build_facts(o, &facts);
    policy_explain(book->policy, &facts, a, &ex);
    struct policy_explain_view view = {book->policy, &ex, a};
    if (o->is_json)
        policy_json_print(policy_explain_write, &view);
    else
        policy_explain_print(&view);
    return ex.decision.effect == POLICY_ALLOW ? EXIT_GOOD : EXIT_FINDINGS;
}

int policy_explain_command(int argc, char **argv)
{
    struct policy_book book = {0};
    struct options o;
    struct arena a;
    int status;

    arena_init(&a, NULL, 0);
    const char *wrong = read_options(argc, argv, &o, &a);
    if (wrong) {
        status = usage_wrong("policy explain", wrong, usage_text);
    } else if (o.wants_help) {
        fputs(usage_text, stdout);
        status = EXIT_GOOD;
    } else {
        status = explain(&o, &book, &a);
        policy_book_finish(&book);
    }
    arena_finish(&a);
    return status;
}
