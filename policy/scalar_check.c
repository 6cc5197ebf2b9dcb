/* scalar_check: what may stand at a place, as the schema tables name it.
 *
 * Each gives a phrase that completes "... must be". A place that is read later (a glob, a regex, a
 * code) is compiled here by the same function that the decoder calls, so a checked file decodes. */
#include "base/addr.h"
#include "base/encode.h"
#include "policy/code.h"
#include "policy/path.h"
#include "policy/regex.h"
#include "policy/rule.h"
#include "policy/scalar.h"

#include <ctype.h>

enum { MAX_START_BYTES = 2048, MAX_METHOD_BYTES = 24, MAX_HEADER_BYTES = 64 };

/* Sets the phrase and passes the answer on, so that each check is one line of reading. */
static bool must(bool good, const char **why, const char *phrase)
{
    *why = phrase;
    return good;
}

bool scalar_check_seconds(const struct doc_node *node, const char **why)
{
    int64_t s;
    return must(scalar_seconds(node->text, &s) && s > 0, why,
                "must be a duration such as 30s, 15m, 4h or 7d");
}

static const char NO_SUCH_DAY[] = "is no day of the calendar";

/* 2026-02-30: a date by its shape, of a day that no calendar has. */
static bool has_no_such_day(str s)
{
    int32_t day;
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || scalar_date(s, &day))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (i != 4 && i != 7 && !isdigit((unsigned char)s.p[i]))
            return false;
    return true;
}

bool scalar_check_date(const struct doc_node *node, const char **why)
{
    int32_t day;
    return must(scalar_date(node->text, &day), why,
                has_no_such_day(node->text) ? NO_SUCH_DAY : "must be a date such as 2027-03-31");
}

bool scalar_check_instant(const struct doc_node *node, const char **why)
{
    int64_t t;
    return must(scalar_instant(node->text, &t), why,
                "must be an instant with its offset, such as 2026-11-27T15:00:00+01:00");
}

bool scalar_check_date_or_instant(const struct doc_node *node, const char **why)
{
    int32_t day;
    int64_t t;
    return must(scalar_date(node->text, &day) || scalar_instant(node->text, &t), why,
                has_no_such_day(node->text)
                    ? NO_SUCH_DAY
                    : "must be a date such as 2027-03-31, or an instant with its offset such as "
                      "2026-11-27T15:00:00+01:00");
}

bool scalar_check_hours(const struct doc_node *node, const char **why)
{
    uint16_t start, end;
    return must(scalar_hours(node->text, &start, &end), why,
                "must be a window such as \"08:00-18:00\", with two-digit hours and two different "
                "ends (24:00 as an end only)");
}

bool scalar_check_slug(const struct doc_node *node, const char **why)
{
    return must(scalar_is_slug(node->text), why,
                "must be 1 to 64 of a-z, 0-9, - and _, and begin with a letter or digit");
}

bool scalar_check_name(const struct doc_node *node, const char **why)
{
    str s = node->text;
    bool good = s.n > 0 && s.n <= 128 && isalnum((unsigned char)s.p[0]);
    for (size_t i = 0; good && i < s.n; i++)
        good = isalnum((unsigned char)s.p[i]) || memchr("-_.", s.p[i], 3);
    return must(good, why, "must be letters, digits, -, _ and ., and begin with a letter or digit");
}

bool scalar_check_value(const struct doc_node *node, const char **why)
{
    return must(node->text.n > 0 && node->text.n <= 1024, why, "must be 1 to 1024 bytes long");
}

bool scalar_check_one_line(const struct doc_node *node, const char **why)
{
    bool good = node->text.n > 0 && node->text.n <= 1024;
    for (size_t i = 0; good && i < node->text.n; i++)
        good = (unsigned char)node->text.p[i] >= 0x20 && node->text.p[i] != 0x7F;
    return must(good, why, "must be one line of 1 to 1024 bytes without control characters");
}

bool scalar_check_login(const struct doc_node *node, const char **why)
{
    str s = node->text;
    bool good = s.n > 0 && s.n <= 64 && s.p[0] != '-';
    /* It becomes a user name on a foreign host: nothing that a shell or a URL could read. */
    for (size_t i = 0; good && i < s.n; i++)
        good = isalnum((unsigned char)s.p[i]) || memchr("-_.$\\", s.p[i], 5);
    return must(good, why, "must be a login name of letters, digits, -, _ and .");
}

bool scalar_check_host(const struct doc_node *node, const char **why)
{
    str s = node->text;
    bool is_wild = str_starts(s, STR("*."));
    return must(
        is_wild ? scalar_is_name(str_from(s, 2)) : scalar_is_name(s) || scalar_is_address(s), why,
        "must be a host name in ASCII (an A-label), *.name, or an IP address; "
        "no scheme, port or path");
}

