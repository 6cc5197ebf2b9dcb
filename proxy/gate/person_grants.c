/* Grants of a person who has no session: who came by a token, or whom a front has identified.
 *
 * A session brings the grants of its person with it. For everybody else the store is asked, once
 * for a credential, and only when a rule that may hold for the app knows approvals or break-glass:
 * no other request waits for it. The answer dies with the credential, or with the news that
 * something changed for this person; session_ask.c says why such news cannot be missed. A store
 * that cannot be asked opens nothing. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include "base/log.h"

enum { ARENA_BYTES = 512 };

struct person_grants {
    struct list_node link;  /* gate.person_grants */
    struct credential *who; /* that owns this */
    struct arena arena;
    struct policy_grant *items;
    str *apps; /* same order */
    size_t n;
    bool is_stale;   /* something changed: for the next request they are asked anew */
    bool is_unknown; /* and could not be read */
};

/* Visits that come with one credential at once share a question. */
struct grants_question {
    struct list_node link; /* gate.grants_questions */
    struct gate *gate;
    struct credential *who;   /* one reference; its texts never change */
    struct list_node waiting; /* visit.asked_link */
    /* Written on the store's thread, read after its answer came. */
    struct arena arena;
    const struct store_grant *rows;
    size_t n_rows;
    bool is_good;
    struct fail fail;
};

static void question_free(struct grants_question *q)
{
    list_remove(&q->link);
    credential_unref(&q->who);
    arena_finish(&q->arena);
    free(q);
}

void person_grants_init(struct gate *g)
{
    list_init(&g->person_grants);
    list_init(&g->grants_questions);
}

void person_grants_finish(struct gate *g)
{
    while (!list_empty(&g->grants_questions))
        question_free(list_entry(g->grants_questions.next, struct grants_question, link));
}

