/* See fake_store.h. */
#include "fake_store.h"

#include <string.h>

struct store_db {
    struct store store;
};

bool store_post(struct store *s, store_run_fn *run, store_done_fn *done, void *ctx)
{
    if (s->is_full || s->n == FAKE_QUEUE)
        return false;
    size_t at = (s->first + s->n++) % FAKE_QUEUE;
    s->queue[at].run = run;
    s->queue[at].done = done;
    s->queue[at].ctx = ctx;
    return true;
}

void fake_store_look(struct store *s)
{
    s->queue[s->first].run((struct store_db *)s, s->queue[s->first].ctx);
}

void fake_store_done(struct store *s)
{
    size_t at = s->first;
    s->first = (s->first + 1) % FAKE_QUEUE;
    s->n--;
    if (s->queue[at].done)
        s->queue[at].done(s->queue[at].ctx);
}

bool fake_store_answer(struct store *s)
{
    if (s->n == 0)
        return false;
    fake_store_look(s);
    fake_store_done(s);
    return true;
}

struct fake_row *fake_store_row(struct store *s, int64_t id)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].seen.session.id == id)
            return &s->rows[i];
    return NULL;
}

static enum store_found give(struct store *s, const struct fake_row *row, struct arena *a,
                             struct store_seen *out, struct fail *f)
{
    if (s->is_broken) {
        fail_set(f, FAIL_BUSY, "the database is locked");
        return STORE_FAILED;
    }
    if (!row || row->is_gone)
        return STORE_ABSENT;
    *out = row->seen;
    out->session.claims = arena_dup(a, row->seen.session.claims);
    if (row->seen.session.refresh_token.p)
        out->session.refresh_token = arena_dup(a, row->seen.session.refresh_token);
    return STORE_FOUND;
}

enum store_found store_session_by_cookie(struct store_db *db, const unsigned char hash[32],
                                         str host, struct arena *a, struct store_seen *out,
                                         struct fail *f)
{
    struct store *s = &db->store;
    const struct fake_row *row = NULL;
    s->asked_cookie++;
    for (size_t i = 0; i < s->n_rows; i++)
        if (memcmp(s->rows[i].hash, hash, 32) == 0 && str_eq(s->rows[i].seen.host, host))
            row = &s->rows[i];
    return give(s, row, a, out, f);
}

enum store_found store_session_by_id(struct store_db *db, int64_t id, struct arena *a,
                                     struct store_seen *out, struct fail *f)
{
    struct store *s = &db->store;
    s->asked_id++;
    return give(s, fake_store_row(s, id), a, out, f);
}

bool store_grants_list(struct store_db *db, str issuer, str subject, struct arena *a,
                       const struct store_grant **out, size_t *n_out, struct fail *f)
{
    struct store *s = &db->store;
    s->asked_grants++;
    *out = NULL;
    *n_out = 0;
    if (s->is_broken)
        return fail_set(f, FAIL_BUSY, "the database is locked");
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct store_seen *seen = &s->rows[i].seen;
        if (!str_eq(seen->session.issuer, issuer) || !str_eq(seen->session.subject, subject))
            continue;
        *out = seen->grants;
        *n_out = seen->n_grants;
    }
    return true;
}

bool store_sessions_touch(struct store_db *db, const struct store_touch *items, size_t n,
                          struct fail *f)
{
    struct store *s = &db->store;
    for (size_t i = 0; i < n && s->n_touches < FAKE_TOUCHES; i++)
        s->touches[s->n_touches++] = items[i];
    return true;
}