bool scalar_check_name_or_address(const struct doc_node *node, const char **why)
{
    return must(scalar_is_name(node->text) || scalar_is_address(node->text), why,
                "must be a host name in ASCII (an A-label) or an IP address");
}

bool scalar_check_zone(const struct doc_node *node, const char **why)
{
    return must(scalar_is_zone_name(node->text), why,
                "must be a time zone such as Europe/Stockholm");
}

bool scalar_check_upstream(const struct doc_node *node, const char **why)
{
    return scalar_upstream(node->text, why) != UPSTREAM_NONE;
}

bool scalar_check_path(const struct doc_node *node, const char **why)
{
    char buf[MAX_START_BYTES + 1];
    str path;
    str s = node->text;
    return must(s.n > 0 && s.n <= MAX_START_BYTES && s.p[0] == '/' && !memchr(s.p, '#', s.n) &&
                    path_normalise(s, (struct path_rules){true, true}, buf, &path) == PATH_OK,
                why, "must be a path that begins with / and has no fragment or dot segments");
}

bool scalar_check_glob(const struct doc_node *node, const char **why)
{
    struct arena a;
    char block[4096];
    arena_init(&a, block, sizeof block);
    struct path_glob glob;
    bool good = path_glob_compile(&a, node->text, &glob, why);
    arena_finish(&a);
    return good;
}

bool scalar_check_regex(const struct doc_node *node, const char **why)
{
    pcre2_code *code = regex_compile(node->text, false, why);
    pcre2_code_free(code);
    return code != NULL;
}

bool scalar_check_cidr(const struct doc_node *node, const char **why)
{
    struct cidr net;
    enum cidr_verdict verdict = cidr_parse(node->text, &net);
    return must(verdict == CIDR_OK, why,
                verdict == CIDR_HOST_BITS
                    ? "must be a network without host bits, such as 10.0.0.0/8"
                    : "must be an address or a network such as 10.0.0.0/8");
}

/* 010.1.2.3 is no name of a network. */
static bool looks_like_an_address(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!memchr("0123456789./:", s.p[i], 13))
            return memchr(s.p, '/', s.n) != NULL;
    return true;
}

bool scalar_check_network(const struct doc_node *node, const char **why)
{
    struct cidr net;
    enum cidr_verdict verdict = cidr_parse(node->text, &net);
    if (verdict == CIDR_BAD && !looks_like_an_address(node->text) && scalar_check_name(node, why))
        return true;
    return must(verdict == CIDR_OK, why,
                verdict == CIDR_HOST_BITS
                    ? "must be a network without host bits, such as 10.0.0.0/8"
                    : "must be a name from define: networks:, an address, or a network such as "
                      "10.0.0.0/8");
}

bool scalar_check_address(const struct doc_node *node, const char **why)
{
    return must(scalar_is_address(node->text), why, "must be an IP address");
}

bool scalar_check_country(const struct doc_node *node, const char **why)
{
    str s = node->text;
    return must(s.n == 2 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[1] >= 'A' && s.p[1] <= 'Z', why,
                "must be a country as two upper-case letters, such as SE");
}

bool scalar_check_email(const struct doc_node *node, const char **why)
{
    str s = node->text;
    size_t at = str_find(s, '@');
    bool good = at > 0 && at < s.n && s.n <= 254;
    if (good && memchr(s.p, '*', s.n))
        return must(false, why, "names nobody: addresses compare exactly");
    good = good && scalar_is_name(str_from(s, at + 1));
    /* A name beside the address, or a list of two, is no address. */
    for (size_t i = 0; good && i < at; i++)
        good = (unsigned char)s.p[i] > 0x20 && !memchr("<>,;\x7F", s.p[i], 5);
    return must(good, why, "must be a mail address with exactly one @, such as kim@acme.example");
}

bool scalar_check_domain(const struct doc_node *node, const char **why)
{
    return must(scalar_is_name(node->text), why,
                "must be a whole domain in ASCII (an A-label), such as acme.example");
}

bool scalar_check_method(const struct doc_node *node, const char **why)
{
    str s = node->text;
    bool good = s.n > 0 && s.n <= MAX_METHOD_BYTES;
    for (size_t i = 0; good && i < s.n; i++)
        good = (s.p[i] >= 'A' && s.p[i] <= 'Z') || (i > 0 && s.p[i] == '-');
    return must(good, why, "must be a method in upper case, such as GET");
}

static bool is_token(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isalnum((unsigned char)s.p[i]) && !memchr("!#$%&'*+-.^_`|~", s.p[i], 15))
            return false;
    }
    return s.n > 0;
}

/* Fields that frame or route a message, or carry a credential: an identity header under such a
 * name would let a claim rewrite the request. */
