/* policy_walk: over the members of a record, without a tree.
 *
 * Values are slices of the line, as they stand in it. Our writer wrote it, so its form is not
 * checked beyond what keeps the walk within the line; a text that is no JSON ends the walk. */
#ifndef PROXY_COMMAND_POLICY_WALK_H
#define PROXY_COMMAND_POLICY_WALK_H

#include "base/str.h"

#include <stddef.h>

/* Where the walk stands; everything is within [p, end). */
struct walk {
    const char *p, *end;
};

/* Into an object or a list; into anything else there is nothing to walk. */
struct walk walk_into(str value);
/* The next one of a list, of an object. False: no more. */
bool walk_item(struct walk *w, str *value);
bool walk_member(struct walk *w, str *name, str *value);

bool walk_is_text(str value);
/* Between the quotes, escapes and all; absent when it is no text. */
str walk_text(str value);
bool walk_is_true(str value);
/* A whole number, 0 for what is none. */
int64_t walk_number(str value);

/* Which member of a record goes into which str of a struct. */
struct walk_field {
    str name;
    size_t offset;
};
#define WALK_FIELD(type, member, name)                                                             \
    {                                                                                              \
        {name, sizeof name - 1}, offsetof(type, member)                                            \
    }
/* Where the value of this member goes; NULL: not in the table. */
str *walk_field(const struct walk_field *fields, size_t n, str name, void *object);

#endif
