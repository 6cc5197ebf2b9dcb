/* Trusted hops. See front.h. */
#include "proxy/http/front.h"

#include "proxy/http/fields.h"
#include "proxy/http/forwarded.h"

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

/* "1.2.3.4", "[::1]:80", "1.2.3.4:80": what proxies write. Nothing is cut away that was not
 * understood. */
static bool parse_hop(str s, struct addr *out)
{
    uint64_t port;
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

/* From the right: each trusted hop vouches for the address before it, the first one that is not
 * trusted is the client. Some proxies append to the field, others add a second one, so all fields
 * of the name are one list. */
struct walk {
    const struct config_listener *listener;
    struct addr hop;
    str rest;      /* the part of the list that no trusted hop vouches for */
    bool is_over;  /* the client was found, or what cannot be read */
    bool is_named; /* somebody is named at all */
};

static void walk_list(struct walk *w, str list)
{
    w->is_named = true;
    while (list.p && !w->is_over) { /* an empty element is none that we know */
        size_t comma = str_rfind(list, ',');
        str last = comma == list.n ? list : str_from(list, comma + 1);
        str before = list;
        list = comma == list.n ? (str){NULL, 0} : str_upto(list, comma);
        w->rest = list;
        if (!parse_hop(str_trim(last, " \t\""), &w->hop)) {
            w->hop = (struct addr){0};
            w->rest = before;
        }
        w->is_over = !is_trusted(w->listener, &w->hop);
    }
}

/* Elements of Forwarded can be told apart from the left alone, since a quoted string may hold
 * commas: what stands to the right of the last one that is not trusted vouches for it. A field that
 * is not well-formed may be cut anywhere by whoever wrote its left part: it names nobody. */
static void walk_forwarded(struct walk *w, str list)
{
    struct forwarded e;
    str rest = list;
    bool is_first = true;
    while (rest.p) {
        struct addr hop;
        size_t at = list.n - rest.n;
        str before = at ? str_upto(list, at - 1) : (str){NULL, 0};
        if (!forwarded_next(&rest, &e)) {
            w->hop = (struct addr){0};
            w->rest = list;
            w->is_over = w->is_named = true;
            return;
        }
        w->is_named |= e.client.p != NULL;
        bool is_read = parse_hop(e.client, &hop);
        if (!is_read)
            hop = (struct addr){0};
        bool is_trusted_hop = is_trusted(w->listener, &hop);
        if (is_first || !is_trusted_hop) {
            w->hop = hop;
            w->is_over = !is_trusted_hop;
            /* One that cannot be read is told with what is beyond it. */
            w->rest = is_read ? before : str_upto(list, list.n - rest.n - (rest.p != NULL));
        }
        is_first = false;
    }
}

static struct walk walk(const struct config_listener *l, const struct http_request_head *head,
                        enum field_id id, struct addr nearest)
{
    struct walk w = {.listener = l, .hop = nearest};
    for (size_t i = head->n_fields; i-- > 0;) {
        if (head->fields[i].id != id)
            continue;
        if (w.is_over && !w.rest.p)
            w.rest = head->fields[i].value;
        else if (!w.is_over && id == FIELD_FORWARDED)
            walk_forwarded(&w, head->fields[i].value);
        else if (!w.is_over)
            walk_list(&w, head->fields[i].value);
    }
    return w;
}

/* The value that the hop nearest to us wrote to. */
static str last_value(const struct http_request_head *head, enum field_id id)
{
    for (size_t i = head->n_fields; i-- > 0;)
        if (head->fields[i].id == id)
            return head->fields[i].value;
    return (str){NULL, 0};
}

static str last_word(str list)
{
    size_t comma = str_rfind(list, ',');
    return str_trim(comma == list.n ? list : str_from(list, comma + 1), " \t");
}

/* Two that do not say the same make it unknown, and that is not https. */
static bool says_https(const struct http_request_head *head, bool reads_x, bool reads_forwarded)
{
    str x = reads_x ? last_value(head, FIELD_X_FORWARDED_PROTO) : (str){NULL, 0};
    str list = reads_forwarded ? last_value(head, FIELD_FORWARDED) : (str){NULL, 0};
    struct forwarded e = {.proto = {NULL, 0}};
    while (list.p)
        if (!forwarded_next(&list, &e))
            return false;
    if (!x.p)
        return str_eq_nocase(e.proto, STR("https"));
    x = last_word(x);
    return str_eq_nocase(x, STR("https")) && (!e.proto.p || str_eq_nocase(e.proto, x));
}

/* The vendors' proxies write X-Forwarded-For, and pass on whatever Forwarded a client has sent. */
static bool reads(const struct config_listener *l, enum front_header header)
{
    bool is_vendors = l->front != FRONT_FORWARDED && l->front != FRONT_HEADER_JWT;
    enum front_header wanted = is_vendors ? FRONT_HEADER_X : l->front_header;
    return wanted == FRONT_HEADER_EITHER || wanted == header;
}

void front_view(const struct config_listener *l, const struct listener_peer *peer, bool is_tls,
                const struct http_request_head *head, struct front_view *out)
{
    str claimed = head->x_forwarded_for.p ? head->x_forwarded_for : head->forwarded;
    *out = (struct front_view){.client = peer->addr, .claimed = claimed, .is_https = is_tls};
    if (!is_http_proxy(l) || !front_vouches(l, peer))
        return;
    bool reads_x = reads(l, FRONT_HEADER_X), reads_forwarded = reads(l, FRONT_HEADER_FORWARDED);
    struct walk x = {.hop = peer->addr}, f = x;
    if (reads_x)
        x = walk(l, head, FIELD_X_FORWARDED_FOR, peer->addr);
    if (reads_forwarded)
        f = walk(l, head, FIELD_FORWARDED, peer->addr);
    out->is_https = is_tls || says_https(head, reads_x, reads_forwarded);
    if (x.is_named && f.is_named && !addr_eq(&x.hop, &f.hop)) {
        out->client = (struct addr){0}; /* one of them is the client's own word */
        return;
    }
    const struct walk *w = x.is_named || !head->forwarded.p || !reads_forwarded ? &x : &f;
    out->client = w->hop;
    out->claimed = w->rest;
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
