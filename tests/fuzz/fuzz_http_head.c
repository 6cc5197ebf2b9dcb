/* Heads: any cut of the bytes gives the same verdict, an accepted head is what it was understood
 * to be, and the head written anew from it is accepted too, with the same framing. */
#include "fuzz.h"

#include "proxy/http/fields.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/page.h"
#include "proxy/http/websocket.h"

enum { OUT_MAX = 1 << 18 };

static enum h1_scan_result scan_in_steps(const char *bytes, size_t n, size_t step,
                                         struct h1_scan *scan)
{
    enum h1_scan_result r = H1_SCAN_MORE;
    for (size_t seen = 0; r == H1_SCAN_MORE && seen < n;) {
        seen = seen + step < n ? seen + step : n;
        r = h1_head_end(bytes, seen, scan);
    }
    return r;
}

static void check_fields(str head, const struct http_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct http_field *f = &fields[i];
        MUST(f->name.n > 0 && f->name.p >= head.p && f->name.p + f->name.n <= head.p + head.n);
        MUST(f->value.n == 0 || f->value.p + f->value.n <= head.p + head.n);
        MUST(str_find(f->value, '\r') == f->value.n && str_find(f->value, '\n') == f->value.n);
        MUST(memchr(f->name.p, ':', f->name.n) == NULL);
    }
}

static void check_host(str host)
{
    MUST(host.n > 0);
    for (size_t i = 0; i < host.n; i++)
        MUST(memchr("abcdefghijklmnopqrstuvwxyz0123456789.-:[]", host.p[i], 41) != NULL);
}

static void check_rewrite(const struct http_request_head *r, struct arena *a)
{
    struct http_request_head again;
    char *out = arena_text(a, OUT_MAX);
    struct request_out o = {.head = r,
                            .path = r->path_raw,
                            .query = r->query,
                            .host = r->host,
                            .forwarded_for = STR("192.0.2.1"),
                            .forwarded_proto = STR("https"),
                            .forwarded_host = r->host,
                            .request_id = STR("id"),
                            .framing = r->framing,
                            .content_length = r->content_length};
    struct h1_limits wide = {1 << 17, 1 << 17, 1 << 18, 1000};
    size_t n = request_head_write(&o, out, OUT_MAX);
    MUST(n > 0);
    struct h1_verdict v = h1_request_parse((str){out, n}, &wide, a, &again);
    MUST(v.status == 0);
    MUST(again.framing == r->framing && again.content_length == r->content_length);
    MUST(again.spoof_attempts == 0 && str_eq(again.host, r->host));
    MUST(again.method_id == r->method_id && str_eq(again.path_raw, r->path_raw));
    for (size_t i = 0; i < again.n_fields; i++)
        MUST(again.fields[i].drop != DROP_LOOKALIKE && again.fields[i].drop != DROP_OVERRIDE);
}

static void check_request(str bytes, const struct h1_scan *scan)
{
    struct arena a;
    struct http_request_head r;
    arena_init(&a, NULL, 0);
    str head = str_upto(bytes, scan->head_len);
    struct h1_verdict v = h1_request_parse(head, &h1_limits_default, &a, &r);
    if (v.status == 0) {
        check_fields(head, r.fields, r.n_fields);
        check_host(r.host);
        if (!r.is_asterisk)
            check_rewrite(&r, &a);
        page_wants_html(&r);
        ws_request_check(&r);
    }
    arena_finish(&a);
}

static void check_answer_rewrite(const struct http_response_head *r, struct arena *a)
{
    struct http_response_head again;
    char *out = arena_text(a, OUT_MAX);
    struct response_out o = {.head = r,
                             .framing = r->framing,
                             .keep_alive = r->keep_alive,
                             .content_length = r->content_length,
                             .client_minor = 1,
                             .has_content_length = r->has_content_length,
                             .is_tls = true,
                             .is_identified = true};
    struct h1_limits wide = {1 << 17, 1 << 17, 1 << 18, 1000};
    size_t n = response_head_write(&o, out, OUT_MAX);
    MUST(n > 0);
    struct h1_verdict v = h1_response_parse((str){out, n}, &wide, METHOD_GET, false, a, &again);
    MUST(v.status == 0 && again.status == r->status);
    MUST(again.cookies_refused == 0);
}

static void check_response(str bytes, const struct h1_scan *scan)
{
    struct arena a;
    struct http_response_head r;
    arena_init(&a, NULL, 0);
    str head = str_upto(bytes, scan->head_len);
    struct h1_verdict v = h1_response_parse(head, &h1_limits_default, METHOD_GET, false, &a, &r);
    if (v.status == 0) {
        check_fields(head, r.fields, r.n_fields);
        check_answer_rewrite(&r, &a);
    }
    arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *bytes = (const char *)data;
    for (int is_response = 0; n > 0 && is_response < 2; is_response++) {
        struct h1_scan whole = {.limits = &h1_limits_default, .is_response = is_response};
        struct h1_scan steps = whole;
        enum h1_scan_result r = scan_in_steps(bytes, n, n, &whole);
        MUST(scan_in_steps(bytes, n, 1 + data[n - 1] % 5, &steps) == r);
        MUST(r != H1_SCAN_BAD || strcmp(whole.verdict.id, steps.verdict.id) == 0);
        MUST(r != H1_SCAN_END || whole.head_len == steps.head_len);
        if (r == H1_SCAN_END && is_response)
            check_response((str){bytes, n}, &whole);
        else if (r == H1_SCAN_END)
            check_request((str){bytes, n}, &whole);
    }
    return 0;
}
