/* Loads, told. See telling.h. */
#include "proxy/telling.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jout.h"
#include "base/log.h"
#include "proxy/config/loaded.h"

enum {
    RECORD_ROOM = 64 * 1024,
    ERROR_CHARS = 160,
    ERROR_ROOM = 2048, /* an error, escaped, and what closes the record */
};

void telling_log(const struct findings *f, const char *event)
{
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO};
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->items[i];
        char place[512];
        snprintf(place, sizeof place, "%.*s:%u:%u", STR_ARG(it->file), it->line, it->column);
        log_event(levels[it->severity], event, it->message.p, "at", place, "code", it->code.p,
                  NULL);
    }
}

static void write_errors(struct jout *j, const struct findings *f)
{
    jout_key(j, STR("errors"));
    jout_open(j, '[');
    for (size_t i = 0; i < f->n && j->cap - j->n > ERROR_ROOM; i++)
        if (f->items[i].severity == FINDING_ERROR)
            jout_str(j, str_upto(f->items[i].message, ERROR_CHARS));
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
