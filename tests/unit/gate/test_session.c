/* A session's cookie as proof: found, remembered, limited; a store that fails refuses. */
#include "people.h"

static struct house *open_with(struct store *s)
{
    return house_open(&(struct house_options){.store = s});
}

static void close_all(struct house *h, struct store *s)
{
    people_answer(h, s);
    house_close(h);
    free(s);
}

static void known_after_one_look(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    row->seen.session.refresh_token = STR("the-refresh-token");
    assert_int_equal(people_ask(&c, h, cookie), VISIT_WAITING);
    people_answer(h, s);
    assert_int_equal(c.n_resumed, 1);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_non_null(c.visit.session);
    caller_end(&c);
    json_t *r = house_last(h);
    assert_text("subject", member(r, "identity.subject"), "kim");
    assert_text("kind", member(r, "identity.kind"), "human");
    assert_text("auth", member(r, "auth.kind"), "session");
    assert_text("handle", member(r, "session"), "0123456789abcdef");
    assert_text("no token", member(r, "auth.kid"), "");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(people_ask(&c, h, cookie), VISIT_PERMITTED);
        caller_end(&c);
    }
    assert_int_equal(s->asked_cookie, 1);
    assert_int_equal(h->counters.sessions_known, 3);
    close_all(h, s);
}

/* Nothing of the cookie, nor of the provider's tokens, stands in the log. */
static void nothing_secret_is_recorded(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie)->seen.session.refresh_token = STR("the-refresh");
    people_come(&c, h, s, cookie);
    caller_end(&c);
    char *text = json_dumps(house_last(h), 0);
    assert_null(strstr(text, cookie + sizeof SESSION_COOKIE));
    assert_null(strstr(text, "the-refresh"));
    free(text);
    close_all(h, s);
}

/* What is no session of ours asks nobody, and is nobody. */
static void invented_ones_ask_nobody(void **state)
{
    static const char *const rows[] = {
        "",
        "__Host-Http-postern",
        "__Host-Http-postern=",
        "__Host-Http-postern=x",
        "__Host-Http-postern=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "__Host-Http-postern=\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        "__Host-Http-postern=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xff",
        "postern=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    struct store *s = people_store();
    struct house *h = open_with(s);
    struct caller c;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_row(rows[i], people_ask(&c, h, rows[i]) == VISIT_REFUSED);
        assert_row(rows[i], c.visit.refusal.status == 401);
        caller_end(&c);
        assert_text(rows[i], member(house_last(h), "decision.reason"), "auth.none");
    }
    assert_int_equal(s->n + s->asked_cookie, 0);
    close_all(h, s);
}

/* A value is good on its own host alone; the same session has another one there. */
static void each_host_its_own(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", OTHER, &cookie);
    assert_int_equal(people_ask(&c, h, cookie), VISIT_REFUSED);
    caller_end(&c);
    assert_int_equal(s->asked_cookie, 0);
    /* nor when the other host's is remembered */
    people_ask_at(&c, h, OTHER, "/", cookie);
    people_answer(h, s);
    assert_text("there", c.visit.reason, "default-deny");
    caller_end(&c);
    assert_int_equal(people_ask(&c, h, cookie), VISIT_REFUSED);
    caller_end(&c);
    assert_int_equal(s->asked_cookie, 1);
    close_all(h, s);
}

/* Every value with our name is tried, up to eight; the rest of them is not looked at. */
static void all_are_tried(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *good, *gone;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &good);
    people_add(h, s, "sam", INVENTORY, &gone)->is_gone = true;
    str all = str_of("a=b");
    for (int i = 0; i < 6; i++)
        all = arena_printf(&signer_arena, "%.*s; __Host-Http-postern=%d", STR_ARG(all), i);
    str eighth = arena_printf(&signer_arena, "%.*s; %s; %s", STR_ARG(all), gone, good);
    assert_int_equal(people_ask(&c, h, eighth.p), VISIT_WAITING);
    while (c.visit.outcome == VISIT_WAITING)
        people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_true(str_eq(c.visit.who->facts.subject, STR("kim")));
    caller_end(&c);
    str ninth =
        arena_printf(&signer_arena, "%.*s; x=y; %s; %s; %s", STR_ARG(all), gone, gone, good);
    assert_int_equal(people_ask(&c, h, ninth.p), VISIT_WAITING);
    people_answer(h, s);
    people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_REFUSED);
    assert_text("ninth", c.visit.reason, "auth.none");
    caller_end(&c);
    close_all(h, s);
}

