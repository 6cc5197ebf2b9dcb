/* author: what who writes rules asks of a set, beside policy.h: which rules there are, what the
 * tests notice, who can do what, what another set would change, how a file is laid out.
 *
 * Not of the request path: slow where it must be, all memory from the caller's arena. Who can do
 * what and what changes is read from the rules as written: the source must be there still
 * (policy_has_source). Any thread. */
#ifndef POLICY_AUTHOR_H
#define POLICY_AUTHOR_H

#include "policy/policy.h"

/* A rule as people see it. */
struct policy_rule_info {
    str id, title, owner, ticket;
    str file, source; /* the line that it begins in */
    unsigned line, column;
    enum policy_rule_effect effect;
    bool is_audit;
};

/* `index` is below policy_rule_count(), in order of files. */
struct policy_rule_info policy_rule_info(const struct policy *p, size_t index);
/* SIZE_MAX: there is none. */
size_t policy_rule_index(const struct policy *p, str id);

/* What the tests asked of one rule. */
struct policy_rule_coverage {
    struct policy_rule_info rule;
    size_t in_scope; /* requests that it concerns: who and to are true, or it fired on doubt */
    size_t applied;  /* allow: applied; require and deny: fired */
    size_t held;     /* concerned, and did not apply */
};

/* policy_test_run, which also counts; one item a rule in *rules_out. */
bool policy_test_cover(const struct policy *p, struct findings *findings,
                       struct policy_test_totals *totals_out, struct arena *a,
                       struct policy_rule_coverage **rules_out);

/* mutate.c: each condition of each rule changed alone, and whether a test notices. */
enum policy_mutation_kind {
    POLICY_MUTATION_DROP = 0, /* the condition is left out */
    POLICY_MUTATION_FLIP,     /* it says the opposite */
    POLICY_MUTATION_OFF,      /* the whole rule is left out */
};
const char *policy_mutation_name(enum policy_mutation_kind kind);

struct policy_mutation {
    enum policy_mutation_kind kind;
    str rule;      /* its id, or the name of a device or schedule of define: */
    str condition; /* "who.groups"; the rule itself has none */
    struct finding_at at;
    bool is_noticed;
};

struct policy_mutations {
    const struct policy_mutation *items;
    size_t n, n_noticed;
};

/* False when the set does not load or a test fails as it is: the findings say so. A change that
 * the language does not allow is left out. */
bool policy_mutate(const struct policy_load_in *in, struct findings *findings, struct arena *a,
                   struct policy_mutations *out);

/* who_can.c: what would let somebody in, in the words of the rules. */
struct policy_way {
    struct policy_rule_info rule;
    str parts[POLICY_PART_COUNT]; /* {NULL, 0}: not written */
    str starts, expires, session;
    str hours;                /* of `when`, with the time zone: absent, where there are none */
    int64_t starts_s, ends_s; /* beside starts and expires, where they are written */
    bool is_alive;
    str forbidden_by; /* allow: a deny that means everybody whom it lets in; absent: none */
};

/* On a public path nobody is asked who he is: no rules but the denies that say anyone. */
struct policy_ways {
    bool is_public; /* everybody, without sign-in */
    bool is_closed; /* a deny leaves nobody */
    const struct policy_way *allows, *requires, *denies;
    size_t n_allows, n_requires, n_denies;
};

/* Rules whose `to` is true for the request. request->app may not be NULL. */
void policy_who_can(const struct policy *p, const struct policy_request *request, int64_t now_us,
                    struct arena *a, struct policy_ways *out);

/* diff.c: what another set changes for one app. */
enum policy_change {
    POLICY_CHANGE_UNDECIDED = 0, /* the rules differ, and no request was found that shows it */
    POLICY_CHANGE_NONE,          /* the same normal form */
    POLICY_CHANGE_NARROWER,      /* nobody gains: proved */
    POLICY_CHANGE_SHOWN,         /* a witness stands below */
};

/* A request that the two sets decide otherwise. */
struct policy_witness {
    bool is_there;
    str request, who, device, auth, from, at; /* {NULL, 0}: no such fact */
    struct policy_decision before, after;
    const struct policy_facts *facts[2]; /* what each set was asked, in full */
};

struct policy_app_change {
    str app;
    enum policy_change change;
    bool is_new, is_gone;
    const str *rules; /* ids of the rules that differ */
    size_t n_rules;
    struct policy_witness gains, loses;
};

struct policy_diff {
    const struct policy_app_change *apps; /* those of both sets, by name */
    size_t n_apps;
};

/* Ids of decisions in the witnesses point into the two policies. */
/* `progress` counts apps; may be NULL. */
void policy_diff(const struct policy *before, const struct policy *after, int64_t now_us,
                 const struct policy_progress *progress, struct arena *a, struct policy_diff *out);

/* format.c: the usual layout of a policy file; comments, order and meaning stay. False: the
 * findings say why. */
bool policy_format(const struct doc_file *file, struct arena *a, str *out,
                   struct findings *findings);

/* fact.c: what is wrong with a fact that somebody states, as the tests of a set are checked ("must
 * be ..."), or NULL. */
const char *policy_user_wrong(str text);
const char *policy_method_wrong(str text);
const char *policy_attribute_wrong(str text, str *near_out);
/* True when no rule names the group and one names another that is written nearly so. */
bool policy_group_near(const struct policy *p, str group, struct arena *a, str *near_out);

#endif
