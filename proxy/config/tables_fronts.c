/* tables_fronts: `front:` of a listener. What each needs beyond its table depends on the address
 * that is listened on (decode_fronts.c). */
#include "proxy/config/tables_impl.h"

#define TRUSTED(what)                                                                              \
    {                                                                                              \
        "trusted", &config_cidrs_type, false, NULL, what                                           \
    }
#define NAMED(usual)                                                                               \
    {                                                                                              \
        "name", &config_slug_type, false, usual, "What rules call the issuer of its identities."   \
    }
#define MAP(id, what)                                                                              \
    static const struct schema_type id##_type = {                                                  \
        .kind = SCHEMA_MAP, .name = what, .fields = id##_fields, .may_be_empty = true}

CHOICE(forwarded_header, "a header that tells the client", "x-forwarded-for", "forwarded");
static const struct schema_field forwarded_fields[] = {
    TRUSTED("Networks of the proxies in front whose X-Forwarded-For and -Proto count. On a unix "
            "socket whoever may connect is trusted."),
    {"header", &forwarded_header_type, false, "either",
     "The one that they write: `x-forwarded-for` (with X-Forwarded-Proto) or `forwarded` (RFC "
     "7239); the other is not read. Without this key both are, and where both are there and differ "
     "the address, or the scheme, is unknown."},
    {"client_cert_header", &config_header_type, false, NULL,
     "Header in which they pass on the client's certificate that they asked for (PEM, "
     "percent-encoded)."},
    {"client_ca", &config_file_type, false, NULL,
     "PEM file with the CAs of devices, for that header; on a listener with tls the one there "
     "counts."},
    {"client_crl", &config_file_type, false, NULL,
     "PEM file with the revocation lists of those CAs."},
    {0}};
MAP(forwarded, "forwarded");

static const struct schema_field proxy_protocol_fields[] = {
    TRUSTED("Networks of the balancers in front; connections from elsewhere are closed."), {0}};
MAP(proxy_protocol, "proxy-protocol");

/* An application of the vendor's is an audience: one team key signs for all of them. */
static const struct schema_type audience_by_app_type = {.kind = SCHEMA_DICT,
                                                        .name = "an audience for each app",
                                                        .key = &config_slug_type,
                                                        .item = &schema_text};
static const struct schema_type audience_word_type = {
    .kind = SCHEMA_SCALAR, .name = "an audience", .doc = "One for all apps of this listener."};
static const struct schema_type *const audience_alternatives[] = {
    &audience_word_type, &config_texts_type, &audience_by_app_type, NULL};
static const struct schema_type audience_type = {
    .kind = SCHEMA_EITHER, .name = "an audience", .alternatives = audience_alternatives};

static const struct schema_field cloudflare_fields[] = {
    {"team", &config_slug_type, true, NULL, "TEAM of TEAM.cloudflareaccess.com."},
    {"audience", &audience_type, true, NULL,
     "The application's AUD tag; a list, or a mapping of our apps to theirs."},
    {"keys_url", &config_url_type, false, "of the team", "Where the team's keys are."},
    {"ca", &config_file_type, false, "the system's",
     "PEM file that is trusted when keys are fetched."},
    TRUSTED("Networks that cloudflared, or Cloudflare, comes from."),
    NAMED("cloudflare"),
    {0}};
MAP(cloudflare, "cloudflare");

static const struct schema_field tailscale_fields[] = {
    {"socket", &config_file_type, false, "/var/run/tailscale/tailscaled.sock",
     "The local daemon's socket."},
    {"serve", &schema_bool, false, "false",
     "Believe the headers of `tailscale serve` instead (Tailscale-User-Login, -Name, "
     "-Profile-Pic); "
     "on a unix socket with `peer_uid` only."},
    {"trusted_email", &schema_bool, false, "true; false with serve",
     "A login name that is a mail address counts as one that was verified."},
    TRUSTED("Networks whose connections the daemon is asked about; those of Tailscale by "
            "default."),
    NAMED("tailscale"),
    {0}};
MAP(tailscale, "tailscale");

static const struct schema_field iap_fields[] = {
    {"audience", &audience_type, true, NULL,
     "`/projects/NUMBER/global/backendServices/ID`; a list, or a mapping of our apps to theirs."},
    {"keys_url", &config_url_type, false, "Google's", "Where the keys are."},
    {"ca", &config_file_type, false, "the system's",
     "PEM file that is trusted when keys are fetched."},
    TRUSTED("Networks of the load balancer."),
    NAMED("google-iap"),
    {0}};
MAP(iap, "google-iap");

static const struct schema_field alb_fields[] = {
    {"signer", &schema_text, true, NULL, "The load balancer's ARN."},
    {"client", &schema_text, false, NULL,
     "Client id of its rule at the identity provider; compared when given."},
    {"region", &config_slug_type, false, "that of the ARN", "Where its keys are published."},
    {"keys_url", &config_url_type, false, "AWS's", "Where the keys are: a PEM file for each kid."},
    {"ca", &config_file_type, false, "the system's",
     "PEM file that is trusted when keys are fetched."},
    TRUSTED("Networks of the load balancer."),
    NAMED("aws-alb"),
    {0}};
MAP(alb, "aws-alb");

static const struct schema_field header_jwt_fields[] = {
    {"issuer", &schema_text, true, NULL, "Name of one of `issuers`."},
    {"header", &config_header_type, true, NULL, "Header that holds the signed token."},
    TRUSTED("Networks of whoever sets the header."),
    {0}};
MAP(header_jwt, "header-jwt");
#undef MAP
#undef NAMED
#undef TRUSTED

static const struct schema_field front_fields[] = {
    {"forwarded", &forwarded_type, false, NULL, "A plain proxy in front: address and scheme only."},
    {"proxy-protocol", &proxy_protocol_type, false, NULL,
     "A balancer that begins each connection with a PROXY header, version 1 or 2; required."},
    {"cloudflare", &cloudflare_type, false, NULL, "Cloudflare Access: Cf-Access-Jwt-Assertion."},
    {"tailscale", &tailscale_type, false, NULL,
     "Connections of a tailnet: the local daemon says whose."},
    {"google-iap", &iap_type, false, NULL,
     "Google's Identity-Aware Proxy: X-Goog-IAP-JWT-Assertion."},
    {"aws-alb", &alb_type, false, NULL, "An AWS Application Load Balancer: X-Amzn-Oidc-Data."},
    {"header-jwt", &header_jwt_type, false, NULL, "Any header with a token of a known issuer."},
    {0}};
static const struct schema_type front_map_type = {
    .kind = SCHEMA_MAP, .name = "a front", .fields = front_fields};
static const struct schema_type front_word_type = {
    .kind = SCHEMA_SCALAR,
    .name = "a front",
    .doc = "`direct`: browsers come straight here. `tailscale`: with all its defaults."};
static const struct schema_type *const front_alternatives[] = {&front_word_type, &front_map_type,
                                                               NULL};
const struct schema_type config_front_type = {
    .kind = SCHEMA_EITHER, .name = "a front", .alternatives = front_alternatives};