static void store_that_fails_refuses(void **state)
{
    static const char *const how[] = {"full", "broken", "silent"};
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    people_add(h, s, "kim", INVENTORY, &cookie);
    for (size_t i = 0; i < ROWS(how); i++) {
        struct caller c;
        s->is_full = i == 0;
        s->is_broken = i == 1;
        people_ask(&c, h, cookie);
        if (i == 1)
            people_answer(h, s);
        else
            house_pass(h, 2200);
        assert_row(how[i], c.visit.outcome == VISIT_REFUSED);
        assert_row(how[i], c.visit.refusal.status == 503);
        assert_row(how[i], c.visit.refusal.retry_after_s > 0);
        caller_end(&c);
        assert_text(how[i], member(house_last(h), "decision.reason"), "store:unavailable");
        assert_text(how[i], member(house_last(h), "identity.subject"), "");
    }
    s->is_full = s->is_broken = false;
    people_answer(h, s); /* the silent one's, too late for it, is remembered */
    struct caller c;
    assert_int_equal(people_ask(&c, h, cookie), VISIT_PERMITTED);
    caller_end(&c);
    close_all(h, s);
}

/* Who is known already needs no store. */
static void known_ones_need_no_store(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie);
    people_warm(h, s, cookie);
    s->is_full = s->is_broken = true;
    assert_int_equal(people_ask(&c, h, cookie), VISIT_PERMITTED);
    caller_end(&c);
    close_all(h, s);
}

/* A page's twenty parts at once are one question. */
static void the_same_is_asked_once(void **state)
{
    enum { MANY = 20 };
    static struct caller c[MANY];
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    people_add(h, s, "kim", INVENTORY, &cookie);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(people_ask(&c[i], h, cookie), VISIT_WAITING);
    caller_end(&c[3]); /* its client went away */
    people_answer(h, s);
    assert_int_equal(s->asked_cookie, 1);
    for (size_t i = 0; i < MANY; i++) {
        if (i == 3)
            continue;
        assert_int_equal(c[i].n_resumed, 1);
        assert_int_equal(c[i].visit.outcome, VISIT_PERMITTED);
        caller_end(&c[i]);
    }
    close_all(h, s);
}

/* A sync of the journal wakes whoever waits for it, and nobody who waits for the store. */
static void news_of_the_log_wake_nobody_here(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie);
    assert_int_equal(people_ask(&c, h, cookie), VISIT_WAITING);
    gate_audit_changed(h->gate);
    assert_int_equal(c.n_resumed, 0);
    people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    caller_end(&c);
    close_all(h, s);
}

static void the_cache_is_bounded(void **state)
{
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .limits = "{session_cache: 2}\n"});
    const char *cookies[3];
    for (size_t i = 0; i < 3; i++) {
        people_add(h, s, "kim", INVENTORY, &cookies[i]);
        people_warm(h, s, cookies[i]);
    }
    assert_int_equal(session_cache_count(h->gate->sessions), 2);
    people_warm(h, s, cookies[1]); /* used: not the oldest any more */
    people_warm(h, s, cookies[0]);
    assert_int_equal(s->asked_cookie, 4);
    people_warm(h, s, cookies[1]);
    assert_int_equal(s->asked_cookie, 4);
    people_warm(h, s, cookies[2]);
    assert_int_equal(s->asked_cookie, 5);
    close_all(h, s);
}

/* With no cache at all each request asks, and is answered. */
static void without_a_cache(void **state)
{
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .limits = "{session_cache: 0}\n"});
    const char *cookie;
    people_add(h, s, "kim", INVENTORY, &cookie);
    people_warm(h, s, cookie);
    people_warm(h, s, cookie);
    assert_int_equal(s->asked_cookie, 2);
    close_all(h, s);
}

/* Many more than the first buckets: found again, each. */
static void many(void **state)
{
    enum { MANY = 500 };
    static const char *cookies[MANY];
    struct store *s = people_store();
    struct house *h = open_with(s);
    for (size_t i = 0; i < MANY; i++) {
        people_add(h, s, "kim", INVENTORY, &cookies[i]);
        people_warm(h, s, cookies[i]);
        house_sync(h);
    }
    for (size_t i = 0; i < MANY; i++) {
        people_warm(h, s, cookies[i]);
        house_sync(h);
    }
    assert_int_equal(s->asked_cookie, MANY);
    close_all(h, s);
}

