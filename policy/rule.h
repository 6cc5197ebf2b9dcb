/* rule: the policy set as the loader leaves it, before it is compiled (compiled.h).
 *
 * Private to policy/. Rules and tests are part of the source: they live in the arena of its own,
 * beside the files and their trees, for who writes rules; a running proxy has dropped them and
 * decides on the compiled form. Everything is immutable after policy_load and may be read by any
 * thread. Names are resolved here: a schedule, device, group or network that was named is the thing
 * itself.
 *
 * Absent: a NULL pointer, a list with n == 0 (an empty list is a load error, so n == 0 always means
 * "not written"), a duration of -1. Durations are seconds, instants Unix seconds, dates days since
 * 1970-01-01, hours minutes since local midnight. */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/doc.h"
#include "base/map.h"
#include "base/str.h"
#include "policy/path.h"
#include "policy/policy.h"

struct zone;     /* policy/zone.h */
struct compiled; /* policy/compiled.h */

enum {
    POLICY_MAX_RULES = 50000,
    POLICY_MAX_REGEX_BYTES = 512,
    POLICY_REGEX_MATCH_LIMIT = 10000,
    POLICY_VERSION_PARTS = 8,
    POLICY_CHUNK_BYTES = 64 << 10, /* of the arena */
};
#define POLICY_NEVER_S INT64_MIN   /* starts: not written */
#define POLICY_FOREVER_S INT64_MAX /* expires: not written */

struct str_list {
    const str *items;
    size_t n;
};

struct index_list { /* ascending */
    const uint32_t *items;
    size_t n;
};

/* A wanted value. A plain scalar also matches the number or boolean written so. */
struct want {
    str text;
    bool is_plain;
};

struct want_list {
    const struct want *items;
    size_t n;
};

/* any AND all AND none, each when written. `all` holds one union an item: a group alias stands for
 * its members, and one of each is needed. */
struct match_set {
    struct want_list any, none;
    const struct want_list *all;
    size_t n_all;
};

struct claim_want {
    str name;
    struct match_set set;
};

enum who_kind { WHO_EITHER = 0, WHO_HUMAN, WHO_MACHINE };

/* AND over the written members; `any` is an OR over its items, `all` an AND. Of users, domains,
 * groups and services at most one is written. */
struct who {
    bool anyone; /* then nothing else is written */
    enum who_kind kind;
    struct str_list users;   /* lower-case */
    struct str_list domains; /* lower-case A-labels */
    const struct match_set *groups;
    struct str_list services;
    const struct claim_want *claims;
    size_t n_claims;
    const struct who *const *any, *const *all;
    size_t n_any, n_all;
};

struct glob_list {
    const struct path_glob *items;
    size_t n;
};

/* Anchored at both ends when compiled; JIT when there is one. Match with a context whose match
 * limit is POLICY_REGEX_MATCH_LIMIT. */
struct regex {
    pcre2_code *code, *code_nocase; /* the second is for apps with path_case: insensitive */
    str text;
};

enum protocol_bit { PROTOCOL_BIT_HTTP = 1, PROTOCOL_BIT_SSH = 2, PROTOCOL_BIT_RDP = 4 };

struct to {
    bool everything;        /* then nothing else is written */
    struct index_list apps; /* apps AND labels AND protocols, resolved; everything: empty */
    bool names_http_parts;  /* methods, paths, except or paths_regex: false for ssh and rdp */
    struct str_list methods;
    struct glob_list paths, except;
    const struct regex *regexes;
    size_t n_regexes;
    struct str_list logins;
};

struct version {
    uint64_t parts[POLICY_VERSION_PARTS];
    uint8_t n;
};

struct version_min {
    str name; /* os or browser */
    struct version least;
    str text;
};

struct version_mins {
    const struct version_min *items;
    size_t n;
};

/* Device attributes that are true or false; the names are in policy/rule.c. */
enum device_flag {
    DEVICE_MANAGED,
    DEVICE_COMPLIANT,
    DEVICE_DISK_ENCRYPTED,
    DEVICE_FIREWALL,
    DEVICE_SCREEN_LOCK,
    DEVICE_SECURE_BOOT,
    DEVICE_EDR_RUNNING,
    DEVICE_JAILBROKEN,
    DEVICE_FLAGS,
};
extern const char *const device_flag_names[DEVICE_FLAGS + 1]; /* NULL-ended */

struct attribute_want {
    str name; /* provider.name */
    struct want_list values;
};

struct device_need {
    uint32_t id;                          /* dense over what was decoded */
    str name;                             /* from define, or absent */
    uint16_t flags_written, flags_wanted; /* 1 << enum device_flag */
    struct str_list os;
    struct version_mins min_os_version, min_browser_version;
    bool has_min_patch_level, has_max_risk;
    int32_t min_patch_level_day;
    uint32_t max_risk;
    struct str_list ownership, key_protection, sources;
    const struct attribute_want *attributes;
    size_t n_attributes;
    int64_t seen_within_s; /* never -1: default 24 h */
};

