/* Questions to the store: whose cookie is this, and what of a session that long visits stand by?
 *
 * Why no race lets an ended session live on here: the store answers from one thread, in order, and
 * tells of a change after its commit and before anything later is answered. A row that was read
 * before it ended is answered before the end is told, so the session made of it is in the index
 * when gate_store_changed looks; one that is read after the end is ABSENT. Hence a change never has
 * to look for questions under way. The same holds for a session that changed while it was being
 * read again: an answer that was read after the change has it in it, and one that was read before
 * comes before the news. All of it depends on this alone: news never overtake an answer. They may
 * come later than answers that were read after them (by way of another thread), which does no harm.
 */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"

/* Identical misses share one: after a restart a browser asks for a page's twenty parts at once. */
struct question {
    struct list_node link; /* gate.questions, by cookie; or gate.rereads */
    struct gate *gate;
    struct session *again; /* one reference; NULL: it is about a cookie */
    char cookie[SESSION_COOKIE_CHARS];
    unsigned char hash[32];
    int64_t id;
    str host;
    struct list_node waiting; /* visit.asked_link */
    struct deadline retry;
    int64_t give_up_ms;
    /* Written on the store's thread, read after its answer came. */
    struct arena arena;
    enum store_found found;
    struct store_seen seen;
    struct fail fail;
};

static void post_again(struct deadline *d);

static struct question *question_new(struct gate *g, struct list_node *head)
{
    struct question *q = mem_alloc(sizeof *q);
    q->gate = g;
    arena_init(&q->arena, NULL, 0);
    list_init(&q->waiting);
    deadline_init(&q->retry, post_again);
    list_append(head, &q->link);
    return q;
}

static void question_free(struct question *q)
{
    list_remove(&q->link);
    session_unref(&q->again);
    arena_wipe(&q->arena); /* the row held the provider's tokens */
    free(q);
}

static void question_destroy(struct question *q)
{
    deadline_clear(q->gate->options.loop, &q->retry);
    question_free(q);
}

/* ---- on the store's thread ---- */

static void look(struct store_db *db, void *ctx)
{
    struct question *q = ctx;
    q->found = q->again
                   ? store_session_by_id(db, q->id, &q->arena, &q->seen, &q->fail)
                   : store_session_by_cookie(db, q->hash, q->host, &q->arena, &q->seen, &q->fail);
}

static void answered(void *worker, void *arg);

/* A mailbox that is closed belongs to a worker that has stopped: the gate frees what is left. */
static void look_done(void *ctx)
{
    struct question *q = ctx;
    (void)!mailbox_post(q->gate->options.mailbox, answered, q);
}

/* ---- on the worker's thread ---- */

static struct session *session_of(struct question *q, str host)
{
    if (q->found == STORE_FOUND)
        return session_make(q->gate, &q->seen, host);
    if (q->found == STORE_FAILED) {
        counter_add(&q->gate->options.counters->store_failures, 1);
        log_warn("session.store", q->fail.text);
    }
    return NULL;
}

static void answer_waiting(struct question *q)
{
    struct session *s = session_of(q, q->host);
    bool has_failed = q->found == STORE_FAILED;
    list_remove(&q->link); /* whoever asks from now on asks anew */
    if (s)
        session_cache_put(q->gate->sessions, s, q->cookie);
    while (!list_empty(&q->waiting)) {
        struct visit *v = list_entry(q->waiting.next, struct visit, asked_link);
        list_remove(&v->asked_link);
        v->asked = has_failed ? ASKED_FAILED : s ? ASKED_FOUND : ASKED_ABSENT;
        v->found = s ? session_ref(s) : NULL;
        visit_resume(v);
    }
    session_unref(&s);
    question_destroy(q);
}

/* Long visits of a session that cannot be read: for as long as a request would wait they go on by
 * what was known, then they end. */
static void answer_standing(struct question *q)
{
    struct gate *g = q->gate;
    struct session *s = session_of(q, q->again->host);
    if (q->found == STORE_FAILED && !q->again->is_ended &&
        loop_now_ms(g->options.loop) < q->give_up_ms) {
        deadline_set(g->options.loop, &q->retry, 500);
        return;
    }
    struct session *old = session_ref(q->again);
    old->is_asking = false;
    question_destroy(q);
    if (s)
        session_replace(g, old, s);
    else
        session_end(g, old);
    session_unref(&s);
    session_unref(&old);
}

static void answered(void *worker, void *arg)
{
    struct question *q = arg;
    (q->again ? answer_standing : answer_waiting)(q);
}

static bool post(struct question *q)
{
    return store_post(q->gate->options.store, look, look_done, q);
}

static void post_again(struct deadline *d)
{
    struct question *q = list_entry(d, struct question, retry);
    arena_wipe(&q->arena);
    arena_init(&q->arena, NULL, 0);
    q->seen = (struct store_seen){.host = {NULL, 0}};
    q->fail = (struct fail){.text = ""};
    if (post(q))
        return;
    q->found = STORE_FAILED;
    answer_standing(q);
}

static struct list_node *questions_of(struct gate *g, const char *cookie)
{
    return &g->questions[(unsigned char)cookie[0] % QUESTION_BUCKETS];
}

static struct question *under_way(struct gate *g, str value, str host)
{
    struct list_node *head = questions_of(g, value.p);
    for (struct list_node *n = head->next; n != head; n = n->next) {
        struct question *q = list_entry(n, struct question, link);
        if (secret_eq((str){q->cookie, SESSION_COOKIE_CHARS}, value) && str_eq(q->host, host))
            return q;
    }
    return NULL;
}

bool session_ask(struct visit *v, str value, const unsigned char hash[32])
{
    struct gate *g = v->gate;
    struct question *q = under_way(g, value, v->request.host);
    if (!q) {
        q = question_new(g, questions_of(g, value.p));
        memcpy(q->cookie, value.p, SESSION_COOKIE_CHARS);
        memcpy(q->hash, hash, sizeof q->hash);
        q->host = arena_dup(&q->arena, v->request.host);
        if (!post(q)) {
            question_destroy(q);
            counter_add(&g->options.counters->store_failures, 1);
            return false;
        }
    }
    v->asked = ASKED_WAITING;
    list_append(&q->waiting, &v->asked_link);
    return true;
}

void session_ask_again(struct gate *g, struct session *s)
{
    if (s->is_asking || s->is_ended)
        return;
    struct question *q = question_new(g, &g->rereads);
    s->is_asking = true;
    q->again = session_ref(s);
    q->id = s->id;
    q->give_up_ms = loop_now_ms(g->options.loop) + g->pin->snapshot->config->limits.store_wait_ms;
    if (!post(q)) {
        q->found = STORE_FAILED;
        answer_standing(q);
    }
}

void session_ask_init(struct gate *g)
{
    list_init(&g->rereads);
    for (size_t i = 0; i < QUESTION_BUCKETS; i++)
        list_init(&g->questions[i]);
}

static void drop_all(struct list_node *head)
{
    while (!list_empty(head))
        question_free(list_entry(head->next, struct question, link));
}

/* The loop may be gone by now. */
void session_ask_finish(struct gate *g)
{
    drop_all(&g->rereads);
    for (size_t i = 0; i < QUESTION_BUCKETS; i++)
        drop_all(&g->questions[i]);
}
