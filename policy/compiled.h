/* compiled: the policy as the decision reads it, and all of it that a running proxy keeps.
 *
 * Made once, after loading and without a fault, from struct rule: what a request can rule out
 * cheaply is taken out of the rules and turned around. Per app, the positions of its bucket that a
 * method leaves open and the globs that fit a path; per credential, which `who` holds. What is left
 * of a rule is a clause of one cache line whose needs are numbers: equal needs have one number and
 * are looked at once a request, and equal texts are one text.
 *
 * The index may let through a rule that does not apply, never keep back one that does: a clause
 * marked CLAUSE_TARGET_LEFT asks atom_to again. Everything is in the policy's own arena, and
 * nothing points into the source. */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include "policy/calendar.h"
#include "policy/path_index.h"
#include "policy/prefix.h"
#include "policy/rule.h"

enum {
    COMPILED_MAX_METHODS = 15, /* names with a column of their own; a rule with others is asked */
    COMPILED_WIDE_APP = 65,    /* rules from which an app has its own bits in each subject */
    COMPILED_FEW_WORDS = 8,
    COMPILED_MAX_WORDS = (POLICY_MAX_RULES + 63) / 64,
    /* Of the rows of a subject, 64 KiB: thousands of credentials have one each. A wide app that
     * finds no room left goes without. */
    COMPILED_MAX_ROW_WORDS = 8192,
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
    uint32_t to;           /* where its parts stand; 0: the index says all */
    int64_t starts_s, expires_s;
};
_Static_assert(sizeof(struct clause) == 64, "a clause is one cache line");

/* A who or a to is a list of parts that are joined by AND, in this order, each once but for
 * GROUPS_ALL, of which there is one a union. A part is its kind and how many numbers follow. */
enum part_kind {
    PART_END = 0,
    PART_ANYONE, /* alone */
    PART_HUMAN,
    PART_MACHINE,
    PART_USERS, /* numbers in users, and so on */
    PART_DOMAINS,
    PART_GROUPS_ANY, /* one of them */
    PART_GROUPS_NONE,
    PART_GROUPS_ALL,
    PART_SERVICES, /* texts */
    PART_CLAIMS,   /* numbers in claims: AND */
    PART_ALL,      /* whos, of lower numbers than what they are part of: AND */
    PART_ANY,      /* whos: OR */
    PART_LOGINS,   /* texts */
    PART_METHODS,  /* texts */
    PART_PATHS,    /* globs */
    PART_EXCEPT,
    PART_REGEXES,
};
enum { PART_COUNT_BITS = 27 };

struct part {
    enum part_kind kind;
    uint32_t n;
    const uint32_t *ids;
};

/* The part at *at, which moves on to the next; false behind the last. */
static inline bool part_next(const uint32_t **at, struct part *out)
{
    uint32_t head = **at;

    *out = (struct part){.kind = (enum part_kind)(head >> PART_COUNT_BITS),
                         .n = head & ((1u << PART_COUNT_BITS) - 1),
                         .ids = *at + 1};
    *at += 1 + out->n;
    return head != PART_END;
}

/* The first part of that kind, of no numbers when there is none. */
static inline struct part part_find(const uint32_t *at, enum part_kind kind)
{
    struct part part;

    while (part_next(&at, &part))
        if (part.kind == kind)
            return part;
    return (struct part){.kind = PART_END};
}

/* What few rules have: an approval, a purpose or a break glass. */
struct rule_extra {
    str title, digest; /* hex, of the rule as written: a grant names it and dies with it */
    str prompt;        /* of a purpose; may be absent */
    bool has_approval, reason_required;
    uint32_t by, count; /* by: a who */
    int64_t valid_for_s;
    struct str_list approvers; /* users of `by` */
    struct index_list skips;   /* of a break glass: rules */
    struct str_list notify;
};

/* What is told of a rule, and never decided on. */
struct rule_about {
    uint32_t file, line, owner; /* file and owner: texts; no owner: 0, the empty text */
    uint32_t extra;             /* COMPILED_NONE: none */
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
    /* For each method, and last for any other, a column of bits: the rules that the method leaves
     * open whatever the path is, and before them a bit for each of these words that is not zero;
     * then those that a path may open. */
    const uint64_t *methods;
    struct path_index paths;
    uint32_t row; /* of a wide app, in the rows of a subject; else COMPILED_NONE */
    uint16_t n, n_refusing, n_words; /* rules; of them deny and require; words of 64 of them */
    bool wants_device, wants_grants, has_audit, has_public_path;
};
_Static_assert(sizeof(struct app_index) == 64, "the head of an app is one cache line");
_Static_assert(POLICY_MAX_RULES <= UINT16_MAX, "a place has sixteen bits");

