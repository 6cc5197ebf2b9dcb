/* decode_fronts: who stands in front of a listener, and the issuer that a front's identities are
 * read by. No front is trusted by default: over TCP each names the networks that it comes from. */
#include "proxy/config/decode.h"

#include "base/schema.h"

/* One front while it is read. */
struct reading {
    struct decode *d;
    const struct doc_node *name, *map; /* `map` is an empty one for a front that is a word */
    struct config_listener *out;
};

struct front_row {
    const char *name;
    enum front front;
    void (*decode)(struct reading *r);
    const char *trusts; /* what its trusted networks are good for; NULL: it needs none */
    const char *hint;   /* for a word that must be a mapping; NULL: the word is enough */
};

/* ---- identities ---- */

/* All audiences of the front are the issuer's; by app, only that of the app counts (a team's key
 * signs for all of its applications, so the audience alone tells them apart). */
static void decode_audience(struct reading *r, struct issuer *issuer)
{
    const struct doc_node *node = doc_get(r->map, "audience");
    struct config_assertion *out = &r->out->assertion;
    if (node->kind != DOC_MAP) {
        issuer->audiences = decode_texts(r->d, node, &issuer->n_audiences);
        return;
    }
    struct assertion_audience *by_app =
        arena_array(r->d->arena, struct assertion_audience, node->n);
    str *all = arena_array(r->d->arena, str, node->n);
    for (size_t i = 0; i < node->n; i++) {
        all[i] = decode_text(r->d, node->items[i]);
        by_app[i] = (struct assertion_audience){decode_text(r->d, node->keys[i]), all[i]};
    }
    out->audiences = by_app;
    out->n_audiences = issuer->n_audiences = node->n;
    issuer->audiences = all;
}

static void add_issuer(struct reading *r, struct config_issuer *issuer, struct issuer *settings)
{
    const struct doc_node *name = doc_get(r->map, "name");
    issuer->name = settings->name = decode_text(r->d, name ? name : r->name);
    issuer->issuer = settings;
    issuer->ca_at = doc_get(r->map, "ca");
    issuer->ca = decode_file(r->d, issuer->ca_at);
    decode_add_issuer(r->d, name ? name : r->name, issuer);
    r->out->assertion.issuer = issuer->name;
}

static str keys_url(struct reading *r, str usual)
{
    const struct doc_node *node = doc_get(r->map, "keys_url");
    return node ? decode_text(r->d, node) : usual;
}

static void decode_cloudflare(struct reading *r)
{
    struct arena *a = r->d->arena;
    str team = arena_lower(a, doc_text(r->map, "team"));
    struct issuer *settings = arena_new(a, struct issuer);
    str host = arena_printf(a, "%.*s.cloudflareaccess.com", STR_ARG(team));
    if (str_find(team, '.') < team.n || !str_ends(host, STR(".cloudflareaccess.com")))
        doc_error(r->d->findings, doc_get(r->map, "team"), "bad-value", NULL,
                  "\"%.*s\" must be the team's name alone, without .cloudflareaccess.com",
                  STR_ARG(doc_text(r->map, "team")));
    settings->issuer = arena_printf(a, "https://%.*s", STR_ARG(host));
    settings->algs = ALG_BIT(ALG_RS256);
    settings->trusted_email = true;
    settings->service_claim = STR("common_name");
    decode_audience(r, settings);
    r->out->assertion.header = STR("cf-access-jwt-assertion");
    str usual = arena_printf(a, "https://%.*s/cdn-cgi/access/certs", STR_ARG(host));
    add_issuer(r, &(struct config_issuer){.keys = KEYS_URL, .url = keys_url(r, usual)}, settings);
}

static void decode_iap(struct reading *r)
{
    struct issuer *settings = arena_new(r->d->arena, struct issuer);
    settings->issuer = STR("https://cloud.google.com/iap");
    settings->algs = ALG_BIT(ALG_ES256);
    settings->trusted_email = true;
    decode_audience(r, settings);
    r->out->assertion.header = STR("x-goog-iap-jwt-assertion");
    str usual = STR("https://www.gstatic.com/iap/verify/public_key-jwk");
    add_issuer(r, &(struct config_issuer){.keys = KEYS_URL, .url = keys_url(r, usual)}, settings);
}

