/* desk: a folder, two clocks that tests turn, and a journal that is turned by hand. */
#ifndef TESTS_UNIT_AUDIT_DESK_H
#define TESTS_UNIT_AUDIT_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proxy/audit/audit.h"
#include "proxy/audit/io.h"

struct desk {
    char folder[256], file[300], key[300], state[300];
    struct audit_options options;
    struct audit *audit;
    struct audit_ring *ring;
    int changes; /* calls of `changed` */
};

/* The clocks: microseconds. */
extern int64_t desk_wall_us, desk_mono_us;

int desk_setup(void **state);
int desk_teardown(void **state);
/* Opens with desk->options and makes a ring. */
void desk_open(struct desk *d);
void desk_close(struct desk *d);
/* Both clocks move on, then the writer has a turn. */
void desk_turn(struct desk *d, int64_t us);
/* One record {"time":..,"kind":"decision","n":N} through a reservation; false: no room. */
bool desk_put(struct desk *d, int n);
void desk_put_many(struct desk *d, int from, int to);
/* The whole of a file, NUL-terminated; the caller frees it. */
char *desk_read(const char *path, size_t *n_out);
void desk_write(const char *path, const char *bytes, size_t n);
/* Occurrences of a text in the live file. */
int desk_count(const struct desk *d, const char *text);
/* Verifies with the desk's key; asserts the flaw and returns all that was found. */
struct verify_result desk_verify(const struct desk *d, enum verify_flaw want);
/* A name in the folder that holds `part`, or NULL; the caller frees it. */
char *desk_find(const struct desk *d, const char *part);

#endif
