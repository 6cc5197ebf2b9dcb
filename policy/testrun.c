/* testrun: the tests that stand beside the rules. A test is a principal, a moment and requests; it
 * is put through policy_decide like any visit, so that a green test means what it says. */
#include "policy/author.h"
#include "policy/testrun.h"

enum {
    TEST_GRANT_S = 3600,
};

static bool is_digits(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* As JSON writes numbers; an exponent is left as text, nobody writes one in a test. */
static bool is_number(str s)
{
    if (s.n && s.p[0] == '-')
        s = str_from(s, 1);
    str fraction = s, whole = str_cut(&fraction, '.');

    return is_digits(whole) && (whole.n == 1 || whole.p[0] != '0') &&
           (!fraction.p || is_digits(fraction));
}

static enum policy_value_kind scalar_kind(const struct doc_node *node)
{
    if (!node->is_plain)
        return POLICY_VALUE_TEXT;
    if (str_eq(node->text, STR("true")) || str_eq(node->text, STR("false")))
        return POLICY_VALUE_BOOL;
    return is_number(node->text) ? POLICY_VALUE_NUMBER : POLICY_VALUE_TEXT;
}

static struct policy_value value_of(struct arena *a, const struct doc_node *node)
{
    struct policy_value v = {.kind = POLICY_VALUE_OTHER};

    if (node->kind == DOC_SCALAR) {
        v.kind = scalar_kind(node);
        v.text = node->text;
    } else if (node->kind == DOC_LIST) {
        struct policy_value *items = arena_array(a, struct policy_value, node->n + 1);
        for (size_t i = 0; i < node->n; i++)
            items[i] = node->items[i]->kind == DOC_SCALAR ? value_of(a, node->items[i])
                                                          : (struct policy_value){0};
        v = (struct policy_value){.kind = POLICY_VALUE_LIST, .items = items, .n = node->n};
    }
    return v;
}

static const struct doc_node *find_attr(const struct test_attr *attrs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].name, str_of(name)))
            return attrs[i].value;
    return NULL;
}

static void build_claims(struct arena *a, const struct test_principal *as,
                         struct policy_identity *id)
{
    struct policy_claim *claims = arena_array(a, struct policy_claim, as->n_claims + 1);

    for (size_t i = 0; i < as->n_claims; i++)
        claims[i] = (struct policy_claim){as->claims[i].name, value_of(a, as->claims[i].value)};
    id->claims = claims;
    id->n_claims = as->n_claims;
}

/* Without auth.mfa the methods tell, by the common values of RFC 8176 and of issuers. */
static enum policy_tri mfa_of(const struct test_principal *as)
{
    static const char *const strong[] = {"mfa", "hwk", "otp", "fido"};

    if (as->mfa != OPINION_SILENT)
        return as->mfa == OPINION_YES ? POLICY_TRUE : POLICY_FALSE;
    if (!as->has_methods)
        return POLICY_UNKNOWN;
    for (size_t i = 0; i < as->methods.n; i++)
        for (size_t k = 0; k < sizeof strong / sizeof *strong; k++)
            if (str_eq(as->methods.items[i], str_of(strong[k])))
                return POLICY_TRUE;
    return POLICY_FALSE;
}

static struct policy_identity *build_identity(struct arena *a, const struct policy_test *test)
{
    const struct test_principal *as = &test->as;
    const struct doc_node *verified = find_attr(as->claims, as->n_claims, "email_verified");
    struct policy_identity *id = arena_new(a, struct policy_identity);

    *id = (struct policy_identity){
        .issuer = STR("test"),
        .issuer_name = as->issuer,
        .subject = as->service.n ? as->service : as->user,
        .is_machine = as->service.n > 0,
        .service = as->service,
        .email = as->user,
        .email_verified =
            verified && !str_eq(verified->text, STR("true")) ? POLICY_FALSE : POLICY_TRUE,
        .groups_known = as->has_groups || as->service.n > 0,
        .groups = as->groups.items,
        .n_groups = as->groups.n,
        .amr_known = as->has_methods,
        .amr = as->methods.items,
        .n_amr = as->methods.n,
        .acr = as->acr,
        .mfa = mfa_of(as),
        .auth_time_s = as->auth_age_s < 0 ? 0 : test->at_s - as->auth_age_s,
    };
    build_claims(a, as, id);
    return id;
}

