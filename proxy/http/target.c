/* See target.h. */
#include "proxy/http/target.h"

#include "base/addr.h"

/* What may stand in a target. The path's own rules are policy/path.h's; here only what makes two
 * readers disagree on where the target ends. */
static const char *target_bytes_check(str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c == '#')
            return "target.fragment";
        if (c <= ' ' || c == 0x7f)
            return "target.control";
        if (c >= 0x80)
            return "target.8bit";
    }
    return NULL;
}

static void path_split(str rest, struct target *out)
{
    size_t mark = str_find(rest, '?');
    out->path = str_upto(rest, mark);
    if (mark < rest.n)
        out->query = str_from(rest, mark + 1);
    if (out->path.n == 0)
        out->path = STR("/");
}

static const char *absolute_parse(str raw, struct target *out)
{
    str http = STR("http://"), https = STR("https://");
    if (str_eq_nocase(str_upto(raw, http.n), http)) {
        raw = str_from(raw, http.n);
    } else if (str_eq_nocase(str_upto(raw, https.n), https)) {
        raw = str_from(raw, https.n);
        out->is_https = true;
    } else {
        return "target.form"; /* authority form, another scheme, or nonsense */
    }
    size_t end = 0;
    while (end < raw.n && raw.p[end] != '/' && raw.p[end] != '?')
        end++;
    out->form = TARGET_ABSOLUTE;
    out->authority = str_upto(raw, end);
    if (end == 0)
        return "target.no-authority";
    if (str_find(out->authority, '@') < out->authority.n)
        return "target.userinfo";
    path_split(str_from(raw, end), out);
    return NULL;
}

const char *target_parse(str raw, enum http_method method, struct target *out)
{
    *out = (struct target){0};
    if (raw.n == 0)
        return "target.empty";
    const char *bad = target_bytes_check(raw);
    if (bad)
        return bad;
    if (str_eq(raw, STR("*"))) {
        if (method != METHOD_OPTIONS)
            return "target.asterisk";
        out->form = TARGET_ASTERISK;
        out->path = raw;
        return NULL;
    }
    if (raw.p[0] != '/')
        return absolute_parse(raw, out);
    out->form = TARGET_ORIGIN;
    path_split(raw, out);
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ":port" or nothing. An empty port is legal in the grammar and refused here: two readers of
 * "host:" need not agree. */
static const char *port_parse(str s, uint16_t *out)
{
    uint64_t port;
    if (s.n == 0)
        return NULL;
    if (s.p[0] != ':' || s.n > 6 || !str_to_u64(str_from(s, 1), 65535, &port) || port == 0)
        return "host.port";
    *out = (uint16_t)port;
    return NULL;
}

static const char *ip6_parse(str raw, struct arena *arena, struct host *out)
{
    struct addr addr;
    char text[ADDR_TEXT_BYTES];
    size_t close = str_find(raw, ']');
    str inner = str_upto(str_from(raw, 1), close - 1);
    if (close == raw.n || str_find(inner, ':') == inner.n || !addr_parse(inner, &addr))
        return "host.ip";
    size_t n = addr_text(&addr, text);
    out->is_ip = true;
    /* A mapped v4 address is folded to v4 by addr: it is written as such. */
    out->name = addr.family == 6 ? arena_printf(arena, "[%.*s]", (int)n, text)
                                 : arena_dup(arena, (str){text, n});
    return port_parse(str_from(raw, close + 1), &out->port);
}

/* Letters, digits and hyphens, hyphens inside only, 1 to 63 bytes (RFC 1123; A-labels are such). */
static const char *labels_check(str name, str *last_out)
{
    str rest = name;
    while (rest.p) {
        str label = str_cut(&rest, '.');
        if (label.n == 0 || label.n > HOST_LABEL_MAX)
            return "host.label";
        if (label.p[0] == '-' || label.p[label.n - 1] == '-')
            return "host.label";
        for (size_t i = 0; i < label.n; i++)
            if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
                return "host.byte";
        *last_out = label;
    }
    return NULL;
}

static bool is_numeric(str label)
{
    if (label.n > 1 && label.p[0] == '0' && (label.p[1] | 0x20) == 'x')
        return true;
    for (size_t i = 0; i < label.n; i++)
        if (!is_digit(label.p[i]))
            return false;
    return true;
}

const char *host_parse(str raw, struct arena *arena, struct host *out)
{
    struct addr addr;
    str last = {NULL, 0};
    bool has_upper = false;
    *out = (struct host){0};
    if (raw.n == 0)
        return "host.empty";
    if (raw.p[0] == '[')
        return ip6_parse(raw, arena, out);
    size_t colon = str_find(raw, ':');
    str name = str_upto(raw, colon);
    const char *bad = port_parse(str_from(raw, colon), &out->port);
    if (bad)
        return bad;
    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0)
        return "host.empty";
    if (name.n > HOST_MAX_BYTES)
        return "host.long";
    if ((bad = labels_check(name, &last)))
        return bad;
    /* "0x7f.1", "127.1" and "2130706433" are addresses to some resolvers and names to others. */
    if (is_numeric(last)) {
        if (!addr_parse(name, &addr) || addr.family != 4)
            return "host.ip";
        out->is_ip = true;
    }
    for (size_t i = 0; i < name.n; i++)
        has_upper |= name.p[i] >= 'A' && name.p[i] <= 'Z';
    out->name = has_upper ? arena_lower(arena, name) : name;
    return NULL;
}

bool host_same(const struct host *a, const struct host *b, bool https)
{
    uint16_t standard = https ? 443 : 80;
    return str_eq(a->name, b->name) &&
           (a->port ? a->port : standard) == (b->port ? b->port : standard);
}
