/* fake_store: a store turned by hand, in the place of the real one: each question waits until the
 * test lets it be answered, so orders that a thread makes once a year are made at will. */
#ifndef TESTS_UNIT_GATE_FAKE_STORE_H
#define TESTS_UNIT_GATE_FAKE_STORE_H

#include "proxy/gate/session.h"
#include "proxy/store/store.h"

enum { FAKE_ROWS = 16384, FAKE_QUEUE = 4096, FAKE_TOUCHES = 64 };

struct fake_row {
    struct store_seen seen;
    unsigned char hash[32];
    bool is_gone;
};

struct store {
    struct fake_row rows[FAKE_ROWS];
    size_t n_rows;
    struct {
        store_run_fn *run;
        store_done_fn *done;
        void *ctx;
    } queue[FAKE_QUEUE];
    size_t first, n;
    bool is_full, is_broken;
    unsigned asked_cookie, asked_id, asked_grants; /* how often */
    struct store_touch touches[FAKE_TOUCHES];
    size_t n_touches;
};

/* Runs the oldest in the queue and its `done`; false: there is none. */
bool fake_store_answer(struct store *s);
/* `run` alone, `done` later: between them others may speak. */
void fake_store_look(struct store *s);
void fake_store_done(struct store *s);
struct fake_row *fake_store_row(struct store *s, int64_t id);

#endif
