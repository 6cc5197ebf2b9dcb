/* path_glob: patterns over the normal form of path.c, a segment at a time. */
#include "policy/path.h"

static bool is_ascii(str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    return true;
}

/* Raw bytes over 0x7F as a request would spell them. */
static str encode_utf8(struct arena *a, str text)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_ascii(text))
        return text;
    char *out = arena_text(a, 3 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char byte = (unsigned char)text.p[i];
        if (byte < 0x80) {
            out[n++] = text.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[byte >> 4];
        out[n++] = digits[byte & 15];
    }
    return (str){out, n};
}

/* The segment of a normal form that begins at *pos (on its slash); *pos moves behind it. */
static str next_segment(str path, size_t *pos)
{
    size_t start = *pos + 1, end = start;

    while (end < path.n && path.p[end] != '/')
        end++;
    *pos = end;
    return (str){path.p + start, end - start};
}

static str drop_final_slash(str path)
{
    return path.n && path.p[path.n - 1] == '/' ? str_upto(path, path.n - 1) : path;
}

/* False for a star beside other text. */
static bool read_segment(str text, struct path_segment *out)
{
    out->text = text;
    if (str_eq(text, STR("**")))
        out->kind = PATH_SEGMENT_ANY;
    else if (str_eq(text, STR("*")))
        out->kind = PATH_SEGMENT_ONE;
    else
        return str_find(text, '*') == text.n;
    return true;
}

/* The text in its normal form; why not, or NULL. */
static const char *normalise(struct arena *a, str text, str *path_out)
{
    struct path_rules lax = {.pass_encoded_slash = true, .pass_params = true};

    if (str_find(text, '?') != text.n)
        return "must not hold a question mark: the query takes no part in paths";
    if (text.n == 0 || text.p[0] != '/')
        return "must begin with a slash";
    str encoded = encode_utf8(a, text);
    enum path_verdict verdict =
        path_normalise(encoded, lax, arena_text(a, encoded.n + 1), path_out);
    if (verdict == PATH_OK)
        return NULL;
    return arena_printf(a, "names paths that are refused to everybody, for they hold %s",
                        path_verdict_text(verdict))
        .p;
}

static size_t count_segments(str path)
{
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++)
        n += path.p[i] == '/';
    return n;
}

static const char *read_segments(str path, struct path_segment *segments, size_t *n_out)
{
    size_t n = 0;

    for (size_t pos = 0; pos < path.n; n++)
        if (!read_segment(next_segment(path, &pos), &segments[n]))
            return "must have * and ** alone in their segment";
    if (n && str_eq_nocase(segments[0].text, STR(".postern")))
        return "must not name /.postern/, which is never an app's";
    *n_out = n;
    return NULL;
}

bool path_glob_compile(struct arena *a, str text, struct path_glob *out, const char **why_out)
{
    str path;
    size_t n;
    const char *why = normalise(a, text, &path);

    if (why) {
        *why_out = why;
        return false;
    }
    path = drop_final_slash(path);
    struct path_segment *segments = arena_array(a, struct path_segment, count_segments(path));
    why = read_segments(path, segments, &n);
    if (why) {
        *why_out = why;
        return false;
    }
    *out = (struct path_glob){.segments = segments, .n = n, .path = path};
    return true;
}

static bool segment_fits(str wanted, str text, bool ignores_case)
{
    if (str_eq(wanted, STR("*")))
        return text.n > 0;
    return ignores_case ? str_eq_nocase(wanted, text) : str_eq(wanted, text);
}

/* One step back to the last ** is enough: an earlier one could only take what a later one takes
 * too. So the cost is at most glob segments times path segments. */
bool path_glob_match_text(str glob, str path, bool ignores_case)
{
    size_t pos = 0, g = 0, behind_deep = SIZE_MAX, deep_pos = 0;

    path = drop_final_slash(path);
    for (;;) {
        size_t g_next = g, next = pos;
        str wanted = g < glob.n ? next_segment(glob, &g_next) : (str){NULL, 0};
        if (str_eq(wanted, STR("**"))) {
            g = behind_deep = g_next;
            deep_pos = pos;
            continue;
        }
        if (pos >= path.n)
            return g >= glob.n;
        str text = next_segment(path, &next);
        if (g < glob.n && segment_fits(wanted, text, ignores_case)) {
            g = g_next;
            pos = next;
        } else if (behind_deep != SIZE_MAX) {
            next_segment(path, &deep_pos);
            pos = deep_pos;
            g = behind_deep;
        } else {
            return false;
        }
    }
}

bool path_glob_match(const struct path_glob *glob, str path, bool ignores_case)
{
    return path_glob_match_text(glob->path, path, ignores_case);
}
