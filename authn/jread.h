/* jread: strict JSON (RFC 8259) read in place.
 *
 * Signed documents must mean one thing to every reader, so whatever two readers could take
 * differently is refused: duplicate names, bad UTF-8, lone surrogates, U+0000, numbers that fit no
 * integer or double, depth over 16, anything after the value. Number texts are kept as written,
 * since rules compare them so. Names and texts are slices of the caller's buffer, where they are
 * decoded over their own escapes (a decoded text is never longer); nodes come from an arena. */
#ifndef AUTHN_JREAD_H
#define AUTHN_JREAD_H

#include "base/arena.h"
#include "base/str.h"

enum { JREAD_MAX_DEPTH = 16 };

enum jkind { J_NONE = 0, J_NULL, J_BOOL, J_INTEGER, J_REAL, J_STRING, J_LIST, J_OBJECT };

struct jnode {
    enum jkind kind;
    str name;            /* of a member of an object, else absent */
    str text;            /* scalars: decoded string, number as written, "true", "false" */
    struct jnode *first; /* first child of a list or object */
    struct jnode *next;  /* next sibling */
    size_t n;            /* children */
};

/* The one object that `bytes` hold, or NULL. `has_control` (may be NULL) is set when a string or a
 * name anywhere holds a control character (C0, DEL, C1). The buffer is written to. */
struct jnode *jread_object(struct arena *a, char *bytes, size_t n, bool *has_control);
/* Member or NULL; NULL also for what is no object. */
const struct jnode *jread_get(const struct jnode *object, const char *name);
/* Text of a string member; {NULL, 0} when absent or of another kind. */
str jread_text(const struct jnode *object, const char *name);
/* Value of a number node; false for other kinds. Always finite. */
bool jread_number(const struct jnode *node, double *out);
/* True when a list of strings alone. */
bool jread_is_texts(const struct jnode *node);

/* Finds string members of the top-level object without building a tree (and so without an arena):
 * texts[i] is what names[i] says, absent when there is none. Nested values are checked for form but
 * not for duplicates. False when it is no object or one of the names stands twice. */
bool jread_peek(char *bytes, size_t n, const char *const *names, str *texts, size_t count);

#endif
