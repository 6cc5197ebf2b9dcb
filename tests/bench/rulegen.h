/* rulegen: rules and visits for the benchmark of the decision, the same ones on every machine.
 *
 * A rule is drawn as numbers and then written three times: as YAML, as Cedar, and as a visit that
 * it allows. */
#ifndef TESTS_BENCH_RULEGEN_H
#define TESTS_BENCH_RULEGEN_H

#include <stdio.h>

#include "policy/policy.h"

enum {
    RULEGEN_NOW_S = 1795600800, /* 2026-11-25T10:00:00Z, a Wednesday in office hours */
    RULEGEN_MAX_GLOBS = 2,
    RULEGEN_MAX_GROUPS = 3,
    RULEGEN_FILE_RULES = 1000, /* keeps a file well under its limit of 1 MiB */
};

enum rulegen_effect { RULEGEN_ALLOW, RULEGEN_REQUIRE, RULEGEN_DENY };

/* -1: not written. */
struct rulegen_rule {
    enum rulegen_effect effect;
    unsigned app;
    int groups[RULEGEN_MAX_GROUPS], company, user, methods, device, auth, network, when, session;
    bool expires;
    char globs[RULEGEN_MAX_GLOBS][64];
    unsigned n_globs;
};

struct rulegen {
    unsigned n_apps, n_rules;
    struct rulegen_rule *rules;
    uint64_t seed;
};

/* One visit with all that its facts point to. */
struct rulegen_visit {
    struct policy_identity identity;
    struct policy_claim claims[4];
    struct policy_device_fact seen[10];
    struct policy_device device;
    struct policy_request request;
    struct policy_facts facts;
    str groups[12], amr[2];
    char texts[12][16], email[40], company[24], path[64], method[8];
    unsigned app;
};

unsigned rulegen_roll(struct rulegen *g, unsigned n);
void rulegen_init(struct rulegen *g, unsigned n_rules, unsigned n_apps);
void rulegen_finish(struct rulegen *g);

/* Files of the set: shared names and guard rails first, then the apps. */
unsigned rulegen_files(const struct rulegen *g);
void rulegen_write_yaml(const struct rulegen *g, unsigned file, FILE *out);
void rulegen_write_cedar(const struct rulegen *g, FILE *out);

/* A visit to an app drawn at random that one of its rules allows, but for 5 in 100, which miss it
 * narrowly, and 2 in 100, of which a fact is unknown. The app is filled in by name. */
void rulegen_visit(struct rulegen *g, const struct policy *p, struct rulegen_visit *out);
/* As the driver of the reference interpreter reads it, and as the Cedar script does. */
void rulegen_visit_json(const struct rulegen_visit *v, FILE *out);
void rulegen_visit_cedar(const struct rulegen_visit *v, FILE *out);

#endif
