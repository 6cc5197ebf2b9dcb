/* tables: see tables.h. What a later version will bring is listed here as well, so that a file
 * written from the documentation is refused in a sentence (settings.c) and not as a typing error.
 */
#include "proxy/config/tables.h"

#include "proxy/config/address.h"
#include "proxy/config/limits.h"

#define LATER "Not available in this version; refused."

/* ---- scalars ---- */

static bool check_file(const struct doc_node *node, const char **why)
{
    *why = "must be a file name without a NUL";
    return node->text.n > 0 && node->text.n < 4096 && !memchr(node->text.p, 0, node->text.n);
}

static bool check_host(const struct doc_node *node, const char **why)
{
    *why = "must be a host name in ASCII (an A-label for others)";
    return host_is_name(node->text);
}

static bool check_cidr(const struct doc_node *node, const char **why)
{
    struct cidr net;
    enum cidr_verdict v = cidr_parse(node->text, &net);
    *why = v == CIDR_HOST_BITS ? "must not have bits set past its length"
                               : "must be an address or a network such as 10.0.0.0/8";
    return v == CIDR_OK;
}

/* Names end up in rules, records and metrics: keep them plain. */
static bool check_slug(const struct doc_node *node, const char **why)
{
    str s = node->text;
    *why = "must be of letters, digits, \"-\", \"_\" and \".\", at most 63";
    if (s.n == 0 || s.n > 63)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("-_.", c))
            return false;
    }
    return true;
}

static bool check_url(const struct doc_node *node, const char **why)
{
    *why = "must be an https:// URL (http:// on loopback), without a user name or a fragment";
    return fetch_url_allowed(node->text);
}

static const struct schema_type file_type = {
    .kind = SCHEMA_SCALAR, .name = "a file name", .check = check_file};
static const struct schema_type host_type = {
    .kind = SCHEMA_SCALAR, .name = "a host name", .check = check_host};
static const struct schema_type cidr_type = {
    .kind = SCHEMA_SCALAR, .name = "a network", .check = check_cidr};
static const struct schema_type slug_type = {
    .kind = SCHEMA_SCALAR, .name = "a name", .check = check_slug};
static const struct schema_type url_type = {
    .kind = SCHEMA_SCALAR, .name = "a URL", .check = check_url};
/* parsed with the rest of its listener, where the reason can be told */
static const struct schema_type address_type = {.kind = SCHEMA_SCALAR, .name = "an address"};
static const struct schema_type any_type = {.kind = SCHEMA_ANY, .name = "anything"};
static const struct schema_type texts_type = {
    .kind = SCHEMA_LIST, .name = "a list of texts", .item = &schema_text};
static const struct schema_type some_texts_type = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a text or a list of texts", .item = &schema_text};

#define CHOICE(id, what, ...)                                                                      \
    static const char *const id##_choices[] = {__VA_ARGS__, NULL};                                 \
    static const struct schema_type id##_type = {                                                  \
        .kind = SCHEMA_SCALAR, .name = what, .choices = id##_choices}
CHOICE(version, "a version", "1");
CHOICE(tls_min, "a TLS version", "1.2", "1.3");
CHOICE(redirect, "a redirect", "https");
CHOICE(sync, "a way to sync", "batch", "always");
CHOICE(on_error, "a way to go on", "refuse", "continue");
CHOICE(query, "a way to record queries", "drop", "hash");
CHOICE(alg, "an algorithm", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
       "ES512", "EdDSA");
CHOICE(level, "a level", "debug", "info", "warn", "error");
CHOICE(format, "a format", "text", "json");
#undef CHOICE

/* ---- listeners ---- */

static const struct schema_field certificate_fields[] = {
    {"cert", &file_type, true, NULL, "PEM file with the certificate, leaf first, then its chain."},
    {"key", &file_type, true, NULL, "PEM file with its key; not readable by everybody."},
    {0}};
static const struct schema_type certificate_type = {
    .kind = SCHEMA_MAP, .name = "a certificate", .fields = certificate_fields};
