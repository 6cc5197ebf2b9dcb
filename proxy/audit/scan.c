/* scan: records that fit a filter. Most lines are turned away by a search for the wanted bytes and
 * a comparison of the time's text; only what is left is parsed. */
#include "proxy/audit/reading.h"

#include "base/arena.h"
#include "base/jout.h"
#include "proxy/audit/files.h"
#include "proxy/audit/journal.h"
#include "proxy/audit/lines.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

static str text_of(const json_t *v)
{
    return json_is_string(v) ? (str){json_string_value(v), json_string_length(v)} : (str){NULL, 0};
}

static json_t *at(const json_t *o, const char *a, const char *b)
{
    json_t *v = json_object_get(o, a);
    return b ? json_object_get(v, b) : v;
}

static bool is_text(const json_t *v, str wanted)
{
    str s = text_of(v);
    return s.p && str_eq(s, wanted);
}

/* A member that is a text itself, or an object with one of these members. */
static bool fits_any(const json_t *v, str wanted, const char *const *names)
{
    if (is_text(v, wanted))
        return true;
    for (; json_is_object(v) && *names; names++)
        if (is_text(json_object_get(v, *names), wanted))
            return true;
    return false;
}

static bool fits_user(const json_t *o, str wanted)
{
    static const char *const names[] = {"subject", "email", NULL};
    return fits_any(at(o, "identity", NULL), wanted, names) ||
           fits_any(at(o, "user", NULL), wanted, names);
}

static bool fits_rule(const json_t *o, str wanted)
{
    static const char *const names[] = {"id", "name", "rule", NULL};
    const json_t *rules = at(o, "decision", "rules");
    for (size_t i = 0; i < json_array_size(rules); i++)
        if (fits_any(json_array_get(rules, i), wanted, names))
            return true;
    return is_text(at(o, "decision", "rule"), wanted) || is_text(at(o, "rule", NULL), wanted);
}

static bool fits_named(const json_t *o, const char *name, str wanted)
{
    static const char *const names[] = {"id", "hash", "name", NULL};
    return fits_any(at(o, name, NULL), wanted, names);
}

static bool fits_decision(const json_t *o, const char *name, str wanted)
{
    return is_text(at(o, "decision", name), wanted) || is_text(at(o, name, NULL), wanted);
}

static bool fits_members(const struct audit_filter *w, const json_t *o)
{
    return (!w->kind.p || is_text(at(o, "kind", NULL), w->kind)) &&
           (!w->app.p || fits_named(o, "app", w->app)) && (!w->user.p || fits_user(o, w->user)) &&
           (!w->rule.p || fits_rule(o, w->rule)) &&
           (!w->reason.p || fits_decision(o, "reason", w->reason) ||
            fits_decision(o, "token", w->reason)) &&
           (!w->effect.p || fits_decision(o, "effect", w->effect)) &&
           (!w->session.p || fits_named(o, "session", w->session)) &&
           (!w->device.p || fits_named(o, "device", w->device)) &&
           (!w->id.p || is_text(at(o, "id", NULL), w->id)) &&
           (!w->shadow_differs || json_is_object(at(o, "shadow", NULL)));
}

/* ---- without parsing ---- */

/* Our writer escapes quotes, backslashes and control bytes alone (base/jout): a text without them
 * stands in a record as it is, and its absence is proof enough. */
