/* Heads, written anew from what was understood. See message.h. */
#include "proxy/http/fields.h"
#include "proxy/http/message.h"
#include "proxy/http/put.h"

static void put_framing(struct put *w, enum http_framing framing, uint64_t length)
{
    if (framing == FRAMING_CHUNKED) {
        put_text(w, "Transfer-Encoding: chunked\r\n");
    } else if (framing == FRAMING_LENGTH) {
        put_text(w, "Content-Length: ");
        put_u64(w, length);
        put_text(w, "\r\n");
    }
}

static str cookie_name(str pair)
{
    return str_trim(str_upto(pair, str_find(pair, '=')), " \t");
}

static bool is_kept(const struct request_out *r, str name)
{
    for (size_t i = 0; i < r->n_cookies_kept; i++)
        if (str_eq(r->cookies_kept[i], name))
            return true;
    return fields_cookie_is_dropped(name);
}

/* The Cookie field without our cookies; no field at all when nothing is left. */
static void put_cookie(struct put *w, const struct request_out *r, str name, str value)
{
    size_t start = w->n;
    bool is_first = true;
    put_str(w, name);
    put_text(w, ": ");
    while (value.p) {
        str pair = str_trim(str_cut(&value, ';'), " \t");
        if (pair.n == 0 || is_kept(r, cookie_name(pair)))
            continue;
        if (!is_first)
            put_text(w, "; ");
        put_str(w, pair);
        is_first = false;
    }
    put_text(w, "\r\n");
    if (is_first && !w->full)
        w->n = start;
}

static bool has_bad_target(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || s.p[i] == '#')
            return true;
    return false;
}

static void put_request_line(struct put *w, const struct request_out *r)
{
    if (r->path.n == 0 || has_bad_target(r->path) || has_bad_target(r->query))
        w->full = true;
    put_str(w, r->head->method);
    put_text(w, " ");
    put_str(w, r->path);
    if (r->query.p) {
        put_text(w, "?");
        put_str(w, r->query);
    }
    put_text(w, " HTTP/1.1\r\n");
    put_safe_line(w, STR("Host"), r->host);
}

static void put_request_fields(struct put *w, const struct request_out *r)
{
    for (size_t i = 0; i < r->head->n_fields; i++) {
        const struct http_field *f = &r->head->fields[i];
        if (f->drop != DROP_NOT || field_set_has(r->app_fields, f->hash, f->name))
            continue;
        if (f->id == FIELD_COOKIE)
            put_cookie(w, r, f->name, f->value);
        else if (f->id != FIELD_AUTHORIZATION || !r->drop_authorization)
            put_line(w, f->name, f->value);
    }
}

static void put_if(struct put *w, str name, str value)
{
    if (value.n)
        put_safe_line(w, name, value);
}

static void put_pairs(struct put *w, const struct http_pair *pairs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_safe_line(w, pairs[i].name, pairs[i].value);
}

size_t request_head_write(const struct request_out *r, char *buf, size_t cap)
{
    struct put w = {.buf = buf, .cap = cap};
    put_request_line(&w, r);
    put_request_fields(&w, r);
    /* Ours come after all removal, so that nothing a client sent stands in their place. */
    put_if(&w, STR("X-Forwarded-For"), r->forwarded_for);
    put_if(&w, STR("X-Forwarded-Proto"), r->forwarded_proto);
    put_if(&w, STR("X-Forwarded-Host"), r->forwarded_host);
    put_if(&w, STR("X-Request-Id"), r->request_id);
    put_pairs(&w, r->identity, r->n_identity);
    if (r->is_websocket)
        put_text(&w, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    put_framing(&w, r->framing, r->content_length);
    put_text(&w, "\r\n");
    return w.full ? 0 : w.n;
}

/* The next directive of a Cache-Control value; commas inside quotes do not end one. */
static str directive_cut(str *rest)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < rest->n && (is_quoted || rest->p[i] != ','); i++) {
        if (is_quoted && rest->p[i] == '\\')
            i++;
        else if (rest->p[i] == '"')
            is_quoted = !is_quoted;
    }
    i = i < rest->n ? i : rest->n;
    str directive = str_trim(str_upto(*rest, i), " \t");
    *rest = i < rest->n ? str_from(*rest, i + 1) : (str){NULL, 0};
    return directive;
}