/* "arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID" */
static str arn_region(str arn)
{
    str rest = arn, part = {NULL, 0};
    for (int i = 0; i < 4 && rest.p; i++)
        part = str_cut(&rest, ':');
    return rest.p && str_starts(arn, STR("arn:")) ? part : (str){NULL, 0};
}

static void decode_alb(struct reading *r)
{
    const struct doc_node *signer = doc_get(r->map, "signer"), *region = doc_get(r->map, "region");
    struct arena *a = r->d->arena;
    struct issuer *settings = arena_new(a, struct issuer);
    str where = region ? region->text : arn_region(signer->text);
    if (!arn_region(signer->text).n)
        doc_error(r->d->findings, signer, "bad-value", NULL,
                  "\"%.*s\" must be the load balancer's ARN: "
                  "arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/app/NAME/ID",
                  STR_ARG(signer->text));
    r->out->assertion.signer = decode_text(r->d, signer);
    settings->audiences = decode_texts(r->d, doc_get(r->map, "client"), &settings->n_audiences);
    r->out->assertion.header = STR("x-amzn-oidc-data");
    settings->issuer = r->out->assertion.signer; /* its tokens name no audience, and no us */
    settings->algs = ALG_BIT(ALG_ES256);
    str usual = arena_printf(a, "https://public-keys.auth.elb.%.*s.amazonaws.com", STR_ARG(where));
    add_issuer(r, &(struct config_issuer){.keys = KEYS_BY_KID, .url = keys_url(r, usual)},
               settings);
}

static void decode_header_jwt(struct reading *r)
{
    struct config_assertion *out = &r->out->assertion;
    out->header = arena_lower(r->d->arena, doc_text(r->map, "header"));
    if (decode_find_issuer(r->d, doc_get(r->map, "issuer")) != SIZE_MAX)
        out->issuer = decode_text(r->d, doc_get(r->map, "issuer"));
}

/* The addresses that Tailscale gives out: CGNAT's, and its own ULA prefix. */
static void trust_tailnet(struct reading *r)
{
    struct cidr *nets = arena_array(r->d->arena, struct cidr, 2);
    cidr_parse(STR("100.64.0.0/10"), &nets[0]);
    cidr_parse(STR("fd7a:115c:a1e0::/48"), &nets[1]);
    r->out->trusted = nets;
    r->out->n_trusted = 2;
}

static void decode_whois(struct reading *r)
{
    r->out->whois_socket =
        decode_file_or(r->d, doc_get(r->map, "socket"), "/var/run/tailscale/tailscaled.sock");
    if (r->out->address.kind == ADDRESS_UNIX)
        doc_error(r->d->findings, r->name, "bad-value",
                  "behind tailscale serve write front: {tailscale: {serve: true}}",
                  "tailscale tells people by their address, which a unix socket does not have");
    if (!r->out->n_trusted)
        trust_tailnet(r);
}

/* Nobody signs these headers: who may write them is all that there is to believe. */
static void decode_serve(struct reading *r)
{
    const struct doc_node *at = doc_get(r->map, "serve");
    if (r->out->address.kind != ADDRESS_UNIX)
        doc_error(r->d->findings, at, "bad-value", NULL,
                  "serve needs a unix socket: over TCP anybody here could write its headers");
    else if (!r->out->has_peer_uid)
        doc_error(r->d->findings, at, "missing-key", "write peer_uid: root",
                  "serve needs peer_uid on the listener: the user that tailscaled runs as");
    r->out->assertion.header = STR("tailscale-user-login");
    r->out->assertion.is_served = true;
}

static void decode_tailscale(struct reading *r)
{
    struct issuer *settings = arena_new(r->d->arena, struct issuer);
    bool is_served = read_bool(doc_get(r->map, "serve"), false);
    if (is_served)
        decode_serve(r);
    else
        decode_whois(r);
    settings->issuer = STR("tailscale");
    settings->trusted_email = read_bool(doc_get(r->map, "trusted_email"), !is_served);
    add_issuer(r, &(struct config_issuer){.keys = KEYS_NONE}, settings);
}

