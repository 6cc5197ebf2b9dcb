/* scalar_hint: what to write instead, where the schema tables find a value wrong. Each is a guess
 * from the text alone, and NULL where there is none. */
#include "policy/scalar.h"

static const str NO_HINT = {NULL, 0};

str scalar_hint_email(struct arena *a, const struct doc_node *node)
{
    str s = node->text, domain = str_from(s, 2);

    if (node->kind == DOC_SCALAR && str_starts(s, STR("*@")) && scalar_is_name(domain))
        return arena_printf(a, "write domains: [%.*s]", STR_ARG(domain));
    return NO_HINT;
}
