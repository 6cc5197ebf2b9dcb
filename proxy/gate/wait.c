/* Waits: for room or a sync of the journal, or for an issuer's keys; each has its time. */
#include "proxy/gate/gate_impl.h"

void wait_stop(struct visit *v)
{
    list_remove(&v->wait_link);
    deadline_clear(v->gate->options.loop, &v->wait);
    v->waits_issuer = SIZE_MAX;
    v->waits_whois = false;
}

void visit_resume(struct visit *v)
{
    wait_stop(v);
    if (visit_run(v) != VISIT_WAITING)
        v->resumed(v);
}

/* Time is up: the step runs a last time and may not wait again. */
static void waited_enough(struct deadline *d)
{
    struct visit *v = list_entry(d, struct visit, wait);
    v->wait_is_over = true;
    visit_resume(v);
}

void wait_init(struct visit *v)
{
    v->waits_issuer = SIZE_MAX;
    list_init(&v->wait_link);
    deadline_init(&v->wait, waited_enough);
}

/* A step that waits again, woken for nothing, waits for what is left of its time. */
enum visit_outcome visit_wait(struct visit *v, int64_t most_ms)
{
    int64_t now_us = gate_now_us();
    if (!v->wait_until_us)
        v->wait_until_us = now_us + most_ms * 1000;
    int64_t left_ms = (v->wait_until_us - now_us) / 1000;
    list_append(&v->gate->waiting, &v->wait_link);
    deadline_set(v->gate->options.loop, &v->wait, left_ms < 1 ? 1 : left_ms);
    return VISIT_WAITING;
}

/* The keys that it waited for are in the newest snapshot: it is judged by that, from the route on,
 * and who it is by the settings and keys of now. Documents are numbered by the sources of the
 * configuration that they were found by. */
static void begin_anew(struct visit *v)
{
    pin_give(&v->pin);
    v->pin = pin_take(v->gate);
    v->app = NULL;
    v->step = STEP_ROUTE;
    credential_unref(&v->who);
    session_unref(&v->session);
    v->ruled_out = 0;
    v->request.documents = NULL;
    v->request.n_documents = 0;
}

/* Issuers are numbered by the configuration: under another one nobody would answer by the number
 * that these wait for. They are judged by what is in force now, and may ask once more. */
void wait_renumbered(struct gate *g)
{
    struct list_node todo;
    list_init(&todo);
    for (struct list_node *n = g->waiting.next, *next; n != &g->waiting; n = next) {
        struct visit *v = list_entry(n, struct visit, wait_link);
        next = n->next;
        if (v->waits_issuer == SIZE_MAX)
            continue;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, wait_link);
        v->has_asked_keys = false;
        begin_anew(v);
        visit_resume(v);
    }
}

static void resume_those(struct gate *g, size_t issuer)
{
    struct list_node todo;
    list_init(&todo);
    for (struct list_node *n = g->waiting.next, *next; n != &g->waiting; n = next) {
        struct visit *v = list_entry(n, struct visit, wait_link);
        next = n->next;
        if (v->waits_issuer != issuer || v->asked == ASKED_WAITING || v->waits_whois)
            continue;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, wait_link);
        if (issuer == SIZE_MAX && v->ticket && audit_durable(g->options.ring) < v->ticket &&
            audit_is_writable(g->options.audit)) {
            list_remove(&v->wait_link);
            list_append(&g->waiting, &v->wait_link);
            continue;
        }
        if (issuer != SIZE_MAX)
            begin_anew(v);
        visit_resume(v);
    }
}

void gate_keys_answered(struct gate *g, size_t issuer)
{
    resume_those(g, issuer);
}

void gate_audit_changed(struct gate *g)
{
    resume_those(g, SIZE_MAX);
}
