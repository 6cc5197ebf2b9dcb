/* address: see address.h. Nothing is resolved here: a listener is an address, and the name of an
 * upstream is resolved when it is dialled. Names under localhost are the exception (RFC 6761, 6.3):
 * glibc does not resolve them, so they are loopback by definition. */
#include "proxy/config/address.h"

#include <sys/un.h>

static bool unix_path_is_good(str path, const char **why)
{
    struct sockaddr_un un;
    *why = "must be unix: and an absolute path of at most 107 bytes";
    return path.n > 1 && path.p[0] == '/' && path.n < sizeof un.sun_path &&
           !memchr(path.p, 0, path.n);
}

static bool port_parse(str s, uint16_t *out)
{
    uint64_t port = 0;
    if (s.n > 5 || !str_to_u64(s, 65535, &port) || port == 0)
        return false;
    *out = (uint16_t)port;
    return true;
}

/* Cuts "host:port" or "[v6]:port"; the brackets are kept off. False when there is no port. */
static bool host_port_cut(str s, str *host, str *port, bool *is_bracketed)
{
    *is_bracketed = s.n && s.p[0] == '[';
    if (*is_bracketed) {
        size_t end = str_find(s, ']');
        if (end == s.n)
            return false;
        *host = (str){s.p + 1, end - 1};
        s = str_from(s, end + 1);
        if (s.n == 0 || s.p[0] != ':')
            return false;
        *port = str_from(s, 1);
        return true;
    }
    size_t colon = str_rfind(s, ':');
    if (colon == s.n)
        return false;
    *host = str_upto(s, colon);
    *port = str_from(s, colon + 1);
    return true;
}

/* IPv6 only in brackets: "::1:80" has two readings. */
static bool literal_parse(str host, bool is_bracketed, struct addr *out)
{
    bool has_colon = str_find(host, ':') < host.n;
    return has_colon == is_bracketed && addr_parse(host, out);
}

bool address_parse(struct arena *a, str text, struct listen_address *out, const char **why)
{
    str host, port;
    bool is_bracketed;
    *out = (struct listen_address){.text = arena_dup(a, text)};
    if (str_starts(text, STR("unix:"))) {
        out->path = arena_dup(a, str_from(text, 5));
        if (!unix_path_is_good(out->path, why))
            return false;
        out->kind = ADDRESS_UNIX;
        return true;
    }
    *why = "must be \":PORT\", \"IPv4:PORT\", \"[IPv6]:PORT\" or \"unix:/PATH\"";
    if (!host_port_cut(text, &host, &port, &is_bracketed))
        return false;
    if (!port_parse(port, &out->port)) {
        *why = "must end with a port from 1 to 65535";
        return false;
    }
    if ((host.n || is_bracketed) && !literal_parse(host, is_bracketed, &out->addr))
        return false;
    if (out->addr.family && addr_is_link_local(&out->addr)) {
        *why = "must not be link-local: such an address means nothing without its zone";
        return false;
    }
    out->kind = ADDRESS_TCP;
    return true;
}

bool address_is_local(const struct listen_address *l)
{
    return l->kind == ADDRESS_UNIX ||
           (l->kind == ADDRESS_TCP && l->addr.family && addr_is_loopback(&l->addr));
}

bool address_clash(const struct listen_address *x, const struct listen_address *y)
{
    if (x->kind != y->kind)
        return false;
    if (x->kind == ADDRESS_UNIX)
        return str_eq(x->path, y->path);
    return x->port == y->port &&
           (!x->addr.family || !y->addr.family || addr_eq(&x->addr, &y->addr));
}