/* ---- with tokens ---- */

static void two_proofs(void **state)
{
    static const struct {
        const char *id, *bearer, *reason;
        unsigned status;
    } rows[] = {
        {"the same person", "kim", "allow", 0},
        {"another person", "sam", "input:header", 400},
        {"a machine", "robot:7", "input:header", 400},
    };
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    people_add(h, s, "kim", INVENTORY, &cookie);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        caller_begin(&c, h, INVENTORY, "/x");
        c.visit.request.authorization = str_of(house_bearer(rows[i].bearer, STAFF));
        c.visit.request.cookie = str_of(cookie);
        if (caller_run(&c) == VISIT_WAITING)
            people_answer(h, s);
        assert_text(rows[i].id, c.visit.reason, rows[i].reason);
        assert_row(rows[i].id, rows[i].status == 0 || c.visit.refusal.status == rows[i].status);
        assert_row(rows[i].id, c.visit.session == NULL);
        caller_end(&c);
        if (!rows[i].status)
            assert_text(rows[i].id, member(house_last(h), "auth.kind"), "token");
    }
    close_all(h, s);
}

/* A token that fails is refused, whoever the cookie names. */
static void bad_token_beside_a_good_cookie(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie);
    people_warm(h, s, cookie);
    caller_begin(&c, h, INVENTORY, "/x");
    c.visit.request.authorization =
        str_of(arena_printf(&signer_arena, "%sx", house_bearer("kim", STAFF)).p);
    c.visit.request.cookie = str_of(cookie);
    assert_int_equal(caller_run(&c), VISIT_REFUSED);
    caller_end(&c);
    close_all(h, s);
}

/* services: is for tokens; a cookie is never a machine's. */
static void never_a_machine(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "robot:7", INVENTORY, &cookie);
    assert_int_equal(people_come(&c, h, s, cookie), VISIT_PERMITTED);
    assert_false(c.visit.who->facts.is_machine);
    caller_end(&c);
    close_all(h, s);
}

/* A public path is forwarded without identity: nobody is asked about anybody. */
static void not_on_public_paths(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie);
    assert_int_equal(people_ask_at(&c, h, INVENTORY, "/public/x", cookie), VISIT_PERMITTED);
    assert_null(c.visit.session);
    caller_end(&c);
    assert_int_equal(s->asked_cookie, 0);
    close_all(h, s);
}

/* ---- the settings of its issuer ---- */

static void claims_that_are_no_good(void **state)
{
    static const struct {
        const char *id, *claims;
    } rows[] = {
        {"no JSON", "{"},
        {"empty", ""},
        {"another subject",
         "{\"iss\":\"https://login.example\",\"sub\":\"sam\",\"exp\":1,\"iat\":1}"},
        {"another issuer",
         "{\"iss\":\"https://late.example\",\"sub\":\"kim\",\"exp\":1,\"iat\":1}"},
    };
    struct store *s = people_store();
    struct house *h = open_with(s);
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *cookie;
        struct caller c;
        people_add(h, s, "kim", INVENTORY, &cookie)->seen.session.claims = str_of(rows[i].claims);
        assert_row(rows[i].id, people_come(&c, h, s, cookie) == VISIT_REFUSED);
        assert_text(rows[i].id, c.visit.reason, "auth.none");
        caller_end(&c);
    }
    close_all(h, s);
}

static void issuer_that_changes(void **state)
{
    static const char regrouped[] =
        "  corp: {issuer: \"https://login.example\", audience: postern, jwks_file: corp.json,\n"
        "         claims: {groups: roles}}\n";
    static const char gone[] =
        "  late: {issuer: \"https://late.example\", audience: postern, jwks_file: corp.json}\n";
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", INVENTORY, &cookie);
    people_warm(h, s, cookie);
    house_swap_config(h, &(struct house_options){.issuers = regrouped});
    people_come(&c, h, s, cookie);
    assert_text("read anew", c.visit.reason, "deny-rule"); /* groups unknown */
    caller_end(&c);
    house_swap_config(h, &(struct house_options){
                             .issuers = gone,
                             .services = "  robot: {issuer: late, match: {sub: \"robot:*\"}}\n"});
    people_come(&c, h, s, cookie);
    assert_text("gone", c.visit.reason, "auth.none");
    caller_end(&c);
    close_all(h, s);
}

