/* Pages of ours. See pages.h. */
#include "proxy/http/pages.h"

#include "proxy/http/admit.h"
#include "proxy/http/inbox.h"
#include "proxy/http/page.h"

enum {
    PAGE_WITHIN_MS = 60 * 1000, /* an identity provider may be slow, twice */
    FORM_LEAST = 1024,
    FORM_STALLS = 2, /* a form is here within so many times limits.body_stall */
};

static const struct http_pages *pages_of(const struct exchange *ex)
{
    return &ex->conn->server->options.pages;
}

static void fill_page(struct exchange *ex, bool is_portal)
{
    ex->page = (struct http_page){
        .visit = &ex->visit,
        .head = &ex->head,
        .is_portal = is_portal,
        .is_tls = ex->is_tls,
        .path = ex->head.path_raw,
        .query = ex->head.query,
        .arena = &ex->arena,
    };
}

/* ---- the body -------------------------------------------------------------------------------- */

static size_t form_most(const struct exchange *ex)
{
    return ex->conn->server->limits.form_bytes;
}

static void refuse_body(struct exchange *ex, uint16_t status, enum visit_end end, str sentence)
{
    ex->keep = false;
    ex->conn->must_linger = true;
    if (ex->visit.outcome != VISIT_REFUSED || !ex->visit.refusal.status)
        visit_refuse_input(&ex->visit, status, visit_end_word(end), sentence);
    ex->is_offered = true;
    answer_refusal(ex, end);
}

/* False: it is more than a form may be. */
static bool append(struct exchange *ex, const char *p, size_t n)
{
    if (n > form_most(ex) - ex->form_n)
        return false;
    if (ex->form_n + n > ex->form_cap) {
        size_t cap = ex->form_cap ? ex->form_cap : FORM_LEAST;
        while (cap < ex->form_n + n)
            cap *= 2;
        char *grown = arena_text(&ex->arena, cap);
        if (ex->form_n)
            memcpy(grown, ex->form, ex->form_n);
        ex->form = grown;
        ex->form_cap = cap;
    }
    if (n)
        memcpy(ex->form + ex->form_n, p, n);
    ex->form_n += n;
    return true;
}

enum piece { PIECE_GONE = 0, PIECE_NONE, PIECE_SOME, PIECE_LAST };

static enum piece take_piece(struct exchange *ex, char *p, size_t n)
{
    struct conn *c = ex->conn;
    size_t consumed, data_len;
    enum body_verdict verdict = body_in_feed(&ex->request_in, p, n, &consumed, &data_len);
    if (verdict == BODY_BAD) {
        refuse_body(ex, 400, END_BODY_BAD, STR("The framing of the request's body is wrong."));
        return PIECE_GONE;
    }
    if (!append(ex, p, data_len)) {
        refuse_body(ex, 413, END_BODY_TOO_LARGE, STR("The form is longer than it may be here."));
        return PIECE_GONE;
    }
    if (verdict != BODY_DONE)
        return PIECE_SOME;
    if (consumed < n && !inbox_keep(c, p + consumed, n - consumed, 2 * BUFFER_BYTES)) {
        exchange_cut(ex, END_BUFFERS);
        return PIECE_GONE;
    }
    ex->request_done = true;
    return PIECE_LAST;
}

static enum piece read_piece(struct exchange *ex)
{
    struct conn *c = ex->conn;
    struct buffer *b = buffer_take(&c->server->buffers);
    if (!b) {
        exchange_cut(ex, END_BUFFERS);
        return PIECE_GONE;
    }
    ssize_t n = inbox_or_read(c, b->data, BUFFER_BYTES);
    enum piece got = n > 0 ? take_piece(ex, b->data, (size_t)n) : PIECE_NONE;
    buffer_give(&c->server->buffers, &b);
    if (n == IO_EOF || n == IO_ERROR) {
        exchange_cut(ex, END_CLIENT_ABORT);
        return PIECE_GONE;
    }
    return got;
}

static void read_body(struct exchange *ex)
{
    enum piece got = PIECE_SOME;
    while (got == PIECE_SOME)
        got = read_piece(ex);
    if (got == PIECE_NONE) {
        conn_want(ex->conn, watch_wanted(&ex->conn->watch) | WATCH_READ);
        int64_t left_ms = ex->form_until_ms - loop_now_ms(ex->conn->server->loop);
        int64_t stall_ms = ex->conn->server->limits.body_stall_ms;
        exchange_arm(ex, TIMER_BODY, left_ms < 1 ? 1 : left_ms < stall_ms ? left_ms : stall_ms);
    } else if (got == PIECE_LAST) {
        exchange_arm(ex, TIMER_NONE, 0);
        ex->page.body = (str){ex->form ? ex->form : "", ex->form_n};
        ex->form_done(ex);
    }
}

/* `done` is called when the body is here; at once when there is none. */
static void with_body(struct exchange *ex, void (*done)(struct exchange *))
{
    struct iovec iov = {(void *)(uintptr_t)HTTP_CONTINUE, sizeof HTTP_CONTINUE - 1};
    if (body_in_is_done(&ex->request_in)) {
        ex->request_done = true;
        done(ex);
        return;
    }
    ex->form_done = done;
    ex->form_until_ms =
        loop_now_ms(ex->conn->server->loop) + FORM_STALLS * ex->conn->server->limits.body_stall_ms;
    exchange_set_phase(ex, EX_FORM);
    if (ex->head.framing == FRAMING_LENGTH && ex->head.content_length > form_most(ex)) {
        refuse_body(ex, 413, END_BODY_TOO_LARGE, STR("The form is longer than it may be here."));
        return;
    }
    if (ex->head.expects_continue && !ex->conn->inbox)
        (void)!io_writev(&ex->conn->io, &iov, 1);
    read_body(ex);
}

