/* room: what the tests of this folder share: a directory of their own and findings as text. */
#ifndef TESTS_UNIT_CONFIG_ROOM_H
#define TESTS_UNIT_CONFIG_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/findings.h"

static char room[64];

static inline const char *room_path(const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *p = paths[turn++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", room, name);
    return p;
}

static inline void room_write(const char *name, const char *text)
{
    FILE *f = fopen(room_path(name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static inline void room_mkdir(const char *name)
{
    assert_int_equal(mkdir(room_path(name), 0755), 0);
}

static inline int room_setup(void **state)
{
    strcpy(room, "/tmp/postern-config-XXXXXX");
    return mkdtemp(room) ? 0 : -1;
}

static inline int room_teardown(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", room);
    return system(command);
}

/* "line:column code: message (suggestion)" of each finding, one line each. */
static inline const char *findings_text(const struct findings *f)
{
    static char out[8192];
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < f->n && n < sizeof out; i++) {
        const struct finding *x = &f->items[i];
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%u:%u %.*s: %.*s", i ? "\n" : "", x->line,
                              x->column, STR_ARG(x->code), STR_ARG(x->message));
        if (x->suggestion.n && n < sizeof out)
            n += (size_t)snprintf(out + n, sizeof out - n, " (%.*s)", STR_ARG(x->suggestion));
    }
    return out;
}

#endif
