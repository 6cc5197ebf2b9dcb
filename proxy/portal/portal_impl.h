/* portal_impl: what the files of this folder share. Worker thread only. */
#ifndef PROXY_PORTAL_PORTAL_IMPL_H
#define PROXY_PORTAL_PORTAL_IMPL_H

#include "proxy/portal/form.h"
#include "proxy/portal/pages.h"
#include "proxy/portal/portal.h"
#include "proxy/portal/target.h"

#include <stdatomic.h>

#define CALLBACK_PATH "/.postern/callback"
#define BACK_PATH "/.postern/back"

enum { LOGIN_COOKIE_S = 600, ANSWER_FIELDS = 8 };

struct portal {
    struct portal_options options;
    _Atomic(struct look *) orphans; /* that came back when the worker took nothing more */
};
void asking_finish(struct portal *p);

/* ---- one request in the hands of a route ------------------------------------------------------
 */

/* What a route needs to know of its request; made anew when an answer comes back. */
struct call {
    struct portal *portal;
    struct http_page *page;
    struct arena *arena;
    const struct snapshot *snapshot;
    struct form form; /* of a POST, checked; else of the query */
    struct login_cookie {
        char value[SESSION_COOKIE_CHARS];
        unsigned char hash[32];
        bool is_there;  /* as it came, or fresh */
        bool is_set;    /* by the answer */
    } login;            /* binds a log-in to this browser */
    bool drops_session; /* the answer takes the session's cookie away */
    char csrf[FORM_TOKEN_CHARS];
};

typedef void route_fn(struct call *c);

struct route {
    enum { ON_PORTAL = 1, ON_APPS = 2 } where;
    const char *method;
    str path;         /* ends in '/': a name follows */
    const char *word; /* what the request is recorded as */
    route_fn *fn;
    /* A query or nothing; a POST of a page of ours (same origin and token, before fn); or what fn
     * passes on as it came. */
    enum { READS_QUERY = 0, READS_FORM, READS_RAW } reads;
};

/* ---- the groups of routes ----------------------------------------------------------------------
 */

route_fn route_launcher, route_session_end;
route_fn route_login, route_login_by_mail, route_callback, route_back, route_app_login;
route_fn route_logout, route_logout_confirm, route_backchannel, route_frontchannel;
route_fn route_issuer_page, route_issuer_form, route_issuer_document;
route_fn route_purpose, route_purpose_state;
route_fn route_request, route_request_send, route_approvals, route_approvals_decide;
route_fn route_break_glass, route_break_glass_open;
route_fn route_posture;
/* When this person asked to be let into the app, and nobody has answered yet; 0: nothing waits. */
int64_t grants_asked_s(const struct store_grant *rows, size_t n, const struct policy_identity *who,
                       str app);
/* Of a refusal. */
bool route_refused(struct call *c);

/* ---- asking (asking.c) -------------------------------------------------------------------------
 */

struct asking;
typedef void asked_fn(struct call *c, struct desk_ask *ask);

/* An ask of the desk for this request; texts that go in must be copied with ask_text. */
struct desk_ask *ask_create(struct call *c, enum desk_kind kind, asked_fn *answered);
str ask_text(struct desk_ask *ask, str s);
void ask_send(struct call *c, struct desk_ask *ask);
/* FAILED and REFUSED have one answer for all routes. True when it was given. */
bool ask_is_refused(struct call *c, const struct desk_ask *ask);

/* A look into the store for this request: `run` on its thread, `answered` on ours. */
struct look {
    struct portal *portal;
    struct http_page *page; /* NULL: the client is gone */
    struct asking *asking;
    struct look *next; /* portal.orphans */
    struct arena arena;
    bool (*run)(struct store_db *db, struct look *l, struct fail *f);
    void (*answered)(struct call *c, struct look *l);
    bool is_good;
    struct fail fail;
    int64_t session;
    str issuer, subject; /* of who asks */
};
/* `bytes`: of a struct that begins with a struct look. */
void *look_create(struct call *c, size_t bytes);
void look_send(struct call *c, struct look *l);
void asking_gone(struct http_page *page);

/* ---- answering (answer.c) ----------------------------------------------------------------------
 */

void call_init(struct call *c, struct portal *p, struct http_page *page);
/* The binding cookie: kept when a good one came, else a fresh one goes with the answer. */
void call_need_login_cookie(struct call *c);
/* For the forms of a page. */
str call_csrf(struct call *c);
bool call_csrf_is_good(struct call *c, str token);
struct page_env call_env(struct call *c);
const struct policy_identity *call_person(const struct call *c); /* NULL: nobody */
/* The front has named the person: there is no session, and no log-in of ours. */
bool call_is_fronted(const struct call *c);
str call_front_sign_out(const struct call *c); /* absent: it has none */
str call_bind(struct call *c);                 /* `b` of a log-in's URL, for this host */
void answer_html(struct call *c, unsigned status, struct page page);
void answer_redirect(struct call *c, unsigned status, str url);
/* The same, and the session's cookie is set. */
void answer_session(struct call *c, str url, const char *cookie);
void answer_error(struct call *c, unsigned status, const char *reason, str sentence);
void answer_empty(struct call *c, unsigned status);
void answer_text(struct call *c, unsigned status, str type, str body);
/* Where the log-in of this request's app begins, with the cookie to go with it. */
str login_url(struct call *c, str to);

#endif
