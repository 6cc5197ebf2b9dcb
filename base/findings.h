/* findings: all that is wrong with a set of files, told as a good compiler does.
 *
 *   policies/inventory.yaml:12:5: error: unknown key "groups_" in who
 *      12 |     groups_: [contractors]
 *         |     ^
 *      did you mean "groups"?
 *
 * Owned by whoever inits it; texts are copied. One thread. */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

enum finding_severity { FINDING_ERROR, FINDING_WARNING, FINDING_NOTE };

struct finding {
    enum finding_severity severity;
    str code;              /* stable id, e.g. "unknown-key" */
    str file;              /* empty: concerns the set */
    unsigned line, column; /* 1-based; 0 = no place. column counts characters */
    str message;           /* one sentence without a final dot */
    str suggestion;        /* one sentence, may be absent */
    str source;            /* the source line, or what is around the column; may be absent */
    unsigned skipped;      /* characters of the line that stand before `source` */
};

struct findings {
    struct arena arena;
    struct finding *items;
    size_t n, cap;
    size_t errors, warnings;
    size_t dropped; /* beyond per_file_cap errors of one file */
    /* Told already at the same place. They count as errors: who compares `errors` with what it was
     * before must not take his own fault, told by another before, for none. */
    size_t repeated;
    size_t per_file_cap; /* default 20 */
    str full;            /* the file that was found full last */
};

/* A place: which file, which mark. doc_node has one. */
struct finding_at {
    str file, source;
    unsigned line, column;
};

void findings_init(struct findings *f);
void findings_finish(struct findings *f);
/* `suggestion` may be NULL. The same error of the same place is kept once. Of a long source line a
 * window around the column is kept, and control characters in a message are written as escapes:
 * what a file says cannot forge a line of the log. */
__attribute__((format(printf, 6, 7))) void
findings_add(struct findings *f, enum finding_severity severity, const char *code,
             const struct finding_at *at, const char *suggestion, const char *fmt, ...);
/* How many different errors there are. */
size_t findings_told(const struct findings *f);
/* True when a further error of this file would only be counted. */
bool findings_is_full(const struct findings *f, str file);
/* By file, then line, then column, then order of adding. */
void findings_sort(struct findings *f);
void findings_print(const struct findings *f, FILE *out);
/* {"findings":[{file,line,column,severity,code,message,suggestion}],"errors":n,"warnings":n} */
void findings_print_json(const struct findings *f, FILE *out);
/* The nearest of `n` names, or {NULL,0}: two slips away at most (str_distance), one in a word of
 * under six letters, where two would make nearly any name a neighbour, and three in one of twelve
 * or more. */
str findings_nearest(str word, const str *names, size_t n);

#endif
