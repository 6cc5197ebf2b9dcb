#include "proxy/command/policy_explain.h"

#include <stdio.h>
#include <string.h>

#include "proxy/command/policy_command.h"

/* ---- text ---- */

static char letter(enum policy_tri value, bool has)
{
    return !has ? '-' : value == POLICY_TRUE ? 'T' : value == POLICY_FALSE ? 'F' : 'U';
}

static const char *standing(const struct policy_explained_rule *r)
{
    if (!r->is_alive)
        return "not in force";
    if (r->is_skipped)
        return "skipped by break glass";
    if (r->is_near_miss)
        return "near miss";
    if (!r->applies)
        return "";
    return r->effect == POLICY_RULE_ALLOW ? "applies" : "fires";
}

static void print_rule(const struct policy_explained_rule *r, int width)
{
    printf("%c %-*.*s %-8s", r->is_decisive ? '>' : ' ', width, STR_ARG(r->id),
           policy_rule_effect_name(r->effect));
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        printf(" %*c", (int)strlen(policy_part_name(part)), letter(r->value[part], r->has[part]));
    printf("  %s%s\n", standing(r), r->is_audit ? " (audit)" : "");
}

static void print_table(const struct policy_explanation *ex)
{
    int width = 4;

    for (size_t i = 0; i < ex->n_rules; i++)
        if ((int)ex->rules[i].id.n > width)
            width = (int)ex->rules[i].id.n;
    printf("  %-*s %-8s", width, "rule", "effect");
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++)
        printf(" %s", policy_part_name(part));
    printf("\n");
    for (size_t i = 0; i < ex->n_rules; i++)
        print_rule(&ex->rules[i], width);
    printf("  (T true, F false, U unknown, - not asked)\n\n");
}

/* A claim of another type and a device that no wanted source saw are unknown though given. */
static bool is_given(const struct policy_facts *facts, str code)
{
    static const str claim = STR("who.claims.");
    const struct policy_identity *id = facts->identity;

    if (str_eq(code, STR("device:missing")))
        return facts->n_devices > 0;
    for (size_t i = 0; id && str_starts(code, claim) && i < id->n_claims; i++)
        if (str_eq(id->claims[i].name, str_from(code, claim.n)))
            return true;
    return false;
}

/* Which option says what was left unknown. */
static str hint_of(const struct policy_facts *facts, const struct policy_told *told)
{
    static const struct {
        const char *code, *hint;
    } hints[] = {
        {"who.users", "no --as"},
        {"who.domains", "no --as"},
        {"who.groups", "no --group; --group \"\" means none"},
        {"who.claims.", "no --claim of that name"},
        {"device:missing", "no --device"},
        {"auth.mfa", "neither --mfa nor --no-mfa"},
        {"auth.mfa_within", "it takes --mfa and --auth-age"},
        {"auth.methods", "no --method; --method \"\" means none"},
        {"auth.acr", "no --acr"},
        {"auth.login_within", "no --auth-age"},
        {"auth.issuers", "no --issuer"},
        {"from.network", "no --from"},
        {"from.country", "no --country"},
    };

    if (told->value != POLICY_UNKNOWN || is_given(facts, told->code))
        return (str){NULL, 0};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        str code = str_of(hints[i].code);
        bool is_prefix = code.p[code.n - 1] == '.';
        if (is_prefix ? str_starts(told->code, code) : str_eq(told->code, code))
            return str_of(hints[i].hint);
    }
    return (str){NULL, 0};
}

static void print_told(const struct policy_facts *facts, const struct policy_told *told, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        str hint = hint_of(facts, &told[i]);
        printf("%s%.*s", i ? "; " : "", STR_ARG(told[i].text));
        if (hint.n)
            printf(" (%.*s)", STR_ARG(hint));
    }
}

/* Every rule that has no say, and why: of `to` that is the method, the path or both. */
static void print_kept(const struct policy_facts *facts, const struct policy_explained_rule *r)
{
    if (r->applies)
        return;
    printf("  %.*s does not %s: ", STR_ARG(r->id),
           r->effect == POLICY_RULE_ALLOW ? "apply" : "fire");
    print_told(facts, r->kept, r->n_kept);
    printf("%s\n", r->n_kept ? "" : "it is met");
}

/* A deny that nobody meant for this person would look like one that was. */
static void print_doubts(const struct policy_facts *facts, const struct policy_explained_rule *r)
{
    if (!r->n_doubts)
        return;
    printf("  %.*s fires: ", STR_ARG(r->id));
    print_told(facts, r->doubts, r->n_doubts);
    printf(", and unknown refuses\n");
}

static void print_remedy(const struct policy_remedy *r)
{
    printf("  remedy: %s", policy_remedy_name(r->kind));
    if (r->rule.n)
        printf(" rule=%.*s", STR_ARG(r->rule));
    if (r->attribute.n)
        printf(" %.*s", STR_ARG(r->attribute));
    if (r->wanted.n)
        printf(" wanted=%.*s", STR_ARG(r->wanted));
    if (r->max_age_s)
        printf(" max_age=%llds", (long long)r->max_age_s);
    if (r->acr.n)
        printf(" acr=%.*s", STR_ARG(r->acr));
    if (r->owner.n)
        printf(" %.*s", STR_ARG(r->owner));
    if (r->until_s)
        policy_print_time(stdout, " ", r->until_s);
    else
        printf("\n");
}

/* Where the rule that decided stands, as a compiler would show it. */
static void print_place(const struct policy *p, const struct policy_explained_rule *r)
{
    struct policy_rule_info info = policy_rule_info(p, policy_rule_index(p, r->id));

    printf("  by %.*s at %.*s:%u\n", STR_ARG(r->id), STR_ARG(r->file), r->line);
    printf("%8u | ", info.line);
    policy_print_safe(stdout, info.source);
    printf("\n");
}

