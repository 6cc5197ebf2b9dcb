/* Diagnostics. See log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/jout.h"

static _Atomic int least_level = LOG_LEVEL_INFO;
static _Atomic int line_style = LOG_TEXT;
static _Atomic int line_fd = 2;

static const char *const LEVEL[] = {"debug", "info", "warn", "error"};

void log_level(enum log_level least)
{
    atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

void log_style(enum log_style style)
{
    atomic_store_explicit(&line_style, (int)style, memory_order_relaxed);
}

void log_fd(int fd)
{
    atomic_store_explicit(&line_fd, fd, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

const char *log_num(char buf[24], int64_t n)
{
    snprintf(buf, 24, "%lld", (long long)n);
    return buf;
}

/* A value that is one plain word stands bare; anything else is quoted and escaped as in JSON. */
static bool is_bare(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\' || s.p[i] >= 0x7F)
            return false;
    return s.n > 0;
}

static void field(struct jout *j, bool json, const char *name, str value)
{
    if (json) {
        jout_kstr(j, str_of(name), value);
        return;
    }
    bool first = j->n == 0;
    j->comma = false;
    if (!first)
        jout_raw(j, STR(" "));
    j->comma = false;
    jout_raw(j, str_of(name));
    j->comma = false;
    jout_raw(j, STR("="));
    j->comma = false;
    if (is_bare(value))
        jout_raw(j, value);
    else
        jout_str(j, value);
}

void log_event(enum log_level level, const char *event, const char *message, ...)
{
    if (!log_enabled(level))
        return;
    bool json = atomic_load_explicit(&line_style, memory_order_relaxed) == LOG_JSON;
    char line[4096], when[JOUT_TIME_CHARS];
    struct timespec now;
    struct jout j;
    clock_gettime(CLOCK_REALTIME, &now);
    jout_time_text((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, when);
    jout_init(&j, line, sizeof line - 32);
    if (json)
        jout_open(&j, '{');
    field(&j, json, "time", (str){when, sizeof when});
    field(&j, json, "level", str_of(LEVEL[level]));
    field(&j, json, "event", str_of(event));
    if (message)
        field(&j, json, "message", str_of(message));
    va_list ap;
    va_start(ap, message);
    for (const char *name; (name = va_arg(ap, const char *)) != NULL;) {
        const char *text = va_arg(ap, const char *);
        struct jout before = j;
        field(&j, json, name, str_of(text ? text : ""));
        if (j.overflow)
            j = before; /* a field that does not fit is left out, the line stays whole */
    }
    va_end(ap);
    j.cap = sizeof line;
    if (json)
        jout_close(&j, '}');
    j.buf[j.n++] = '\n';
    (void)!write(atomic_load_explicit(&line_fd, memory_order_relaxed), j.buf, j.n);
}
