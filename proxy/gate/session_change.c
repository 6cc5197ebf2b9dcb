/* What the store's changes mean here: a session that ended leaves the cache, and its long visits
 * end at once; one that changed is read anew, and they are decided again by what it is now. No
 * visit is searched for: each session knows those that stand by it. See session_ask.c for why an
 * answer under way can do no harm. */
#include "proxy/gate/gate_impl.h"

/* Each visit leaves the list before it is looked at: what follows may end it, and others of the
 * same connection. */
static void look_at_standing(struct session *s)
{
    struct list_node todo;
    list_init(&todo);
    while (!list_empty(&s->standing)) {
        struct list_node *n = s->standing.next;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo)) {
        struct visit *v = list_entry(todo.next, struct visit, session_link);
        list_remove(&v->session_link);
        list_append(&s->standing, &v->session_link);
        standing_look(v);
    }
}

void session_end(struct gate *g, struct session *s)
{
    if (s->is_ended)
        return;
    s->is_ended = true;
    session_ref(s);
    session_cache_drop(g->sessions, s);
    look_at_standing(s);
    session_unref(&s);
}

static void went_stale(struct gate *g, struct session *s)
{
    s->is_stale = true;
    session_cache_drop(g->sessions, s);
    if (!list_empty(&s->standing))
        session_ask_again(g, s);
}

void session_replace(struct gate *g, struct session *old, struct session *now)
{
    struct list_node *n;
    if (old->is_ended)
        return;
    session_touch(g, now, session_seen_s(g, old));
    while (!list_empty(&old->standing)) {
        n = old->standing.next;
        struct visit *v = list_entry(n, struct visit, session_link);
        list_remove(n);
        list_append(&now->standing, n);
        session_unref(&v->session);
        credential_unref(&v->who);
        v->session = session_ref(now);
        v->who = credential_ref(now->who);
        standing_keep_trust(v);
    }
    look_at_standing(now);
}

void gate_store_changed(struct gate *g, enum store_change_kind kind, int64_t session, str issuer,
                        str subject)
{
    switch (kind) {
    case STORE_SESSION_ENDED:
        session_index_each(g, session, session_end);
        return;
    case STORE_SESSION_CHANGED:
        session_index_each(g, session, went_stale);
        return;
    case STORE_PERSON_CHANGED:
        session_index_person(g, issuer, subject, went_stale);
        person_grants_changed(g, issuer, subject);
        return;
    }
}