static void build_devices(struct arena *a, const struct policy_test *test,
                          struct policy_facts *facts)
{
    const struct test_principal *as = &test->as;
    struct policy_device *devices = arena_array(a, struct policy_device, as->n_devices + 1);

    for (size_t d = 0; d < as->n_devices; d++) {
        const struct test_device *from = &as->devices[d];
        struct policy_device_fact *list =
            arena_array(a, struct policy_device_fact, from->n_attrs + 1);
        for (size_t i = 0; i < from->n_attrs; i++)
            list[i] = (struct policy_device_fact){
                .attribute = from->attrs[i].name,
                .value = value_of(a, from->attrs[i].value),
                .source = from->source,
                .seen_s = test->at_s - from->seen_s,
            };
        devices[d] =
            (struct policy_device){.id = from->id, .facts = list, .n_facts = from->n_attrs};
    }
    facts->devices = devices;
    facts->n_devices = as->n_devices;
}

/* `approved` opens approvals and break glass alike: it says that the grant is there. */
static void build_grants(struct arena *a, const struct policy *p, const struct policy_test *test,
                         struct policy_facts *facts)
{
    const struct index_list *approved = &test->as.approved;
    struct policy_grant *grants = arena_array(a, struct policy_grant, 2 * approved->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < approved->n; i++) {
        const struct rule *rule = &p->rules[approved->items[i]];
        int64_t lasts_s = rule->approval ? rule->approval->valid_for_s : TEST_GRANT_S;
        struct policy_grant grant = {
            .rule = rule->id, .rule_digest = rule->text_digest, .expires_s = test->at_s + lasts_s};
        grant.kind = POLICY_GRANT_APPROVAL;
        grants[n++] = grant;
        grant.kind = POLICY_GRANT_BREAK_GLASS;
        grants[n++] = grant;
    }
    facts->grants = grants;
    facts->n_grants = n;
}

void testrun_facts(struct arena *a, const struct policy *p, const struct policy_test *test,
                   struct policy_facts *facts)
{
    *facts = (struct policy_facts){.now_us = test->at_s * 1000000, .clock_is_good = true};
    if (!test->has_principal)
        return;
    facts->purpose = test->as.purpose;
    facts->identity = build_identity(a, test);
    build_devices(a, test, facts);
    build_grants(a, p, test, facts);
}

static enum policy_protocol protocol_of(uint8_t bit)
{
    if (bit == PROTOCOL_BIT_SSH)
        return POLICY_SSH;
    return bit == PROTOCOL_BIT_RDP ? POLICY_RDP : POLICY_HTTP;
}

/* A path that cannot be normalised stays empty, and the decision is input:path. */
void testrun_request(struct arena *a, const struct policy *p, const struct policy_test *test,
                     const struct test_request *from, struct policy_request *out)
{
    const struct policy_app *app = &p->apps[from->app].face;

    *out = (struct policy_request){.app = app,
                                   .protocol = protocol_of(from->protocol_bit),
                                   .method = from->method,
                                   .login = from->login,
                                   .from = test->from};
    if (out->protocol == POLICY_HTTP)
        path_normalise(from->target, app->path_rules, arena_text(a, from->target.n + 1),
                       &out->path);
}

static bool has_code(const struct policy_explanation *ex, str code)
{
    if (str_eq(str_of(policy_reason_code(ex->decision.reason)), code))
        return true;
    for (size_t i = 0; i < ex->n_causes; i++)
        if (str_eq(ex->causes[i], code))
            return true;
    return false;
}

/* "allow", or "deny default-deny (device.disk_encrypted:missing, when)". */
static str outcome_text(struct arena *a, const struct policy_explanation *ex)
{
    str s = STR("allow");

    if (ex->decision.effect == POLICY_ALLOW)
        return s;
    s = arena_printf(a, "deny %s", policy_reason_code(ex->decision.reason));
    for (size_t i = 0; i < ex->n_causes; i++)
        s = arena_printf(a, "%.*s%s%.*s", STR_ARG(s), i ? ", " : " (", STR_ARG(ex->causes[i]));
    return ex->n_causes ? arena_printf(a, "%.*s)", STR_ARG(s)) : s;
}

