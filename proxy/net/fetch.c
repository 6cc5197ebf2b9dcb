/* fetch: libcurl's multi interface on a loop. libcurl owns its sockets, so their watches are
 * detached and never close them; it is entered only through curl_multi_socket_action, and results
 * are taken after that has returned, so a done callback may start the next fetch. */
#include "proxy/net/fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/arena.h"
#include "proxy/net/cache_control.h"
#include "proxy/net/curl_load.h"
#include "proxy/net/loop_impl.h"

struct fetcher {
    struct loop *loop;
    const struct curl_table *curl; /* NULL until the first fetch */
    CURLM *multi;
    uv_timer_t timer;
    struct list_node running; /* fetch::link */
};

struct fetch {
    struct list_node link;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *headers;
    fetch_done_fn *done;
    void *ctx;
    char *body;
    size_t body_n, max_bytes;
    bool is_too_large;
    char why[CURL_ERROR_SIZE];
};

/* A socket of libcurl's. */
struct fetch_socket {
    struct watch watch;
    struct fetcher *fetcher;
};

static void fetch_free(struct fetch *x)
{
    const struct curl_table *curl = x->fetcher->curl;
    list_remove(&x->link);
    if (x->easy) {
        curl->curl_multi_remove_handle(x->fetcher->multi, x->easy);
        curl->curl_easy_cleanup(x->easy);
    }
    curl->curl_slist_free_all(x->headers);
    free(x->body);
    free(x);
}

/* --- results
 * ---------------------------------------------------------------------------------------- */

static str header_of(struct fetch *x, const char *name)
{
    struct curl_header *h = NULL;
    CURLHcode r = x->fetcher->curl->curl_easy_header(x->easy, name, 0, CURLH_HEADER, -1, &h);
    return r == CURLHE_OK ? str_of(h->value) : (str){NULL, 0};
}

static void fetch_finish(struct fetch *x, CURLcode code)
{
    const struct curl_table *curl = x->fetcher->curl;
    struct fetch_result r = {.max_age_s = -1};
    long status = 0;
    if (x->is_too_large) {
        fail_set(&r.fail, FAIL_LIMIT, "the answer is larger than %zu bytes", x->max_bytes);
    } else if (code != CURLE_OK) {
        fail_set(&r.fail, FAIL_SYSTEM, "%s", x->why[0] ? x->why : curl->curl_easy_strerror(code));
    } else {
        curl->curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        str cache_control = header_of(x, "Cache-Control");
        r.status = (int)status;
        r.max_age_s = cache_control.p ? cache_control_max_age_s(cache_control) : -1;
        r.content_type = header_of(x, "Content-Type");
        r.body = (str){x->body ? x->body : "", x->body_n};
    }
    x->done(x->ctx, &r);
    fetch_free(x);
}

static void take_results(struct fetcher *f)
{
    int left;
    CURLMsg *msg;
    while ((msg = f->curl->curl_multi_info_read(f->multi, &left)) != NULL) {
        struct fetch *x = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result; /* the message dies with the handle */
        f->curl->curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x);
        fetch_finish(x, code);
    }
}

/* --- sockets and time for libcurl
 * ---------------------------------------------------------------------- */

static void on_socket_ready(struct watch *w, unsigned events)
{
    struct fetcher *f = list_entry(w, struct fetch_socket, watch)->fetcher;
    int flags =
        (events & WATCH_READ ? CURL_CSELECT_IN : 0) | (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0);
    int running;
    f->curl->curl_multi_socket_action(f->multi, w->fd, flags, &running);
    take_results(f);
}

