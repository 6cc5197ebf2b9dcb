#include "policy/remedy.h"

#include "policy/schedule.h"

static bool remedy_eq(const struct policy_remedy *a, const struct policy_remedy *b)
{
    return a->kind == b->kind && str_eq(a->rule, b->rule) && str_eq(a->attribute, b->attribute) &&
           str_eq(a->wanted, b->wanted) && str_eq(a->owner, b->owner) && str_eq(a->acr, b->acr) &&
           a->max_age_s == b->max_age_s && a->until_s == b->until_s;
}

void remedy_add(struct remedy_list *list, const struct policy_remedy *remedy)
{
    for (size_t i = 0; i < list->n; i++)
        if (remedy_eq(&list->items[i], remedy))
            return;
    if (list->n < REMEDY_MAX)
        list->items[list->n++] = *remedy;
}

static struct policy_remedy contact(const struct eval *e)
{
    const struct compiled *c = e->policy->compiled;
    str owner = c->texts[c->abouts[e->rule].owner];

    if (!owner.n)
        owner = e->app->face.owner;

    return (struct policy_remedy){.kind = POLICY_REMEDY_CONTACT, .owner = owner};
}

static int64_t least_age(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

/* One log-in answers all of a rule's auth atoms at once. */
static struct policy_remedy step_up(const struct eval *e)
{
    const struct auth_need *need = clause_auth(e->policy->compiled, e->clause);
    int64_t age_s = least_age(need->mfa_within_s, need->login_within_s);

    return (struct policy_remedy){.kind = POLICY_REMEDY_STEP_UP,
                                  .max_age_s = age_s < 0 ? 0 : age_s,
                                  .wants_mfa = need->mfa || need->mfa_within_s >= 0,
                                  .acr = need->acr.n ? need->acr.items[0] : (str){NULL, 0}};
}

/* The first opening of any of the schedules; none within the horizon or the life of the rule:
 * somebody must be asked. */
static struct policy_remedy wait_for_schedule(const struct eval *e)
{
    const struct compiled *c = e->policy->compiled;
    const struct when_test *when = clause_when(c, e->clause);
    int64_t limit_s = e->now_s + (int64_t)SCHEDULE_FAR_DAYS * 86400, first_s = limit_s;

    for (uint32_t i = 0; i < when->n; i++) {
        const struct schedule *s = c->calendars[when->calendars[i]].schedule;
        int64_t until_s;
        if (!schedule_has(s, e->now_s, SCHEDULE_FAR_DAYS, &until_s) && until_s < first_s)
            first_s = until_s;
    }
    if (first_s == limit_s || first_s >= e->clause->expires_s || !e->facts->clock_is_good)
        return contact(e);
    return (struct policy_remedy){.kind = POLICY_REMEDY_WAIT_UNTIL, .until_s = first_s};
}

static struct policy_remedy fix_device(str attribute, str wanted)
{
    return (struct policy_remedy){
        .kind = POLICY_REMEDY_FIX_DEVICE, .attribute = attribute, .wanted = wanted};
}

static struct policy_remedy of_note(const struct eval *e, const struct trace_note *note)
{
    str id = e->clause->id;
    str code = note->code;

    if (str_eq(code, STR("auth.issuers")) || !e->identity)
        return (struct policy_remedy){.kind = POLICY_REMEDY_SIGN_IN};
    if (str_starts(code, STR("auth.")))
        return step_up(e);
    if (str_starts(code, STR("approval:")))
        return (struct policy_remedy){.kind = POLICY_REMEDY_REQUEST_APPROVAL, .rule = id};
    if (str_eq(code, STR("purpose:required")))
        return (struct policy_remedy){.kind = POLICY_REMEDY_STATE_PURPOSE,
                                      .wanted =
                                          compiled_extra(e->policy->compiled, e->rule)->prompt};
    if (str_eq(code, STR("break-glass:closed")))
        return (struct policy_remedy){.kind = POLICY_REMEDY_OPEN_BREAK_GLASS, .rule = id};
    if (str_starts(code, STR("device.")))
        return fix_device(note->attribute, note->wanted);
    if (str_eq(code, STR("device:missing")))
        return fix_device(STR("device"), (str){NULL, 0});
    if (str_eq(code, STR("device:stale")))
        return fix_device(STR("seen"), (str){NULL, 0});
    if (str_eq(code, STR("when")))
        return wait_for_schedule(e);
    if (str_eq(code, STR("rule:not-started")))
        return (struct policy_remedy){.kind = POLICY_REMEDY_WAIT_UNTIL,
                                      .until_s = e->clause->starts_s};
    return contact(e);
}

void remedy_of_rule(struct remedy_list *list, const struct eval *e)
{
    struct policy_remedy remedy;

    if (e->clause->effect == RULE_DENY) {
        remedy = contact(e);
        remedy_add(list, &remedy);
        return;
    }
    for (size_t i = 0; i < e->trace->n; i++) {
        if (e->trace->notes[i].value == POLICY_TRUE)
            continue;
        remedy = of_note(e, &e->trace->notes[i]);
        remedy_add(list, &remedy);
    }
}
