/* path: the one normal form of a request path, and globs over it.
 *
 * Rules are matched on the normal form and the same bytes are sent upstream, so that nobody can be
 * shown one path and served another. What has two readings is refused, never repaired: encoded
 * dots, slashes, backslashes, double escapes, overlong UTF-8, look-alikes of dot and slash.
 * No allocation in path_normalise and path_glob_match. Any thread. */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include "base/arena.h"
#include "base/str.h"

/* What an app tolerates; zero is the strict form. */
struct path_rules {
    bool pass_encoded_slash; /* encoded_slash: pass. %2F stays as opaque text of its segment */
    bool pass_params;        /* path_params: pass. ;k=v stays part of its segment */
};

/* Zero is a refusal, and everything but PATH_OK is one: answer 400, reason input:path. */
enum path_verdict {
    PATH_NOT_ABSOLUTE = 0, /* not empty and without a leading slash */
    PATH_OK,
    PATH_FRAGMENT,      /* a # */
    PATH_CONTROL,       /* a control byte or space, raw or escaped */
    PATH_EIGHT_BIT,     /* a raw byte over 0x7E */
    PATH_BACKSLASH,     /* \ or %5C */
    PATH_BAD_ESCAPE,    /* % without two hex digits */
    PATH_DOUBLE_ESCAPE, /* %25 and two hex digits: a second decoding would change the path */
    PATH_ENCODED_SLASH, /* %2F where the app does not pass it */
    PATH_PARAM,         /* ; or %3B where the app does not pass it */
    PATH_DOT_SEGMENT,   /* . or .. in any spelling */
    PATH_BAD_UTF8,      /* escapes that are not well-formed UTF-8 */
    PATH_LOOKALIKE,     /* a code point that folds to a dot, slash or backslash elsewhere */
};

/* Normalises the path of an origin-form target. A query (from the first ?) is cut off and is no
 * part of the answer. `out` is the caller's, of raw.n + 1 bytes or more; *path_out points into it
 * (without a NUL) and is {NULL, 0} unless PATH_OK. The empty path becomes "/". */
enum path_verdict path_normalise(str raw, struct path_rules rules, char *out, str *path_out);
/* What follows the first ? of a target, {NULL, 0} when there is none. */
str path_query(str raw);
/* A short sentence without a dot, for the log and the refusal: "an encoded slash". */
const char *path_verdict_text(enum path_verdict verdict);

/* ---- path_glob.c ---- */

enum path_segment_kind { PATH_SEGMENT_TEXT = 0, PATH_SEGMENT_ONE, PATH_SEGMENT_ANY };

struct path_segment {
    enum path_segment_kind kind; /* a literal, * (one whole segment), ** (zero or more) */
    str text;
};

/* "/" has no segment. */
struct path_glob {
    const struct path_segment *segments;
    size_t n;
    str path; /* the same as a text: a normal form without a final slash, "" for "/" */
};

/* Compiles a glob into the arena. Raw UTF-8 is percent-encoded and the text normalised as a path
 * that passes encoded slashes and params. On false, *why_out is a phrase such as
 * "must begin with a slash"; a star beside other text of its segment and /.postern/ are refused. */
bool path_glob_compile(struct arena *a, str text, struct path_glob *out, const char **why_out);
/* `path` is a normal form. One trailing slash is ignored on both sides; a final ** also matches
 * nothing. */
bool path_glob_match(const struct path_glob *glob, str path, bool ignores_case);
/* The same by path_glob.path alone. */
bool path_glob_match_text(str glob, str path, bool ignores_case);

#endif