/* ---- limits ---- */

static const char SHORT[] = "sessions: {max: 8h, idle: 30m}\n";

static const char RULES[] =
    "version: 1\n"
    "apps:\n"
    "  - {name: inventory, host: inventory.example, upstream: \"unix:APP_SOCKET\"}\n"
    "rules:\n"
    "  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: [inventory]}}\n"
    "  - {id: strict, effect: require, who: anyone, to: {apps: [inventory], paths: [/admin/**]},\n"
    "     auth: {issuers: [corp]}, session: {max: 1h, idle: 5m}}\n";

static void limits(void **state)
{
    static const struct {
        const char *id, *path;
        int64_t signed_in, seen; /* so many seconds ago, by the store */
        const char *cause;       /* NULL: allowed */
    } rows[] = {
        {"fresh", "/x", 0, 0, NULL},
        {"just not idle", "/x", 4000, 30 * 60 - 1, NULL},
        {"idle", "/x", 4000, 30 * 60, "session.idle"},
        {"just within", "/x", 8 * 3600 - 1, 0, NULL},
        {"too long", "/x", 8 * 3600, 0, "session.max"},
        {"rule: just not idle", "/admin/", 600, 5 * 60 - 1, NULL},
        {"rule: idle", "/admin/", 600, 5 * 60, "session.idle"},
        {"rule: just within", "/admin/", 3599, 0, NULL},
        {"rule: too long", "/admin/", 3600, 0, "session.max"},
        {"another path's rule", "/x", 3600, 5 * 60, NULL},
    };
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .more = SHORT, .policy = RULES});
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *cookie;
        struct caller c;
        struct store_session *row = &people_add(h, s, "kim", INVENTORY, &cookie)->seen.session;
        row->created_s -= rows[i].signed_in;
        row->ends_s = row->created_s + 24 * 3600;
        row->seen_s -= rows[i].seen;
        people_ask_at(&c, h, INVENTORY, rows[i].path, cookie);
        while (c.visit.outcome == VISIT_WAITING)
            people_answer(h, s);
        assert_row(rows[i].id, (c.visit.outcome == VISIT_PERMITTED) == !rows[i].cause);
        assert_row(rows[i].id, !rows[i].cause || c.visit.refusal.status == 401);
        caller_end(&c);
        if (!rows[i].cause)
            continue;
        assert_text(rows[i].id, member(house_last(h), "decision.reason"), "auth.none");
        assert_row(rows[i].id, is_in_causes(house_last(h), rows[i].cause));
    }
    close_all(h, s);
}

/* Before anybody is sent away as idle the store is asked: he may have been busy elsewhere. */
static void busy_elsewhere(void **state)
{
    static const struct {
        const char *id, *path;
        int64_t away_s;
    } rows[] = {{"configuration", "/x", 40 * 60}, {"rule", "/admin/", 6 * 60}};
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .more = SHORT, .policy = RULES});
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *cookie;
        struct caller c;
        struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
        people_warm(h, s, cookie);
        unsigned asked = s->asked_cookie;
        house_pass(h, rows[i].away_s * 1000);
        row->seen.session.seen_s = now_s() - 10;
        assert_row(rows[i].id,
                   people_ask_at(&c, h, INVENTORY, rows[i].path, cookie) == VISIT_WAITING);
        people_answer(h, s);
        assert_row(rows[i].id, c.visit.outcome == VISIT_PERMITTED);
        assert_row(rows[i].id, s->asked_cookie == asked + 1);
        caller_end(&c);
        house_pass(h, rows[i].away_s * 1000);
        row->seen.session.seen_s = now_s() - rows[i].away_s;
        people_ask_at(&c, h, INVENTORY, rows[i].path, cookie);
        people_answer(h, s);
        assert_text(rows[i].id, c.visit.reason, "auth.none");
        caller_end(&c);
        assert_row(rows[i].id, is_in_causes(house_last(h), "session.idle"));
    }
    close_all(h, s);
}

