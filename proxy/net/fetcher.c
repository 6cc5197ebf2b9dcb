/* fetcher: libcurl's multi interface on a loop. libcurl owns its sockets, so their watches are
 * detached and never close them; it is entered only through curl_multi_socket_action, and results
 * are taken after that has returned, so a done callback may start the next transfer. */
#include "proxy/net/fetch_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

/* A socket of libcurl's. */
struct fetch_socket {
    struct watch watch;
    struct fetcher *fetcher;
};

/* ---- transfers ---- */

void transfer_free(struct transfer *t)
{
    const struct curl_table *curl = t->fetcher->curl;

    list_remove(&t->link);
    if (t->easy) {
        curl->curl_multi_remove_handle(t->fetcher->multi, t->easy);
        curl->curl_easy_cleanup(t->easy);
    }
    curl->curl_slist_free_all(t->lines);
    t->release(t);
    free(t);
}

bool transfer_init(struct transfer *t, struct fetcher *f, int64_t timeout_ms)
{
    __typeof__(curl_easy_setopt) *set = f->curl->curl_easy_setopt;

    t->fetcher = f;
    list_append(&f->running, &t->link);
    t->easy = f->curl->curl_easy_init();
    if (!t->easy)
        return false;
    set(t->easy, CURLOPT_PROXY, ""); /* whatever the environment says */
    set(t->easy, CURLOPT_NOSIGNAL, 1L);
    set(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set(t->easy, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : FETCH_DEFAULT_MS));
    set(t->easy, CURLOPT_ERRORBUFFER, t->why);
    set(t->easy, CURLOPT_PRIVATE, t);
    return true;
}

bool transfer_start(struct transfer *t)
{
    return t->fetcher->curl->curl_multi_add_handle(t->fetcher->multi, t->easy) == CURLM_OK;
}

void transfer_text(struct transfer *t, CURLoption option, str value)
{
    char *text = mem_dup(value); /* libcurl copies */

    t->fetcher->curl->curl_easy_setopt(t->easy, option, text);
    free(text);
}

void transfer_line(struct transfer *t, str line)
{
    char *text = mem_dup(line);

    t->lines = t->fetcher->curl->curl_slist_append(t->lines, text);
    free(text);
}

const char *transfer_why(const struct transfer *t, CURLcode code)
{
    return t->why[0] ? t->why : t->fetcher->curl->curl_easy_strerror(code);
}

static void take_results(struct fetcher *f)
{
    int left;
    CURLMsg *msg;

    while ((msg = f->curl->curl_multi_info_read(f->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result; /* the message dies with the handle */
        f->curl->curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
        t->ended(t, code);
        transfer_free(t);
    }
}

/* ---- sockets and time for libcurl ---- */

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

/* ---- birth and end ---- */

bool fetcher_ready(struct fetcher *f, struct fail *fail)
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
        transfer_free(list_entry(f->running.next, struct transfer, link));
    if (f->multi)
        f->curl->curl_multi_cleanup(f->multi);
    uv_close((uv_handle_t *)&f->timer, on_timer_closed);
}