static const struct schema_type certificates_type = {
    .kind = SCHEMA_LIST, .name = "a list of certificates", .item = &certificate_type};

static const struct schema_field tls_fields[] = {
    {"certificates", &certificates_type, true, NULL,
     "Chosen by SNI; the first one answers when no name fits."},
    {"client_ca", &file_type, false, NULL, LATER},
    {"min", &tls_min_type, false, "\"1.2\"", "Least version of TLS: 1.2 or 1.3."},
    {0}};
static const struct schema_type tls_type = {
    .kind = SCHEMA_MAP, .name = "tls", .fields = tls_fields};

static const struct schema_type cidrs_type = {
    .kind = SCHEMA_LIST, .name = "a list of networks", .item = &cidr_type};
static const struct schema_field forwarded_fields[] = {
    {"trusted", &cidrs_type, false, NULL,
     "Networks of the proxies in front whose X-Forwarded-For and -Proto count. On a unix socket "
     "whoever may connect is trusted."},
    {0}};
static const struct schema_type forwarded_type = {
    .kind = SCHEMA_MAP, .name = "forwarded", .fields = forwarded_fields, .may_be_empty = true};
static const struct schema_field front_fields[] = {
    {"forwarded", &forwarded_type, false, NULL, "A plain proxy in front: address and scheme only."},
    {"proxy-protocol", &any_type, false, NULL, LATER},
    {"cloudflare", &any_type, false, NULL, LATER},
    {"tailscale", &any_type, false, NULL, LATER},
    {"google-iap", &any_type, false, NULL, LATER},
    {"aws-alb", &any_type, false, NULL, LATER},
    {"header-jwt", &any_type, false, NULL, LATER},
    {0}};
static const struct schema_type front_map_type = {
    .kind = SCHEMA_MAP, .name = "a front", .fields = front_fields};
static const struct schema_type front_word_type = {
    .kind = SCHEMA_SCALAR, .name = "a front", .doc = "`direct`: browsers come straight here."};
static const struct schema_type *const front_alternatives[] = {&front_word_type, &front_map_type,
                                                               NULL};
static const struct schema_type front_type = {
    .kind = SCHEMA_EITHER, .name = "a front", .alternatives = front_alternatives};

static const struct schema_field listener_fields[] = {
    {"address", &address_type, true, NULL,
     "`:443` (every address, dual-stack), `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`."},
    {"tls", &tls_type, false, NULL, "Without it the listener is plain."},
    {"plain", &schema_bool, false, "false",
     "Allows a plain listener that is neither on loopback nor a unix socket."},
    {"front", &front_type, false, "direct", "Who stands in front of this listener."},
    {"peer_uid", &schema_text, false, NULL,
     "On a unix socket: the only user, by name or number, that may connect."},
    {"redirect", &redirect_type, false, NULL,
     "`https`: sends everybody to https, port 443, and serves nothing else (but `acme_dir`)."},
    {"acme_dir", &file_type, false, NULL,
     "Directory whose `.well-known/acme-challenge/` a redirecting listener serves."},
    {0}};
static const struct schema_type listener_type = {
    .kind = SCHEMA_MAP, .name = "a listener", .fields = listener_fields};
static const struct schema_type listeners_type = {
    .kind = SCHEMA_LIST, .name = "a list of listeners", .item = &listener_type};

/* ---- issuers and services ---- */

static const struct schema_field claims_fields[] = {
    {"groups", &schema_text, false, "groups", "The claim that holds the groups."},
    {"email", &schema_text, false, "email", "The claim that holds the mail address."},
    {0}};
static const struct schema_type claims_type = {
    .kind = SCHEMA_MAP, .name = "claims", .fields = claims_fields};
static const struct schema_field mfa_fields[] = {
    {"amr", &texts_type, false, NULL, "Any of these methods means more than one factor."},
    {"acr", &texts_type, false, NULL, "Any of these classes means more than one factor."},
    {0}};
static const struct schema_type mfa_type = {
    .kind = SCHEMA_MAP, .name = "mfa", .fields = mfa_fields};
