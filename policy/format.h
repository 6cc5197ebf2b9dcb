/* format: the usual layout in the making. format.c places lines, format_line.c writes what stands
 * on one. */
#ifndef POLICY_FORMAT_H
#define POLICY_FORMAT_H

#include "policy/policy.h"
#include "policy/text.h"

enum { FORMAT_MAX_LEVELS = 64, FORMAT_STEP = 2 };

/* One open block: where its lines stood, and where they stand now. */
struct format_level {
    size_t old_column, new_column;
    bool is_list;
};

struct format {
    struct text out;
    struct format_level levels[FORMAT_MAX_LEVELS];
    size_t n_levels;
    size_t brackets;             /* open flow brackets at the start of the line */
    char quote;                  /* an open quoted text at the start of the line, 0: none */
    size_t shift_old, shift_new; /* of the line that opened the brackets or the quote */
    bool in_literal;             /* a block scalar: its lines are kept as they are */
    size_t literal_column;       /* of the line that began it */
    size_t empty;                /* empty lines waiting */
    bool has_line;
    str rest; /* the lines behind the one in hand */
    /* The first of them that is neither empty nor a comment; absent: none. Looked for once for all
     * comments that stand before it. */
    str next;
    bool knows_next;
};

/* ---- format_line.c ---- */

void format_spaces(struct text *t, size_t n);
/* Where something else than a space stands, from i on. */
size_t format_skip_spaces(str s, size_t i);
/* A comment keeps its distance (`gap`) when it has one, so that columns of comments stay columns.
 */
void format_comment(struct format *f, str s, size_t i, size_t gap, bool is_alone);
/* What stands on a line behind its indentation. */
void format_content(struct format *f, str s);

#endif