/* Both limits bound how long a decision holds. */
static void valid_until(void **state)
{
    struct store *s = people_store();
    struct house *h =
        house_open(&(struct house_options){.store = s, .more = SHORT, .policy = RULES});
    const char *cookie;
    struct caller c;
    struct store_session *row = &people_add(h, s, "kim", INVENTORY, &cookie)->seen.session;
    people_come(&c, h, s, cookie);
    assert_int_equal(c.visit.decision.valid_until_s, now_s() + 30 * 60);
    caller_end(&c);
    people_ask_at(&c, h, INVENTORY, "/admin/", cookie);
    assert_int_equal(c.visit.decision.valid_until_s, now_s() + 5 * 60);
    caller_end(&c);
    row->ends_s = now_s() + 60;
    gate_store_changed(h->gate, STORE_SESSION_CHANGED, row->id, row->issuer, row->subject);
    people_come(&c, h, s, cookie);
    assert_int_equal(c.visit.decision.valid_until_s, now_s() + 60);
    caller_end(&c);
    close_all(h, s);
}

/* Told in batches, once for however many requests. */
static void seen_is_told(void **state)
{
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    people_warm(h, s, cookie);
    people_answer(h, s);
    for (int i = 0; i < 5; i++) {
        house_pass(h, 1000);
        people_ask(&c, h, cookie);
        caller_end(&c);
    }
    assert_int_equal(s->n_touches + s->n, 0);
    house_pass(h, 10 * 1000);
    people_answer(h, s);
    assert_int_equal(s->n_touches, 1);
    assert_int_equal(s->touches[0].session, row->seen.session.id);
    assert_int_equal(s->touches[0].seen_s, now_s() - 10);
    house_pass(h, 30 * 1000);
    people_answer(h, s);
    assert_int_equal(s->n_touches, 1);
    /* and when it shuts down */
    people_ask(&c, h, cookie);
    caller_end(&c);
    gate_end_all(h->gate, END_DRAIN);
    people_answer(h, s);
    assert_int_equal(s->n_touches, 2);
    close_all(h, s);
}

/* ---- claims that grow old ---- */

static void refresh(void **state)
{
    static const char more[] = "sessions: {refresh: 10m}\n";
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .more = more});
    const char *cookie, *other, *elsewhere;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", INVENTORY, &cookie);
    row->seen.session.refresh_token = STR("r");
    people_add(h, s, "sam", INVENTORY, &other); /* its issuer gave none */
    elsewhere = people_hand_on(h, s, row->seen.session.id, OTHER);
    people_warm(h, s, cookie);
    people_warm(h, s, other);
    house_pass(h, 599 * 1000);
    people_warm(h, s, cookie);
    assert_int_equal(h->refreshes, 0);
    house_pass(h, 1000);
    assert_int_equal(people_ask(&c, h, cookie), VISIT_PERMITTED); /* it does not wait */
    caller_end(&c);
    people_warm(h, s, other);
    assert_int_equal(h->refreshes, 1);
    assert_int_equal(h->refreshed, row->seen.session.id);
    house_pass(h, 59 * 1000);
    people_warm(h, s, cookie);
    assert_int_equal(h->refreshes, 1);
    house_pass(h, 1000);
    people_ask_at(&c, h, OTHER, "/", elsewhere); /* refused, for what he was then */
    people_answer(h, s);
    caller_end(&c);
    people_warm(h, s, cookie);
    assert_int_equal(h->refreshes, 2);
    close_all(h, s);
}

/* ---- grants and purposes ---- */