void person_grants_drop(struct person_grants **p)
{
    struct person_grants *old = *p;
    *p = NULL;
    if (!old)
        return;
    list_remove(&old->link);
    arena_finish(&old->arena);
    free(old);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void keep_rows(struct person_grants *p, const struct grants_question *q)
{
    p->items = arena_array(&p->arena, struct policy_grant, q->n_rows + 1);
    p->apps = arena_array(&p->arena, str, q->n_rows + 1);
    for (size_t i = 0; i < q->n_rows; i++)
        if (session_grant(&q->rows[i], &p->arena, &p->items[p->n], &p->apps[p->n]))
            p->n++;
}

/* One that cannot be read stays stale: the next request asks again. */
static void keep(struct grants_question *q)
{
    struct person_grants *p = mem_alloc(sizeof *p);
    arena_init(&p->arena, NULL, 0);
    p->arena.chunk_bytes = ARENA_BYTES;
    p->who = q->who;
    p->is_stale = p->is_unknown = !q->is_good;
    if (q->is_good)
        keep_rows(p, q);
    person_grants_drop(&q->who->grants);
    q->who->grants = p;
    list_append(&q->gate->person_grants, &p->link);
}

static void answered(void *worker, void *arg)
{
    struct grants_question *q = arg;
    struct gate *g = q->gate;
    list_remove(&q->link); /* whoever asks from now on asks anew */
    if (!q->is_good) {
        counter_add(&g->options.counters->store_failures, 1);
        log_warn("grants.store", q->fail.text);
    }
    keep(q);
    while (!list_empty(&q->waiting)) {
        struct visit *v = list_entry(q->waiting.next, struct visit, asked_link);
        list_remove(&v->asked_link);
        v->grants_asked = q->is_good ? ASKED_FOUND : ASKED_FAILED;
        visit_resume(v);
    }
    standing_look_all(g, q->who);
    question_free(q);
}

/* ---- the question ---------------------------------------------------------------------------- */

static void look(struct store_db *db, void *ctx)
{
    struct grants_question *q = ctx;
    const struct policy_identity *id = &q->who->facts;
    q->is_good =
        store_grants_list(db, id->issuer, id->subject, &q->arena, &q->rows, &q->n_rows, &q->fail);
}

/* A mailbox that is closed belongs to a worker that has stopped: the gate frees what is left. */
static void look_done(void *ctx)
{
    struct grants_question *q = ctx;
    (void)!mailbox_post(q->gate->options.mailbox, answered, q);
}

static struct grants_question *question_of(struct gate *g, struct credential *who)
{
    for (struct list_node *n = g->grants_questions.next; n != &g->grants_questions; n = n->next)
        if (list_entry(n, struct grants_question, link)->who == who)
            return list_entry(n, struct grants_question, link);
    struct grants_question *q = mem_alloc(sizeof *q);
    q->gate = g;
    q->who = credential_ref(who);
    arena_init(&q->arena, NULL, 0);
    list_init(&q->waiting);
    list_append(&g->grants_questions, &q->link);
    if (store_post(g->options.store, look, look_done, q))
        return q;
    counter_add(&g->options.counters->store_failures, 1);
    question_free(q);
    return NULL;
}

static bool app_wants(const struct snapshot *s, const struct policy_app *app)
{
    if (policy_app_wants_grants(s->policy, app))
        return true;
    const struct policy_app *other = s->shadow ? policy_app_named(s->shadow, app->name) : NULL;
    return other && policy_app_wants_grants(s->shadow, other);
}

/* Pages of ours ask about apps that are not known yet. */
static bool is_wanted(const struct visit *v)
{
    const struct snapshot *s = v->pin->snapshot;
    if (!v->who || v->session || v->is_public || !s->policy || !v->gate->options.store)
        return false;
    return !v->app || app_wants(s, v->app->policy);
}

static bool is_known(const struct visit *v)
{
    return v->who->grants && !v->who->grants->is_stale;
}

static enum visit_outcome go_without(struct visit *v)
{
    list_remove(&v->asked_link);
    v->grants_asked = ASKED_FAILED;
    return VISIT_PERMITTED;
}

enum visit_outcome person_grants(struct visit *v)
{
    int64_t most_ms = v->pin->snapshot->config->limits.store_wait_ms;
    if (!is_wanted(v) || v->grants_asked == ASKED_FAILED || is_known(v))
        return VISIT_PERMITTED;
    if (v->grants_asked == ASKED_WAITING && !v->wait_is_over)
        return visit_wait(v, most_ms);
    struct grants_question *q = v->wait_is_over ? NULL : question_of(v->gate, v->who);
    if (!q)
        return go_without(v);
    v->grants_asked = ASKED_WAITING;
    list_append(&q->waiting, &v->asked_link);
    return visit_wait(v, most_ms);
}

/* ---- for rules ------------------------------------------------------------------------------- */

void person_grants_tell(const struct visit *v, str app, struct arena *a, struct policy_facts *facts)
{
    const struct person_grants *p = v->who->grants;
    if (!v->gate->options.store)
        return; /* nothing can be open */
    facts->grants_unknown = !p || p->is_unknown || v->grants_asked == ASKED_FAILED;
    if (facts->grants_unknown || !p->n)
        return;
    struct policy_grant *grants = arena_array(a, struct policy_grant, p->n);
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->apps[i], app))
            grants[facts->n_grants++] = p->items[i];
    facts->grants = grants;
}

/* ---- news ------------------------------------------------------------------------------------ */

void person_grants_changed(struct gate *g, str issuer, str subject)
{
    for (struct list_node *n = g->person_grants.next; n != &g->person_grants; n = n->next) {
        struct person_grants *p = list_entry(n, struct person_grants, link);
        const struct policy_identity *id = &p->who->facts;
        if (!str_eq(id->subject, subject) || !str_eq(id->issuer, issuer))
            continue;
        p->is_stale = true;
        /* Too much is asked of the store: what stands is decided by what is not known. */
        if (standing_has(g, p->who) && !question_of(g, p->who))
            p->is_unknown = true;
    }
}
