/* Trusted hops. See front.h. */
#include "proxy/http/front.h"

#include "proxy/http/fields.h"

static bool is_trusted(const struct config_listener *l, const struct addr *a)
{
    for (size_t i = 0; i < l->n_trusted; i++)
        if (cidr_has(&l->trusted[i], a))
            return true;
    return false;
}

str front_name(enum front front)
{
    static const char *const names[] = {
        [FRONT_NONE] = "none",
        [FRONT_DIRECT] = "direct",
        [FRONT_FORWARDED] = "forwarded",
        [FRONT_PROXY_PROTOCOL] = "proxy-protocol",
        [FRONT_CLOUDFLARE] = "cloudflare",
        [FRONT_TAILSCALE] = "tailscale",
        [FRONT_GOOGLE_IAP] = "google-iap",
        [FRONT_AWS_ALB] = "aws-alb",
        [FRONT_HEADER_JWT] = "header-jwt",
    };
    return str_of(names[front]);
}

bool front_vouches(const struct config_listener *l, const struct listener_peer *peer)
{
    return l->address.kind == ADDRESS_UNIX || is_trusted(l, &peer->addr);
}

/* It tells the client's address and scheme in headers. */
static bool is_http_proxy(const struct config_listener *l)
{
    enum front front = l->front;
    return l->assertion.is_served || front == FRONT_FORWARDED || front == FRONT_CLOUDFLARE ||
           front == FRONT_GOOGLE_IAP || front == FRONT_AWS_ALB || front == FRONT_HEADER_JWT;
}

/* "1.2.3.4", "[::1]:80", "\"[::1]\"", "1.2.3.4:80": what proxies write. Nothing is cut away that
 * was not understood. */
static bool parse_hop(str s, struct addr *out)
{
    uint64_t port;
    s = str_trim(s, " \t\"");
    size_t end = s.n;
    if (s.n && s.p[0] == '[')
        end = str_find(s, ']') + 1;
    else if (str_find(s, ':') == str_rfind(s, ':'))
        end = str_find(s, ':');
    str tail = str_from(s, end);
    if (tail.n && (tail.p[0] != ':' || !str_to_u64(str_from(tail, 1), 65535, &port)))
        return false;
    return addr_parse(str_upto(s, end), out);
}

/* for= of one element of Forwarded (RFC 7239); absent when there is none. */
static str forwarded_part(str element, str name)
{
    while (element.p) {
        str pair = str_trim(str_cut(&element, ';'), " \t");
        size_t eq = str_find(pair, '=');
        if (str_eq_nocase(str_trim(str_upto(pair, eq), " \t"), name))
            return str_trim(str_from(pair, eq + 1), " \t\"");
    }
    return (str){NULL, 0};
}

/* From the right: each trusted hop vouches for the address before it, the first one that is not
 * trusted is the client. Some proxies append to the field, others add a second one, so all fields
 * of the name are one list. */
struct walk {
    const struct config_listener *listener;
    struct addr hop;
    str rest; /* the part of the list that no trusted hop vouches for */
    bool is_over;
};

static void walk_list(struct walk *w, str list, bool is_forwarded)
{
    while (list.p && !w->is_over) { /* an empty element is none that we know */
        size_t comma = str_rfind(list, ',');
        str last = comma == list.n ? list : str_from(list, comma + 1);
        str before = list;
        list = comma == list.n ? (str){NULL, 0} : str_upto(list, comma);
        if (is_forwarded)
            last = forwarded_part(last, STR("for"));
        w->rest = list;
        if (!parse_hop(last, &w->hop)) {
            w->hop = (struct addr){0};
            w->rest = before;
        }
        w->is_over = !is_trusted(w->listener, &w->hop);
    }
}

static struct walk walk(const struct config_listener *l, const struct http_request_head *head,
                        enum field_id id, struct addr nearest)
{
    struct walk w = {.listener = l, .hop = nearest};
    for (size_t i = head->n_fields; i-- > 0;) {
        if (head->fields[i].id != id)
            continue;
        if (!w.is_over)
            walk_list(&w, head->fields[i].value, id == FIELD_FORWARDED);
        else if (!w.rest.p)
            w.rest = head->fields[i].value;
    }
    return w;
}