static const struct schema_type algs_type = {
    .kind = SCHEMA_LIST, .name = "a list of algorithms", .item = &alg_type};
static const struct schema_type exponents_type = {
    .kind = SCHEMA_LIST, .name = "a list of numbers", .item = &schema_uint};
static const struct schema_field issuer_fields[] = {
    {"issuer", &schema_text, true, NULL, "The claim `iss`, byte for byte."},
    {"audience", &some_texts_type, true, NULL, "One of these must be in the claim `aud`."},
    {"authorized_parties", &texts_type, false, "the audiences",
     "Who may be `azp` when `aud` names several."},
    {"jwks_url", &url_type, false, "by discovery",
     "Where the issuer's keys are; without it, and without jwks_file, the issuer's "
     "`.well-known/openid-configuration` is asked."},
    {"jwks_file", &file_type, false, NULL, "The issuer's keys as a file, watched like policies."},
    {"ca", &file_type, false, "the system's", "PEM file that is trusted when keys are fetched."},
    {"algs", &algs_type, false, "[RS256, ES256]",
     "Algorithms that this issuer may sign with: RS, PS or ES with 256, 384 or 512, and EdDSA."},
    {"rsa_exponents", &exponents_type, false, "[65537]",
     "Further public exponents of its RSA keys; odd, at least 3."},
    {"access_tokens", &schema_bool, false, "false",
     "Bearer tokens must say `typ: at+jwt` (RFC 9068)."},
    {"trusted_email", &schema_bool, false, "false",
     "Its mail addresses count without the claim `email_verified`."},
    {"claims", &claims_type, false, NULL, "Which claims hold what."},
    {"claims_from", &schema_text, false, "id_token",
     "`id_token`. `userinfo` is not available in this version."},
    {"absent_means_none", &texts_type, false, NULL,
     "Claims that this issuer always sends when there is something to send."},
    {"mfa", &mfa_type, false, NULL, "How it says that more than one factor was used."},
    {"client_id", &any_type, false, NULL, LATER},
    {"client_secret_file", &any_type, false, NULL, LATER},
    {0}};
static const struct schema_type issuer_map_type = {
    .kind = SCHEMA_MAP, .name = "an issuer", .fields = issuer_fields};
static const struct schema_type issuer_word_type = {
    .kind = SCHEMA_SCALAR,
    .name = "an issuer",
    .doc = "`builtin` is not available in this version."};
static const struct schema_type *const issuer_alternatives[] = {&issuer_word_type, &issuer_map_type,
                                                                NULL};
static const struct schema_type issuer_type = {
    .kind = SCHEMA_EITHER, .name = "an issuer", .alternatives = issuer_alternatives};
static const struct schema_type issuers_type = {
    .kind = SCHEMA_DICT, .name = "issuers", .key = &slug_type, .item = &issuer_type};

static const struct schema_type match_type = {
    .kind = SCHEMA_DICT, .name = "claims to match", .key = &schema_text, .item = &schema_text};
static const struct schema_field service_fields[] = {
    {"issuer", &schema_text, true, NULL, "Name of one of `issuers`."},
    {"match", &match_type, true, NULL,
     "Claims that all must match; a value that ends in `*` matches by its beginning."},
    {0}};
static const struct schema_type service_type = {
    .kind = SCHEMA_MAP, .name = "a service", .fields = service_fields};
static const struct schema_type services_type = {
    .kind = SCHEMA_DICT, .name = "services", .key = &slug_type, .item = &service_type};

/* ---- the rest ---- */

static const struct schema_field host_fields[] = {
    {"host", &host_type, true, NULL, "Host name; no app may have it."}, {0}};
static const struct schema_type portal_type = {
    .kind = SCHEMA_MAP, .name = "portal", .fields = host_fields};

static const struct schema_field admin_fields[] = {
    {"address", &address_type, true, NULL, "As of a listener; loopback or a unix socket."},
    {"plain", &schema_bool, false, "false",
     "Allows another address: whoever reaches it reads health and metrics."},
    {0}};
