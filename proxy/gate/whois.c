/* Whois: the local Tailscale daemon is asked whose a connection is (authn.md section 5).
 *
 * The address decides, never a header. The answer is remembered for a minute by the connection's
 * address and port, so that the requests of one page cost one question; a daemon that does not
 * answer lets nobody in, and is not remembered. Asked on the control thread, which owns fetches. */
#include "proxy/gate/gate_impl.h"

#include <stdlib.h>

#include "base/log.h"

enum {
    WHOIS_SLOTS = 1024,
    WHOIS_ASKS_MOST = 256, /* under way */
    WHOIS_WAIT_MS = 3000,
    WHOIS_KEEP_MS = 60 * 1000,
    WHOIS_KEEP_NOBODY_MS = 5 * 1000,
    WHOIS_CREDENTIAL_S = 24 * 3600, /* at most; the daemon itself cuts a node that is gone */
};

struct whois_slot {
    struct whois_key key;
    uint64_t generation; /* gate.keys_generation: 0 is none */
    int64_t until_ms;
    struct credential *who; /* NULL: nobody */
};

struct whois_book {
    struct whois_slot slots[WHOIS_SLOTS];
    struct list_node asks; /* whois_ask.link */
    size_t n_asks;
};

static struct whois_book *book_of(struct gate *g)
{
    if (!g->whois) {
        g->whois = mem_alloc(sizeof *g->whois);
        list_init(&g->whois->asks);
    }
    return g->whois;
}

static bool is_same(const struct whois_key *a, const struct whois_key *b)
{
    return a->listener == b->listener && a->port == b->port && addr_eq(&a->addr, &b->addr);
}

static struct whois_slot *slot_of(struct gate *g, const struct whois_key *key)
{
    struct whois_book *book = book_of(g);
    uint64_t hash = str_hash((str){(const char *)key->addr.bytes, sizeof key->addr.bytes});
    return &book->slots[(hash ^ key->port) % WHOIS_SLOTS];
}

static struct whois_ask *under_way(struct gate *g, const struct whois_key *key)
{
    struct whois_book *book = book_of(g);
    for (struct list_node *n = book->asks.next; n != &book->asks; n = n->next)
        if (is_same(&list_entry(n, struct whois_ask, link)->key, key))
            return list_entry(n, struct whois_ask, link);
    return NULL;
}

static void ask_destroy(struct whois_ask *ask)
{
    ask->gate->whois->n_asks--;
    list_remove(&ask->link);
    free(ask->body);
    free(ask);
}

void whois_finish(struct gate *g)
{
    if (!g->whois)
        return;
    while (!list_empty(&g->whois->asks))
        ask_destroy(list_entry(g->whois->asks.next, struct whois_ask, link));
    for (size_t i = 0; i < WHOIS_SLOTS; i++)
        credential_unref(&g->whois->slots[i].who);
    free(g->whois);
    g->whois = NULL;
}

/* ---- the answer ---- */

static const struct snapshot_issuer *issuer_of(const struct snapshot *s, size_t listener)
{
    const struct config_listener *l = listener < s->n_listeners ? &s->listeners[listener] : NULL;
    return l && l->front == FRONT_TAILSCALE ? snapshot_issuer_by_name(s, l->assertion.issuer)
                                            : NULL;
}

static struct credential *read_answer(struct gate *g, const struct whois_ask *ask, int64_t now_s)
{
    const struct snapshot *s = g->pin->snapshot;
    const struct snapshot_issuer *issuer = issuer_of(s, ask->key.listener);
    enum whois_kind kind = WHOIS_NOBODY;
    struct identity *id = issuer && ask->status == 200
                              ? whois_read(issuer->config->issuer, (str){ask->body, ask->n_body},
                                           &ask->key.addr, now_s, now_s + WHOIS_CREDENTIAL_S, &kind)
                              : NULL;
    log_debug("whois.answered", NULL, "kind", whois_kind_word(kind));
    return id ? prove_make(g->pin->snapshot, g, issuer, id) : NULL;
}

