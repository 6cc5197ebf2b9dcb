/* Fuzz target: any bytes as a request target, under every setting of an app. A normal form is its
 * own normal form, has no dot segment and no second reading, and fits in the room that is promised.
 */
#include "fuzz.h"

#include "policy/path.h"

static void check_segments(str path)
{
    MUST(path.n > 0 && path.p[0] == '/');
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        MUST(c > 0x20 && c < 0x7F && c != '\\' && c != '?' && c != '#');
    }
    for (str rest = str_from(path, 1); rest.p;) {
        str segment = str_cut(&rest, '/');
        MUST(!str_eq(segment, STR(".")) && !str_eq(segment, STR("..")));
        MUST(segment.n > 0 || !rest.p); /* only the last may be empty */
    }
}

static void check_normal(str raw, struct path_rules rules)
{
    char *out = malloc(raw.n + 1), *again = malloc(raw.n + 2);
    str path, twice;
    enum path_verdict verdict = path_normalise(raw, rules, out, &path);

    MUST(path_verdict_text(verdict) != NULL);
    MUST((verdict == PATH_OK) == (path.p != NULL));
    if (verdict == PATH_OK) {
        MUST(path.n <= raw.n + (raw.n == 0 || raw.p[0] == '?'));
        check_segments(path);
        MUST(path_normalise(path, rules, again, &twice) == PATH_OK);
        MUST(str_eq(path, twice));
    }
    free(out);
    free(again);
}

/* The first half as a glob, the second as the path that it meets. */
static void check_glob(str text, str raw)
{
    char *out = malloc(raw.n + 1);
    struct path_glob glob;
    const char *why = NULL;
    struct arena a;
    str path;

    arena_init(&a, NULL, 0);
    if (!path_glob_compile(&a, text, &glob, &why))
        MUST(why != NULL);
    else if (path_normalise(raw, (struct path_rules){true, true}, out, &path) == PATH_OK)
        MUST(path_glob_match(&glob, path, true) || !path_glob_match(&glob, path, false));
    arena_finish(&a);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *copy = malloc(n ? n : 1);
    str raw = {copy, n};

    if (n)
        memcpy(copy, data, n);
    for (int i = 0; i < 4; i++)
        check_normal(raw, (struct path_rules){i & 1, i >> 1});
    check_glob(str_upto(raw, n / 2), str_from(raw, n / 2));
    free(copy);
    return 0;
}
