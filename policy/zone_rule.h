/* zone_rule: the POSIX TZ text in the footer of a TZif file, such as
 * CET-1CEST,M3.5.0,M10.5.0/3, which says how the clocks go after the table ends. */
#ifndef POLICY_ZONE_RULE_H
#define POLICY_ZONE_RULE_H

#include "base/str.h"

enum zone_rule_day_kind { ZONE_RULE_JULIAN, ZONE_RULE_ZERO_BASED, ZONE_RULE_MONTH_WEEK };

struct zone_rule_edge {
    enum zone_rule_day_kind kind;
    int32_t day;         /* Jn: 1-365, never 29 February; n: 0-365; M: weekday, Sunday 0 */
    int32_t month, week; /* M: week 5 is the last */
    int32_t time_s;      /* on the clock before the change; -167 h to 167 h */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* east of Greenwich */
    bool has_summer;
    struct zone_rule_edge start, end; /* of summer time */
};

bool zone_rule_parse(str text, struct zone_rule *out);
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s);
/* INT64_MAX when the clocks never change. */
int64_t zone_rule_next_change_s(const struct zone_rule *rule, int64_t at_s);

#endif