/* 404: the daemon knows no such address, so it is nobody's. */
static void remember(struct gate *g, const struct whois_ask *ask)
{
    struct loop *loop = g->options.loop;
    struct whois_slot *slot = slot_of(g, &ask->key);
    struct credential *old = slot->who;
    if (ask->status != 200 && ask->status != 404) {
        log_warn("whois.failed", "the Tailscale daemon does not say whose a connection is",
                 "socket", ask->socket);
        return;
    }
    struct credential *who = read_answer(g, ask, loop_wall_us(loop) / 1000000);
    *slot = (struct whois_slot){
        .key = ask->key,
        .generation = g->keys_generation,
        .until_ms = loop_now_ms(loop) + (who ? WHOIS_KEEP_MS : WHOIS_KEEP_NOBODY_MS),
        .who = who,
    };
    credential_unref(&old);
}

static struct whois_key key_of(const struct visit *v)
{
    return (struct whois_key){v->request.client, v->request.client_port, v->request.listener};
}

static void resume_waiting(struct gate *g, const struct whois_key *key)
{
    struct list_node todo;
    list_init(&todo);
    for (struct list_node *n = g->waiting.next, *next; n != &g->waiting; n = next) {
        struct visit *v = list_entry(n, struct visit, wait_link);
        struct whois_key its = key_of(v);
        next = n->next;
        if (!v->waits_whois || !is_same(&its, key))
            continue;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo))
        visit_resume(list_entry(todo.next, struct visit, wait_link));
}

static void answered(void *worker, void *arg)
{
    struct whois_ask *ask = arg;
    struct gate *g = ask->gate;
    struct whois_key key = ask->key;
    remember(g, ask);
    ask_destroy(ask);
    resume_waiting(g, &key);
}

void whois_answered(struct whois_ask *ask, int status, str body)
{
    ask->status = status;
    ask->n_body = body.n;
    ask->body = mem_dup(body);
    /* A mailbox that is closed belongs to a worker that has stopped: the gate frees what is left.
     */
    (void)!mailbox_post(ask->gate->options.mailbox, answered, ask);
}

/* ---- the question ---- */

static bool ask_anew(struct gate *g, const struct config_listener *l, const struct whois_key *key)
{
    struct whois_book *book = book_of(g);
    if (!g->options.need_whois || !g->options.mailbox || book->n_asks >= WHOIS_ASKS_MOST ||
        l->whois_socket.n >= sizeof((struct whois_ask *)0)->socket)
        return false;
    struct whois_ask *ask = mem_alloc(sizeof *ask);
    ask->gate = g;
    ask->key = *key;
    memcpy(ask->socket, l->whois_socket.p, l->whois_socket.n);
    list_append(&book->asks, &ask->link);
    book->n_asks++;
    g->options.need_whois(g->options.ctx, ask);
    return true;
}

static enum visit_outcome refuse_silent(struct visit *v)
{
    visit_refuse(v, 503, "whois:unavailable",
                 STR("The Tailscale daemon does not answer, so nobody can say who you are."),
                 STR("Try again in a moment."));
    v->refusal.retry_after_s = 1;
    return VISIT_REFUSED;
}

static bool is_of_tailnet(const struct config_listener *l, const struct addr *client)
{
    for (size_t i = 0; i < l->n_trusted; i++)
        if (cidr_has(&l->trusted[i], client))
            return true;
    return false;
}

enum visit_outcome whois_prove(struct visit *v, const struct config_listener *l,
                               struct credential **out)
{
    struct gate *g = v->gate;
    struct whois_key key = key_of(v);
    struct whois_slot *slot = slot_of(g, &key);
    if (!is_of_tailnet(l, &v->request.client))
        return VISIT_PERMITTED;
    if (slot->generation == g->keys_generation && is_same(&slot->key, &key) &&
        loop_now_ms(g->options.loop) < slot->until_ms) {
        *out = slot->who ? credential_ref(slot->who) : NULL;
        return VISIT_PERMITTED;
    }
    if (v->wait_is_over)
        return refuse_silent(v);
    /* It was asked, and the answer was none. */
    bool is_under_way = under_way(g, &key) != NULL;
    if (v->has_asked_whois && !is_under_way)
        return refuse_silent(v);
    if (!is_under_way && !ask_anew(g, l, &key))
        return refuse_silent(v);
    v->has_asked_whois = v->waits_whois = true;
    return visit_wait(v, WHOIS_WAIT_MS);
}