static void decode_forwarded(struct reading *r)
{
    const struct doc_node *header = doc_get(r->map, "client_cert_header");
    if (header)
        r->out->client_cert_header = arena_lower(r->d->arena, header->text);
    if (doc_get(r->map, "header"))
        r->out->front_header = str_eq(doc_text(r->map, "header"), STR("forwarded"))
                                   ? FRONT_HEADER_FORWARDED
                                   : FRONT_HEADER_X;
    if (!r->out->client_ca.p) {
        r->out->client_ca_at = doc_get(r->map, "client_ca");
        r->out->client_ca = decode_file(r->d, r->out->client_ca_at);
        r->out->client_crl_at = doc_get(r->map, "client_crl");
        r->out->client_crl = decode_file(r->d, r->out->client_crl_at);
    }
    if (header && !r->out->client_ca.p)
        doc_warn(r->d->findings, header, "no-client-ca", "add client_ca beside it",
                 "without the CAs of devices no certificate in this header is good");
}

static void decode_nothing(struct reading *r)
{
}

/* ---- all of them ---- */

static const struct front_row rows[] = {
    {"forwarded", FRONT_FORWARDED, decode_forwarded, "whose X-Forwarded headers count",
     "write front: {forwarded: {trusted: [127.0.0.1/32]}}"},
    {"proxy-protocol", FRONT_PROXY_PROTOCOL, decode_nothing, "whose PROXY header counts",
     "write front: {proxy-protocol: {trusted: [10.0.0.0/8]}}"},
    {"cloudflare", FRONT_CLOUDFLARE, decode_cloudflare, "that cloudflared comes from",
     "write front: {cloudflare: {team: ..., audience: ...}}"},
    {"tailscale", FRONT_TAILSCALE, decode_tailscale, NULL, NULL},
    {"google-iap", FRONT_GOOGLE_IAP, decode_iap, "of the load balancer",
     "write front: {google-iap: {audience: ...}}"},
    {"aws-alb", FRONT_AWS_ALB, decode_alb, "of the load balancer",
     "write front: {aws-alb: {signer: ...}}"},
    {"header-jwt", FRONT_HEADER_JWT, decode_header_jwt, "whose header counts",
     "write front: {header-jwt: {issuer: ..., header: ...}}"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct front_row *find_row(str name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (str_eq(name, str_of(rows[i].name)))
            return &rows[i];
    return NULL;
}

static void decode_trusted(struct reading *r, const struct front_row *row)
{
    const struct doc_node *list = doc_get(r->map, "trusted");
    struct config_listener *out = r->out;
    size_t n = read_count(list);
    struct cidr *trusted = arena_array(r->d->arena, struct cidr, n);
    for (size_t i = 0; i < n; i++)
        cidr_parse(read_item(list, i)->text, &trusted[i]);
    out->trusted = trusted;
    out->n_trusted = n;
    if (!n && row->trusts && out->address.kind == ADDRESS_TCP)
        doc_error(r->d->findings, r->map, "missing-key", NULL,
                  "%s needs trusted on a TCP listener: the networks %s", row->name, row->trusts);
}

static void decode_row(struct reading *r, const struct front_row *row)
{
    r->out->front = row->front;
    decode_trusted(r, row);
    row->decode(r);
}

static void decode_word(struct decode *d, const struct doc_node *node, struct config_listener *out)
{
    struct doc_node *empty = arena_new(d->arena, struct doc_node);
    const struct front_row *row = find_row(node->text);
    str names[ROWS + 1] = {STR("direct")};
    empty->kind = DOC_MAP;
    for (size_t i = 0; i < ROWS; i++)
        names[i + 1] = str_of(rows[i].name);
    if (!row)
        doc_error(d->findings, node, "bad-value", decode_hint(d, node->text, names, ROWS + 1),
                  "there is no front \"%.*s\"", STR_ARG(node->text));
    else if (row->hint)
        doc_error(d->findings, node, "bad-value", row->hint, "%s must say whom it trusts",
                  row->name);
    else
        decode_row(&(struct reading){d, node, empty, out}, row);
}

void decode_front(struct decode *d, const struct doc_node *node, struct config_listener *out)
{
    if (!node || (node->kind == DOC_SCALAR && str_eq(node->text, STR("direct"))))
        out->front = FRONT_DIRECT;
    else if (node->kind == DOC_SCALAR)
        decode_word(d, node, out);
    else if (node->n != 1)
        doc_error(d->findings, node, "bad-value", NULL, "a listener has exactly one front");
    else
        decode_row(&(struct reading){d, node->keys[0], node->items[0], out},
                   find_row(node->keys[0]->text));
}