struct compiled {
    uint64_t serial; /* of this policy in this process: a subject of another is no good */
    const struct clause *clauses;
    const struct app_index *apps;
    uint64_t methods[COMPILED_MAX_METHODS]; /* packed names */
    uint32_t n_methods;
    uint32_t n_row_words;  /* of the rows of a subject */
    const uint32_t *whos;  /* by number, where its parts stand */
    const uint32_t *parts; /* of whos and targets; the first is PART_END */
    const struct device_need *const *devices;
    const struct auth_need *const *auths;
    const struct from_test *froms;
    const struct when_test *whens;
    const struct session_terms *const *sessions;
    const struct calendar *calendars;
    struct prefix_trees prefixes;
    uint32_t n_whos, n_devices, n_auths, n_froms, n_whens, n_calendars, n_sessions;
    struct map users, domains, groups; /* name -> number + 1; entries are by number */
    const str *texts;
    const str *globs; /* path_glob.path */
    const struct claim_want *claims;
    const struct regex *regexes;
    const struct rule_about *abouts; /* by rule */
    const struct rule_extra *extras;
    const uint32_t *ids; /* open addressing by id: rule + 1, 0: free */
    uint32_t id_mask;
    size_t bytes; /* what all this takes, for the benchmark */
};

static inline const uint32_t *compiled_who(const struct compiled *c, uint32_t who)
{
    return c->parts + c->whos[who];
}

/* NULL: the rule has none. */
static inline const struct rule_extra *compiled_extra(const struct compiled *c, uint32_t rule)
{
    uint32_t extra = c->abouts[rule].extra;

    return extra == COMPILED_NONE ? NULL : &c->extras[extra];
}

static inline const struct device_need *clause_device(const struct compiled *c,
                                                      const struct clause *clause)
{
    return clause->device ? c->devices[clause->device - 1] : NULL;
}

static inline const struct auth_need *clause_auth(const struct compiled *c,
                                                  const struct clause *clause)
{
    return clause->auth ? c->auths[clause->auth - 1 - c->n_devices] : NULL;
}

static inline const struct from_need *clause_from(const struct compiled *c,
                                                  const struct clause *clause)
{
    return clause->from ? c->froms[clause->from - 1].need : NULL;
}

static inline const struct when_test *clause_when(const struct compiled *c,
                                                  const struct clause *clause)
{
    return clause->when ? &c->whens[clause->when - 1 - c->n_froms] : NULL;
}

/* Before a column: few words are all looked at, and have no summary. */
static inline uint32_t app_summary_words(const struct app_index *app)
{
    return app->n_words <= COMPILED_FEW_WORDS ? 0 : (app->n_words + 63u) / 64;
}

static inline uint32_t app_column_words(const struct app_index *app)
{
    return app_summary_words(app) + 2u * app->n_words;
}

/* Of an app's row in a subject: see struct policy_subject. */
static inline uint32_t app_row_words(const struct app_index *app)
{
    return 1 + app->n_words + (app->n_refusing + 63u) / 64;
}

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
/* COMPILED_NONE: no rule has this id. p may be NULL. */
uint32_t compiled_find(const struct policy *p, str id);

/* ---- order.c: of the rules of a wide app, so that what a request opens stands together ---- */
void order_rules(struct path_build *paths, const struct rule *rules, const struct app *app);

/* ---- predicate.c: equal needs become one number ---- */

struct predicates;
struct predicates *predicates_create(struct policy *p, struct compiled *c);
void predicates_number(struct predicates *ps, const struct rule *rule, struct clause *out);
uint32_t predicates_who(struct predicates *ps, const struct who *who);
uint32_t predicates_text(struct predicates *ps, str text);
struct keep *predicates_keep(struct predicates *ps);
/* Writes the tables of c, and the final numbers into the clauses. */
void predicates_finish(struct predicates **ps, struct clause *clauses, int64_t now_s);

#endif