struct auth_need {
    bool mfa;
    int64_t mfa_within_s, login_within_s;
    struct str_list methods, acr, issuers;
};

struct cidr_list {
    const struct cidr *items;
    size_t n;
};

struct from_need {
    struct cidr_list networks, not_networks; /* names expanded */
    struct str_list countries, not_countries;
};

struct hours {
    uint16_t start_min, end_min; /* half-open; end <= start: ends on the next day; end <= 1440 */
};

struct schedule {
    uint32_t id;  /* dense over what was decoded */
    str name;     /* from define, or absent */
    uint8_t days; /* 1 << 0 = Monday ... 1 << 6 = Sunday */
    const struct hours *hours;
    size_t n_hours;
    const struct zone *zone;
    const int32_t *except_days; /* ascending */
    size_t n_except_days;
};

struct schedule_list { /* OR */
    const struct schedule *const *items;
    size_t n;
};

struct approval_need {
    const struct who *by;
    uint32_t count; /* at least 1 */
    int64_t valid_for_s;
    bool reason_required;
};

struct purpose_need {
    str prompt;
};

struct break_glass {
    struct index_list skips; /* indices of require rules */
    struct str_list notify;
};

enum opinion { OPINION_SILENT = 0, OPINION_NO, OPINION_YES };

struct session_terms {
    int64_t max_s, idle_s;
    enum opinion record, clipboard, file_transfer, port_forwarding;
};

enum rule_effect { RULE_DENY = 0, RULE_REQUIRE, RULE_ALLOW };

struct rule {
    str id, title, owner, ticket;
    enum rule_effect effect;
    bool is_audit_only;   /* mode: audit */
    bool ignores_missing; /* on_missing: ignore */
    int64_t starts_s;     /* from this second on; POLICY_NEVER_S when not written */
    int64_t expires_s;    /* false from this second on; POLICY_FOREVER_S when not written */
    const struct who *who;
    const struct to *to;
    const struct device_need *device;
    const struct auth_need *auth;
    const struct from_need *from;
    struct schedule_list when;
    const struct approval_need *approval;
    const struct purpose_need *purpose;
    const struct break_glass *break_glass;
    const struct session_terms *session;
    str text_digest; /* of a rule with approval or break_glass; see struct rule_extra */
    const struct doc_node *node;
};

struct app {
    struct policy_app face;
    struct glob_list public_paths, cross_site_post;
    uint8_t protocol_bit;
    struct index_list bucket; /* rules that can concern it: deny, then require, then allow */
};

/* --- embedded tests; `like` and `without` are applied already --- */

struct test_attr {
    str name; /* of a claim, or of a device attribute: os, os_version, managed, fleet.team ... */
    const struct doc_node *value; /* as written */
};

struct test_device {
    str id, source;
    int64_t seen_s; /* age; 0 when not written */
    const struct test_attr *attrs;
    size_t n_attrs;
};

struct test_principal {
    str user, service, issuer, purpose, acr;
    bool has_groups, has_methods; /* groups: [] is known-empty */
    struct str_list groups, methods;
    const struct test_attr *claims;
    size_t n_claims;
    enum opinion mfa;
    int64_t auth_age_s;
    const struct test_device *devices;
    size_t n_devices;
    struct index_list approved; /* rules with an open grant */
};

struct test_request {
    uint8_t protocol_bit;
    uint32_t app;
    str text;         /* as written */
    str method;       /* http */
    str host, target; /* http: as in the URL, target with its query; the host lower-case */
    str login;        /* ssh */
};

struct policy_test {
    str name;
    bool has_principal; /* no `as`: a visit without identity */
    struct test_principal as;
    int64_t at_s;
    struct addr from; /* family 0 when not written */
    const struct test_request *requests;
    size_t n_requests;
    bool expects_allow;
    str expected_code; /* of `deny CODE` */
    const struct doc_node *node;
};

struct policy {
    atomic_uint refs;
    struct arena arena;  /* of what is kept: apps and the compiled form */
    struct arena source; /* files, trees, rules, tests */
    bool has_source;
    char digest_hex[64];
    const struct rule *rules; /* in order of file and place; index = identity of a rule */
    size_t n_rules;           /* also when the source is gone; rules and tests are none then */
    const struct app *apps;
    size_t n_apps;
    const struct policy_test *tests;
    size_t n_tests;
    uint32_t n_devices, n_schedules; /* ids given out */
    struct map apps_by_host;         /* exact host or alias -> struct app */
    struct map apps_by_wild;         /* "corp.example" for "*.corp.example" -> struct app */
    struct map apps_by_name;         /* -> struct app */
    pcre2_code **regex_codes;
    size_t n_regex_codes;
    struct compiled *compiled; /* NULL while there are errors */
};

/* 14 or 14.10.2: up to eight numbers. False when it is anything else. */
bool version_parse(str s, struct version *out);
int version_cmp(const struct version *a, const struct version *b); /* 14 equals 14.0 */

#endif
