#include "policy/zone_rule.h"

#include "policy/zone.h"

static bool take(str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static bool take_number(str *s, int32_t max, int32_t *out)
{
    int32_t v = 0;
    size_t n = 0;

    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        v = v * 10 + (s->p[n] - '0');
        if (v > max)
            return false;
    }
    *s = str_from(*s, n);
    *out = v;
    return n > 0;
}

/* CET, or <+0330> where the name is no word. */
static bool take_name(str *s)
{
    size_t n = 0;

    if (take(s, '<')) {
        size_t end = str_find(*s, '>');
        if (end == s->n)
            return false;
        *s = str_from(*s, end + 1);
        return true;
    }
    while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    *s = str_from(*s, n);
    return n >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(str *s, int32_t max_hours, int32_t *out_s)
{
    bool is_negative = take(s, '-');
    int32_t hours, minutes = 0, seconds = 0;

    if (!is_negative)
        take(s, '+');
    if (!take_number(s, max_hours, &hours))
        return false;
    if (take(s, ':') &&
        (!take_number(s, 59, &minutes) || (take(s, ':') && !take_number(s, 59, &seconds))))
        return false;
    *out_s = hours * 3600 + minutes * 60 + seconds;
    if (is_negative)
        *out_s = -*out_s;
    return true;
}

static bool take_edge(str *s, struct zone_rule_edge *out)
{
    *out = (struct zone_rule_edge){.kind = ZONE_RULE_ZERO_BASED, .time_s = 2 * 3600};
    if (!take(s, ','))
        return false;
    if (take(s, 'M')) {
        out->kind = ZONE_RULE_MONTH_WEEK;
        if (!take_number(s, 12, &out->month) || !take(s, '.') || !take_number(s, 5, &out->week) ||
            !take(s, '.') || !take_number(s, 6, &out->day) || !out->month || !out->week)
            return false;
    } else {
        if (take(s, 'J'))
            out->kind = ZONE_RULE_JULIAN;
        if (!take_number(s, 365, &out->day) || (out->kind == ZONE_RULE_JULIAN && !out->day))
            return false;
    }
    return !take(s, '/') || take_time(s, 167, &out->time_s);
}

bool zone_rule_parse(str text, struct zone_rule *out)
{
    struct zone_rule r = {0};
    int32_t west_s;

    if (!take_name(&text) || !take_time(&text, 24, &west_s))
        return false;
    /* POSIX counts west of Greenwich. */
    r.standard_s = -west_s;
    if (text.n) {
        r.has_summer = true;
        r.summer_s = r.standard_s + 3600;
        if (!take_name(&text))
            return false;
        if (text.n && text.p[0] != ',') {
            if (!take_time(&text, 24, &west_s))
                return false;
            r.summer_s = -west_s;
        }
        if (!take_edge(&text, &r.start) || !take_edge(&text, &r.end))
            return false;
    }
    *out = r;
    return text.n == 0;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t edge_day(const struct zone_rule_edge *edge, int32_t year)
{
    int32_t first = zone_day_of(year, 1, 1);

    if (edge->kind == ZONE_RULE_ZERO_BASED)
        return first + edge->day;
    if (edge->kind == ZONE_RULE_JULIAN)
        return first + edge->day - 1 + (is_leap(year) && edge->day > 59);
    int32_t month_first = zone_day_of(year, edge->month, 1);
    int32_t next_first =
        edge->month == 12 ? zone_day_of(year + 1, 1, 1) : zone_day_of(year, edge->month + 1, 1);
    int32_t sunday_based = (int32_t)(zone_weekday(month_first) + 1) % 7;
    int32_t day = month_first + (edge->day - sunday_based + 7) % 7 + 7 * (edge->week - 1);
    return day >= next_first ? day - 7 : day;
}

/* The instant of a change: the edge is written in the time that holds before it. */
static int64_t change_s(const struct zone_rule *rule, bool to_summer, int32_t year)
{
    const struct zone_rule_edge *edge = to_summer ? &rule->start : &rule->end;
    int32_t before_s = to_summer ? rule->standard_s : rule->summer_s;

    return (int64_t)edge_day(edge, year) * ZONE_DAY_S + edge->time_s - before_s;
}

static int32_t year_at(int64_t at_s)
{
    int32_t year, month, day;

    zone_date_of(zone_day_at(at_s), &year, &month, &day);
    return year;
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s)
{
    int64_t latest = INT64_MIN;
    bool is_summer = false;

    if (!rule->has_summer)
        return rule->standard_s;
    /* Edges may lie up to a week outside their year. All-year summer time is written with an end
     * that meets the next start: then the start wins. */
    for (int32_t year = year_at(at_s) - 1; year <= year_at(at_s) + 1; year++) {
        int64_t end = change_s(rule, false, year), start = change_s(rule, true, year);
        if (end <= at_s && end > latest) {
            latest = end;
            is_summer = false;
        }
        if (start <= at_s && start >= latest) {
            latest = start;
            is_summer = true;
        }
    }
    return is_summer ? rule->summer_s : rule->standard_s;
}

int64_t zone_rule_next_change_s(const struct zone_rule *rule, int64_t at_s)
{
    int32_t offset = zone_rule_offset_s(rule, at_s);
    int64_t next = INT64_MAX;

    if (!rule->has_summer)
        return next;
    for (int32_t year = year_at(at_s) - 1; year <= year_at(at_s) + 2; year++) {
        for (int to_summer = 0; to_summer < 2; to_summer++) {
            int64_t change = change_s(rule, to_summer, year);
            if (change > at_s && change < next && zone_rule_offset_s(rule, change) != offset)
                next = change;
        }
    }
    return next;
}