static str rules_text(struct arena *a, const struct policy_decision *d)
{
    str s = {"", 0};

    for (size_t i = 0; i < d->n_rules; i++)
        s = arena_printf(a, "%.*s%s%.*s", STR_ARG(s), i ? ", " : " by ", STR_ARG(d->rules[i]));
    return s;
}

/* What one run of all tests needs and gathers. */
struct run {
    struct arena *arena; /* of one test */
    const struct policy *policy;
    struct findings *findings;
    struct policy_rule_coverage *rules; /* by index; NULL: nobody asked */
};

static void count_rules(struct run *run, const struct policy_explanation *ex)
{
    for (size_t i = 0; run->rules && i < ex->n_rules; i++) {
        const struct policy_explained_rule *seen = &ex->rules[i];
        struct policy_rule_coverage *c = &run->rules[policy_rule_index(run->policy, seen->id)];
        bool is_in_scope = seen->is_alive && seen->scope == POLICY_TRUE;
        c->applied += seen->applies;
        c->in_scope += is_in_scope || seen->applies;
        c->held += is_in_scope && !seen->applies;
    }
}

static bool run_request(struct run *run, const struct policy_test *test,
                        const struct test_request *asked, const struct policy_facts *base)
{
    struct arena *a = run->arena;
    struct policy_facts facts = *base;
    struct policy_request request;
    struct policy_explanation ex;
    bool is_good;

    testrun_request(a, run->policy, test, asked, &request);
    facts.request = &request;
    (run->rules ? policy_explain : policy_explain_briefly)(run->policy, &facts, a, &ex);
    count_rules(run, &ex);
    if (test->expects_allow)
        is_good = ex.decision.effect == POLICY_ALLOW;
    else
        is_good = ex.decision.effect == POLICY_DENY && has_code(&ex, test->expected_code);
    if (is_good)
        return true;
    str outcome = outcome_text(a, &ex), rules = rules_text(a, &ex.decision);
    doc_error(run->findings, test->node, "test-failed", NULL,
              "test \"%.*s\": %.*s gives %.*s%.*s, expected %s%.*s", STR_ARG(test->name),
              STR_ARG(asked->text), STR_ARG(outcome), STR_ARG(rules),
              test->expects_allow ? "allow" : "deny ", STR_ARG(test->expected_code));
    return false;
}

static bool run_test(struct run *run, const struct policy_test *test)
{
    struct policy_facts facts;
    bool is_good = true;

    testrun_facts(run->arena, run->policy, test, &facts);
    for (size_t i = 0; i < test->n_requests; i++)
        is_good &= run_request(run, test, &test->requests[i], &facts);
    return is_good;
}

static bool run_all(struct run *run, struct policy_test_totals *totals_out)
{
    struct policy_test_totals totals = {0};
    struct arena arena;

    arena_init(&arena, NULL, 0);
    run->arena = &arena;
    for (size_t i = 0; i < run->policy->n_tests; i++) {
        if (run_test(run, &run->policy->tests[i]))
            totals.passed++;
        else
            totals.failed++;
        arena_reset(&arena);
    }
    arena_finish(&arena);
    *totals_out = totals;
    return totals.failed == 0;
}

bool policy_test_run(const struct policy *p, struct findings *findings,
                     struct policy_test_totals *totals_out)
{
    return run_all(&(struct run){.policy = p, .findings = findings}, totals_out);
}

bool policy_test_cover(const struct policy *p, struct findings *findings,
                       struct policy_test_totals *totals_out, struct arena *a,
                       struct policy_rule_coverage **rules_out)
{
    struct run run = {.policy = p, .findings = findings};

    run.rules = arena_array(a, struct policy_rule_coverage, p->n_rules + 1);
    for (size_t i = 0; i < p->n_rules; i++)
        run.rules[i].rule = policy_rule_info(p, i);
    *rules_out = run.rules;
    return run_all(&run, totals_out);
}
