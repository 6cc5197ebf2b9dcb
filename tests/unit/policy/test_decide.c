/* What fires, what applies, what is reported and until when. Tables of three values, then stories.
 */
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "policy/scalar.h"

/* Every allocation of the program passes here (--wrap): policy_decide makes none. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

static size_t n_allocations;

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
    n_allocations++;
    return __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
    n_allocations++;
    return __real_realloc(p, n);
}

/* And every lock: it takes none. */
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_mutex_trylock(pthread_mutex_t *m);
int __real_pthread_rwlock_rdlock(pthread_rwlock_t *l);
int __real_pthread_rwlock_wrlock(pthread_rwlock_t *l);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *m);
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l);

static size_t n_locks;

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
    n_locks++;
    return __real_pthread_mutex_lock(m);
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *m)
{
    n_locks++;
    return __real_pthread_mutex_trylock(m);
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    n_locks++;
    return __real_pthread_rwlock_rdlock(l);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    n_locks++;
    return __real_pthread_rwlock_wrlock(l);
}

#define S(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static const char apps[] =
    "version: 1\n"
    "define:\n"
    "  schedules: {hours: {days: [mon, tue, wed, thu, fri], hours: [\"07:00-19:00\"]}}\n"
    "apps:\n"
    "  - {name: web, host: web.example, upstream: \"http://10.0.0.1\", public_paths: [/pub/**]}\n"
    "  - {name: box, host: box.example, upstream: \"ssh://10.0.0.2:22\", logins: [root]}\n"
    "rules:\n";

static struct policy *load(const char *rules)
{
    char text[16384];

    snprintf(text, sizeof text, "%s%s", apps, rules);
    return fixture_load(text);
}

static int64_t at(const char *text)
{
    int64_t s = 0;

    assert_true(scalar_instant(str_of(text), &s));
    return s;
}

/* A visit on a Wednesday morning that a test then changes. */
struct visit {
    struct policy_identity identity;
    struct policy_request request;
    struct policy_facts facts;
    struct policy_claim claims[2];
    struct policy_grant grants[2];
    str groups[2];
};

#define NOW "2026-11-25T10:00:00Z"

static void visit_init(struct visit *v, const struct policy *p)
{
    *v = (struct visit){
        .identity = {.issuer = S("i"),
                     .subject = S("s"),
                     .email = S("kim@acme.example"),
                     .email_verified = POLICY_TRUE,
                     .groups_known = true,
                     .mfa = POLICY_UNKNOWN},
        .request = {.method = S("GET"), .path = S("/")},
        .facts = {.now_us = at(NOW) * 1000000, .clock_is_good = true},
    };
    v->identity.groups = v->groups;
    v->identity.claims = v->claims;
    v->request.app = policy_app_named(p, STR("web"));
    v->facts.identity = &v->identity;
    v->facts.request = &v->request;
    v->facts.grants = v->grants;
}

static void visit_group(struct visit *v, const char *group)
{
    v->groups[v->identity.n_groups++] = str_of(group);
}

static struct policy_decision decide(const struct policy *p, const struct visit *v)
{
    struct policy_decision d;

    memset(&d, 0xFF, sizeof d);
    policy_decide(p, &v->facts, &d);
    return d;
}

static void assert_decision(const struct policy_decision *d, enum policy_reason reason)
{
    bool is_allow = reason == POLICY_REASON_ALLOW || reason == POLICY_REASON_PUBLIC_PATH;

    if (d->reason != reason)
        print_error("%s, not %s\n", policy_reason_code(d->reason), policy_reason_code(reason));
    assert_int_equal(d->reason, reason);
    assert_int_equal(d->effect, is_allow ? POLICY_ALLOW : POLICY_DENY);
}

static bool reports(const struct policy_decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n_rules; i++)
        if (str_eq(d->rules[i], str_of(rule)))
            return true;
    return false;
}

/* Loads, decides and unloads: the reason of a visit that `change` has changed. */
static void story(const char *rules, void (*change)(struct visit *), enum policy_reason want)
{
    struct policy *p = load(rules);
    struct visit v;

    visit_init(&v, p);
    if (change)
        change(&v);
    struct policy_decision d = decide(p, &v);
    assert_decision(&d, want);
    policy_unref(&p);
}

