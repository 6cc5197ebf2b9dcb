/* version: numbers between dots, compared as numbers. As text 14.9 would beat 14.10 and let an
 * unpatched machine in. Some write the minute of the build, 202611251030: more than 32 bits hold.
 */
#include "policy/rule.h"

bool version_parse(str s, struct version *out)
{
    struct version v = {0};

    if (s.n == 0)
        return false;
    for (str rest = s; rest.p;) {
        str part = str_cut(&rest, '.');
        uint64_t number;

        if (v.n == POLICY_VERSION_PARTS || !str_to_u64(part, UINT64_MAX, &number))
            return false;
        v.parts[v.n++] = number;
    }
    *out = v;
    return true;
}

int version_cmp(const struct version *a, const struct version *b)
{
    /* Parts that are not written are zero in both. */
    for (size_t i = 0; i < POLICY_VERSION_PARTS; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return 0;
}
