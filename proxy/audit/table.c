/* table: one record as one row for a person. What a record holds came from outside: a control
 * byte in a path must not steer the reader's terminal, nor a bidi mark reorder the row. */
#include "proxy/audit/reading.h"

#include "base/encode.h"

#include <jansson.h>

enum { TIME_WIDTH = 23, USER_WIDTH = 28, APP_WIDTH = 12, EFFECT_WIDTH = 6, REASON_WIDTH = 22 };
enum { CHANGES_SHOWN = 4 };

static bool is_harmless(int32_t c)
{
    return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

/* Padded to width; cut there with a dot at the end when `cuts`. */
static void put_text(FILE *out, str s, size_t width, bool cuts)
{
    size_t i = 0, shown = 0;
    while (i < s.n && (!cuts || shown < width)) {
        size_t start = i;
        int32_t c = utf8_next(s, &i);
        if (cuts && shown == width - 1 && i < s.n)
            fputc('.', out);
        else if (c < 0 || !is_harmless(c))
            fputc('?', out);
        else
            fwrite(s.p + start, 1, i - start, out);
        shown++;
    }
    for (; shown < width; shown++)
        fputc(' ', out);
}

static void put(FILE *out, str s, size_t width, bool cuts)
{
    put_text(out, s, width, cuts);
    fputc(' ', out);
}

static str text_of(const json_t *v)
{
    return json_is_string(v) ? (str){json_string_value(v), json_string_length(v)} : STR("");
}

static str get(const json_t *o, const char *a, const char *b)
{
    const json_t *v = json_object_get(o, a);
    return text_of(b ? json_object_get(v, b) : v);
}

static str first_of(str a, str b)
{
    return a.n ? a : b;
}

static str rule_of(const json_t *o)
{
    const json_t *rules = json_object_get(json_object_get(o, "decision"), "rules");
    return text_of(json_array_get(rules, 0));
}

/* What another set of rules would have made of it, at the end: few records have it. */
static void put_shadow(FILE *out, const json_t *o)
{
    const json_t *shadow = json_object_get(o, "shadow");
    if (!json_is_object(shadow))
        return;
    fputs("  shadow: ", out);
    put_text(out, get(shadow, "effect", NULL), 0, false);
    str rule = text_of(json_array_get(json_object_get(shadow, "rules"), 0));
    fputc(' ', out);
    put_text(out, first_of(rule, get(shadow, "reason", NULL)), 0, false);
}

static void put_request(FILE *out, const json_t *o)
{
    const json_t *status = json_object_get(o, "status"), *us = json_object_get(o, "duration_us");
    char text[64] = "-";
    put(out, get(o, "app", NULL), APP_WIDTH, true);
    put(out, get(o, "decision", "effect"), EFFECT_WIDTH, true);
    /* of a bad token the check that failed says more than `auth.none` */
    str reason = first_of(get(o, "decision", "token"), get(o, "decision", "reason"));
    put(out, first_of(rule_of(o), reason), REASON_WIDTH, true);
    if (json_is_integer(status))
        snprintf(text, sizeof text, "%3d", (int)json_integer_value(status));
    put(out, str_of(text), 3, false);
    snprintf(text, sizeof text, "%7.1fms", (double)json_integer_value(us) / 1000);
    put(out, json_is_integer(us) ? str_of(text) : STR(""), 9, false);
    put(out, get(o, "method", NULL), 4, false);
    put_text(out, first_of(get(o, "path", NULL), STR("-")), 0, false);
    put_shadow(out, o);
    fputc('\n', out);
}

/* A set that was refused, files that were loaded, headers that were removed: the first, and how
 * many more. */
static void put_list(FILE *out, const json_t *list, const char *what)
{
    size_t n = json_array_size(list);
    const json_t *first = json_array_get(list, 0);
    if (!n)
        return;
    fprintf(out, " %s", what);
    put_text(out, first_of(text_of(first), get(first, "name", NULL)), 0, false);
    if (n > 1)
        fprintf(out, " (and %zu more)", n - 1);
}

static void put_member(FILE *out, const json_t *o, const char *name, const char *as)
{
    const json_t *v = json_object_get(o, name);
    if (json_is_integer(v))
        fprintf(out, " %s=%lld", as, (long long)json_integer_value(v));
    if (!json_is_string(v))
        return;
    fprintf(out, " %s=", as);
    put_text(out, text_of(v), 0, false);
}

/* An approval: of what, and for whom when it is another who decides. */
static void put_grant(FILE *out, const json_t *o)
{
    const json_t *grant = json_object_get(o, "grant");
    if (!json_is_object(grant))
        return;
    put_member(out, grant, "app", "app");
    put_member(out, grant, "rule", "rule");
    put_member(out, grant, "id", "grant");
    put_member(out, grant, json_object_get(grant, "email") ? "email" : "subject", "for");
    put_member(out, grant, "reason", "reason");
}

/* What a source says anew about a device. */
static void put_device(FILE *out, const json_t *o)
{
    const json_t *changes = json_object_get(o, "changes"), *device = json_object_get(o, "device");
    if (json_is_object(device))
        put_member(out, device, "id", "device");
    if (json_is_true(json_object_get(o, "added")) || json_is_true(json_object_get(o, "removed")))
        fputs(json_object_get(o, "added") ? " added" : " removed", out);
    for (size_t i = 0; i < json_array_size(changes) && i < CHANGES_SHOWN; i++) {
        const json_t *one = json_array_get(changes, i);
        fputc(' ', out);
        put_text(out, get(one, "name", NULL), 0, false);
        fputc('=', out);
        put_text(out, get(one, "to", NULL), 0, false);
    }
    if (json_array_size(changes) > CHANGES_SHOWN)
        fprintf(out, " (and %zu more)", json_array_size(changes) - CHANGES_SHOWN);
}

static void put_event(FILE *out, const json_t *o)
{
    static const char *const shown[] = {
        "app",     "rule",   "reason",  "token",   "error",   "why",  "by",   "how",
        "ended",   "state",  "source",  "device",  "issuer",  "size", "file", "kept",
        "records", "digest", "devices", "purpose", "trigger", NULL};
    for (size_t i = 0; shown[i]; i++)
        put_member(out, o, shown[i], shown[i]);
    put_grant(out, o);
    put_device(out, o);
    put_list(out, json_object_get(o, "files"), "");
    put_list(out, json_object_get(o, "removed"), "removed ");
    put_list(out, json_object_get(o, "errors"), "");
    put_list(out, json_object_get(o, "headers"), "");
    fputc('\n', out);
}

/* Whoever did it; else whom it befell. */
static str person_of(const json_t *o)
{
    static const char *const at[] = {"identity", "user", "grant"};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        str who = first_of(get(o, at[i], "email"), get(o, at[i], "subject"));
        if (who.n)
            return who;
    }
    return first_of(get(o, "email", NULL), STR("-"));
}

