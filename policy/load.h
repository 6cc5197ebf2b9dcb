/* load: the state of one policy_load and what its steps share.
 *
 * Order matters: all files are parsed and all names collected before anything is decoded, so that
 * a rule may name what a later file defines and the order of files never counts. An item with an
 * error of form is not decoded, but its name is known, so that one mistake gives one error. */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "base/map.h"
#include "policy/rule.h"
#include "policy/schema_tables.h"
#include "policy/zone.h"

enum {
    LOAD_MAX_NESTING = 16,
    LOAD_MAPPED_BYTES = 256 << 10, /* of files; from here on their arena is the system's */
    LOAD_SPREAD = 4,               /* chunks of that arena hold so many times the files */
    LOAD_MAX_MEMBERS = 1 << 22,    /* names in unions of groups, those of aliases counted again */
};

struct load_file {
    struct doc_file file;
    const struct doc_node *root; /* NULL: not readable */
    const struct zone *zone;     /* of its dates and schedules */
    bool has_form;               /* the tables find no fault */
};

enum def_kind { DEF_GROUP, DEF_NETWORK, DEF_SCHEDULE, DEF_DEVICE, DEF_APP, DEF_RULE, DEF_KINDS };

/* Anything with a name. */
struct def {
    str name;
    const struct doc_node *key, *node;
    const struct load_file *file;
    enum def_kind kind;
    bool has_form;
    bool is_open; /* groups: being expanded, so that meeting it again is a cycle */
    bool is_done;
    unsigned height;   /* groups: levels below */
    size_t index;      /* app, rule: as in struct policy */
    const void *value; /* group: struct want_list, network: cidr_list, schedule, device */
};

struct load {
    const struct policy_load_in *in;
    struct findings *f;
    struct policy *p;
    struct arena *a; /* of p's source */
    struct load_file *files;
    size_t n_files;
    struct map defs[DEF_KINDS];   /* name -> struct def */
    struct map zones;             /* name -> struct zone */
    struct map labels;            /* "key" and "key\0value" of any app -> itself */
    bool names_missing;           /* a file could not be read: what it defines is not known */
    size_t n_members;             /* so far, of LOAD_MAX_MEMBERS */
    bool has_nameless[DEF_KINDS]; /* something of the kind was refused before its name was known */
    bool hosts_missing;           /* of an app that was refused */
    struct app *apps;
    struct rule *rules;
    struct policy_test *tests;
    size_t cap_codes;
    bool ignores_case; /* an app of the set compares paths without case */
};

/* ---- load_util.c ---- */

/* Node as a list: its items, or itself alone. 0 for NULL. */
size_t load_count(const struct doc_node *node);
const struct doc_node *load_item(const struct doc_node *node, size_t i);
struct str_list load_texts(struct load *l, const struct doc_node *node);
/* Copies that outlive the source. */
str load_keep(struct load *l, str s);
struct str_list load_keep_texts(struct load *l, const struct doc_node *node);
struct str_list load_texts_lower(struct load *l, const struct doc_node *node);
struct want_list load_wants(struct load *l, const struct doc_node *node);
int64_t load_seconds(const struct doc_node *node, int64_t fallback);
/* The same names as the configuration has, or any when there is none. */
void load_check_known(struct load *l, const struct doc_node *node, const char *what,
                      const str *names, size_t n);
/* NULL after an error at the node. */
const struct def *load_find(struct load *l, enum def_kind kind, const struct doc_node *node);
void load_unknown(struct load *l, const struct doc_node *node, const char *what, const str *names,
                  size_t n);
const struct zone *load_zone(struct load *l, const struct doc_node *node);
/* Two keys that exclude each other: an error at the one that stands later. */
bool load_excludes(struct load *l, const struct doc_node *map, const char *const *keys,
                   const char *code, const char *suggestion);

/* ---- names.c: who is called what ---- */
void load_names(struct load *l, struct load_file *file);

/* ---- decode_*.c ---- */
void decode_apps(struct load *l);
void decode_rules(struct load *l);
void decode_tests(struct load *l);
const struct who *decode_who(struct load *l, const struct doc_node *node);
const struct to *decode_to(struct load *l, const struct doc_node *node, enum rule_effect effect);
const struct device_need *decode_device(struct load *l, const struct doc_node *node, str name);
const struct device_need *decode_device_ref(struct load *l, const struct doc_node *node);
const struct auth_need *decode_auth(struct load *l, const struct doc_node *node);
const struct from_need *decode_from(struct load *l, const struct doc_node *node);
struct schedule_list decode_when(struct load *l, const struct doc_node *node,
                                 const struct load_file *file);
/* Ascending indices of rules by id; with `skips` only requires are legal. */
struct index_list decode_rule_refs(struct load *l, const struct doc_node *node, bool skips);
void load_check_issuers(struct load *l, const struct doc_node *node);
const struct test_request *decode_requests(struct load *l, const struct doc_node *node,
                                           size_t *n_out);
void decode_defines(struct load *l);
void decode_networks(struct load *l);
void decode_schedules(struct load *l);
struct want_list decode_group_union(struct load *l, const struct doc_node *node);

/* ---- check.c, bucket.c ---- */
void check_set(struct load *l);
void bucket_fill(struct load *l);
const struct app *app_by_host(const struct policy *p, str host);

#endif