static void grants_and_purposes(void **state)
{
    static const char policy[] =
        "version: 1\n"
        "apps:\n"
        "  - {name: inventory, host: inventory.example, upstream: \"unix:APP_SOCKET\"}\n"
        "  - {name: other, host: other.example, upstream: \"unix:APP_SOCKET\"}\n"
        "rules:\n"
        "  - {id: asked, effect: allow, who: {groups: [staff]}, to: {apps: [inventory, other]},\n"
        "     approval: {by: {groups: [boss]}, valid_for: 1h}}\n"
        "  - {id: why, effect: require, who: anyone, to: {apps: [inventory, other]},\n"
        "     purpose: {required: true, prompt: Which ticket?}}\n";
    static const struct {
        const char *id, *grant_app, *purpose_app;
        int64_t ends_in_s;
        enum store_grant_state state;
        const char *reason;
    } rows[] = {
        {"both", "inventory", "inventory", 60, STORE_GRANT_OPEN, "allow"},
        {"no purpose", "inventory", NULL, 60, STORE_GRANT_OPEN, "require-failed"},
        {"purpose of another app", "inventory", "other", 60, STORE_GRANT_OPEN, "require-failed"},
        {"no grant", NULL, "inventory", 60, STORE_GRANT_OPEN, "default-deny"},
        {"grant of another app", "other", "inventory", 60, STORE_GRANT_OPEN, "default-deny"},
        {"grant that is over", "inventory", "inventory", 0, STORE_GRANT_OPEN, "default-deny"},
        {"grant only asked", "inventory", "inventory", 60, STORE_GRANT_ASKED, "default-deny"},
    };
    struct store *s = people_store();
    struct house *h = house_open(&(struct house_options){.store = s, .policy = policy});
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *cookie;
        struct caller c;
        struct store_seen *seen = &people_add(h, s, "kim", INVENTORY, &cookie)->seen;
        struct store_grant grant = {.kind = STORE_GRANT_APPROVAL,
                                    .state = rows[i].state,
                                    .rule = STR("asked"),
                                    .rule_digest =
                                        policy_rule_digest(h->snapshot->policy, STR("asked")),
                                    .app = str_of(rows[i].grant_app),
                                    .expires_s = now_s() + rows[i].ends_in_s};
        struct store_purpose purpose = {str_of(rows[i].purpose_app), STR("OPS-1"), now_s()};
        seen->grants = &grant;
        seen->n_grants = rows[i].grant_app != NULL;
        seen->purposes = &purpose;
        seen->n_purposes = rows[i].purpose_app != NULL;
        people_come(&c, h, s, cookie);
        assert_text(rows[i].id, c.visit.reason, rows[i].reason);
        if (strcmp(rows[i].id, "no purpose") == 0) {
            assert_row(rows[i].id, c.visit.refusal.n_remedies == 1);
            assert_row(rows[i].id, c.visit.refusal.remedies[0].kind == POLICY_REMEDY_STATE_PURPOSE);
        }
        if (c.visit.outcome == VISIT_PERMITTED)
            assert_row(rows[i].id, c.visit.decision.valid_until_s == now_s() + 60);
        caller_end(&c);
    }
    close_all(h, s);
}

/* ---- devices ---- */

static void another_certificate(void **state)
{
    struct gate_cert good = {.verdict = CERT_OK}, other = {.verdict = CERT_OK},
                     expired = {.verdict = CERT_EXPIRED};
    const struct {
        const char *id;
        const struct gate_cert *cert;
        const char *reason;
    } rows[] = {
        {"the same", &good, "allow"},
        {"another", &other, "device.binding"},
        {"none", NULL, "allow"},
        {"one that is not good", &expired, "allow"},
    };
    static const char proof[] = "0101010101010101010101010101010101010101010101010101010101010101";
    memset(good.cert.fingerprint, 1, sizeof good.cert.fingerprint);
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    people_add(h, s, "kim", INVENTORY, &cookie)->seen.session.device_proof = str_of(proof);
    people_warm(h, s, cookie);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct caller c;
        caller_begin(&c, h, INVENTORY, "/x");
        c.visit.request.cookie = str_of(cookie);
        c.visit.request.cert = rows[i].cert;
        caller_run(&c);
        assert_text(rows[i].id, c.visit.reason, rows[i].reason);
        assert_row(rows[i].id, c.visit.outcome == VISIT_PERMITTED || c.visit.refusal.status == 403);
        caller_end(&c);
        assert_text(rows[i].id, member(house_last(h), "decision.reason"), rows[i].reason);
        assert_text(rows[i].id, member(house_last(h), "identity.subject"), "kim");
    }
    close_all(h, s);
}

/* ---- pages and looks ---- */

static enum visit_outcome page(struct caller *c, struct house *h, struct store *s,
                               const char *cookie)
{
    caller_begin(c, h, "access.example", "/");
    c->visit.request.cookie = str_of(cookie);
    if (visit_page(&c->visit, "portal") == VISIT_WAITING)
        people_answer(h, s);
    return c->visit.outcome;
}