static void nothing_loaded_refuses(void **state)
{
    struct policy_facts facts = {0};
    struct policy_decision d;

    policy_decide(NULL, &facts, &d);
    assert_decision(&d, POLICY_REASON_NO_POLICY);
    memset(&d, 0, sizeof d);
    assert_int_equal(d.effect, POLICY_DENY);
    assert_int_equal(d.reason, POLICY_REASON_NO_POLICY);
}

#define ALLOW_ALL "  - {id: a, effect: allow, who: anyone, to: {apps: [web, box]}}\n"

static void no_app(struct visit *v)
{
    v->request.app = NULL;
}
static void no_path(struct visit *v)
{
    v->request.path = (str){NULL, 0};
}
static void no_method(struct visit *v)
{
    v->request.method = (str){NULL, 0};
}
static void nobody(struct visit *v)
{
    v->facts.identity = NULL;
}
static void nobody_and_no_path(struct visit *v)
{
    nobody(v);
    no_path(v);
}
static void wrong_protocol(struct visit *v)
{
    v->request.protocol = POLICY_SSH;
}

static void input_comes_before_identity_before_rules(void **state)
{
    story(ALLOW_ALL, NULL, POLICY_REASON_ALLOW);
    story(ALLOW_ALL, no_app, POLICY_REASON_INPUT_HOST);
    story(ALLOW_ALL, no_path, POLICY_REASON_INPUT_PATH);
    story(ALLOW_ALL, no_method, POLICY_REASON_INPUT_METHOD);
    story(ALLOW_ALL, wrong_protocol, POLICY_REASON_INPUT_METHOD);
    story(ALLOW_ALL, nobody_and_no_path, POLICY_REASON_INPUT_PATH);
    story(ALLOW_ALL, nobody, POLICY_REASON_NO_IDENTITY);
}

static void a_rule_that_does_not_apply_gives_nothing(void **state)
{
    story("  - {id: a, effect: allow, who: {groups: [x]}, to: {apps: [web]}}\n", NULL,
          POLICY_REASON_DEFAULT_DENY);
    story("  - {id: a, effect: allow, who: anyone, to: {apps: [box]}}\n", NULL,
          POLICY_REASON_DEFAULT_DENY);
}

static void every_refusing_rule_is_reported(void **state)
{
    struct policy *p = load(
        ALLOW_ALL "  - {id: d1, effect: deny, who: anyone, to: everything}\n"
                  "  - {id: r1, effect: require, who: anyone, to: everything, auth: {mfa: true}}\n"
                  "  - {id: d2, effect: deny, who: {groups: [x]}, to: everything}\n"
                  "  - {id: d3, effect: deny, who: anyone, to: {apps: [web]}}\n");
    struct visit v;

    visit_init(&v, p);
    struct policy_decision d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DENY_RULE);
    assert_int_equal(d.n_rules, 3);
    assert_int_equal(d.n_rules_total, 3);
    assert_true(reports(&d, "d1") && reports(&d, "d3") && reports(&d, "r1"));
    policy_unref(&p);
}

/* ---- the three tables ---- */

/* Scope by a claim and need by an acr, each true, false or unknown. */
static void set_tri(struct visit *v, enum policy_tri scope, enum policy_tri need)
{
    v->identity.n_claims = scope == POLICY_UNKNOWN ? 0 : 1;
    v->claims[0] = (struct policy_claim){
        STR("scope"),
        {.kind = POLICY_VALUE_TEXT, .text = str_of(scope == POLICY_TRUE ? "y" : "n")}};
    v->identity.acr =
        need == POLICY_UNKNOWN ? (str){NULL, 0} : str_of(need == POLICY_TRUE ? "gold" : "tin");
}

