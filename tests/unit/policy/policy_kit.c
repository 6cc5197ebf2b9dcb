#include "policy_kit.h"

#include <stdio.h>

static const str absent_groups[] = {{"groups", 6}};
static const struct policy_known_issuer issuers[] = {
    {{"corp", 4}, absent_groups, 1},
};
static const str services[] = {{"ci-inventory", 12}};
static const str sources[] = {{"fleet", 5}};
static const str channels[] = {{"security-alerts", 15}};
static const str reserved[] = {{"access.corp.example", 19}};

const struct policy_known kit_known = {
    .issuers = issuers,
    .n_issuers = 1,
    .services = services,
    .n_services = 1,
    .sources = sources,
    .n_sources = 1,
    .channels = channels,
    .n_channels = 1,
    .reserved_hosts = reserved,
    .n_reserved_hosts = 1,
};

str kit_read(struct arena *a, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return (str){NULL, 0};
    size_t cap = 1 << 21;
    char *bytes = arena_text(a, cap);
    size_t n = fread(bytes, 1, cap, file);
    fclose(file);
    return (str){bytes, n};
}

str kit_zone(void *ctx, struct arena *a, str name)
{
    char path[256];
    (void)ctx;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    return kit_read(a, path);
}

size_t kit_split(str name, str text, struct doc_file *out, size_t most)
{
    static const char mark[] = "#=== ";
    size_t n = 0, start = 0;
    for (size_t at = 0; at <= text.n;) {
        str line = str_upto(str_from(text, at), str_find(str_from(text, at), '\n'));
        bool is_mark = str_starts(line, str_of(mark));
        if ((is_mark || at == text.n) && at > start && n < most)
            out[n++] = (struct doc_file){name, {text.p + start, at - start}};
        if (is_mark) {
            name = str_from(line, sizeof mark - 1);
            start = at + line.n + 1;
        }
        if (at == text.n)
            break;
        at += line.n + 1 > text.n - at ? text.n - at : line.n + 1;
    }
    if (n == 0)
        out[n++] = (struct doc_file){name, text};
    return n;
}

struct policy *kit_load(const char *text, struct findings *f)
{
    struct doc_file files[8];
    struct policy_load_in in = {
        .files = files,
        .n_files = kit_split(STR("a.yaml"), str_of(text), files, 8),
        .zone = kit_zone,
        .tzdata_version = STR("2024a"),
        .known = &kit_known,
    };
    return policy_load(&in, f);
}