static void pages_know_who_is_there(void **state)
{
    struct gate_cert other = {.verdict = CERT_OK};
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    struct fake_row *row = people_add(h, s, "kim", "access.example", &cookie);
    assert_int_equal(page(&c, h, s, NULL), VISIT_PERMITTED);
    assert_null(c.visit.who);
    caller_end(&c);
    assert_int_equal(page(&c, h, s, cookie), VISIT_PERMITTED);
    assert_true(str_eq(c.visit.who->facts.subject, STR("kim")));
    assert_non_null(c.visit.session);
    caller_end(&c);
    assert_text("effect", member(house_last(h), "decision.effect"), "own");
    assert_text("reason", member(house_last(h), "decision.reason"), "portal");
    assert_text("subject", member(house_last(h), "identity.subject"), "kim");
    assert_int_equal(h->counters.allowed, 0);
    /* of another device: nobody, so that he can sign in again */
    row->seen.session.device_proof = STR("00");
    gate_store_changed(h->gate, STORE_SESSION_CHANGED, row->seen.session.id, STR(""), STR(""));
    caller_begin(&c, h, "access.example", "/");
    c.visit.request.cookie = str_of(cookie);
    c.visit.request.cert = &other;
    visit_page(&c.visit, "portal");
    people_answer(h, s);
    assert_int_equal(c.visit.outcome, VISIT_PERMITTED);
    assert_null(c.visit.who);
    caller_end(&c);
    s->is_full = true;
    gate_store_changed(h->gate, STORE_SESSION_CHANGED, row->seen.session.id, STR(""), STR(""));
    assert_int_equal(page(&c, h, s, cookie), VISIT_REFUSED);
    assert_text("store", c.visit.reason, "store:unavailable");
    caller_end(&c);
    close_all(h, s);
}

static void looks(void **state)
{
    static const struct {
        const char *app, *path;
        enum policy_effect effect;
        const char *reason;
        enum policy_remedy_kind remedy;
    } rows[] = {
        {"inventory", "/x", POLICY_ALLOW, "allow", POLICY_REMEDY_NONE},
        {"inventory", "/public/a", POLICY_ALLOW, "public-path", POLICY_REMEDY_NONE},
        {"inventory", "/admin/", POLICY_DENY, "require-failed", POLICY_REMEDY_STEP_UP},
        {"inventory", "/../x", POLICY_DENY, "input:path", POLICY_REMEDY_NONE},
        {"other", "/", POLICY_DENY, "default-deny", POLICY_REMEDY_NONE},
    };
    struct store *s = people_store();
    struct house *h = open_with(s);
    const char *cookie;
    struct caller c;
    people_add(h, s, "kim", "access.example", &cookie);
    page(&c, h, s, cookie);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct gate_view view;
        const struct app *app = snapshot_app_by_name(visit_snapshot(&c.visit), str_of(rows[i].app));
        visit_look(&c.visit, app, str_of(rows[i].path), &view);
        assert_row(rows[i].path, view.effect == rows[i].effect);
        assert_text(rows[i].path, view.reason, rows[i].reason);
        if (rows[i].remedy)
            assert_row(rows[i].path, view.remedies[0].kind == rows[i].remedy);
    }
    caller_end(&c);
    assert_int_equal(json_array_size(house_log(h)), 1);
    close_all(h, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_after_one_look),
        cmocka_unit_test(nothing_secret_is_recorded),
        cmocka_unit_test(invented_ones_ask_nobody),
        cmocka_unit_test(each_host_its_own),
        cmocka_unit_test(all_are_tried),
        cmocka_unit_test(store_that_fails_refuses),
        cmocka_unit_test(known_ones_need_no_store),
        cmocka_unit_test(the_same_is_asked_once),
        cmocka_unit_test(news_of_the_log_wake_nobody_here),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(without_a_cache),
        cmocka_unit_test(many),
        cmocka_unit_test(two_proofs),
        cmocka_unit_test(bad_token_beside_a_good_cookie),
        cmocka_unit_test(never_a_machine),
        cmocka_unit_test(not_on_public_paths),
        cmocka_unit_test(claims_that_are_no_good),
        cmocka_unit_test(issuer_that_changes),
        cmocka_unit_test(limits),
        cmocka_unit_test(busy_elsewhere),
        cmocka_unit_test(valid_until),
        cmocka_unit_test(seen_is_told),
        cmocka_unit_test(refresh),
        cmocka_unit_test(grants_and_purposes),
        cmocka_unit_test(another_certificate),
        cmocka_unit_test(pages_know_who_is_there),
        cmocka_unit_test(looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
