/* scalar: the small texts of the policy language, read to the letter.
 *
 * Each parser takes the whole string or nothing. Names here are those of the grammar: a duration is
 * <int>(s|m|h|d), a date YYYY-MM-DD, an instant RFC 3339 with an offset. Any thread. */
#ifndef POLICY_SCALAR_H
#define POLICY_SCALAR_H

#include "base/schema.h"
#include "base/str.h"

enum upstream_scheme {
    UPSTREAM_NONE = 0,
    UPSTREAM_HTTP,
    UPSTREAM_HTTPS,
    UPSTREAM_UNIX,
    UPSTREAM_SSH,
    UPSTREAM_RDP,
    UPSTREAM_TCP,
};

bool scalar_seconds(str s, int64_t *out);
bool scalar_date(str s, int32_t *day_out);     /* days since 1970-01-01 */
bool scalar_instant(str s, int64_t *unix_out); /* without an offset: false */
bool scalar_hours(str s, uint16_t *start_out, uint16_t *end_out);
bool scalar_is_slug(str s);
/* DNS name in LDH labels, any case; at least one label, no final dot. */
bool scalar_is_name(str s);
bool scalar_is_address(str s);
bool scalar_is_zone_name(str s);
/* Scheme and shape of an upstream; UPSTREAM_NONE with a phrase when it is none. */
enum upstream_scheme scalar_upstream(str s, const char **why);
/* Index of a weekday, Monday 0; -1 when it is none. */
int scalar_weekday(str s);

/* The same as checks of the schema tables. */
schema_scalar_check scalar_check_seconds, scalar_check_date, scalar_check_instant,
    scalar_check_date_or_instant, scalar_check_hours, scalar_check_slug, scalar_check_name,
    scalar_check_host, scalar_check_name_or_address, scalar_check_zone, scalar_check_upstream,
    scalar_check_path, scalar_check_glob, scalar_check_regex, scalar_check_cidr,
    scalar_check_network, scalar_check_country, scalar_check_email, scalar_check_domain,
    scalar_check_method, scalar_check_header, scalar_check_origin, scalar_check_version,
    scalar_check_percent, scalar_check_status, scalar_check_pin, scalar_check_host_key,
    scalar_check_attribute, scalar_check_address, scalar_check_expect, scalar_check_true,
    scalar_check_one_line, scalar_check_count, scalar_check_login, scalar_check_value,
    scalar_check_device_fact, scalar_check_file_version;

/* scalar_hint.c: what is probably meant by a value that these refuse. */
schema_hint scalar_hint_email, scalar_hint_domain, scalar_hint_days, scalar_hint_day,
    scalar_hint_glob, scalar_hint_os_version, scalar_hint_browser_version, scalar_hint_expect;

#endif