/* The word of the hop nearest to us, which wrote last. */
static str last_word(const struct http_request_head *head, enum field_id id)
{
    for (size_t i = head->n_fields; i-- > 0;) {
        str list = head->fields[i].value;
        size_t comma = str_rfind(list, ',');
        if (head->fields[i].id == id)
            return comma == list.n ? list : str_from(list, comma + 1);
    }
    return (str){NULL, 0};
}

static bool says_https(const struct http_request_head *head)
{
    str word = head->x_forwarded_proto.p
                   ? last_word(head, FIELD_X_FORWARDED_PROTO)
                   : forwarded_part(last_word(head, FIELD_FORWARDED), STR("proto"));
    return str_eq_nocase(str_trim(word, " \t"), STR("https"));
}

void front_view(const struct config_listener *l, const struct listener_peer *peer, bool is_tls,
                const struct http_request_head *head, struct front_view *out)
{
    bool is_x = head->x_forwarded_for.p != NULL;
    *out = (struct front_view){.client = peer->addr, .is_https = is_tls};
    if (!is_http_proxy(l) || !front_vouches(l, peer)) {
        out->claimed = is_x ? head->x_forwarded_for : head->forwarded;
        return;
    }
    struct walk w = walk(l, head, is_x ? FIELD_X_FORWARDED_FOR : FIELD_FORWARDED, peer->addr);
    out->client = w.hop;
    out->claimed = w.rest;
    out->is_https = is_tls || says_https(head);
}

/* ---- identity -------------------------------------------------------------------------------- */

/* What else this front writes about the person: no proof, and no spoof attempt when it comes from
 * there. */
static bool is_vendors_own(enum front front, str name)
{
    static const struct {
        enum front front;
        const char *prefix;
    } families[] = {
        {FRONT_CLOUDFLARE, "cf-access-"},
        {FRONT_GOOGLE_IAP, "x-goog-iap-"},
        {FRONT_GOOGLE_IAP, "x-goog-authenticated-user-"},
        {FRONT_AWS_ALB, "x-amzn-oidc-"},
        {FRONT_TAILSCALE, "tailscale-"},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        str prefix = str_of(families[i].prefix);
        if (families[i].front == front && str_eq_nocase(str_upto(name, prefix.n), prefix))
            return true;
    }
    return false;
}

/* The parser has counted those that it knows. */
static void call_spoofed(struct http_request_head *head, struct http_field *f)
{
    head->spoof_attempts += f->drop != DROP_IDENTITY;
    f->drop = DROP_IDENTITY;
}

static void call_good(struct http_request_head *head, struct http_field *f)
{
    head->spoof_attempts -= f->drop == DROP_IDENTITY;
    f->drop = DROP_REWRITTEN;
}

/* True when it is the header itself; whatever it is, it is marked. */
static bool mark(const struct config_listener *l, bool is_believed, struct http_request_head *head,
                 struct http_field *f)
{
    bool is_it = str_eq_nocase(f->name, l->assertion.header);
    if (is_it && is_believed)
        call_good(head, f);
    else if (fields_folded_eq(f->name, l->assertion.header))
        call_spoofed(head, f);
    else if (is_believed && f->drop == DROP_IDENTITY && is_vendors_own(l->front, f->name))
        call_good(head, f);
    return is_it && is_believed;
}

bool front_assertion(const struct config_listener *l, const struct listener_peer *peer,
                     struct http_request_head *head, str *out)
{
    bool is_believed = front_vouches(l, peer);
    unsigned n = 0;
    *out = (str){NULL, 0};
    for (size_t i = 0; l->assertion.header.p && i < head->n_fields; i++) {
        if (!mark(l, is_believed, head, &head->fields[i]))
            continue;
        *out = head->fields[i].value;
        if (++n > 1)
            call_spoofed(head, &head->fields[i]);
    }
    if (n > 1)
        *out = (str){NULL, 0};
    return n <= 1;
}

/* Of two nobody can say which one serve wrote. */
static str only(const struct http_request_head *head, str name)
{
    str found = {NULL, 0};
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!str_eq_nocase(head->fields[i].name, name))
            continue;
        if (found.p)
            return (str){NULL, 0};
        found = head->fields[i].value;
    }
    return found;
}

void front_served(const struct config_listener *l, const struct http_request_head *head, str *name,
                  str *picture)
{
    bool is_served = l->assertion.is_served && head->assertion.p;
    *name = is_served ? only(head, STR("tailscale-user-name")) : (str){NULL, 0};
    *picture = is_served ? only(head, STR("tailscale-user-profile-pic")) : (str){NULL, 0};
}
