/* Requests: the line, the checks that llhttp lacks, the struct that all the house reads. */
#include "proxy/http/fields.h"
#include "proxy/http/h1_inner.h"

enum { METHOD_TEXT_MAX = 32 };

static bool is_token_char(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Decides on the first bytes whether this can be a request at all: a TLS hello on a plain port,
 * another protocol's greeting or noise is refused with its first byte. */
const char *h1_method_prefix(str start)
{
    for (size_t i = 0; i < start.n && i < METHOD_TEXT_MAX; i++) {
        char c = start.p[i];
        if (c == ' ')
            return i == 0 ? "line.method" : NULL;
        if (!is_token_char((unsigned char)c))
            return c == '\r' ? NULL : "line.method";
    }
    return start.n < METHOD_TEXT_MAX ? NULL : "method.unknown";
}

static const char *version_parse(str v, uint8_t *minor)
{
    bool formed = v.n == 8 && memcmp(v.p, "HTTP/", 5) == 0 && v.p[5] >= '0' && v.p[5] <= '9' &&
                  v.p[6] == '.' && v.p[7] >= '0' && v.p[7] <= '9';
    if (!formed)
        return "line.version-form";
    if (v.p[5] == '0')
        return "line.http09";
    if (v.p[5] != '1' || v.p[7] > '1')
        return "line.version";
    *minor = (uint8_t)(v.p[7] - '0');
    return NULL;
}

const char *h1_request_line_parse(str line, struct h1_request_line *out)
{
    *out = (struct h1_request_line){0};
    const char *bad = h1_method_prefix(line);
    if (bad)
        return bad;
    if (str_find(line, '\r') < line.n)
        return "head.bare-cr";
    size_t first = str_find(line, ' '), last = str_rfind(line, ' ');
    if (first == last) /* none or one */
        return "line.http09";
    out->method = str_upto(line, first);
    out->target = str_upto(str_from(line, first + 1), last - first - 1);
    if ((bad = version_parse(str_from(line, last + 1), &out->minor)))
        return bad;
    if (str_find(out->target, ' ') < out->target.n)
        return "line.space";
    if (str_eq(out->method, STR("CONNECT")))
        return "method.connect";
    out->method_id = http_method_find(out->method);
    if (out->method_id == METHOD_NONE)
        return "method.unknown";
    return target_parse(out->target, out->method_id, &out->parts);
}

struct quick {
    uint16_t at; /* offset of a str in http_request_head, 0: none */
    bool alone;  /* carries a decision: twice is refused */
};
#define QUICK(id, member, alone) [FIELD_##id] = {offsetof(struct http_request_head, member), alone}
static const struct quick quick[FIELD_COUNT] = {
    QUICK(AUTHORIZATION, authorization, true),
    QUICK(COOKIE, cookie, false),
    QUICK(ACCEPT, accept, false),
    QUICK(ACCEPT_LANGUAGE, accept_language, false),
    QUICK(USER_AGENT, user_agent, true),
    QUICK(ORIGIN, origin, true),
    QUICK(REFERER, referer, false),
    QUICK(CONTENT_TYPE, content_type, true),
    QUICK(SEC_FETCH_MODE, sec_fetch_mode, true),
    QUICK(SEC_FETCH_DEST, sec_fetch_dest, true),
    QUICK(SEC_FETCH_SITE, sec_fetch_site, true),
    QUICK(SEC_FETCH_USER, sec_fetch_user, true),
    QUICK(SEC_PURPOSE, sec_purpose, true),
    QUICK(X_FORWARDED_FOR, x_forwarded_for, false),
    QUICK(X_FORWARDED_PROTO, x_forwarded_proto, false),
    QUICK(X_FORWARDED_HOST, x_forwarded_host, false),
    QUICK(FORWARDED, forwarded, false),
    QUICK(X_REAL_IP, x_real_ip, false),
    QUICK(SEC_WEBSOCKET_KEY, sec_websocket_key, true),
    QUICK(SEC_WEBSOCKET_VERSION, sec_websocket_version, true),
    QUICK(SEC_WEBSOCKET_PROTOCOL, sec_websocket_protocol, false),
    QUICK(SEC_WEBSOCKET_EXTENSIONS, sec_websocket_extensions, false),
    QUICK(UPGRADE, upgrade, true),
    QUICK(X_POSTERN_TOKEN, x_postern_token, true),
    QUICK(ACCESS_CONTROL_REQUEST_METHOD, access_control_request_method, true),
    QUICK(ACCESS_CONTROL_REQUEST_HEADERS, access_control_request_headers, false),
};
#undef QUICK

static const char *quick_fill(struct http_request_head *out)
{
    for (size_t i = 0; i < out->n_fields; i++) {
        const struct http_field *f = &out->fields[i];
        out->spoof_attempts += f->drop == DROP_IDENTITY;
        const struct quick *q = &quick[f->id];
        if (!q->at)
            continue;
        str *slot = (str *)((char *)out + q->at);
        if (!slot->p)
            *slot = f->value;
        else if (q->alone)
            return "field.twice";
    }
    return NULL;
}

/* Some clients and HTTP/2 hops send several Cookie fields; they mean one (RFC 9113, 8.2.3). */
static void cookies_join(struct http_request_head *out, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < out->n_fields; i++)
        n += out->fields[i].id == FIELD_COOKIE ? out->fields[i].value.n + 2 : 0;
    char *text = arena_text(arena, n + 1), *at = text;
    for (size_t i = 0; i < out->n_fields; i++) {
        str v = out->fields[i].value;
        if (out->fields[i].id != FIELD_COOKIE || v.n == 0)
            continue;
        if (at != text) {
            *at++ = ';';
            *at++ = ' ';
        }
        memcpy(at, v.p, v.n);
        at += v.n;
    }
    out->cookie = (str){text, (size_t)(at - text)};
}

