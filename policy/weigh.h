/* weigh: what fires and what applies, gathered rule by rule. Private to policy/.
 *
 * Rules of mode audit are weighed in a second pan: what it would be if they were in force. Nothing
 * flows back from there. Effects are sets, so the order of rules cannot matter. */
#ifndef POLICY_WEIGH_H
#define POLICY_WEIGH_H

#include "policy/clause.h"

enum { WEIGH_MAX_OPENERS = 16 };

/* The strictest of all session terms so far; -1 and silent: nobody has an opinion. */
struct merge {
    int64_t max_s, idle_s;
    bool record;
    enum opinion clipboard, file_transfer, port_forwarding;
};

/* What fired and what applied so far; of the ids as many are set as the counts say. */
struct pan {
    bool has_deny, has_require, has_allow;
    size_t n_refusing, n_allowing;
    str refusing[POLICY_MAX_REPORTED], allowing[POLICY_MAX_REPORTED];
};

struct weighing {
    struct asking asking;
    bool is_plain;  /* rule by rule, see decide_plainly */
    bool has_would; /* the app has a rule of mode audit; else `would` stays empty */
    struct pan real, would;
    struct merge merge;
    /* Allows whose open break glass skips requires; more than fit skip nothing. */
    uint32_t openers[WEIGH_MAX_OPENERS]; /* rules */
    size_t n_openers;
};

void pan_add(struct pan *pan, const struct clause *clause);
void pan_add_allows(struct pan *pan, const struct clause *const *clauses, size_t n);
void merge_add(struct merge *m, const struct session_terms *s);
/* Whether a rule applies or fires, and whether its session terms count; what a rule of mode audit
 * looks at does not bound the decision. */
void weigh_value(struct weighing *w, uint32_t rule, bool *applies, bool *binds);
/* Looks at one rule of the app and gathers what it says. */
void weigh(struct weighing *w, uint32_t rule);

/* All rules of the app that may have a say: sweep.c. */
void weigh_all(struct weighing *w, const struct app_index *app, bool is_public);

#endif