void pages_client_readable(struct exchange *ex)
{
    read_body(ex);
}

void pages_stalled(struct exchange *ex)
{
    refuse_body(ex, 408, END_BODY_STALL, STR("The request's body made no progress for too long."));
}

/* ---- a page that was asked for ----------------------------------------------------------------
 */

static void serve(struct exchange *ex)
{
    exchange_set_phase(ex, EX_PAGE);
    exchange_arm(ex, TIMER_PAGE, PAGE_WITHIN_MS);
    ex->is_page_open = true;
    pages_of(ex)->serve(pages_of(ex)->ctx, &ex->page);
}

static void has_body(struct exchange *ex)
{
    admit_page(ex, ex->page_word, serve);
}

bool pages_take(struct exchange *ex)
{
    const struct http_pages *pages = pages_of(ex);
    const struct snapshot *s = visit_snapshot(&ex->visit);
    const struct http_request_head *h = &ex->head;
    if (!pages->find || !s->config->portal.host.n || ex->visit.request.is_misdirected)
        return false;
    bool is_portal = str_eq(h->host, s->config->portal.host);
    if (!is_portal && (!str_starts(h->path_raw, STR("/.postern/")) || !s->policy ||
                       !snapshot_app_by_host(s, h->host)))
        return false;
    ex->page_word = pages->find(pages->ctx, is_portal, h->method, h->path_raw);
    if (!ex->page_word && !is_portal)
        return false; /* the route refuses it */
    if (!ex->page_word || h->wants_upgrade_websocket) {
        visit_refuse_input(&ex->visit, 404, policy_reason_code(POLICY_REASON_INPUT_PATH),
                           STR("There is no such page here."));
        answer_refusal(ex, END_REFUSED);
        return true;
    }
    fill_page(ex, is_portal);
    with_body(ex, has_body);
    return true;
}

void pages_gone(struct exchange *ex)
{
    if (!ex->is_page_open)
        return;
    ex->is_page_open = false;
    pages_of(ex)->gone(pages_of(ex)->ctx, &ex->page);
}

void pages_too_long(struct exchange *ex)
{
    pages_gone(ex);
    ex->is_page_open = true;
    http_page_refuse(&ex->page, 503, "page.slow",
                     STR("What this page needs did not come in time, from the identity provider "
                         "most likely."),
                     STR("Try again in a moment."));
}

void http_page_answer(struct http_page *p, unsigned status, str type, str body,
                      const struct http_pair *extra, size_t n_extra)
{
    struct exchange *ex = list_entry(p, struct exchange, page);
    ex->is_page_open = false;
    exchange_arm(ex, TIMER_NONE, 0);
    answer_small(ex, status, type, body, extra, n_extra, p->refusal ? END_REFUSED : END_OWN);
}

void http_page_refuse(struct http_page *p, uint16_t status, const char *reason, str sentence,
                      str remedy)
{
    struct exchange *ex = list_entry(p, struct exchange, page);
    ex->is_page_open = false;
    ex->is_offered = true;
    exchange_arm(ex, TIMER_NONE, 0);
    ex->visit.outcome = VISIT_REFUSED;
    ex->visit.reason = reason;
    ex->visit.refusal = (struct visit_refusal){
        .status = status, .reason = reason, .sentence = sentence, .remedy = remedy};
    answer_refusal(ex, END_REFUSED);
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* The answer of an app's own log-in comes from another site and so without our Lax cookie: the same
 * body is posted once more from the app's origin. From there it is not done again: who has no
 * session then has none (RFC 6265bis section 5.8.3, SAML's and form_post's way back). */
static bool wants_replay(const struct exchange *ex)
{
    const struct http_request_head *h = &ex->head;
    const struct visit *v = &ex->visit;
    return v->refusal.status == 401 && v->app && h->method_id == METHOD_POST &&
           str_eq(h->sec_fetch_mode, STR("navigate")) && h->sec_fetch_site.p &&
           !str_eq(h->sec_fetch_site, STR("same-origin")) &&
           str_starts(h->content_type, STR("application/x-www-form-urlencoded")) &&
           policy_is_cross_site_post(visit_snapshot(v)->policy, v->app->policy, v->request.path);
}

static void offer(struct exchange *ex)
{
    ex->is_offered = true;
    if (!pages_of(ex)->refused(pages_of(ex)->ctx, &ex->page))
        answer_refusal(ex, END_REFUSED);
}

bool pages_refused(struct exchange *ex)
{
    const struct snapshot *s = ex->is_recorded ? visit_snapshot(&ex->visit) : NULL;
    uint16_t status = ex->visit.refusal.status;
    if (ex->is_offered || !pages_of(ex)->refused || !s || !s->config->portal.host.n ||
        (status != 401 && status != 403) || !page_wants_html(&ex->head))
        return false;
    fill_page(ex, false);
    ex->page.refusal = &ex->visit.refusal;
    if (wants_replay(ex))
        with_body(ex, offer);
    else
        offer(ex);
    return true;
}

str pages_login_url(struct exchange *ex)
{
    const struct snapshot *s = visit_snapshot(&ex->visit);
    if (!s || !s->config->portal.host.n || !ex->visit.app || !pages_of(ex)->find ||
        visit_front(&ex->visit).p) /* who signs people in there is somebody else */
        return (str){NULL, 0};
    return arena_printf(&ex->arena, "%s://%.*s/.postern/login", ex->is_tls ? "https" : "http",
                        STR_ARG(ex->head.host_raw));
}