static void effects_are_as_the_table_says(void **state)
{
    /* Rows: scope F T U; columns: need F T U, in the order of the enum. */
    static const struct {
        const char *effect, *extra;
        bool fires[3][3];
    } rows[] = {
        {"allow", "", {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}},
        {"deny", "", {{0, 0, 0}, {0, 1, 1}, {0, 1, 1}}},
        {"require", "", {{0, 0, 0}, {1, 0, 1}, {1, 0, 1}}},
        {"deny", ", on_missing: ignore", {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}},
        {"require", ", on_missing: ignore", {{0, 0, 0}, {1, 0, 0}, {0, 0, 0}}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool is_allow = !strcmp(rows[i].effect, "allow");
        char text[1024];
        snprintf(text, sizeof text,
                 "%s  - {id: r, effect: %s, who: {claims: {scope: [y]}}, to: {apps: [web]}, auth: "
                 "{acr: [gold]}%s}\n",
                 is_allow ? "" : ALLOW_ALL, rows[i].effect, rows[i].extra);
        struct policy *p = load(text);
        for (enum policy_tri scope = 0; scope < 3; scope++) {
            for (enum policy_tri need = 0; need < 3; need++) {
                struct visit v;
                visit_init(&v, p);
                set_tri(&v, scope, need);
                struct policy_decision d = decide(p, &v);
                bool allows = rows[i].fires[scope][need] == is_allow;
                if ((d.effect == POLICY_ALLOW) != allows)
                    print_error("%s%s with scope %d and need %d\n", rows[i].effect, rows[i].extra,
                                scope, need);
                assert_int_equal(d.effect == POLICY_ALLOW, allows);
            }
        }
        policy_unref(&p);
    }
}

/* ---- life, audit, clock ---- */

static void bad_clock(struct visit *v)
{
    v->facts.clock_is_good = false;
}

#define LIFE(effect, life)                                                                         \
    "  - {id: x, effect: " effect ", who: anyone, to: {apps: [web]}, " life "}\n"

static void rules_have_a_life(void **state)
{
    story(LIFE("allow", "expires: 2026-11-25"), NULL, POLICY_REASON_ALLOW);
    story(LIFE("allow", "expires: 2026-11-24"), NULL, POLICY_REASON_DEFAULT_DENY);
    story(LIFE("allow", "expires: 2026-11-25T10:00:00Z"), NULL, POLICY_REASON_DEFAULT_DENY);
    story(LIFE("allow", "expires: 2026-11-25T10:00:01Z"), NULL, POLICY_REASON_ALLOW);
    story(LIFE("allow", "starts: 2026-11-25T10:00:00Z"), NULL, POLICY_REASON_ALLOW);
    story(LIFE("allow", "starts: 2026-11-25T10:00:01Z"), NULL, POLICY_REASON_DEFAULT_DENY);
    story(ALLOW_ALL LIFE("deny", "expires: 2026-11-24"), NULL, POLICY_REASON_ALLOW);
    story(ALLOW_ALL LIFE("deny", "starts: 2026-11-26"), NULL, POLICY_REASON_ALLOW);
    story(ALLOW_ALL LIFE("deny", "starts: 2026-11-25"), NULL, POLICY_REASON_DENY_RULE);
}

static void a_bad_clock_helps_nobody(void **state)
{
    story(LIFE("allow", "expires: 2027-11-25"), bad_clock, POLICY_REASON_DEFAULT_DENY);
    story(ALLOW_ALL LIFE("deny", "starts: 2026-11-26"), bad_clock, POLICY_REASON_DENY_RULE);
    story(LIFE("allow", "when: hours"), bad_clock, POLICY_REASON_DEFAULT_DENY);
    story(ALLOW_ALL LIFE("require", "when: hours"), bad_clock, POLICY_REASON_REQUIRE_FAILED);
    story(ALLOW_ALL, bad_clock, POLICY_REASON_ALLOW);
}

static void audit_mode_changes_nothing_and_says_what_it_would(void **state)
{
    struct policy *p =
        load(ALLOW_ALL "  - {id: d, effect: deny, mode: audit, who: anyone, to: everything}\n"
                       "  - {id: s, effect: require, mode: audit, who: anyone, to: everything,\n"
                       "     when: hours, session: {max: 1h, record: true}}\n");
    struct visit v;

    visit_init(&v, p);
    struct policy_decision d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_ALLOW);
    assert_true(d.has_would);
    assert_int_equal(d.would, POLICY_DENY);
    assert_int_equal(d.would_reason, POLICY_REASON_DENY_RULE);
    assert_int_equal(d.n_would_rules, 1);
    assert_true(str_eq(d.would_rules[0], STR("d")));
    assert_false(d.obligations.record);
    assert_int_equal(d.obligations.max_s, 0);
    assert_int_equal(d.valid_until_s, 0);
    policy_unref(&p);

    p = load("  - {id: a, effect: allow, mode: audit, who: anyone, to: {apps: [web]}}\n");
    visit_init(&v, p);
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    assert_true(d.has_would);
    assert_int_equal(d.would, POLICY_ALLOW);
    policy_unref(&p);

    p = load(ALLOW_ALL);
    visit_init(&v, p);
    d = decide(p, &v);
    assert_false(d.has_would);
    policy_unref(&p);
}

