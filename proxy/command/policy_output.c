#include <stdlib.h>
#include <string.h>

#include "proxy/command/command.h"
#include "proxy/command/policy_command.h"

enum { JSON_FIRST_BYTES = 1 << 16 };
static const size_t json_most_bytes = (size_t)1 << 30;

/* The writer has a fixed room: what does not fit is written again in twice as much. */
void policy_json_print(void (*write)(struct jout *j, const void *what), const void *what)
{
    struct jout j = {.overflow = true};
    char *buf = NULL;

    for (size_t cap = JSON_FIRST_BYTES; j.overflow && cap <= json_most_bytes; cap *= 2) {
        buf = mem_grow(buf, cap);
        jout_init(&j, buf, cap);
        write(&j, what);
    }
    if (!j.overflow)
        printf("%.*s\n", STR_ARG(jout_text(&j)));
    free(buf);
}

void policy_json_text(struct jout *j, str name, str text)
{
    if (text.p)
        jout_kstr(j, name, text);
}

void policy_json_texts(struct jout *j, str name, const str *items, size_t n)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < n; i++)
        jout_str(j, items[i]);
    jout_close(j, ']');
}

void policy_json_session(struct jout *j, const struct policy_obligations *o)
{
    jout_key(j, STR("session"));
    jout_open(j, '{');
    jout_kint(j, STR("max_s"), o->max_s);
    jout_kint(j, STR("idle_s"), o->idle_s);
    jout_kbool(j, STR("record"), o->record);
    jout_kbool(j, STR("clipboard"), o->clipboard);
    jout_kbool(j, STR("file_transfer"), o->file_transfer);
    jout_kbool(j, STR("port_forwarding"), o->port_forwarding);
    jout_close(j, '}');
}

void policy_json_findings(struct jout *j, const struct findings *f)
{
    static const char *const severities[] = {"error", "warning", "note"};

    jout_key(j, STR("findings"));
    jout_open(j, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *it = &f->items[i];
        jout_open(j, '{');
        jout_kstr(j, STR("file"), it->file);
        jout_kint(j, STR("line"), it->line);
        jout_kint(j, STR("column"), it->column);
        jout_kstr(j, STR("severity"), str_of(severities[it->severity]));
        jout_kstr(j, STR("code"), it->code);
        jout_kstr(j, STR("message"), it->message);
        jout_key(j, STR("suggestion"));
        if (it->suggestion.p)
            jout_str(j, it->suggestion);
        else
            jout_null(j);
        jout_close(j, '}');
    }
    jout_close(j, ']');
    jout_kint(j, STR("errors"), (int64_t)findings_told(f));
    jout_kint(j, STR("warnings"), (int64_t)f->warnings);
}

void policy_print_session(const struct policy_obligations *o)
{
    if (o->max_s)
        printf(", for %llds", (long long)o->max_s);
    if (o->idle_s)
        printf(", idle %llds", (long long)o->idle_s);
    printf("%s%s%s%s", o->record ? ", recorded" : "", o->clipboard ? ", clipboard" : "",
           o->file_transfer ? ", file transfer" : "", o->port_forwarding ? ", ports" : "");
}

void policy_print_instant(FILE *out, const char *label, int64_t at_s)
{
    char text[JOUT_TIME_CHARS];

    jout_time_text(at_s * 1000000, text);
    fprintf(out, "%s%.19sZ", label, text);
}

void policy_print_time(FILE *out, const char *label, int64_t at_s)
{
    policy_print_instant(out, label, at_s);
    fputc('\n', out);
}

void policy_print_safe(FILE *out, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        fputc(c < 0x20 || c == 0x7F ? '?' : c, out);
    }
}

const char *policy_plural(size_t n)
{
    return n == 1 ? "" : "s";
}
