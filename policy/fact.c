/* fact: what people state as facts on a command line, held to what the tests of a set are held to.
 */
#include <string.h>

#include "policy/code.h"
#include "policy/author.h"
#include "policy/rule.h"
#include "policy/compiled.h"
#include "policy/scalar.h"

enum { MOST_ATTRIBUTES = 32 };

static const char *why_not(schema_scalar_check *check, str text)
{
    struct doc_node node = {.kind = DOC_SCALAR, .text = text, .is_plain = true};
    const char *why = NULL;

    return check(&node, &why) ? NULL : why;
}

const char *policy_user_wrong(str text)
{
    return why_not(scalar_check_email, text);
}

const char *policy_method_wrong(str text)
{
    return why_not(scalar_check_method, text);
}

const char *policy_attribute_wrong(str text, str *near_out)
{
    str names[MOST_ATTRIBUTES];
    size_t n = 0;

    *near_out = (str){NULL, 0};
    if (device_attribute_is_known(text))
        return NULL;
    while (n < MOST_ATTRIBUTES && device_attribute_names[n]) {
        names[n] = str_of(device_attribute_names[n]);
        n++;
    }
    *near_out = findings_nearest(text, names, n);
    return "must be a device attribute such as disk_encrypted or os_version, or provider.name";
}

/* Most people have groups that no rule asks for: only a slip is worth a word. */
bool policy_group_near(const struct policy *p, str group, struct arena *a, str *near_out)
{
    const struct map *groups = &p->compiled->groups;
    str *names = arena_array(a, str, groups->n + 1);

    for (size_t i = 0; i < groups->n; i++) {
        names[i] = groups->entries[i].key;
        if (str_eq(names[i], group))
            return false;
    }
    *near_out = findings_nearest(group, names, groups->n);
    return near_out->n > 0;
}
