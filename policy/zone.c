/* zone: reads TZif (RFC 8536) and answers in both directions. The table holds the past and, in fat
 * files, the years to 2037; the footer's POSIX rule holds the rest. Both are seen as one sequence
 * of transitions by zone_next_change_s, and everything else is built on that. */
#include "policy/zone.h"

#include "policy/zone_rule.h"

enum {
    HEADER_BYTES = 44,
    MAX_OFFSET_S = 26 * 3600, /* RFC 8536 section 3.2 recommends -25 h to 26 h */
};

struct zone_type {
    int32_t offset_s;
};

struct zone {
    str name;
    size_t n_times, n_types;
    const int64_t *times; /* ascending */
    const unsigned char *time_types;
    const struct zone_type *types;
    bool has_rule;
    struct zone_rule rule;
};

struct header {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint64_t read_big_endian(const char *p, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static bool read_header(str s, struct header *h)
{
    uint32_t *counts[] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};

    if (s.n < HEADER_BYTES || memcmp(s.p, "TZif", 4) != 0 || s.p[4] < '2')
        return false;
    for (size_t i = 0; i < 6; i++)
        *counts[i] = (uint32_t)read_big_endian(s.p + 20 + 4 * i, 4);
    /* The largest file is known, so no sum below can overflow. */
    return h->time <= ZONE_MAX_BYTES && h->type <= 256 && h->chars <= ZONE_MAX_BYTES &&
           h->leap <= ZONE_MAX_BYTES && h->isstd <= ZONE_MAX_BYTES && h->isut <= ZONE_MAX_BYTES;
}

static size_t body_bytes(const struct header *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * 6 + h->chars + h->leap * (time_bytes + 4) +
           h->isstd + h->isut;
}

static bool read_times(struct arena *a, struct zone *z, const struct header *h, const char *p)
{
    int64_t *times = arena_array(a, int64_t, h->time + 1);
    unsigned char *types = arena_array(a, unsigned char, h->time + 1);

    for (size_t i = 0; i < h->time; i++) {
        times[i] = (int64_t)read_big_endian(p + 8 * i, 8);
        types[i] = (unsigned char)p[8 * h->time + i];
        if (types[i] >= h->type || (i && times[i] <= times[i - 1]))
            return false;
    }
    z->times = times;
    z->time_types = types;
    z->n_times = h->time;
    return true;
}

static bool read_types(struct arena *a, struct zone *z, const struct header *h, const char *p)
{
    struct zone_type *types = arena_array(a, struct zone_type, h->type);

    for (size_t i = 0; i < h->type; i++) {
        types[i].offset_s = (int32_t)read_big_endian(p + 6 * i, 4);
        if (types[i].offset_s < -MAX_OFFSET_S || types[i].offset_s > MAX_OFFSET_S)
            return false;
    }
    z->types = types;
    z->n_types = h->type;
    return h->type > 0;
}

static bool read_footer(struct zone *z, str footer)
{
    if (footer.n < 2 || footer.p[0] != '\n')
        return false;
    footer = str_from(footer, 1);
    size_t end = str_find(footer, '\n');
    if (end == footer.n)
        return false;
    footer = str_upto(footer, end);
    if (footer.n == 0)
        return true;
    z->has_rule = zone_rule_parse(footer, &z->rule);
    return z->has_rule;
}

const struct zone *zone_parse(struct arena *a, str name, str bytes, struct fail *fail)
{
    struct zone *z = arena_new(a, struct zone);
    struct header h;
    size_t first;

    z->name = arena_dup(a, name);
    if (bytes.n > ZONE_MAX_BYTES || !read_header(bytes, &h))
        goto out;
    /* The first block repeats in 32 bits what the second says in 64. */
    first = HEADER_BYTES + body_bytes(&h, 4);
    bytes = str_from(bytes, first);
    /* A file that counts leap seconds (right/...) is for clocks that do; ours do not. */
    if (!read_header(bytes, &h) || h.leap || bytes.n < HEADER_BYTES + body_bytes(&h, 8))
        goto out;
    const char *p = bytes.p + HEADER_BYTES;
    if (!read_times(a, z, &h, p) || !read_types(a, z, &h, p + 9 * h.time) ||
        !read_footer(z, str_from(bytes, HEADER_BYTES + body_bytes(&h, 8))))
        goto out;
    return z;
out:
    fail_set(fail, FAIL_INPUT,
             "the zone file of %.*s is not TZif of version 2 or later without leap seconds",
             STR_ARG(name));
    return NULL;
}

const struct zone *zone_utc(void)
{
    static const struct zone_type type = {0};
    static const struct zone utc = {.name = {"UTC", 3}, .types = &type, .n_types = 1};

    return &utc;
}

str zone_name(const struct zone *z)
{
    return z->name;
}

/* Number of table transitions at or before the instant. */
static size_t times_until(const struct zone *z, int64_t at_s)
{
    size_t low = 0, high = z->n_times;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (z->times[mid] <= at_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int32_t zone_offset_s(const struct zone *z, int64_t at_s)
{
    size_t n = times_until(z, at_s);

    if (n == z->n_times && z->has_rule)
        return zone_rule_offset_s(&z->rule, at_s);
    /* RFC 8536 section 3.2: type 0 holds before the first transition. */
    return n ? z->types[z->time_types[n - 1]].offset_s : z->types[0].offset_s;
}

int64_t zone_wall_s(const struct zone *z, int64_t at_s)
{
    return at_s + zone_offset_s(z, at_s);
}

int64_t zone_next_change_s(const struct zone *z, int64_t at_s)
{
    int32_t offset = zone_offset_s(z, at_s);

    for (size_t i = times_until(z, at_s); i < z->n_times; i++) {
        if (zone_offset_s(z, z->times[i]) != offset)
            return z->times[i];
        at_s = z->times[i];
    }
    return z->has_rule ? zone_rule_next_change_s(&z->rule, at_s) : INT64_MAX;
}

int64_t zone_instant_s(const struct zone *z, int64_t wall_s)
{
    /* No offset is that large, so the clock shows less than wall_s at the start. */
    int64_t start = wall_s - MAX_OFFSET_S - 1;

    for (;;) {
        int64_t there = wall_s - zone_offset_s(z, start);
        int64_t end = zone_next_change_s(z, start);
        if (there <= start)
            return start;
        if (there < end)
            return there;
        start = end;
    }
}

/* Days from civil and back: Howard Hinnant, "chrono-compatible low-level date algorithms". */
int32_t zone_day_of(int32_t year, int32_t month, int32_t day_of_month)
{
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t era = (y >= 0 ? y : y - 399) / 400;
    int32_t year_of_era = y - era * 400;
    int32_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day_of_month - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void zone_date_of(int32_t day, int32_t *year, int32_t *month, int32_t *day_of_month)
{
    int32_t z = day + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    int32_t doe = z - era * 146097;
    int32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int32_t mp = (5 * doy + 2) / 153;

    *day_of_month = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

unsigned zone_weekday(int32_t day)
{
    /* 1970-01-01 was a Thursday. */
    return (unsigned)(((day + 3) % 7 + 7) % 7);
}
