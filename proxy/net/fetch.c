/* fetch: one HTTP request of libcurl. See fetch.h. */
#include "proxy/net/fetch_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/arena.h"
#include "proxy/net/cache_control.h"

struct fetch {
    struct transfer transfer;
    fetch_done_fn *done;
    void *ctx;
    char *body;
    size_t body_n, max_bytes;
    bool is_too_large;
};

static void release(struct transfer *t)
{
    free(((struct fetch *)t)->body);
}

/* --- results
 * ---------------------------------------------------------------------------------------- */

static str header_of(struct fetch *x, const char *name)
{
    struct curl_header *h = NULL;
    CURLHcode r = x->transfer.fetcher->curl->curl_easy_header(x->transfer.easy, name, 0,
                                                              CURLH_HEADER, -1, &h);
    return r == CURLHE_OK ? str_of(h->value) : (str){NULL, 0};
}

static void ended(struct transfer *t, CURLcode code)
{
    struct fetch *x = (struct fetch *)t;
    const struct curl_table *curl = t->fetcher->curl;
    struct fetch_result r = {.max_age_s = -1};
    long status = 0;
    if (x->is_too_large) {
        fail_set(&r.fail, FAIL_LIMIT, "the answer is larger than %zu bytes", x->max_bytes);
    } else if (code != CURLE_OK) {
        fail_set(&r.fail, FAIL_SYSTEM, "%s", transfer_why(t, code));
    } else {
        curl->curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        str cache_control = header_of(x, "Cache-Control");
        r.status = (int)status;
        r.max_age_s = cache_control.p ? cache_control_max_age_s(cache_control) : -1;
        r.content_type = header_of(x, "Content-Type");
        r.body = (str){x->body ? x->body : "", x->body_n};
    }
    x->done(x->ctx, &r);
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
static bool url_is_allowed(const struct curl_table *curl, const char *url, bool is_local,
                           struct fail *fail)
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
             !(strcmp(scheme, "http") == 0 && (is_local || host_is_loopback(str_of(host)))))
        ok = fail_set(fail, FAIL_INPUT, "\"%s\" must be https (http is for loopback only)", url);
    curl->curl_free(scheme);
    curl->curl_free(host);
    curl->curl_free(user);
    curl->curl_url_cleanup(u);
    return ok;
}

static void add_header(struct fetch *x, const char *name, str value)
{
    if (!value.p)
        return;
    size_t n = strlen(name) + value.n + 3;
    char *line = mem_alloc(n);
    snprintf(line, n, "%s: %.*s", name, STR_ARG(value));
    transfer_line(&x->transfer, str_of(line));
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
    x->transfer.fetcher->curl->curl_easy_setopt(x->transfer.easy, CURLOPT_HTTPHEADER,
                                                x->transfer.lines);
}

static void set_options(struct fetch *x, const struct fetch_request *r)
{
    __typeof__(curl_easy_setopt) *set = x->transfer.fetcher->curl->curl_easy_setopt;
    CURL *easy = x->transfer.easy;
    transfer_text(&x->transfer, CURLOPT_URL, r->url);
    set(easy, CURLOPT_PROTOCOLS_STR, "https,http"); /* url_is_allowed has narrowed http */
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set(easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
    set(easy, CURLOPT_WRITEFUNCTION, on_curl_body);
    set(easy, CURLOPT_WRITEDATA, x);
    if (r->unix_socket.n)
        transfer_text(&x->transfer, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
    if (r->ca_file.p)
        transfer_text(&x->transfer, CURLOPT_CAINFO, r->ca_file);
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
        !text_is_one_line(r->content_type) || !text_is_one_line(r->accept) ||
        !text_is_one_line(r->unix_socket))
        return fail_set(fail, FAIL_INPUT, "a line break in a request");
    char *url = mem_dup(r->url);
    bool ok = url_is_allowed(f->curl, url, r->unix_socket.n > 0, fail);
    free(url);
    return ok;
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *r, fetch_done_fn *done,
                          void *ctx, struct fail *fail)
{
    if (!fetcher_ready(f, fail) || !request_is_allowed(f, r, fail))
        return NULL;
    struct fetch *x = mem_alloc(sizeof *x);
    x->transfer.ended = ended;
    x->transfer.release = release;
    x->done = done;
    x->ctx = ctx;
    x->max_bytes = r->max_bytes > 0 ? r->max_bytes : FETCH_DEFAULT_BYTES;
    if (transfer_init(&x->transfer, f, r->timeout_ms)) {
        set_options(x, r);
        if (transfer_start(&x->transfer))
            return x;
    }
    fail_set(fail, FAIL_UNSUPPORTED, "libcurl cannot begin a request");
    transfer_free(&x->transfer);
    return NULL;
}

void fetch_cancel(struct fetch *x)
{
    transfer_free(&x->transfer);
}
