/* policy_record: a recorded decision as facts again.
 *
 * A log of a million records is over a gigabyte, so a record is walked once, without a tree, and
 * only what a decision needs is looked at. People come again and again: their part of a record is
 * read once for each different text of it. */
#ifndef PROXY_COMMAND_POLICY_RECORD_H
#define PROXY_COMMAND_POLICY_RECORD_H

#include "base/map.h"
#include "policy/policy.h"
#include "proxy/config/config.h"

/* Slices of the line, as they stand in it: texts without their quotes, escapes and all. */
struct record {
    str id, app, protocol, method, host, path;
    str who;            /* the members identity and auth, side by side; absent: nobody */
    str identity, auth; /* their values */
    str device;         /* its value; absent: no rule looked at it */
    str effect, reason, rules;
    str digest; /* of the rules that decided it */
    str grants; /* the value; absent: nothing was open */
    str purpose;
    struct addr client;
    int64_t now_s;
    bool clock_is_good, grants_unknown;
};

enum record_kind {
    RECORD_BROKEN = 0, /* no record: torn, or not of our writing */
    RECORD_OTHER,      /* of something else than a decision */
    RECORD_SHORTENED,  /* a decision whose path did not fit */
    RECORD_DECISION,
};

enum record_kind record_read(str line, struct record *out);
/* A text without its escapes, in the arena when it has any. */
str record_text(struct arena *a, str escaped);
/* The items of a recorded list of texts, at most `most`. */
size_t record_texts(struct arena *a, str list, str *out, size_t most);

/* policy_device.c: what was known of the device, in the arena. Returns how many reports: 0 or 1. */
size_t record_device(struct arena *a, const struct record *r, const struct policy_device **out);

/* policy_grants.c: what was open for the person, in the arena. */
size_t record_grants(struct arena *a, const struct record *r, const struct policy_grant **out);

/* ---- policy_people.c ------------------------------------------------------------------------ */

/* A person of the log, who may come again. */
struct record_person {
    struct policy_identity identity;
    struct policy_subject *subject;
    unsigned visits;
};

/* One thread. */
struct record_people {
    const struct policy *policy;
    const struct config *config; /* whose issuers are trusted with mail addresses; may be NULL */
    struct arena arena;
    struct map by_text;
};

void record_people_init(struct record_people *people, const struct policy *p,
                        const struct config *config);
void record_people_finish(struct record_people *people);
/* NULL when the record has nobody. Valid until the next call. */
struct record_person *record_person(struct record_people *people, const struct record *r);

#endif
