/* tables_types: the scalars of postern.yaml, each with the phrase that says what it must be. */
#include "proxy/config/tables_impl.h"

#include "authn/authn.h"
#include "proxy/config/address.h"

enum { NAME_MAX_CHARS = 63, HEADER_MAX_CHARS = 64, MAIL_MAX_CHARS = 254 };

static bool has_scheme(str *url, const char *scheme)
{
    if (!str_starts(*url, str_of(scheme)))
        return false;
    *url = str_from(*url, strlen(scheme));
    return true;
}

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

static bool is_alphanumeric(char c)
{
    c = str_lower_char(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* All of letters, digits and these. */
static bool is_made_of(str s, const char *others)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alphanumeric(s.p[i]) && (!s.p[i] || !strchr(others, s.p[i])))
            return false;
    return s.n > 0;
}

/* Names end up in rules, records and metrics: keep them plain. */
static bool check_slug(const struct doc_node *node, const char **why)
{
    *why = "must be of letters, digits, \"-\", \"_\" and \".\", at most 63";
    return node->text.n <= NAME_MAX_CHARS && is_made_of(node->text, "-_.");
}

static bool check_url(const struct doc_node *node, const char **why)
{
    *why = "must be an https:// URL (http:// on loopback), without a user name or a fragment";
    return fetch_url_allowed(node->text);
}

/* What frames a message, or carries what we take from elsewhere, is no place for a credential. */
static bool check_header(const struct doc_node *node, const char **why)
{
    static const char *const taken[] = {"host",
                                        "connection",
                                        "content-length",
                                        "transfer-encoding",
                                        "upgrade",
                                        "cookie",
                                        "te",
                                        "trailer",
                                        "keep-alive",
                                        "authorization",
                                        "forwarded",
                                        "x-forwarded-for",
                                        "x-forwarded-proto",
                                        "x-forwarded-host",
                                        "x-real-ip",
                                        "origin",
                                        "referer",
                                        "expect",
                                        NULL};
    str s = node->text;
    *why = "must be a header name of letters, digits and \"-\", and not one that HTTP needs itself";
    for (size_t i = 0; taken[i]; i++)
        if (str_eq_nocase(s, str_of(taken[i])))
            return false;
    return s.n <= HEADER_MAX_CHARS && is_made_of(s, "-") &&
           !str_eq_nocase(str_upto(s, 10), STR("x-postern-"));
}

static bool check_cookie(const struct doc_node *node, const char **why)
{
    *why = "must be a cookie name of letters, digits, \"-\", \"_\" and \".\", and not one of ours";
    return node->text.n <= HEADER_MAX_CHARS && is_made_of(node->text, "-_.") &&
           !str_contains(node->text, STR("postern"));
}

static bool check_mail_address(const struct doc_node *node, const char **why)
{
    str s = node->text;
    size_t at = str_find(s, '@');
    *why = "must be a mail address such as ops@corp.example, without a name";
    return s.n <= MAIL_MAX_CHARS && at > 0 && is_made_of(str_upto(s, at), "!#$%&'*+-/=?^_`{|}~.") &&
           host_is_name(str_from(s, at + 1));
}

/* HOST[:PORT], the host a name or an address. */
static bool is_authority(str s)
{
    struct addr address;
    uint64_t port = 1;
    size_t end = s.n && s.p[0] == '[' ? str_find(s, ']') + 1 : str_find(s, ':');
    str tail = str_from(s, end), host = str_upto(s, end);
    if (tail.n && (tail.p[0] != ':' || !str_to_u64(str_from(tail, 1), 65535, &port) || !port))
        return false;
    return host_is_name(host) || addr_parse(host, &address);
}

static bool check_mail_url(const struct doc_node *node, const char **why)
{
    str s = node->text;
    *why = "must be smtp://HOST:PORT, smtp+starttls://HOST:PORT or smtps://HOST:PORT";
    return (has_scheme(&s, "smtp://") || has_scheme(&s, "smtp+starttls://") ||
            has_scheme(&s, "smtps://")) &&
           is_authority(s);
}

static bool check_origin(const struct doc_node *node, const char **why)
{
    str s = node->text;
    *why = "must be https://HOST or https://HOST:PORT, without a path";
    return (has_scheme(&s, "https://") || has_scheme(&s, "http://")) && is_authority(s);
}

#define SCALAR(id, what)                                                                           \
    const struct schema_type config_##id##_type = {                                                \
        .kind = SCHEMA_SCALAR, .name = what, .check = check_##id}
SCALAR(file, "a file name");
SCALAR(host, "a host name");
SCALAR(slug, "a name");
SCALAR(url, "a URL");
SCALAR(header, "a header name");
SCALAR(cookie, "a cookie name");
SCALAR(mail_address, "a mail address");
SCALAR(mail_url, "a mail server");
SCALAR(origin, "an origin");
static SCALAR(cidr, "a network");
#undef SCALAR

CHOICE(alg, "an algorithm", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
       "ES512", "EdDSA");

/* parsed with the rest of its listener, where the reason can be told */
const struct schema_type config_address_type = {.kind = SCHEMA_SCALAR, .name = "an address"};
const struct schema_type config_any_type = {.kind = SCHEMA_ANY, .name = "anything"};
const struct schema_type config_texts_type = {
    .kind = SCHEMA_LIST, .name = "a list of texts", .item = &schema_text};
const struct schema_type config_some_texts_type = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a text or a list of texts", .item = &schema_text};
const struct schema_type config_slugs_type = {
    .kind = SCHEMA_LIST, .name = "a list of names", .item = &config_slug_type};
const struct schema_type config_hosts_type = {
    .kind = SCHEMA_LIST, .name = "a list of domains", .item = &config_host_type};
const struct schema_type config_cidrs_type = {
    .kind = SCHEMA_LIST, .name = "a list of networks", .item = &config_cidr_type};
const struct schema_type config_algs_type = {
    .kind = SCHEMA_LIST, .name = "a list of algorithms", .item = &alg_type};
const struct schema_type config_mail_addresses_type = {
    .kind = SCHEMA_LIST, .name = "a list of mail addresses", .item = &config_mail_address_type};