/* ---- grants ---- */

static const char glass[] =
    "  - {id: a, effect: allow, who: anyone, to: {apps: [web]}, auth: {acr: [gold]}}\n"
    "  - {id: r, effect: require, who: anyone, to: everything, auth: {mfa: true}}\n"
    "  - {id: r2, effect: require, who: {groups: [two]}, to: everything, auth: {mfa: true}}\n"
    "  - {id: d, effect: deny, who: {groups: [bad]}, to: everything}\n"
    "  - {id: g, effect: allow, who: {groups: [oncall]}, to: {apps: [web]},\n"
    "     break_glass: {skips: [r], reason_required: true, notify: [ops]}}\n";

static void give(struct visit *v, const struct policy *p, const char *rule,
                 enum policy_grant_kind kind, int64_t lasts_s)
{
    v->grants[v->facts.n_grants++] =
        (struct policy_grant){.kind = kind,
                              .rule = str_of(rule),
                              .rule_digest = policy_rule_digest(p, str_of(rule)),
                              .expires_s = at(NOW) + lasts_s};
}

static void an_open_break_glass_skips_requires_and_never_a_deny(void **state)
{
    struct policy *p = load(glass);
    struct policy_decision d;
    struct visit v;

    visit_init(&v, p);
    visit_group(&v, "oncall");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_REQUIRE_FAILED);
    give(&v, p, "g", POLICY_GRANT_BREAK_GLASS, 3600);
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_ALLOW);
    assert_true(reports(&d, "g"));
    assert_int_equal(d.valid_until_s, at(NOW) + 3600);

    visit_group(&v, "two");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_REQUIRE_FAILED);
    assert_true(reports(&d, "r2") && !reports(&d, "r"));
    v.groups[1] = STR("bad");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DENY_RULE);
    v.groups[0] = STR("sleeping");
    v.groups[1] = STR("x");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_REQUIRE_FAILED);
    policy_unref(&p);
}

static void grants_end_and_die_with_the_text_of_their_rule(void **state)
{
    struct policy *p = load("  - {id: a, effect: allow, who: anyone, to: {apps: [web]}, approval: "
                            "{by: anyone, valid_for: 4h}}\n");
    struct policy_decision d;
    struct visit v;

    visit_init(&v, p);
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    give(&v, p, "a", POLICY_GRANT_APPROVAL, 1);
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_ALLOW);
    assert_int_equal(d.valid_until_s, at(NOW) + 1);
    v.grants[0].expires_s = at(NOW);
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    v.grants[0].expires_s = at(NOW) + 9;
    v.grants[0].kind = POLICY_GRANT_BREAK_GLASS;
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    v.grants[0].kind = POLICY_GRANT_APPROVAL;
    v.grants[0].rule_digest = STR("of another text");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    v.grants[0].rule_digest = (str){NULL, 0};
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    policy_unref(&p);
}

/* ---- obligations ---- */

