/* See when.h. */
#include "proxy/portal/when.h"
#include "proxy/portal/words.h"

#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static str fill(struct arena *a, enum page_language l, enum words_id id, int64_t n)
{
    str after = words_text(l, id), before = str_cut(&after, '{');
    if (!after.p)
        return before;
    return arena_printf(a, "%.*s%lld%.*s", STR_ARG(before), (long long)n,
                        STR_ARG(str_from(after, 1)));
}

str when_ago(struct arena *a, enum page_language l, int64_t now_s, int64_t then_s)
{
    int64_t s = now_s - then_s;
    if (s < MINUTE)
        return words_text(l, WORDS_AGO_NOW);
    if (s < HOUR)
        return fill(a, l, WORDS_AGO_MINUTES, s / MINUTE);
    if (s < DAY)
        return fill(a, l, s < 2 * HOUR ? WORDS_AGO_HOUR : WORDS_AGO_HOURS, s / HOUR);
    return fill(a, l, s < 2 * DAY ? WORDS_AGO_DAY : WORDS_AGO_DAYS, s / DAY);
}

str when_at(struct arena *a, enum page_language l, int64_t at_s)
{
    static const char *const months[PAGE_LANGUAGE_COUNT][12] = {
        {"January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December"},
        {"Januar", "Februar", "M\xc3\xa4rz", "April", "Mai", "Juni", "Juli", "August", "September",
         "Oktober", "November", "Dezember"},
    };
    struct tm tm;
    time_t t = (time_t)at_s;
    if (!gmtime_r(&t, &tm))
        return STR("?");
    return arena_printf(a, "%d%s %s %d, %02d:%02d UTC", tm.tm_mday, l == PAGE_GERMAN ? "." : "",
                        months[l][tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min);
}

static str distance(struct arena *a, enum page_language l, int64_t s)
{
    if (s < 1)
        return words_text(l, WORDS_IN_NOW);
    if (s < HOUR)
        return fill(a, l, WORDS_IN_MINUTES, (s + MINUTE - 1) / MINUTE);
    if (s < DAY)
        return fill(a, l, s < 2 * HOUR ? WORDS_IN_HOUR : WORDS_IN_HOURS, s / HOUR);
    return fill(a, l, s < 2 * DAY ? WORDS_IN_DAY : WORDS_IN_DAYS, s / DAY);
}

str when_in(struct arena *a, enum page_language l, int64_t now_s, int64_t then_s)
{
    return arena_printf(a, "%.*s (%.*s)", STR_ARG(distance(a, l, then_s - now_s)),
                        STR_ARG(when_at(a, l, then_s)));
}

str when_span(struct arena *a, enum page_language l, int64_t s)
{
    if (s < MINUTE)
        return fill(a, l, WORDS_SPAN_SECONDS, s);
    if (s < 2 * HOUR && s % HOUR != 0)
        return fill(a, l, s < 2 * MINUTE ? WORDS_SPAN_MINUTE : WORDS_SPAN_MINUTES, s / MINUTE);
    if (s < 2 * DAY && s % DAY != 0)
        return fill(a, l, s < 2 * HOUR ? WORDS_SPAN_HOUR : WORDS_SPAN_HOURS, s / HOUR);
    return fill(a, l, s < 2 * DAY ? WORDS_SPAN_DAY : WORDS_SPAN_DAYS, s / DAY);
}
