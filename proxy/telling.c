/* Loads, told. See telling.h. */
#include "proxy/telling.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jout.h"
#include "base/log.h"
#include "proxy/config/loaded.h"

enum {
    RECORD_ROOM = 64 * 1024,
    PLACE_CHARS = 128,
    ERROR_CHARS = 160,
    HINT_CHARS = 120,
    ERROR_ROOM = 3072,     /* an error, escaped, and what closes the record */
    LOGGED_WARNINGS = 100, /* of one load; `postern policy check` tells all */
};

static void place_of(const struct finding *it, str file, char *out, size_t cap)
{
    if (it->line)
        snprintf(out, cap, "%.*s:%u:%u", STR_ARG(file), it->line, it->column);
    else
        snprintf(out, cap, "%.*s", STR_ARG(file));
}

static void log_finding(const struct finding *it)
{
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO};
    const char *event = it->severity == FINDING_ERROR ? "reload.failed" : "reload.finding";
    const char *hint = it->suggestion.p, *source = it->source.p;
    char place[512];

    place_of(it, it->file, place, sizeof place);
    log_event(levels[it->severity], event, it->message.p, "at", place, "code", it->code.p,
              hint     ? "hint"
              : source ? "source"
                       : NULL,
              hint ? hint : source, hint && source ? "source" : NULL, source, NULL);
}

void telling_log(const struct findings *f)
{
    size_t n_warnings = 0;
    char text[120];

    for (size_t i = 0; i < f->n; i++)
        if (f->items[i].severity == FINDING_ERROR || n_warnings++ < LOGGED_WARNINGS)
            log_finding(&f->items[i]);
    if (f->dropped) {
        snprintf(text, sizeof text, "and %zu more error%s in files that have %zu already",
                 f->dropped, f->dropped == 1 ? "" : "s", f->per_file_cap);
        log_error("reload.failed", text);
    }
    if (n_warnings > LOGGED_WARNINGS) {
        snprintf(text, sizeof text, "and %zu more; postern policy check tells all",
                 n_warnings - LOGGED_WARNINGS);
        log_warn("reload.finding", text);
    }
}

void telling_shadow(const struct snapshot *now, const struct snapshot *before, const char *dir)
{
    bool is_known = before && before->shadow == now->shadow && !before->is_shadow_broken;
    char rules[24];
    if (now->is_shadow_broken)
        log_warn("shadow.failed",
                 now->shadow ? "the shadow rules have errors: those of before are compared"
                             : "the shadow rules have errors: nothing is compared",
                 "dir", dir);
    else if (now->shadow && !is_known)
        log_info("shadow.loaded", "each request is decided by the shadow rules too", "dir", dir,
                 "rules", log_num(rules, (int64_t)policy_rule_count(now->shadow)), "digest",
                 policy_digest(now->shadow).p);
}

/* With its place, the folder left out, as `files` of policy.loaded names them, and what to write
 * instead: who edits rules may see the access log alone. */
static void write_error(struct jout *j, const struct finding *it)
{
    char place[PLACE_CHARS], text[PLACE_CHARS + ERROR_CHARS + HINT_CHARS + 8];
    str file = it->file, message = str_upto(it->message, ERROR_CHARS);
    str hint = str_upto(it->suggestion, HINT_CHARS);
    while (str_find(file, '/') < file.n)
        file = str_from(file, str_find(file, '/') + 1);
    place_of(it, file, place, sizeof place);
    snprintf(text, sizeof text, "%s%s%.*s%s%.*s%s", place, place[0] ? ": " : "", STR_ARG(message),
             hint.n ? " (" : "", STR_ARG(hint), hint.n ? ")" : "");
    jout_str(j, str_of(text));
}

static void write_errors(struct jout *j, const struct findings *f)
{
    jout_key(j, STR("errors"));
    jout_open(j, '[');
    for (size_t i = 0; i < f->n && j->cap - j->n > ERROR_ROOM; i++)
        if (f->items[i].severity == FINDING_ERROR)
            write_error(j, &f->items[i]);
    jout_close(j, ']');
}

void telling_record(const struct telling *t, struct audit *audit)
{
    char *text = mem_alloc(RECORD_ROOM);
    struct jout j;
    jout_init(&j, text, RECORD_ROOM);
    jout_open(&j, '{');
    jout_ktime(&j, STR("time"), t->wall_us);
    jout_kstr(&j, STR("kind"), t->kind);
    jout_kstr(&j, STR("node"), t->node);
    jout_kstr(&j, STR("boot"), t->boot);
    loaded_write(&j, t->now, t->before, t->trigger);
    if (t->findings && t->findings->errors)
        write_errors(&j, t->findings);
    jout_close(&j, '}');
    if (!j.overflow)
        audit_append(audit, jout_text(&j));
    free(text);
}