static void obligations_merge_to_the_strictest(void **state)
{
    static const struct {
        const char *a, *b;
        struct policy_obligations want;
    } rows[] = {
        {"", "", {0}},
        {", session: {max: 4h}",
         ", session: {max: 2h, idle: 30m}",
         {.max_s = 7200, .idle_s = 1800}},
        {", session: {max: 1h}", "", {.max_s = 3600}},
        {", session: {record: true}", ", session: {record: false}", {.record = true}},
        {", session: {clipboard: true}", "", {.clipboard = true}},
        {", session: {clipboard: true}", ", session: {clipboard: false}", {0}},
        {", session: {clipboard: false}", ", session: {clipboard: true}", {0}},
        {", session: {file_transfer: true, port_forwarding: true}",
         ", session: {file_transfer: true}",
         {.file_transfer = true, .port_forwarding = true}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int second_is_require = 0; second_is_require < 2; second_is_require++) {
            char text[1024];
            snprintf(text, sizeof text,
                     "  - {id: a, effect: allow, who: anyone, to: {apps: [web]}%s}\n"
                     "  - {id: b, effect: %s, who: anyone, to: {apps: [web]}, when: hours%s}\n"
                     "  - {id: c, effect: allow, who: {groups: [x]}, to: {apps: [web]}, session: "
                     "{max: 1s, record: true}}\n",
                     rows[i].a, second_is_require ? "require" : "allow", rows[i].b);
            struct policy *p = load(text);
            struct visit v;
            visit_init(&v, p);
            struct policy_decision d = decide(p, &v);
            const struct policy_obligations *w = &rows[i].want, *o = &d.obligations;
            assert_decision(&d, POLICY_REASON_ALLOW);
            bool is_good = o->max_s == w->max_s && o->idle_s == w->idle_s &&
                           o->record == w->record && o->clipboard == w->clipboard &&
                           o->file_transfer == w->file_transfer &&
                           o->port_forwarding == w->port_forwarding;
            if (!is_good)
                print_error("row %zu\n", i);
            assert_true(is_good);
            policy_unref(&p);
        }
    }
}

/* ---- valid_until ---- */

static void token_end(struct visit *v)
{
    v->identity.expires_s = at(NOW) + 77;
}
static void logged_in(struct visit *v)
{
    v->identity.login_s = at(NOW) - 100;
    v->identity.auth_time_s = at(NOW) - 200;
    v->identity.mfa = POLICY_TRUE;
}
static void in_group(struct visit *v)
{
    visit_group(v, "x");
}

static void valid_until_is_the_earliest_change(void **state)
{
    static const struct {
        const char *rules;
        void (*change)(struct visit *);
        int64_t want_s; /* after now; 0: none */
    } rows[] = {
        {ALLOW_ALL, NULL, 0},
        {ALLOW_ALL, token_end, 77},
        {LIFE("allow", "when: hours"), NULL, 9 * 3600},
        {LIFE("allow", "expires: 2026-11-25T10:05:00Z"), NULL, 300},
        {LIFE("allow", "session: {max: 1h}"), logged_in, 3500},
        {LIFE("allow", "session: {idle: 10m}"), NULL, 600},
        {LIFE("allow", "auth: {mfa_within: 1h}"), logged_in, 3401},
        {LIFE("allow", "auth: {login_within: 1h}, expires: 2026-11-25T10:05:00Z"), logged_in, 300},
        {ALLOW_ALL LIFE("deny", "starts: 2026-11-25T10:01:00Z"), NULL, 60},
        {ALLOW_ALL LIFE("require", "auth: {login_within: 1h}"), logged_in, 3401},
        /* A rule for others bounds nobody. */
        {ALLOW_ALL "  - {id: d, effect: deny, who: {groups: [x]}, to: everything, "
                   "starts: 2026-11-25T10:01:00Z}\n",
         NULL, 0},
        {ALLOW_ALL "  - {id: d, effect: deny, who: {groups: [x]}, to: everything, "
                   "starts: 2026-11-25T10:01:00Z}\n",
         in_group, 60},
        {LIFE("allow", "expires: 2026-11-24"), NULL, 0},
        {LIFE("allow", "starts: 2026-11-25T10:00:30Z"), NULL, 30},
        /* What cannot make an allow apply does not bound it: here nobody knows of claims or acr. */
        {"  - {id: a, effect: allow, who: {claims: {c: [x]}}, to: {apps: [web]}, when: hours, "
         "expires: 2026-11-25T10:05:00Z}\n",
         NULL, 0},
        {LIFE("allow", "auth: {acr: [gold]}, when: hours"), NULL, 0},
        {ALLOW_ALL LIFE("require", "auth: {acr: [gold]}, when: hours"), NULL, 9 * 3600},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy *p = load(rows[i].rules);
        struct visit v;
        visit_init(&v, p);
        if (rows[i].change)
            rows[i].change(&v);
        struct policy_decision d = decide(p, &v);
        int64_t got_s = d.valid_until_s ? d.valid_until_s - at(NOW) : 0;
        if (got_s != rows[i].want_s)
            print_error("row %zu: %lld, not %lld\n", i, (long long)got_s,
                        (long long)rows[i].want_s);
        assert_int_equal(got_s, rows[i].want_s);
        policy_unref(&p);
    }
}