/* An answer to an identified visit must not be kept for others by a cache in front of us: public
 * and s-maxage go, and private is said when the app said neither private nor no-store. */
static void put_cache_control(struct put *w, str name, str value, bool *is_private)
{
    size_t start = w->n;
    bool is_first = true;
    put_str(w, name);
    put_text(w, ": ");
    while (value.p) {
        str directive = directive_cut(&value);
        str word = str_trim(str_upto(directive, str_find(directive, '=')), " \t");
        if (word.n == 0 || str_eq_nocase(word, STR("public")) ||
            str_eq_nocase(word, STR("s-maxage")))
            continue;
        /* private="field" hides only that field (RFC 9111, 5.2.2.7). */
        *is_private |=
            str_eq_nocase(directive, STR("private")) || str_eq_nocase(word, STR("no-store"));
        if (!is_first)
            put_text(w, ", ");
        put_str(w, directive);
        is_first = false;
    }
    put_text(w, "\r\n");
    if (is_first && !w->full)
        w->n = start;
}

/* Fields that would tell a cache in front of us otherwise (RFC 9213). */
static bool is_targeted_cache_field(str name)
{
    str cdn = STR("cdn-cache-control");
    return (name.n >= cdn.n && fields_folded_eq(str_from(name, name.n - cdn.n), cdn)) ||
           fields_folded_eq(name, STR("surrogate-control"));
}

static void put_response_fields(struct put *w, const struct response_out *r)
{
    bool guards_cache = r->is_identified && !r->shared_cache;
    bool is_private = !guards_cache, has_date = false, has_hsts = false;
    for (size_t i = 0; i < r->head->n_fields; i++) {
        const struct http_field *f = &r->head->fields[i];
        if (f->drop != DROP_NOT)
            continue;
        has_date |= f->id == FIELD_DATE;
        has_hsts |= f->id == FIELD_STRICT_TRANSPORT_SECURITY;
        if (!guards_cache)
            put_line(w, f->name, f->value);
        else if (f->id == FIELD_CACHE_CONTROL)
            put_cache_control(w, f->name, f->value, &is_private);
        else if (f->id != FIELD_OTHER || !is_targeted_cache_field(f->name))
            put_line(w, f->name, f->value);
    }
    if (!is_private && r->head->status >= 200)
        put_text(w, "Cache-Control: private\r\n");
    if (!has_date)
        put_if(w, STR("Date"), r->date);
    if (r->is_tls && !has_hsts && r->head->status >= 200)
        put_text(w, "Strict-Transport-Security: max-age=31536000\r\n");
}

static void put_connection(struct put *w, const struct response_out *r)
{
    if (r->is_websocket)
        put_text(w, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    else if (r->head->status < 200)
        return;
    else if (!r->keep_alive || r->framing == FRAMING_UNTIL_CLOSE)
        put_text(w, "Connection: close\r\n");
    else if (r->client_minor == 0)
        put_text(w, "Connection: keep-alive\r\n");
}

size_t response_head_write(const struct response_out *r, char *buf, size_t cap)
{
    struct put w = {.buf = buf, .cap = cap};
    /* HTTP/1.0 cannot read chunks: the caller chooses until-close. */
    if (r->framing == FRAMING_CHUNKED && r->client_minor == 0)
        return 0;
    put_text(&w, "HTTP/1.1 ");
    put_u64(&w, r->head->status);
    put_text(&w, " ");
    put_str(&w, r->head->reason);
    put_text(&w, "\r\n");
    put_response_fields(&w, r);
    put_pairs(&w, r->extra, r->n_extra);
    put_connection(&w, r);
    bool says_length = r->framing == FRAMING_NONE && r->has_content_length;
    put_framing(&w, says_length ? FRAMING_LENGTH : r->framing, r->content_length);
    put_text(&w, "\r\n");
    return w.full ? 0 : w.n;
}
