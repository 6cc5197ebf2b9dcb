/* What an identity header carries: one claim as text, or nothing when it must not or cannot. */
#include "proxy/gate/credential.h"

/* A header value of ours: visible bytes, no line ends (RFC 9110 section 5.5). */
static bool is_carriable(str s, bool in_list)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        if (b < 0x20 || b == 0x7F || (in_list && b == ','))
            return false;
    }
    return true;
}

static str join(const struct policy_value *list, struct arena *a, bool *bad_out)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].kind == POLICY_VALUE_OTHER || !is_carriable(list->items[i].text, true)) {
            *bad_out = true;
            return (str){NULL, 0};
        }
        n += list->items[i].text.n + 1;
    }
    char *out = arena_text(a, n + 1);
    size_t at = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            out[at++] = ',';
        memcpy(out + at, list->items[i].text.p, list->items[i].text.n);
        at += list->items[i].text.n;
    }
    return (str){out, at};
}

static str groups_text(const struct policy_identity *facts, struct arena *a, bool *bad_out)
{
    struct policy_value *items = arena_array(a, struct policy_value, facts->n_groups + 1);
    for (size_t i = 0; i < facts->n_groups; i++)
        items[i] = (struct policy_value){.kind = POLICY_VALUE_TEXT, .text = facts->groups[i]};
    struct policy_value list = {.kind = POLICY_VALUE_LIST, .items = items, .n = facts->n_groups};
    return facts->groups_known ? join(&list, a, bad_out) : (str){NULL, 0};
}

static str email_text(const struct credential *c, bool *bad_out)
{
    if (c->email_counts && is_carriable(c->facts.email, false))
        return c->facts.email;
    *bad_out |= c->facts.email.p != NULL;
    return (str){NULL, 0};
}

str credential_claim_text(const struct credential *c, str name, struct arena *a, bool *bad_out)
{
    if (str_eq(name, STR("email")) || (c->email_claim.n && str_eq(name, c->email_claim)))
        return email_text(c, bad_out);
    if (str_eq(name, STR("groups")))
        return groups_text(&c->facts, a, bad_out);
    for (size_t i = 0; i < c->facts.n_claims; i++) {
        const struct policy_value *value = &c->facts.claims[i].value;
        if (!str_eq(c->facts.claims[i].name, name))
            continue;
        if (value->kind == POLICY_VALUE_LIST)
            return join(value, a, bad_out);
        if (value->kind != POLICY_VALUE_OTHER && is_carriable(value->text, false))
            return value->text;
        *bad_out = true;
    }
    return (str){NULL, 0};
}
