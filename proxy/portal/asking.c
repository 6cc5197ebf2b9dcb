/* Questions to the desk and to the store, and their answers. Between the two the client may go:
 * then the answer belongs to nobody and is destroyed where it arrives. */
#include "proxy/portal/portal_impl.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"

/* page->ctx while something is asked for it. */
struct asking {
    struct portal *portal;
    struct http_page *page; /* NULL: the client is gone */
    asked_fn *answered;
    struct look *look;         /* NULL: the desk is asked */
    struct login_cookie login; /* a fresh one is the same in the answer */
};

static void let_go(struct asking *a)
{
    if (a->page)
        a->page->ctx = NULL;
    free(a);
}

void asking_gone(struct http_page *page)
{
    struct asking *a = page->ctx;
    page->ctx = NULL;
    if (!a)
        return;
    a->page = NULL;
    if (a->look)
        a->look->page = NULL;
}

static struct asking *asking_create(struct call *c)
{
    struct asking *a = mem_alloc(sizeof *a);
    a->portal = c->portal;
    a->page = c->page;
    a->login = c->login;
    return a;
}

/* ---- the desk -----------------------------------------------------------------------------------
 */

static void on_desk(void *ctx, void *arg)
{
    struct desk_ask *ask = arg;
    struct asking *a = ask->ctx;
    struct portal *p = a->portal;
    struct http_page *page = a->page;
    asked_fn *answered = a->answered;
    struct login_cookie login = a->login;
    let_go(a);
    if (page) {
        struct call c;
        call_init(&c, p, page);
        c.login = login;
        answered(&c, ask);
    }
    desk_ask_destroy(&ask);
}

/* On the control thread. A worker that takes nothing more has ended. */
static void desk_answered(struct desk_ask *ask)
{
    struct asking *a = ask->ctx;
    if (mailbox_post(a->portal->options.mailbox, on_desk, ask))
        return;
    let_go(a);
    desk_ask_destroy(&ask);
}

/* A session that is opened with a good certificate is that device's. */
static void tell_device(struct desk_ask *ask, const struct gate_cert *cert)
{
    if (!cert || cert->verdict != CERT_OK)
        return;
    char *hex = arena_text(&ask->arena, 2 * sizeof cert->cert.fingerprint);
    hex_encode(cert->cert.fingerprint, sizeof cert->cert.fingerprint, hex);
    ask->device_id = ask_text(ask, cert->cert.id);
    ask->device_proof = (str){hex, 2 * sizeof cert->cert.fingerprint};
}

struct desk_ask *ask_create(struct call *c, enum desk_kind kind, asked_fn *answered)
{
    const struct visit *v = c->page->visit;
    struct desk_ask *ask = desk_ask_create(kind);
    struct asking *a = asking_create(c);
    a->answered = answered;
    ask->ctx = a;
    ask->answered = desk_answered;
    ask->now_us = v->wall_us;
    ask->request_id = ask_text(ask, (str){v->id, VISIT_ID_CHARS});
    ask->agent = ask_text(ask, v->request.user_agent);
    ask->client = v->request.client;
    tell_device(ask, v->request.cert);
    ask->session = v->session ? v->session->id : 0;
    if (kind == DESK_GRANT && call_is_fronted(c))
        ask->who = credential_copy(v->who);
    if (c->login.is_there)
        memcpy(ask->browser, c->login.hash, sizeof ask->browser);
    else
        memset(ask->browser, 0, sizeof ask->browser);
    return ask;
}

str ask_text(struct desk_ask *ask, str s)
{
    return s.p ? arena_dup(&ask->arena, s) : (str){NULL, 0};
}

void ask_send(struct call *c, struct desk_ask *ask)
{
    c->page->ctx = ask->ctx;
    desk_ask(c->portal->options.desk, ask);
}

bool ask_is_refused(struct call *c, const struct desk_ask *ask)
{
    unsigned status = ask->answer == DESK_FAILED ? 503 : ask->status ? (unsigned)ask->status : 400;
    if (ask->answer != DESK_FAILED && ask->answer != DESK_REFUSED)
        return false;
    answer_error(c, status, ask->reason ? ask->reason : "desk.failed",
                 arena_dup(c->arena, ask->sentence));
    return true;
}

/* ---- the store ----------------------------------------------------------------------------------
 */

static void run_look(struct store_db *db, void *ctx)
{
    struct look *l = ctx;
    l->is_good = l->run(db, l, &l->fail);
}

static void look_free(struct look *l)
{
    if (l->asking)
        let_go(l->asking);
    arena_finish(&l->arena);
    free(l);
}

static void on_look(void *ctx, void *arg)
{
    struct look *l = arg;
    struct http_page *page = l->page;
    if (page) {
        struct call c;
        call_init(&c, l->portal, page);
        c.login = l->asking->login;
        let_go(l->asking);
        l->asking = NULL;
        if (l->is_good) {
            l->answered(&c, l);
        } else {
            log_error("portal.store", l->fail.text);
            answer_error(&c, 503, "store", STR("The store does not answer just now."));
        }
    }
    look_free(l);
}

/* On the store's thread. The worker may be about to end: what it takes no more is freed after it.
 */
static void looked(void *ctx)
{
    struct look *l = ctx;
    if (mailbox_post(l->portal->options.mailbox, on_look, l))
        return;
    l->next = atomic_load(&l->portal->orphans);
    while (!atomic_compare_exchange_weak(&l->portal->orphans, &l->next, l))
        ;
}

void asking_finish(struct portal *p)
{
    struct look *l = atomic_load(&p->orphans);
    while (l) {
        struct look *next = l->next;
        look_free(l);
        l = next;
    }
}

void *look_create(struct call *c, size_t bytes)
{
    struct look *l = mem_alloc(bytes);
    const struct visit *v = c->page->visit;
    arena_init(&l->arena, NULL, 0);
    l->portal = c->portal;
    l->page = c->page;
    if (v->session)
        l->session = v->session->id;
    if (v->who) {
        l->issuer = arena_dup(&l->arena, v->who->facts.issuer);
        l->subject = arena_dup(&l->arena, v->who->facts.subject);
    }
    return l;
}

void look_send(struct call *c, struct look *l)
{
    struct asking *a = asking_create(c);
    a->look = l;
    l->asking = a;
    c->page->ctx = a;
    if (store_post(c->portal->options.store, run_look, looked, l))
        return;
    look_free(l);
    answer_error(c, 503, "store", STR("Too much is asked of the store just now."));
}
