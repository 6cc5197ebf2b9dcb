/* compiled: the policy as the decision reads it.
 *
 * Made once, after loading and without a fault, from struct rule: what a request can rule out
 * cheaply is taken out of the rules and turned around. Per app, the positions of its bucket that a
 * method leaves open and the globs that fit a path; per credential, which `who` holds. What is left
 * of a rule is a clause of one cache line whose needs are numbers: equal needs have one number and
 * are looked at once a request.
 *
 * The index may let through a rule that does not apply, never keep back one that does: a clause
 * marked CLAUSE_TARGET_LEFT asks atom_to again. Everything is in the policy's arena. */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include "policy/calendar.h"
#include "policy/path_index.h"
#include "policy/prefix.h"
#include "policy/rule.h"

enum {
    COMPILED_MAX_METHODS = 15, /* names with a column of their own; a rule with others is asked */
    COMPILED_WIDE_APP = 65,    /* rules from which an app has its own bits in each subject */
    COMPILED_MAX_WORDS = (POLICY_MAX_RULES + 63) / 64,
};
#define COMPILED_NONE UINT32_MAX

enum clause_flag {
    CLAUSE_AUDIT = 1,           /* mode: audit */
    CLAUSE_IGNORES_MISSING = 2, /* on_missing: ignore */
    CLAUSE_TARGET_LEFT = 4,     /* the index is not enough: ask atom_to */
    CLAUSE_LIFETIME = 8,        /* starts or expires is written */
    CLAUSE_PURPOSE = 16,
    CLAUSE_APPROVAL = 32,
    CLAUSE_BREAK_GLASS = 64,
    CLAUSE_ANYONE = 128, /* who: anyone */
};

/* Same index as rules. Numbers of needs and session terms begin at 1, and 0 is what is not written;
 * those of `when` follow those of `from` and those of `auth` follow those of `device`, so that a
 * request keeps the former two in one table and a subject the latter two. */
struct clause {
    str id;
    uint32_t session, who, device, auth, from, when;
    uint8_t effect, flags; /* enum rule_effect, enum clause_flag */
    int64_t starts_s, expires_s;
};
_Static_assert(sizeof(struct clause) == 64, "a clause is one cache line");

/* One distinct `who`; names have the numbers of the maps in struct compiled. ids holds, one after
 * the other: users, domains, groups any, groups none, for each of `groups all` its length and
 * members, who any, who all. A part has a lower number than what it is part of. */
struct who_test {
    const struct who *who;
    const uint32_t *ids;
    uint32_t n_users, n_domains, n_groups_any, n_groups_none, n_groups_all, n_any, n_all;
};

struct from_test {
    const struct from_need *need;
    uint32_t networks, not_networks; /* numbers of prefix sets */
};

struct when_test {
    const uint32_t *calendars; /* OR */
    uint32_t n;
};

struct app_index {
    const uint32_t *rules; /* by position: the bucket, deny, then require, then allow */
    const uint32_t *whos;  /* of these rules: it settles most without a look at their clauses */
    /* For each method, and last for any other: the rules that the method leaves open whatever the
     * path is, then those that a path may open. Two times n_words. */
    const uint64_t *methods;
    struct path_index paths;
    uint32_t n, n_words;
    uint32_t row; /* of a wide app, in the rows of a subject; else COMPILED_NONE */
    bool wants_device, wants_grants, has_audit, has_public_path;
};
_Static_assert(sizeof(struct app_index) == 64, "the head of an app is one cache line");

struct compiled {
    uint64_t serial; /* of this policy in this process: a subject of another is no good */
    const struct clause *clauses;
    const struct app_index *apps;
    uint64_t methods[COMPILED_MAX_METHODS]; /* packed names */
    uint32_t n_methods;
    uint32_t n_row_words; /* of the rows of a subject */
    const struct who_test *whos;
    const struct device_need *const *devices;
    const struct auth_need *const *auths;
    const struct from_test *froms;
    const struct when_test *whens;
    const struct session_terms *const *sessions;
    const struct calendar *calendars;
    struct prefix_trees prefixes;
    uint32_t n_whos, n_devices, n_auths, n_froms, n_whens, n_calendars, n_sessions;
    struct map users, domains, groups; /* name -> number + 1 */
    size_t bytes;                      /* what all this takes, for the benchmark */
};

/* Up to eight bytes as a number, 0 for others. */
static inline uint64_t method_pack(str method)
{
    uint64_t word = 0;

    if (method.n == 0 || method.n > sizeof word)
        return 0;
    for (size_t i = 0; i < method.n; i++)
        word = word << 8 | (unsigned char)method.p[i];
    return word;
}

/* The column of app_index.methods. */
static inline uint32_t method_column(const struct compiled *c, str method)
{
    uint64_t word = method_pack(method);

    for (uint32_t i = 0; i < c->n_methods; i++)
        if (c->methods[i] == word)
            return i;
    return c->n_methods;
}

/* ---- compile.c: from the buckets, at the end of loading ---- */
void compile_policy(struct policy *p, int64_t now_s);
void compiled_finish(struct compiled *c);

/* ---- predicate.c: equal needs become one number ---- */

struct predicates;
struct predicates *predicates_create(struct policy *p, struct compiled *c);
void predicates_number(struct predicates *ps, const struct rule *rule, struct clause *out);
/* Writes the tables of c, and the final numbers into the clauses. */
void predicates_finish(struct predicates **ps, struct clause *clauses, int64_t now_s);

#endif