static void on_socket_closed(struct watch *w)
{
    free(list_entry(w, struct fetch_socket, watch));
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct fetcher *f = arg;
    struct fetch_socket *s = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (s)
            watch_detach(&s->watch, on_socket_closed);
        f->curl->curl_multi_assign(f->multi, fd, NULL);
        return 0;
    }
    if (!s) {
        s = mem_alloc(sizeof *s);
        s->fetcher = f;
        if (!watch_open(f->loop, &s->watch, fd, on_socket_ready, NULL)) {
            free(s);
            return -1;
        }
        f->curl->curl_multi_assign(f->multi, fd, s);
    }
    watch_want(&s->watch,
               (what & CURL_POLL_IN ? WATCH_READ : 0U) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0U));
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct fetcher *f = timer->data;
    int running;
    f->curl->curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_results(f);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct fetcher *f = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&f->timer);
    else
        uv_timer_start(&f->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static size_t on_curl_body(char *p, size_t size, size_t n, void *arg)
{
    struct fetch *x = arg;
    n *= size;
    if (n > x->max_bytes - x->body_n) {
        x->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    x->body = mem_grow(x->body, x->body_n + n + 1);
    memcpy(x->body + x->body_n, p, n);
    x->body_n += n;
    return n;
}

/* --- starting
 * ------------------------------------------------------------------------------------------- */

static bool host_is_loopback(str host)
{
    struct addr ip;
    if (addr_parse(host, &ip))
        return addr_is_loopback(&ip);
    return str_eq_nocase(host, STR("localhost")) ||
           (host.n > 10 && str_eq_nocase(str_from(host, host.n - 10), STR(".localhost")));
}

/* Judged by the parser that will also be used for the connection. */
static bool url_is_allowed(const struct curl_table *curl, const char *url, struct fail *fail)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    CURLU *u = curl->curl_url();
    bool ok = u && curl->curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl->curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl->curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (!ok)
        fail_set(fail, FAIL_INPUT, "\"%s\" is not a URL", url);
    else if (curl->curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
        ok = fail_set(fail, FAIL_INPUT, "a URL to fetch must not carry a user name");
    else if (strcmp(scheme, "https") != 0 &&
             !(strcmp(scheme, "http") == 0 && host_is_loopback(str_of(host))))
        ok = fail_set(fail, FAIL_INPUT, "\"%s\" must be https (http is for loopback only)", url);
    curl->curl_free(scheme);
    curl->curl_free(host);
    curl->curl_free(user);
    curl->curl_url_cleanup(u);
    return ok;
}

static bool fetcher_ready(struct fetcher *f, struct fail *fail)
{
    if (f->multi)
        return true;
    f->curl = curl_load(fail);
    if (!f->curl)
        return false;
    f->multi = f->curl->curl_multi_init();
    if (!f->multi)
        return fail_set(fail, FAIL_UNSUPPORTED, "libcurl gives no handle");
    f->curl->curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    f->curl->curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    f->curl->curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    f->curl->curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    f->curl->curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, 4L);
    return true;
}

static void add_header(struct fetch *x, const char *name, str value)
{
    if (!value.p)
        return;
    size_t n = strlen(name) + value.n + 3;
    char *line = mem_alloc(n);
    snprintf(line, n, "%s: %.*s", name, STR_ARG(value));
    x->headers = x->fetcher->curl->curl_slist_append(x->headers, line);
    free(line);
}

static void set_headers(struct fetch *x, const struct fetch_request *r)
{
    add_header(x, "Accept", r->accept.p ? r->accept : STR("application/json"));
    add_header(x, "Authorization", r->authorization);
    if (r->body.p) {
        add_header(x, "Content-Type",
                   r->content_type.p ? r->content_type : STR("application/x-www-form-urlencoded"));
        add_header(x, "Expect", STR("")); /* no 100-continue: the bodies are small */
    }
    x->fetcher->curl->curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_text(struct fetch *x, CURLoption option, str value)
{
    char *text = mem_dup(value); /* libcurl copies */
    x->fetcher->curl->curl_easy_setopt(x->easy, option, text);
    free(text);
}

static void set_options(struct fetch *x, const struct fetch_request *r)
{
    __typeof__(curl_easy_setopt) *set = x->fetcher->curl->curl_easy_setopt;
    CURL *easy = x->easy;
    set_text(x, CURLOPT_URL, r->url);
    set(easy, CURLOPT_PROTOCOLS_STR, "https,http"); /* url_is_allowed has narrowed http */
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set(easy, CURLOPT_TIMEOUT_MS, (long)(r->timeout_ms > 0 ? r->timeout_ms : FETCH_DEFAULT_MS));
    set(easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
    set(easy, CURLOPT_ERRORBUFFER, x->why);
    set(easy, CURLOPT_WRITEFUNCTION, on_curl_body);
    set(easy, CURLOPT_WRITEDATA, x);
    set(easy, CURLOPT_PRIVATE, x);
    if (r->ca_file.p)
        set_text(x, CURLOPT_CAINFO, r->ca_file);
    if (r->body.p) {
        set(easy, CURLOPT_POSTFIELDSIZE, (long)r->body.n);
        set(easy, CURLOPT_COPYPOSTFIELDS, r->body.p);
    }
    set_headers(x, r);
}

static bool text_is_one_line(str s)
{
    return !s.p || (!memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n) && !memchr(s.p, 0, s.n));
}

static bool request_is_allowed(struct fetcher *f, const struct fetch_request *r, struct fail *fail)
{
    if (!text_is_one_line(r->url) || !text_is_one_line(r->authorization) ||
        !text_is_one_line(r->content_type) || !text_is_one_line(r->accept))
        return fail_set(fail, FAIL_INPUT, "a line break in a request");
    char *url = mem_dup(r->url);
    bool ok = url_is_allowed(f->curl, url, fail);
    free(url);
    return ok;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *r, fetch_done_fn *done,
                          void *ctx, struct fail *fail)
{
    if (!fetcher_ready(f, fail) || !request_is_allowed(f, r, fail))
        return NULL;
    struct fetch *x = mem_alloc(sizeof *x);
    x->fetcher = f;
    x->done = done;
    x->ctx = ctx;
    x->max_bytes = r->max_bytes > 0 ? r->max_bytes : FETCH_DEFAULT_BYTES;
    list_append(&f->running, &x->link);
    x->easy = f->curl->curl_easy_init();
    if (x->easy) {
        set_options(x, r);
        if (f->curl->curl_multi_add_handle(f->multi, x->easy) == CURLM_OK)
            return x;
    }
    fail_set(fail, FAIL_UNSUPPORTED, "libcurl cannot begin a request");
    fetch_free(x);
    return NULL;
}

void fetch_cancel(struct fetch *x)
{
    fetch_free(x);
}

struct fetcher *fetcher_create(struct loop *loop)
{
    struct fetcher *f = mem_alloc(sizeof *f);
    f->loop = loop;
    list_init(&f->running);
    uv_timer_init(&loop->uv, &f->timer);
    f->timer.data = f;
    return f;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void fetcher_destroy(struct fetcher *f)
{
    if (!f)
        return;
    while (!list_empty(&f->running))
        fetch_free(list_entry(f->running.next, struct fetch, link));
    if (f->multi)
        f->curl->curl_multi_cleanup(f->multi);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}