/* ---- public paths, logins ---- */

static void public_path(struct visit *v)
{
    v->request.path = STR("/pub/a");
}
static void public_and_nobody(struct visit *v)
{
    public_path(v);
    nobody(v);
}

static void a_public_path_is_the_same_for_everybody(void **state)
{
    static const struct {
        const char *rules;
        enum policy_reason want;
    } rows[] = {
        {ALLOW_ALL, POLICY_REASON_PUBLIC_PATH},
        {"  - {id: a, effect: allow, who: {groups: [x]}, to: {apps: [web]}}\n",
         POLICY_REASON_PUBLIC_PATH},
        {"  - {id: d, effect: deny, who: anyone, to: everything}\n", POLICY_REASON_DENY_RULE},
        {"  - {id: d, effect: deny, who: {kind: human}, to: everything}\n",
         POLICY_REASON_PUBLIC_PATH},
        {"  - {id: d, effect: deny, who: anyone, to: {apps: [web], paths: [/pub/b]}}\n",
         POLICY_REASON_PUBLIC_PATH},
        {"  - {id: d, effect: deny, who: anyone, to: everything, auth: {mfa: true}}\n",
         POLICY_REASON_DENY_RULE},
        {"  - {id: d, effect: deny, who: anyone, to: everything, from: {networks: [10.0.0.0/8]}}\n",
         POLICY_REASON_DENY_RULE}, /* the address is unknown */
        {"  - {id: r, effect: require, who: anyone, to: everything, auth: {mfa: true}}\n",
         POLICY_REASON_PUBLIC_PATH},
        {"  - {id: d, effect: deny, mode: audit, who: anyone, to: everything}\n",
         POLICY_REASON_PUBLIC_PATH},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        story(rows[i].rules, public_path, rows[i].want);
        story(rows[i].rules, public_and_nobody, rows[i].want);
    }
}

static void only_listed_logins_reach_the_rules(void **state)
{
    struct policy *p = load(ALLOW_ALL);
    struct policy_decision d;
    struct visit v;

    visit_init(&v, p);
    v.request = (struct policy_request){
        .app = policy_app_named(p, STR("box")), .protocol = POLICY_SSH, .login = STR("root")};
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_ALLOW);
    v.request.login = STR("admin");
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    v.request.login = (str){NULL, 0};
    d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DEFAULT_DENY);
    policy_unref(&p);
}

static void more_rules_than_are_reported_still_count(void **state)
{
    char text[8192] = ALLOW_ALL;

    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "  - {id: d%d, effect: deny, who: anyone, to: everything}\n", i);
    struct policy *p = load(text);
    struct visit v;
    visit_init(&v, p);
    struct policy_decision d = decide(p, &v);
    assert_decision(&d, POLICY_REASON_DENY_RULE);
    assert_int_equal(d.n_rules, POLICY_MAX_REPORTED);
    assert_int_equal(d.n_rules_total, 20);
    policy_unref(&p);
}

/* Else a count of none would say nothing. */
static void assert_locks_are_counted(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    size_t before = n_locks;

    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_rwlock_rdlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    assert_int_equal(n_locks, before + 2);
}

