/* fixture: policies from text and the system's time zones, for the tests of this room. */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "policy/policy.h"

/* A policy_zone_reader over /usr/share/zoneinfo. */
static inline str fixture_zone(void *ctx, struct arena *a, str name)
{
    char path[256];
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    file = fopen(path, "rb");
    if (!file)
        return (str){NULL, 0};
    char *bytes = arena_text(a, 1 << 16);
    n = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return (str){bytes, n};
}

static inline struct policy *fixture_load_files(const struct doc_file *files, size_t n)
{
    struct policy_load_in in = {.files = files,
                                .n_files = n,
                                .zone = fixture_zone,
                                .tzdata_version = STR("test"),
                                .has_geoip = true};
    struct findings f;

    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    if (!p)
        findings_print(&f, stdout);
    findings_finish(&f);
    assert_non_null(p);
    return p;
}

static inline struct policy *fixture_load(const char *yaml)
{
    struct doc_file file = {STR("test.yaml"), str_of(yaml)};

    return fixture_load_files(&file, 1);
}

#endif
