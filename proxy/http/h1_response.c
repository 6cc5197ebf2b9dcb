/* Responses: on any doubt about framing the answer is dropped (502). See h1_head.h. */
#include "proxy/http/fields.h"
#include "proxy/http/h1_inner.h"

const char *h1_status_prefix(str start)
{
    str want = STR("HTTP/1.");
    size_t n = start.n < want.n ? start.n : want.n;
    return n == 0 || memcmp(start.p, want.p, n) == 0 ? NULL : "status.form";
}

const char *h1_status_line_parse(str line, struct h1_status_line *out)
{
    uint64_t status;
    *out = (struct h1_status_line){0};
    if (str_find(line, '\r') < line.n)
        return "head.bare-cr";
    if (line.n < 12 || h1_status_prefix(line) || line.p[7] < '0' || line.p[7] > '1' ||
        line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' '))
        return "status.form";
    if (!str_to_u64(str_upto(str_from(line, 9), 3), 599, &status) || status < 100)
        return "status.form";
    out->minor = (uint8_t)(line.p[7] - '0');
    out->status = (uint16_t)status;
    out->reason = str_from(line, 13);
    for (size_t i = 0; i < out->reason.n; i++)
        if (((unsigned char)out->reason.p[i] < 0x20 && out->reason.p[i] != '\t') ||
            out->reason.p[i] == 0x7f)
            return "status.form";
    return NULL;
}

struct quick {
    uint16_t id, at;
};
#define QUICK(id, member)                                                                          \
    {                                                                                              \
        FIELD_##id, offsetof(struct http_response_head, member)                                    \
    }
static const struct quick quick[] = {
    QUICK(CONTENT_TYPE, content_type),
    QUICK(CACHE_CONTROL, cache_control),
    QUICK(SET_COOKIE, set_cookie),
    QUICK(DATE, date),
    QUICK(LOCATION, location),
    QUICK(SEC_WEBSOCKET_ACCEPT, sec_websocket_accept),
    QUICK(SEC_WEBSOCKET_PROTOCOL, sec_websocket_protocol),
    QUICK(SEC_WEBSOCKET_EXTENSIONS, sec_websocket_extensions),
    QUICK(STRICT_TRANSPORT_SECURITY, strict_transport_security),
};
#undef QUICK

static void quick_fill(struct http_response_head *out)
{
    for (size_t i = 0; i < out->n_fields; i++)
        for (size_t q = 0; out->fields[i].id && q < sizeof quick / sizeof *quick; q++) {
            str *slot = (str *)((char *)out + quick[q].at);
            if (quick[q].id == out->fields[i].id && !slot->p)
                *slot = out->fields[i].value;
        }
}

/* An upstream cannot plant our session cookie: that would be session fixation. */
static void cookies_refuse(struct http_response_head *out)
{
    for (size_t i = 0; i < out->n_fields; i++) {
        struct http_field *f = &out->fields[i];
        if (f->id != FIELD_SET_COOKIE)
            continue;
        /* A cookie without a name comes back as its value: "=__Host-Http-postern=x" is ours too. */
        str pair = str_trim(str_upto(f->value, str_find(f->value, ';')), " \t=");
        str name = str_trim(str_upto(pair, str_find(pair, '=')), " \t");
        if (fields_is_our_cookie(name)) {
            f->drop = DROP_COOKIE;
            out->cookies_refused++;
        }
    }
}

static const char *upgrade_settle(struct http_response_head *out, const struct h1_facts *facts,
                                  bool asked_upgrade)
{
    if (!asked_upgrade)
        return "status.upgrade-unasked";
    if (facts->upgrades != 1 || !facts->says_upgrade || out->minor == 0 ||
        !str_eq_nocase(facts->upgrade, STR("websocket")))
        return "status.upgrade-other";
    out->is_upgrade = true;
    return NULL;
}

/* Which answers have no body whatever they say (RFC 9112, 6.3), and which must not say. */
static const char *body_settle(struct http_response_head *out, const struct h1_facts *facts,
                               enum http_method method)
{
    bool is_interim = out->status < 200, is_empty = is_interim || out->status == 204;
    out->has_content_length = facts->lengths == 1;
    if (is_empty && (facts->codings > 0 || out->content_length > 0))
        return "status.body";
    if (is_empty || out->status == 304 || method == METHOD_HEAD) {
        out->framing = FRAMING_NONE;
        out->has_content_length = out->has_content_length && !is_empty;
    } else if (out->framing == FRAMING_NONE) {
        out->framing = FRAMING_UNTIL_CLOSE;
        out->keep_alive = false;
    }
    return NULL;
}

static const char *response_parse(str head, const struct h1_limits *limits, enum http_method method,
                                  bool asked_upgrade, struct arena *arena,
                                  struct http_response_head *out)
{
    struct h1_status_line line;
    struct h1_facts facts;
    str rest = head, start;
    const char *bad = h1_line_cut(&rest, &start);
    if (bad || (bad = h1_status_line_parse(start, &line)))
        return bad;
    out->status = line.status;
    out->minor = line.minor;
    out->reason = line.reason;
    if ((bad = h1_fields_parse(rest, limits, true, arena, &out->fields, &out->n_fields)))
        return bad;
    h1_facts_collect(out->fields, out->n_fields, &facts);
    if ((bad = h1_framing(&facts, out->minor, &out->framing, &out->content_length)))
        return bad;
    struct h1_reading ours = {.is_response = true,
                              .minor = out->minor,
                              .status = out->status,
                              .framing = out->framing,
                              .content_length = out->content_length};
    if (!h1_llhttp_agrees(head, &ours))
        return "head.second-opinion";
    out->keep_alive = !facts.says_close && (out->minor == 1 || facts.says_keep_alive);
    if (out->status == 101 && (bad = upgrade_settle(out, &facts, asked_upgrade)))
        return bad;
    quick_fill(out);
    cookies_refuse(out);
    h1_drop_named(out->fields, out->n_fields, &facts);
    return body_settle(out, &facts, method);
}

struct h1_verdict h1_response_parse(str head, const struct h1_limits *limits,
                                    enum http_method method, bool asked_upgrade,
                                    struct arena *arena, struct http_response_head *out)
{
    *out = (struct http_response_head){0};
    const char *bad = response_parse(head, limits, method, asked_upgrade, arena, out);
    if (!bad)
        return (struct h1_verdict){0};
    *out = (struct http_response_head){0};
    return h1_refuse_answer(bad);
}