const char *const audit_kinds[] = {"decision",
                                   "request.open",
                                   "request.close",
                                   "visit.start",
                                   "visit.end",
                                   "spoof_attempt",
                                   "login",
                                   "login.failed",
                                   "step_up",
                                   "logout",
                                   "logout.failed",
                                   "session.revoked",
                                   "purpose.stated",
                                   "approval.asked",
                                   "approval.approved",
                                   "approval.refused",
                                   "approval.ended",
                                   "break_glass.opened",
                                   "break_glass.failed",
                                   "break_glass.ended",
                                   "device.source",
                                   "device.changed",
                                   "policy.loaded",
                                   "policy.failed",
                                   "journal",
                                   "journal.resumed",
                                   "journal.broken",
                                   "journal.torn",
                                   "journal.rolled_back",
                                   "journal.replaced",
                                   "journal.lost",
                                   "checkpoint",
                                   "clock.stepped",
                                   NULL};

void audit_table_head(FILE *out)
{
    put(out, STR("TIME (UTC)"), TIME_WIDTH, true);
    put(out, STR("KIND"), APP_WIDTH, true);
    put(out, STR("USER"), USER_WIDTH, true);
    put(out, STR("APP"), APP_WIDTH, true);
    put(out, STR("EFFECT"), EFFECT_WIDTH, true);
    put(out, STR("RULE OR REASON"), REASON_WIDTH, true);
    fputs("STA      TIME REQUEST\n", out);
}

void audit_table_row(FILE *out, str line)
{
    json_t *o = json_loadb(line.p, line.n, 0, NULL);
    str kind = get(o, "kind", NULL);
    put(out, str_upto(get(o, "time", NULL), TIME_WIDTH), TIME_WIDTH, true); /* milliseconds */
    if (json_is_object(json_object_get(o, "decision"))) {
        put(out, kind, APP_WIDTH, true);
        put(out, person_of(o), USER_WIDTH, true);
        put_request(out, o);
    } else {
        put(out, kind, APP_WIDTH, false);
        put_text(out, person_of(o), USER_WIDTH, true);
        put_event(out, o);
    }
    json_decref(o);
}
