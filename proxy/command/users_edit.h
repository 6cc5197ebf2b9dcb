/* users_edit: changes one thing in the text of a users file and leaves all else as it was written,
 * comments included.
 *
 * Each function takes a text that builtin_users_parse has accepted and gives the new one in the
 * arena. It works on whole lines: an entry written in braces is written anew, line by line. Who
 * calls reads the result again and compares before he believes it (users_differ). */
#ifndef PROXY_COMMAND_USERS_EDIT_H
#define PROXY_COMMAND_USERS_EDIT_H

#include "authn/authn.h"

/* `fields` are lines as users_field makes them, in order. */
str users_edit_add(struct arena *a, str text, str email, const str *fields, size_t n);
/* `value` as YAML on one line; absent: the field goes. */
str users_edit_set(struct arena *a, str text, str email, str field, str value);
str users_edit_remove(struct arena *a, str text, str email);

/* A scalar, in quotes where it needs them, and a list of them: [a, "b c"]. */
str users_scalar(struct arena *a, str text);
str users_list(struct arena *a, const str *items, size_t n);
/* "name: value" */
str users_field(struct arena *a, str name, str value);

/* NULL when both say the same of everybody but `email`; else whom they do not agree on. */
const char *users_differ(const struct builtin_users *old, const struct builtin_users *new,
                         str email, struct arena *a);

#endif