static void deciding_allocates_and_locks_nothing(void **state)
{
    struct policy *p = load("  - {id: a, effect: allow, who: {claims: {scope: [y]}}, to: {apps: "
                            "[web], paths_regex: ['/[a-z]*']}, when: hours, auth: {acr: [gold]}}\n"
                            "  - {id: r, effect: require, who: anyone, to: everything, device: "
                            "{managed: true, min_os_version: {macos: \"14\"}}}\n");
    struct policy_decision d;
    struct visit v;

    visit_init(&v, p);
    set_tri(&v, POLICY_TRUE, POLICY_TRUE);
    assert_locks_are_counted();
    size_t before = n_allocations, locks_before = n_locks;
    assert_true(before > 0);
    policy_decide(p, &v.facts, &d);
    assert_int_equal(n_allocations, before);
    assert_decision(&d, POLICY_REASON_REQUIRE_FAILED);
    struct policy_subject *s = policy_subject_create(p, &v.identity, NULL, 0, v.facts.now_us);
    v.facts.subject = s;
    before = n_allocations;
    policy_decide(p, &v.facts, &d);
    assert_int_equal(n_allocations, before);
    assert_int_equal(n_locks, locks_before);
    assert_decision(&d, POLICY_REASON_REQUIRE_FAILED);
    policy_subject_destroy(&s);
    policy_unref(&p);
}

/* The thread sanitizer's own bookkeeping maps memory whenever its history of accesses is full, so
 * what it instruments cannot be held to this; the other builds are. */
#ifndef __SANITIZE_THREAD__
/* In the strict mode of seccomp anything but read, write and exit ends the process. */
static void decide_or_die(const struct policy *p, struct visit *v, const struct policy_subject *s)
{
    struct policy_decision d;

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        syscall(SYS_exit, 77);
    policy_decide(p, &v->facts, &d);
    v->facts.subject = s;
    policy_decide(p, &v->facts, &d);
    syscall(SYS_exit, d.reason == POLICY_REASON_REQUIRE_FAILED ? 0 : 1);
}

static void deciding_asks_nothing_of_the_system(void **state)
{
    struct policy *p =
        load("  - {id: a, effect: allow, who: {groups: [x]}, to: {apps: [web], paths: "
             "[/a/*]}, when: hours}\n"
             "  - {id: b, effect: require, who: anyone, to: everything, from: "
             "{networks: [10.0.0.0/8]}, auth: {mfa_within: 1h}}\n");
    struct visit v;
    int status;

    visit_init(&v, p);
    struct policy_subject *s = policy_subject_create(p, &v.identity, NULL, 0, v.facts.now_us);
    pid_t child = fork();
    if (child == 0)
        decide_or_die(p, &v, s);
    assert_int_equal(waitpid(child, &status, 0), child);
    policy_subject_destroy(&s);
    policy_unref(&p);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_loaded_refuses),
        cmocka_unit_test(input_comes_before_identity_before_rules),
        cmocka_unit_test(a_rule_that_does_not_apply_gives_nothing),
        cmocka_unit_test(every_refusing_rule_is_reported),
        cmocka_unit_test(effects_are_as_the_table_says),
        cmocka_unit_test(rules_have_a_life),
        cmocka_unit_test(a_bad_clock_helps_nobody),
        cmocka_unit_test(audit_mode_changes_nothing_and_says_what_it_would),
        cmocka_unit_test(an_open_break_glass_skips_requires_and_never_a_deny),
        cmocka_unit_test(grants_end_and_die_with_the_text_of_their_rule),
        cmocka_unit_test(obligations_merge_to_the_strictest),
        cmocka_unit_test(valid_until_is_the_earliest_change),
        cmocka_unit_test(a_public_path_is_the_same_for_everybody),
        cmocka_unit_test(only_listed_logins_reach_the_rules),
        cmocka_unit_test(more_rules_than_are_reported_still_count),
        cmocka_unit_test(deciding_allocates_and_locks_nothing),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(deciding_asks_nothing_of_the_system),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
