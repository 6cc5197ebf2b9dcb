/* house: a gate with everything real around it: a loop, a journal that is turned by hand, a
 * snapshot built from files, tokens of an issuer of its own. See clock.h for its time. */
#ifndef TESTS_UNIT_GATE_HOUSE_H
#define TESTS_UNIT_GATE_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "authn/authn.h"
#include "clock.h"
#include "proxy/audit/ring.h"
#include "proxy/gate/gate.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

#define assert_row(row, condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row \"%s\": %s", (row), #condition);                                         \
    } while (0)
/* Equal text; both are printed when they are not. */
#define assert_text(row, found, wanted) assert_text_at(row, found, wanted, __FILE__, __LINE__)
void assert_text_at(const char *row, const char *found, const char *wanted, const char *file,
                    int line);

struct house {
    char room[64]; /* a directory of its own */
    struct loop *loop;
    struct audit *audit;
    struct audit_ring *ring;
    struct counters counters;
    struct gate *gate;
    struct snapshot *snapshot; /* a reference of ours to the newest */
    bool has_changed;          /* the audit writer called */
    unsigned asked;            /* need_keys */
    size_t asked_issuer;
    char asked_kid[64];
    json_t *log;
    struct mailbox *mailbox;
    struct keyring *cookie_keys;
    unsigned refreshes; /* need_refresh */
    int64_t refreshed;  /* of which session, the last one */
};

/* Texts of YAML; NULL: the usual. */
struct house_options {
    const char *listeners, *issuers, *services, *limits, *policy;
    const char *more;    /* further sections of postern.yaml */
    struct store *store; /* NULL: none; see fake_store.h */
    const struct keyring *assertion_keys;
    const char *users;              /* of users.yaml, for `builtin:` */
    const char *cert_pem, *key_pem; /* of cert.pem and key.pem, for listeners that name them */
    bool is_always, continues, hashes_query;
    bool no_policy; /* the policy is broken from the start */
};

extern const char HOUSE_POLICY[];

/* For cmocka: *state is the house. The disk is whole and the clock at its start. */
struct house *house_open(const struct house_options *o);
/* Everything was given back: no reservation, nobody waits, nobody stands. */
void house_close(struct house *h);
const char *house_path(const struct house *h, const char *name);
void house_write(const struct house *h, const char *name, const char *text);

/* Both clocks pass, then the loop and the writer have their turns. */
void house_pass(struct house *h, int64_t ms);
/* Turns of the loop, without the writer's. */
void house_turn(struct house *h);
/* A turn of the writer; the gate is told when it has news. */
void house_sync(struct house *h);
/* The files anew, and a new snapshot for the gate. */
void house_swap_policy(struct house *h, const char *policy);
void house_swap_config(struct house *h, const struct house_options *o);
/* Issuer `index` has these kids of the signer from now on. */
void house_swap_keys(struct house *h, size_t index, const char *kid, const char *kid2);

/* While true the disk refuses with EIO. */
extern bool house_disk_is_broken;
/* While true it takes what is written and has nothing of it; the sync tells. */
extern bool house_disk_forgets;
/* Takes and leaves what is left in the ring; returns it for house_empty_ring. */
size_t house_fill_ring(struct house *h);

/* A token of https://login.example with kid "k": `claims` are further members with a comma in
 * front; exp is an hour ahead. */
const char *house_token(const char *sub, const char *claims);
const char *house_token_of(const char *iss, const char *kid, const char *sub, const char *claims);
/* "Bearer " and the token. */
const char *house_bearer(const char *sub, const char *claims);
#define STAFF ",\"groups\":[\"staff\"],\"email\":\"kim@acme.example\",\"email_verified\":true"

/* The records of visits so far, in order (an array); valid until the next call. */
json_t *house_log(struct house *h);
/* The newest record. */
json_t *house_last(struct house *h);
/* "decision.reason" of a record as text: strings as they are, others as compact JSON, "" when
 * absent. One of eight buffers. */
const char *member(json_t *record, const char *path);

#endif