void policy_explain_print(const struct policy_explain_view *view)
{
    const struct policy_explanation *ex = view->explanation;
    const struct policy_decision *d = &ex->decision;

    if (ex->n_rules)
        print_table(ex);
    for (size_t i = 0; i < ex->n_rules; i++) {
        print_kept(view->facts, &ex->rules[i]);
        print_doubts(view->facts, &ex->rules[i]);
    }
    if (ex->n_rules)
        printf("\n");
    printf("%s: %s (%s)", d->effect == POLICY_ALLOW ? "allow" : "deny",
           policy_reason_code(d->reason), policy_reason_text(d->reason));
    policy_print_session(&d->obligations);
    printf("\n");
    for (size_t i = 0; i < ex->n_rules; i++)
        if (ex->rules[i].is_decisive)
            print_place(view->policy, &ex->rules[i]);
    for (size_t i = 0; i < ex->n_causes; i++)
        printf("  cause: %.*s\n", STR_ARG(ex->causes[i]));
    for (size_t i = 0; i < ex->n_remedies; i++)
        print_remedy(&ex->remedies[i]);
    if (d->has_would)
        printf("  with the audit rules: %s (%s)\n", d->would == POLICY_ALLOW ? "allow" : "deny",
               policy_reason_code(d->would_reason));
    if (d->valid_until_s)
        policy_print_time(stdout,
                          d->effect == POLICY_ALLOW ? "  valid until " : "  decided anew at ",
                          d->valid_until_s);
}

/* ---- JSON ---- */

static void write_told(struct jout *j, str name, const struct policy_told *told, size_t n)
{
    jout_key(j, name);
    jout_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        jout_open(j, '{');
        jout_kstr(j, STR("code"), told[i].code);
        jout_kstr(j, STR("text"), told[i].text);
        jout_kbool(j, STR("unknown"), told[i].value == POLICY_UNKNOWN);
        jout_close(j, '}');
    }
    jout_close(j, ']');
}

static void write_rule(struct jout *j, const struct policy_explained_rule *r)
{
    jout_open(j, '{');
    jout_kstr(j, STR("id"), r->id);
    jout_kstr(j, STR("effect"), str_of(policy_rule_effect_name(r->effect)));
    policy_json_text(j, STR("title"), r->title);
    policy_json_text(j, STR("owner"), r->owner);
    policy_json_text(j, STR("ticket"), r->ticket);
    jout_kstr(j, STR("file"), r->file);
    jout_kint(j, STR("line"), r->line);
    for (enum policy_part part = 0; part < POLICY_PART_COUNT; part++) {
        char text = letter(r->value[part], r->has[part]);
        if (r->has[part])
            jout_kstr(j, str_of(policy_part_name(part)), (str){&text, 1});
    }
    jout_kbool(j, STR("audit"), r->is_audit);
    jout_kbool(j, STR("alive"), r->is_alive);
    jout_kbool(j, STR("applies"), r->applies);
    jout_kbool(j, STR("skipped"), r->is_skipped);
    jout_kbool(j, STR("decisive"), r->is_decisive);
    jout_kbool(j, STR("near_miss"), r->is_near_miss);
    policy_json_texts(j, STR("causes"), r->causes, r->n_causes);
    write_told(j, STR("kept_by"), r->kept, r->n_kept);
    write_told(j, STR("doubts"), r->doubts, r->n_doubts);
    jout_close(j, '}');
}

static void write_remedy(struct jout *j, const struct policy_remedy *r)
{
    jout_open(j, '{');
    jout_kstr(j, STR("kind"), str_of(policy_remedy_name(r->kind)));
    if (r->rule.n)
        jout_kstr(j, STR("rule"), r->rule);
    if (r->attribute.n)
        jout_kstr(j, STR("attribute"), r->attribute);
    if (r->wanted.n)
        jout_kstr(j, STR("wanted"), r->wanted);
    if (r->owner.n)
        jout_kstr(j, STR("owner"), r->owner);
    if (r->acr.n)
        jout_kstr(j, STR("acr"), r->acr);
    if (r->max_age_s)
        jout_kint(j, STR("max_age_s"), r->max_age_s);
    if (r->until_s)
        jout_ktime(j, STR("until"), r->until_s * 1000000);
    jout_close(j, '}');
}

void policy_explain_write(struct jout *j, const void *what)
{
    const struct policy_explain_view *view = what;
    const struct policy_explanation *ex = view->explanation;
    const struct policy_decision *d = &ex->decision;

    jout_open(j, '{');
    policy_json_findings(j, view->findings);
    jout_kstr(j, STR("effect"), d->effect == POLICY_ALLOW ? STR("allow") : STR("deny"));
    jout_kstr(j, STR("reason"), str_of(policy_reason_code(d->reason)));
    policy_json_texts(j, STR("causes"), ex->causes, ex->n_causes);
    if (d->effect == POLICY_ALLOW)
        policy_json_session(j, &d->obligations);
    if (d->valid_until_s)
        jout_ktime(j, STR("valid_until"), d->valid_until_s * 1000000);
    if (d->has_would)
        jout_kstr(j, STR("would"), d->would == POLICY_ALLOW ? STR("allow") : STR("deny"));
    jout_key(j, STR("rules"));
    jout_open(j, '[');
    for (size_t i = 0; i < ex->n_rules; i++)
        write_rule(j, &ex->rules[i]);
    jout_close(j, ']');
    jout_key(j, STR("remedies"));
    jout_open(j, '[');
    for (size_t i = 0; i < ex->n_remedies; i++)
        write_remedy(j, &ex->remedies[i]);
    jout_close(j, ']');
    jout_close(j, '}');
}
