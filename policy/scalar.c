/* scalar: parsers of the small texts. The checks that the schema tables name are in
 * scalar_check.c; both read the same functions, so what is checked is what is decoded. */
#include "policy/scalar.h"

#include "base/addr.h"
#include "policy/zone.h"

enum { MAX_NAME_BYTES = 253, MAX_LABEL_BYTES = 63, MAX_SLUG_BYTES = 64 };
/* A hundred years: long enough for anybody, and sums of it do not overflow. */
static const int64_t MAX_SECONDS = 36525LL * 86400;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_lower(str_lower_char(c));
}

bool scalar_seconds(str s, int64_t *out)
{
    if (s.n < 2 || s.n > 12)
        return false;
    int64_t unit;
    switch (s.p[s.n - 1]) {
    case 's':
        unit = 1;
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    default:
        return false;
    }
    uint64_t count;
    if (!str_to_u64(str_upto(s, s.n - 1), (uint64_t)(MAX_SECONDS / unit), &count))
        return false;
    *out = (int64_t)count * unit;
    return true;
}

/* Two or four digits at s[at]; -1 when there are none. */
static int digits(str s, size_t at, size_t n)
{
    int value = 0;
    if (at + n > s.n)
        return -1;
    for (size_t i = at; i < at + n; i++) {
        if (!is_digit(s.p[i]))
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

bool scalar_date(str s, int32_t *day_out)
{
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
        return false;
    int year = digits(s, 0, 4), month = digits(s, 5, 2), day = digits(s, 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *day_out = zone_day_of(year, month, day);
    return true;
}

/* "HH:MM" at s[at] as minutes; -1 when it is none. 24:00 is left to the caller. */
static int clock_minutes(str s, size_t at)
{
    int hour = digits(s, at, 2), minute = digits(s, at + 3, 2);
    if (hour < 0 || minute < 0 || s.p[at + 2] != ':' || hour > 24 || minute > 59)
        return -1;
    return hour * 60 + minute;
}

bool scalar_instant(str s, int64_t *unix_out)
{
    int32_t day;
    if (s.n < 20 || (s.p[10] != 'T' && s.p[10] != 't') || !scalar_date(str_upto(s, 10), &day))
        return false;
    int minutes = clock_minutes(s, 11), second = digits(s, 17, 2);
    if (minutes < 0 || minutes >= 1440 || s.p[16] != ':' || second < 0 || second > 59)
        return false;
    int64_t local = (int64_t)day * 86400 + minutes * 60 + second;
    if (s.n == 20 && (s.p[19] == 'Z' || s.p[19] == 'z')) {
        *unix_out = local;
        return true;
    }
    if (s.n != 25 || (s.p[19] != '+' && s.p[19] != '-'))
        return false;
    int offset = clock_minutes(s, 20);
    if (offset < 0 || offset >= 1440)
        return false;
    *unix_out = s.p[19] == '+' ? local - offset * 60 : local + offset * 60;
    return true;
}

bool scalar_hours(str s, uint16_t *start_out, uint16_t *end_out)
{
    if (s.n != 11 || s.p[5] != '-')
        return false;
    int start = clock_minutes(s, 0), end = clock_minutes(s, 6);
    /* 24:00 is an end only; equal ends would be read by some as "all day", by others as "never". */
    if (start < 0 || end < 0 || start >= 1440 || end > 1440 || start == end)
        return false;
    *start_out = (uint16_t)start;
    *end_out = (uint16_t)end;
    return true;
}

bool scalar_is_slug(str s)
{
    if (s.n == 0 || s.n > MAX_SLUG_BYTES || s.p[0] == '-' || s.p[0] == '_')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) && !is_lower(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    }
    return true;
}

static bool is_label(str s)
{
    if (s.n == 0 || s.n > MAX_LABEL_BYTES || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    }
    return true;
}

bool scalar_is_name(str s)
{
    if (s.n == 0 || s.n > MAX_NAME_BYTES)
        return false;
    str rest = s, label = s;
    while (rest.p) {
        label = str_cut(&rest, '.');
        if (!is_label(label))
            return false;
    }
    /* A last label of digits makes the whole an address for some readers (RFC 3696 section 2). */
    return !is_digit(label.p[label.n - 1]) || digits(label, 0, label.n) < 0;
}

bool scalar_is_address(str s)
{
    struct addr a;
    return addr_parse(s, &a);
}

bool scalar_is_zone_name(str s)
{
    if (s.n == 0 || s.n > 64 || s.p[0] == '/' || s.p[s.n - 1] == '/' ||
        str_contains(s, STR("..")) || str_contains(s, STR("//")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_alnum(s.p[i]) && !memchr("_+/-", s.p[i], 4))
            return false;
    }
    return true;
}

static bool is_port(str s)
{
    uint64_t port;
    return s.n <= 5 && str_to_u64(s, 65535, &port) && port > 0;
}

/* host[:port], where a v6 address stands in brackets. */
static bool is_authority(str s, bool needs_port)
{
    size_t colon = s.n;
    if (s.n > 0 && s.p[0] == '[') {
        size_t close = str_find(s, ']');
        if (close == s.n || !scalar_is_address(str_upto(s, close + 1)))
            return false;
        if (close + 1 < s.n && s.p[close + 1] != ':')
            return false;
        colon = close + 1;
    } else {
        colon = str_find(s, ':');
        str host = str_upto(s, colon);
        if (!scalar_is_name(host) && !scalar_is_address(host))
            return false;
    }
    return colon < s.n ? is_port(str_from(s, colon + 1)) : !needs_port;
}

static const struct scheme {
    str prefix;
    enum upstream_scheme scheme;
} schemes[] = {
    {{"http://", 7}, UPSTREAM_HTTP}, {{"https://", 8}, UPSTREAM_HTTPS},
    {{"unix:", 5}, UPSTREAM_UNIX},   {{"ssh://", 6}, UPSTREAM_SSH},
    {{"rdp://", 6}, UPSTREAM_RDP},   {{"tcp://", 6}, UPSTREAM_TCP},
};

static const struct scheme *find_scheme(str s)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (str_starts(s, schemes[i].prefix))
            return &schemes[i];
    }
    return NULL;
}

static bool is_socket_path(str s)
{
    enum { SUN_PATH_BYTES = 108 };
    return s.n > 1 && s.n < SUN_PATH_BYTES && s.p[0] == '/' && !memchr(s.p, '\0', s.n);
}

enum upstream_scheme scalar_upstream(str s, const char **why)
{
    const struct scheme *found = find_scheme(s);
    *why = "must begin with http://, https://, unix:/, ssh:// or rdp://";
    if (!found)
        return UPSTREAM_NONE;
    str rest = str_from(s, found->prefix.n);
    if (found->scheme == UPSTREAM_UNIX) {
        *why = "must be unix: and an absolute path of at most 107 bytes";
        return is_socket_path(rest) ? UPSTREAM_UNIX : UPSTREAM_NONE;
    }
    bool is_web = found->scheme == UPSTREAM_HTTP || found->scheme == UPSTREAM_HTTPS;
    if (is_web && rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    *why = "must be a scheme, a host and perhaps a port: no user, path, query or fragment";
    return is_authority(rest, found->scheme == UPSTREAM_TCP) ? found->scheme : UPSTREAM_NONE;
}

int scalar_weekday(str s)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++) {
        if (str_eq(s, str_of(days[i])))
            return i;
    }
    return -1;
}