static bool label_is_good(str label)
{
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        char c = str_lower_char(label.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool host_is_name(str s)
{
    bool has_letter = false;
    if (s.n == 0 || s.n > 253)
        return false;
    for (size_t i = 0; i < s.n; i++)
        has_letter |= str_lower_char(s.p[i]) >= 'a' && str_lower_char(s.p[i]) <= 'z';
    str rest = s;
    while (rest.p)
        if (!label_is_good(str_cut(&rest, '.')))
            return false;
    /* "10.0.4" is a typing error, and resolvers disagree about what it means */
    return has_letter;
}

static bool name_is_localhost(str name)
{
    return str_eq(name, STR("localhost")) || str_ends(name, STR(".localhost"));
}

struct scheme {
    str prefix;
    enum upstream_scheme scheme;
    uint16_t port; /* by default; 0: must be written */
};

static const struct scheme schemes[] = {
    {{"http://", 7}, UPSTREAM_HTTP, 80}, {{"https://", 8}, UPSTREAM_HTTPS, 443},
    {{"ssh://", 6}, UPSTREAM_OTHER, 22}, {{"rdp://", 6}, UPSTREAM_OTHER, 3389},
    {{"tcp://", 6}, UPSTREAM_OTHER, 0},
};

static const struct scheme *scheme_of(str text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_starts(text, schemes[i].prefix))
            return &schemes[i];
    return NULL;
}

static bool upstream_host(struct arena *a, str host, bool is_bracketed, struct upstream *out)
{
    out->host = arena_lower(a, host);
    if (literal_parse(out->host, is_bracketed, &out->addr)) {
        out->has_addr = true;
        return !addr_is_link_local(&out->addr);
    }
    if (is_bracketed || !host_is_name(out->host))
        return false;
    if (name_is_localhost(out->host))
        out->has_addr = addr_parse(STR("127.0.0.1"), &out->addr);
    return true;
}

static str host_field(struct arena *a, const struct upstream *u, uint16_t default_port)
{
    bool is_v6 = u->has_addr && str_find(u->host, ':') < u->host.n;
    const char *open = is_v6 ? "[" : "", *close = is_v6 ? "]" : "";
    if (u->port == default_port)
        return arena_printf(a, "%s%.*s%s", open, STR_ARG(u->host), close);
    return arena_printf(a, "%s%.*s%s:%u", open, STR_ARG(u->host), close, u->port);
}

bool upstream_parse(struct arena *a, str text, struct upstream *out, const char **why)
{
    str host, port = {NULL, 0};
    bool is_bracketed = false;
    *out = (struct upstream){.text = arena_dup(a, text)};
    if (str_starts(text, STR("unix:"))) {
        out->path = arena_dup(a, str_from(text, 5));
        out->host = out->host_field = STR("localhost");
        out->scheme = UPSTREAM_UNIX;
        return unix_path_is_good(out->path, why);
    }
    const struct scheme *scheme = scheme_of(text);
    *why = "must begin with http://, https://, unix:, ssh://, rdp:// or tcp://";
    if (!scheme)
        return false;
    str rest = str_from(text, scheme->prefix.n);
    *why = "must not have a user name, a query or a fragment";
    for (size_t i = 0; i < rest.n; i++)
        if (strchr("@?#", rest.p[i]))
            return false;
    *why = "must not have a path: an app's path goes upstream as it is";
    size_t slash = str_find(rest, '/');
    if (slash + 1 < rest.n)
        return false;
    rest = str_upto(rest, slash);
    *why = "must name a host, an IPv4 address or an [IPv6] address that is not link-local";
    if (!host_port_cut(rest, &host, &port, &is_bracketed)) {
        is_bracketed = rest.n > 1 && rest.p[0] == '[' && rest.p[rest.n - 1] == ']';
        host = is_bracketed ? (str){rest.p + 1, rest.n - 2} : rest;
    }
    if (!upstream_host(a, host, is_bracketed, out))
        return false;
    *why = "must have a port from 1 to 65535";
    out->port = scheme->port;
    if (port.p ? !port_parse(port, &out->port) : !scheme->port)
        return false;
    out->host_field = host_field(a, out, scheme->port);
    out->scheme = scheme->scheme;
    return true;
}