static const char *host_settle(struct http_request_head *out, const struct target *target,
                               const struct h1_facts *facts, struct arena *arena)
{
    struct host host, authority;
    if (facts->hosts == 0)
        return "host.missing";
    if (facts->hosts > 1)
        return "host.twice";
    const char *bad = host_parse(facts->host, arena, &host);
    if (bad)
        return bad;
    out->host_raw = facts->host;
    if (target->form == TARGET_ABSOLUTE) {
        if ((bad = host_parse(target->authority, arena, &authority)))
            return bad;
        if (!host_same(&host, &authority, target->is_https))
            return "host.differs";
        out->host_raw = target->authority;
    }
    out->host = host.name;
    out->port = host.port;
    return NULL;
}

static const char *connection_settle(struct http_request_head *out, const struct h1_facts *facts)
{
    out->keep_alive = !facts->says_close && (out->minor == 1 || facts->says_keep_alive);
    if (facts->upgrades > 0 && !str_eq_nocase(facts->upgrade, STR("websocket")))
        return "upgrade.other";
    /* HTTP/1.0 has no Upgrade: the field is ignored (RFC 9110, 7.8). */
    out->wants_upgrade_websocket = facts->upgrades == 1 && facts->says_upgrade && out->minor == 1;
    if (facts->expects == 0)
        return NULL;
    if (facts->expects > 1 || !str_eq_nocase(facts->expect, STR("100-continue")))
        return "expect.unknown";
    out->expects_continue =
        out->minor == 1 && (out->framing == FRAMING_CHUNKED || out->content_length > 0);
    return NULL;
}

static const char *request_parse(str head, const struct h1_limits *limits, struct arena *arena,
                                 struct http_request_head *out)
{
    struct h1_request_line line;
    struct h1_facts facts;
    str rest = head, start;
    const char *bad = h1_line_cut(&rest, &start);
    if (bad)
        return bad;
    if (start.n > limits->request_line_bytes)
        return "line.long";
    if ((bad = h1_request_line_parse(start, &line)))
        return bad;
    out->method = line.method;
    out->method_id = line.method_id;
    out->minor = line.minor;
    out->target = line.target;
    out->is_asterisk = line.parts.form == TARGET_ASTERISK;
    out->is_absolute = line.parts.form == TARGET_ABSOLUTE;
    out->path_raw = line.parts.path;
    out->query = line.parts.query;
    if ((bad = h1_fields_parse(rest, limits, false, arena, &out->fields, &out->n_fields)))
        return bad;
    h1_facts_collect(out->fields, out->n_fields, &facts);
    if ((bad = h1_framing(&facts, out->minor, &out->framing, &out->content_length)) ||
        (bad = host_settle(out, &line.parts, &facts, arena)) ||
        (bad = connection_settle(out, &facts)) || (bad = quick_fill(out)))
        return bad;
    if (facts.cookies > 1)
        cookies_join(out, arena);
    h1_drop_named(out->fields, out->n_fields, &facts);
    struct h1_reading ours = {.minor = out->minor,
                              .method = out->method,
                              .framing = out->framing,
                              .content_length = out->content_length};
    return h1_llhttp_agrees(head, &ours) ? NULL : "head.second-opinion";
}

struct h1_verdict h1_request_parse(str head, const struct h1_limits *limits, struct arena *arena,
                                   struct http_request_head *out)
{
    *out = (struct http_request_head){0};
    if (head.n >= 2 && memcmp(head.p, "\r\n", 2) == 0)
        head = str_from(head, 2);
    const char *bad = request_parse(head, limits, arena, out);
    if (!bad)
        return (struct h1_verdict){0};
    *out = (struct http_request_head){0};
    return h1_refuse(bad);
}