static const struct schema_type admin_type = {
    .kind = SCHEMA_MAP, .name = "admin", .fields = admin_fields};

static const struct schema_type source_type = {
    .kind = SCHEMA_DICT, .name = "a device source", .key = &slug_type, .item = &any_type};
static const struct schema_type sources_type = {
    .kind = SCHEMA_DICT, .name = "device sources", .key = &slug_type, .item = &source_type};
static const struct schema_field channel_fields[] = {
    {"webhook", &url_type, true, NULL, "URL that is told."}, {0}};
static const struct schema_type channel_type = {
    .kind = SCHEMA_MAP, .name = "a channel", .fields = channel_fields};
static const struct schema_type notify_type = {
    .kind = SCHEMA_DICT, .name = "channels", .key = &slug_type, .item = &channel_type};

static const struct schema_field rotate_fields[] = {
    {"size", &schema_size, false, "1GiB",
     "A file of this size is closed and a new one begun; 0: never."},
    {"every", &schema_duration, false, "1d", "The same by age; 0s: never."},
    {"keep", &schema_duration, false, "400d", "Older files are deleted; 0s: never."},
    {"compress", &schema_bool, false, "true", "Closed files become .gz."},
    {0}};
static const struct schema_type rotate_type = {
    .kind = SCHEMA_MAP, .name = "rotate", .fields = rotate_fields};
static const struct schema_field audit_fields[] = {
    {"file", &file_type, false, "/var/log/postern/access.jsonl",
     "The journal; `-` is standard output."},
    {"sync", &sync_type, false, "batch",
     "`batch`: on disk within 50 ms. `always`: on disk before the upstream sees the request."},
    {"on_error", &on_error_type, false, "refuse",
     "`refuse`: no record, no access. `continue`: access without a record, and a metric says so."},
    {"query", &query_type, false, "drop",
     "What is recorded of a query string, which may hold secrets: `drop` or `hash`."},
    {"rotate", &rotate_type, false, NULL, "When a new file is begun and old ones go."},
    {0}};
static const struct schema_type audit_type = {
    .kind = SCHEMA_MAP, .name = "audit", .fields = audit_fields};

static const struct schema_field log_fields[] = {
    {"level", &level_type, false, "info",
     "Least level of the diagnostics on standard error: debug, info, warn or error."},
    {"format", &format_type, false, "text", "`text` (logfmt) or `json`."},
    {0}};
static const struct schema_type log_type = {
    .kind = SCHEMA_MAP, .name = "log", .fields = log_fields};

static const struct schema_field config_fields[] = {
    {"version", &version_type, true, NULL, "Always 1."},
    {"listeners", &listeners_type, true, NULL, "Where requests come in."},
    {"portal", &portal_type, false, NULL, "Host of the pages for people."},
    {"console", &any_type, false, NULL, LATER},
    {"admin", &admin_type, false, NULL, "Health, readiness and metrics."},
    {"policies", &file_type, false, "policies", "Directory of the policy files."},
    {"state", &file_type, false, "/var/lib/postern",
     "Directory of what postern keeps. Its `keys/` is 0700, the files in it 0600."},
    {"workers", &schema_text, false, "auto", "Number of worker threads; `auto`: one for each CPU."},
    {"issuers", &issuers_type, false, NULL, "Who may vouch for people and programs."},
    {"services", &services_type, false, NULL, "Which tokens are machines; all others are people."},
    {"device_sources", &sources_type, false, NULL,
     "Accepted so that policies may name them; nothing is asked in this version."},
    {"notify", &notify_type, false, NULL,
     "Accepted so that policies may name them; nothing is sent in this version."},
    {"audit", &audit_type, false, NULL, "The access log."},
    {"limits", &limits_type, false, NULL, "Sizes and times that others can influence."},
    {"log", &log_type, false, NULL, "Diagnostics for operators."},
    {0}};
const struct schema_type config_type = {
    .kind = SCHEMA_MAP, .name = "postern.yaml", .fields = config_fields};