static bool is_plain(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

static bool may_hold(str line, str wanted)
{
    return !wanted.p || !is_plain(wanted) || str_contains(line, wanted);
}

static bool may_fit(const struct audit_filter *w, str line)
{
    return may_hold(line, w->id) && may_hold(line, w->session) && may_hold(line, w->user) &&
           may_hold(line, w->device) && may_hold(line, w->rule) && may_hold(line, w->reason) &&
           may_hold(line, w->app) && may_hold(line, w->effect) && may_hold(line, w->kind) &&
           (!w->shadow_differs || str_contains(line, STR("\"shadow\"")));
}

static bool is_within(const struct audit_filter *w, str line)
{
    if (!w->since_us && !w->until_us)
        return true;
    int64_t us = time_of_record(line);
    return us >= 0 && us >= w->since_us && (!w->until_us || us < w->until_us);
}

static bool has_members(const struct audit_filter *w)
{
    return w->user.p || w->app.p || w->rule.p || w->reason.p || w->effect.p || w->session.p ||
           w->id.p || w->device.p || w->kind.p || w->shadow_differs;
}

bool audit_filter_fits(const struct audit_filter *w, str line)
{
    if (!may_fit(w, line) || !is_within(w, line))
        return false;
    if (!has_members(w))
        return true;
    json_t *o = json_loadb(line.p, line.n, 0, NULL);
    bool fits = json_is_object(o) && fits_members(w, o);
    json_decref(o);
    return fits;
}

/* ---- files ---- */

static bool scan_file(const char *path, const struct audit_filter *w, audit_line_fn fn, void *ctx,
                      bool *goes_on, struct fail *f)
{
    struct lines lines;
    str line;
    if (!lines_open(&lines, path, f))
        return false;
    while (*goes_on && lines_next(&lines, &line, f))
        if (!lines.is_torn && audit_filter_fits(w, line))
            *goes_on = fn(ctx, line);
    bool ok = !lines.is_failed;
    lines_close(&lines);
    return ok;
}

bool audit_scan(const char *file, const struct audit_filter *w, audit_line_fn fn, void *ctx,
                struct fail *f)
{
    struct journal_files list;
    bool ok = true, goes_on = true;
    if (!files_list(&list, file, f))
        return false;
    if (list.n == 0)
        ok = fail_set(f, FAIL_NOT_FOUND, "there is no journal %s", file);
    for (size_t i = 0; ok && goes_on && i < list.n; i++) {
        const struct journal_file *item = &list.items[i];
        /* A file that was closed before the time asked for holds nothing of it. An hour is for
         * clocks that were set back in between. */
        if (!item->is_live && w->since_us && (item->wall_s + 3600) * 1000000 < w->since_us)
            continue;
        ok = scan_file(item->path, w, fn, ctx, &goes_on, f);
    }
    files_finish(&list);
    return ok;
}

/* ---- times ---- */

static bool age_parse(str text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    uint64_t n;
    if (text.n < 2 || !str_to_u64(str_upto(text, text.n - 1), 1000000000, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == text.p[text.n - 1]) {
            *seconds = (int64_t)n * units[i].s;
            return true;
        }
    return false;
}

/* What follows the seconds: a fraction, then Z or an offset; nothing at all is UTC. */
static bool rest_parse(const char *p, int64_t *us, int64_t *offset_s)
{
    int64_t scale = 100000;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            *us += (*p - '0') * scale;
    }
    if (!*p || strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
        return true;
    if (strlen(p) != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return false;
    for (int i = 1; i < 6; i++)
        if (i != 3 && (p[i] < '0' || p[i] > '9'))
            return false;
    int64_t s = ((p[1] - '0') * 10 + p[2] - '0') * 3600 + ((p[4] - '0') * 10 + p[5] - '0') * 60;
    *offset_s = *p == '+' ? s : -s;
    return true;
}

bool audit_time_parse(str text, int64_t now_us, int64_t *out_us)
{
    char buf[64];
    struct tm tm = {0};
    int64_t age_s, us = 0, offset_s = 0;
    if (age_parse(text, &age_s)) {
        *out_us = now_us - age_s * 1000000;
        return true;
    }
    if (text.n == 0 || text.n >= sizeof buf)
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    const char *rest = strptime(buf, "%Y-%m-%d", &tm);
    if (rest && (*rest == 'T' || *rest == ' ')) {
        const char *clock = rest + 1;
        rest = strptime(clock, "%H:%M:%S", &tm);
        if (!rest)
            rest = strptime(clock, "%H:%M", &tm);
    }
    if (!rest || !rest_parse(rest, &us, &offset_s))
        return false;
    *out_us = ((int64_t)timegm(&tm) - offset_s) * 1000000 + us;
    return true;
}