static bool is_reserved_header(str s)
{
    static const char *const reserved[] = {
        "host",      "connection", "content-length", "transfer-encoding", "upgrade", "te",
        "trailer",   "keep-alive", "cookie",         "set-cookie",        "expect",  "proxy",
        "forwarded", "x-real-ip",  "x-request-id",   "http2-settings",
    };
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (str_eq_nocase(s, str_of(reserved[i])))
            return true;
    }
    static const char *const prefixes[] = {"x-forwarded-", "proxy-", "x-postern-", "sec-"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (str_eq_nocase(str_upto(s, strlen(prefixes[i])), str_of(prefixes[i])))
            return true;
    }
    return false;
}

bool scalar_check_header(const struct doc_node *node, const char **why)
{
    str s = node->text;
    if (!must(is_token(s) && s.n <= MAX_HEADER_BYTES, why,
              "must be a header name such as X-WEBAUTH-USER"))
        return false;
    return must(!is_reserved_header(s), why,
                "must be a header that neither frames nor routes the request");
}

bool scalar_check_origin(const struct doc_node *node, const char **why)
{
    str s = node->text;
    enum upstream_scheme scheme = scalar_upstream(s, why);
    bool is_web = scheme == UPSTREAM_HTTP || scheme == UPSTREAM_HTTPS;
    return must(is_web && s.p[s.n - 1] != '/', why,
                "must be an origin such as https://admin.corp.example, without a path");
}

bool scalar_check_version(const struct doc_node *node, const char **why)
{
    struct version v;
    return must(version_parse(node->text, &v), why,
                "must be a version of numbers and dots, such as \"14.10\"");
}

/* 010 is eight to some readers of YAML. */
static bool is_between(str s, uint64_t least, uint64_t most)
{
    uint64_t n;
    return str_to_u64(s, most, &n) && n >= least && (s.n == 1 || s.p[0] != '0');
}

bool scalar_check_percent(const struct doc_node *node, const char **why)
{
    return must(is_between(node->text, 0, 100), why, "must be a number from 0 to 100");
}

bool scalar_check_status(const struct doc_node *node, const char **why)
{
    return must(is_between(node->text, 100, 599), why, "must be an HTTP status such as 200");
}

bool scalar_check_count(const struct doc_node *node, const char **why)
{
    return must(is_between(node->text, 1, 16), why, "must be a number from 1 to 16");
}

static bool is_sha256(str s)
{
    unsigned char out[64];
    size_t n = 0;
    /* ssh-keygen -lf prints it without padding, openssl with it. */
    if (s.n == 44 && s.p[43] == '=')
        s.n = 43;
    if (s.n != 43)
        return false;
    char padded[44];
    memcpy(padded, s.p, 43);
    padded[43] = '=';
    return base64_decode((str){padded, 44}, out, &n) && n == 32;
}

bool scalar_check_pin(const struct doc_node *node, const char **why)
{
    str s = node->text;
    return must(str_starts(s, STR("sha256:")) && is_sha256(str_from(s, 7)), why,
                "must be sha256: and the base64 of a SHA-256 digest");
}

bool scalar_check_host_key(const struct doc_node *node, const char **why)
{
    str s = node->text;
    return must(str_starts(s, STR("SHA256:")) && is_sha256(str_from(s, 7)), why,
                "must be SHA256: and the base64 of a digest, as ssh-keygen -lf prints it");
}

bool scalar_check_attribute(const struct doc_node *node, const char **why)
{
    size_t dot = str_find(node->text, '.');
    return must(dot > 0 && dot + 1 < node->text.n, why,
                "must be provider.name, such as fleet.team");
}

bool scalar_check_device_fact(const struct doc_node *node, const char **why)
{
    return must(device_attribute_is_known(node->text) || str_eq(node->text, STR("id")) ||
                    str_eq(node->text, STR("seen")) || str_eq(node->text, STR("source")),
                why,
                "must be id, seen, source, a device attribute such as disk_encrypted or "
                "os_version, or provider.name");
}

bool scalar_check_expect(const struct doc_node *node, const char **why)
{
    str s = node->text;
    if (str_eq(s, STR("allow")))
        return true;
    if (!must(str_starts(s, STR("deny ")), why, "must be allow, or \"deny CODE\""))
        return false;
    return must(code_is_known(str_from(s, 5)), why,
                "must be \"deny\" and a code that a decision can have, such as "
                "\"deny default-deny\" or \"deny device.disk_encrypted:missing\"");
}

bool scalar_check_true(const struct doc_node *node, const char **why)
{
    return must(node->is_plain && str_eq(node->text, STR("true")), why,
                "must be true, the only value that it has");
}

bool scalar_check_file_version(const struct doc_node *node, const char **why)
{
    return must(node->is_plain && str_eq(node->text, STR("1")), why,
                "must be 1 without quotes, the only version of the language so far");
}
