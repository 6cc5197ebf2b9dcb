/* Approvals and break-glass: asked, decided, opened, ended. What opens a way is written down and
 * told before it opens; who decides is looked up in the store and held against the rule in force,
 * whatever the page said. */
#include "proxy/desk/desk_impl.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"

enum { MAILS_MOST = 50 };

struct granting {
    struct desk_work work;
    struct arena arena;
    struct desk_ask *ask;
    struct store_session who; /* who asks or decides */
    struct store_grant grant; /* that is meant, or that is made */
    struct policy_grant_terms terms;
    const struct store_grant *own; /* break-glass: the person's rows */
    size_t n_own;
    struct list_node link; /* desk.breaking, or `same` of the first one */
    struct list_node same; /* who breaks the same glass meanwhile */
    char *identity;        /* members of the record */
    bool is_there, may_decide;
    enum store_found outcome;
};

static void let_go(struct granting *g)
{
    free(g->identity);
    arena_wipe(&g->arena);
    free(g);
}

static void refuse(struct granting *g, const char *reason, str sentence)
{
    desk_refuse(g->ask, reason, sentence);
    let_go(g);
}

/* ---- what is known --------------------------------------------------------------------------- */

/* Whom a front names has no row: the worker has just read who it is. */
static enum store_found find_person(struct store_db *db, struct granting *g, struct fail *f)
{
    struct store_seen seen;
    if (g->ask->who) {
        const struct policy_identity *id = &g->ask->who->facts;
        g->who = (struct store_session){.issuer_name = id->issuer_name,
                                        .issuer = id->issuer,
                                        .subject = id->subject,
                                        .email = id->email};
        return STORE_FOUND;
    }
    enum store_found found = store_session_by_id(db, g->ask->session, &g->arena, &seen, f);
    if (found == STORE_FOUND)
        g->who = seen.session;
    return found;
}

static bool read_rows(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct granting *g = list_entry(w, struct granting, work);
    enum store_found found = find_person(db, g, f);
    g->is_there = found == STORE_FOUND;
    if (g->is_there && g->ask->verb == DESK_GRANT_BREAK_GLASS &&
        !store_grants_list(db, g->who.issuer, g->who.subject, &g->arena, &g->own, &g->n_own, f))
        return false;
    if (found == STORE_FAILED || !g->ask->grant || !g->is_there)
        return found != STORE_FAILED;
    found = store_grant_by_id(db, g->ask->grant, &g->arena, &g->grant, f);
    g->is_there = found == STORE_FOUND;
    return found != STORE_FAILED;
}

/* The worker names the app when no deny rule fires for this visit there: the device and the network
 * are known to it alone. */
static bool may_decide(const struct granting *g, const struct policy_identity *who)
{
    const struct desk *d = g->work.desk;
    return str_eq(g->ask->app, g->grant.app) &&
           policy_may_approve(d->snapshot->policy, g->grant.rule, g->grant.app, who,
                              loop_wall_us(d->options.loop));
}

static bool judge_named(struct granting *g)
{
    struct desk *d = g->work.desk;
    const struct credential *c = g->ask->who;
    g->identity = entry_credential(c);
    g->may_decide = may_decide(g, &c->facts);
    return c->facts.expires_s > desk_now_s(d);
}

/* The facts of who decides, as stored with his session. */
static bool judge_person(struct granting *g)
{
    struct desk *d = g->work.desk;
    if (g->ask->who)
        return judge_named(g);
    struct desk_issuer *i = issuer_named(d, g->who.issuer_name);
    struct fail f = {0};
    struct identity *id = i ? identity_from_claims(i->config->issuer, g->who.claims, &f) : NULL;
    if (!id)
        return false;
    char *scratch = mem_alloc(CREDENTIAL_SCRATCH_BYTES);
    struct credential *c = credential_create(id, i->config->issuer, NULL, scratch);
    g->identity = entry_identity(id, i->config->issuer);
    g->may_decide = may_decide(g, &c->facts);
    credential_unref(&c);
    identity_unref(&id);
    free(scratch);
    return true;
}

static bool is_own(const struct granting *g)
{
    return str_eq(g->grant.issuer, g->who.issuer) && str_eq(g->grant.subject, g->who.subject);
}

/* The same account, or another one of the same person: his address at a second issuer. Whether it
 * was verified does not matter, since it can only keep him out. */
static bool is_asker(const struct granting *g)
{
    return is_own(g) || (g->who.email.n && str_eq_nocase(g->grant.email, g->who.email));
}

/* ---- the record, before anything changes ------------------------------------------------------
 */

static bool write_record(struct granting *g, str kind, const char *why)
{
    struct entry e;
    entry_open(&e, g->work.desk, kind, g->ask);
    if (g->identity)
        jout_raw(&e.j, str_of(g->identity));
    entry_grant(&e, &g->grant);
    entry_text(&e, STR("why"), str_of(why));
    return entry_close(&e);
}

static void unrecorded(struct granting *g)
{
    struct fail f = {.text = "the grant cannot be recorded: it stays as it was"};
    desk_fail(g->ask, "audit", &f);
    let_go(g);
}

/* ---- telling people ----------------------------------------------------------------------------
 */

static str person(const struct granting *g)
{
    return g->who.email.n ? g->who.email : g->who.subject;
}

static bool mail(struct granting *g, str to, str subject, str text)
{
    const struct desk_options *o = &g->work.desk->options;
    return o->mail && o->mail(o->ctx, to, subject, text);
}

/* Users of the built-in issuer who match `by`, whatever it names: their addresses are known. */
static size_t mail_users(struct granting *g, str subject, str text)
{
    struct desk *d = g->work.desk;
    struct desk_issuer *own = NULL;
    size_t n = 0;
    for (size_t i = 0; i < d->n_issuers && !own; i++)
        own = d->issuers[i].config->is_builtin ? &d->issuers[i] : NULL;
    for (size_t i = 0; own && d->users && i < builtin_users_count(d->users) && n < MAILS_MOST;
         i++) {
        const struct builtin_user *u = builtin_users_at(d->users, i);
        struct policy_identity facts = {
            .issuer = own->config->issuer->issuer,
            .issuer_name = own->config->name,
            .issuer_is_trusted = true,
            .subject = u->subject,
            .email = u->email,
            .email_verified = POLICY_TRUE,
            .groups_known = true,
            .groups = u->groups,
            .n_groups = u->n_groups,
        };
        if (!u->is_disabled && policy_may_approve(d->snapshot->policy, g->grant.rule, g->grant.app,
                                                  &facts, loop_wall_us(d->options.loop)))
            n += mail(g, u->email, subject, text);
    }
    return n;
}

static bool has_user(struct desk *d, str email)
{
    return d->users && builtin_users_find(d->users, email);
}

/* A house need not have it: then those who may approve hear of it by mail, or see it. */
static bool has_channel(const struct config *c, str name)
{
    for (size_t i = 0; i < c->n_channels; i++)
        if (str_eq(c->channels[i].name, name))
            return true;
    return false;
}

static void tell_approvers(struct granting *g)
{
    struct desk *d = g->work.desk;
    const struct config *c = desk_config(d);
    str subject = arena_printf(&g->arena, "%.*s asks for access to %.*s", STR_ARG(person(g)),
                               STR_ARG(g->grant.app));
    str text = arena_printf(
        &g->arena,
        "%.*s asks for access to %.*s (rule %.*s).\n\nReason: %.*s\n\nDecide here: %.*s%s\n",
        STR_ARG(person(g)), STR_ARG(g->grant.app), STR_ARG(g->grant.rule),
        STR_ARG(g->grant.purpose), STR_ARG(c->portal.origin), "/.postern/approvals");
    size_t told = mail_users(g, subject, text);
    for (size_t i = 0; i < g->terms.n_approvers && told < MAILS_MOST; i++)
        if (!has_user(d, g->terms.approvers[i]))
            told += mail(g, g->terms.approvers[i], subject, text);
    if (d->options.notify && has_channel(c, STR("approvals")))
        told += d->options.notify(d->options.ctx, STR("approvals"), subject, text);
    if (!told)
        log_info("approval.untold", "no approver could be told; the question waits on the portal");
}

static str instant(struct granting *g, int64_t at_s)
{
    struct tm tm;
    time_t t = (time_t)at_s;
    char text[32] = "?";
    if (gmtime_r(&t, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    return arena_dup(&g->arena, str_of(text));
}

/* Everyone whom the rule names must hear of it: a channel that cannot be told keeps the glass
 * whole. */
static bool tell_broken(struct granting *g)
{
    const struct desk_options *o = &g->work.desk->options;
    str subject = arena_printf(&g->arena, "%.*s broke the glass for %.*s", STR_ARG(person(g)),
                               STR_ARG(g->grant.app));
    str text =
        arena_printf(&g->arena,
                     "%.*s opened %.*s by the break-glass rule %.*s.\n\nOpened: %.*s\nEnds: %.*s\n"
                     "Who: %.*s\nApp: %.*s\nRule: %.*s\nReason: %.*s\n\nEnd it earlier: %.*s%s\n",
                     STR_ARG(person(g)), STR_ARG(g->grant.app), STR_ARG(g->grant.rule),
                     STR_ARG(instant(g, g->grant.asked_s)), STR_ARG(instant(g, g->grant.expires_s)),
                     STR_ARG(person(g)), STR_ARG(g->grant.app), STR_ARG(g->grant.rule),
                     STR_ARG(g->grant.purpose), STR_ARG(desk_config(g->work.desk)->portal.origin),
                     "/.postern/approvals");
    for (size_t i = 0; i < g->terms.n_told; i++)
        if (!o->notify || !o->notify(o->ctx, g->terms.told[i], subject, text))
            return false;
    return true;
}

/* ---- the change, after the record ---------------------------------------------------------------
 */

static bool ask_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct granting *g = list_entry(w, struct granting, work);
    return store_grant_ask(db, &g->grant, &g->grant.id, f);
}

static bool open_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct granting *g = list_entry(w, struct granting, work);
    return store_grant_open(db, &g->grant, &g->grant.id, f);
}

static bool approve_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct granting *g = list_entry(w, struct granting, work);
    char text[2048];
    struct jout j;
    jout_init(&j, text, sizeof text);
    jout_open(&j, '{');
    jout_kstr(&j, STR("issuer"), str_upto(g->who.issuer, 256));
    jout_kstr(&j, STR("subject"), str_upto(g->who.subject, 255));
    jout_kstr(&j, STR("email"), str_upto(g->who.email, 254));
    jout_kint(&j, STR("at"), store_now_s(db));
    jout_close(&j, '}');
    str key =
        arena_printf(&g->arena, "%.*s\n%.*s", STR_ARG(g->who.issuer), STR_ARG(g->who.subject));
    if (j.overflow)
        return fail_set(f, FAIL_LIMIT, "the approver's name is too long");
    g->outcome = store_grant_approve(db, g->grant.id, jout_text(&j), key, &g->arena, &g->grant, f);
    return g->outcome != STORE_FAILED;
}

static bool close_row(struct store_db *db, struct desk_work *w, struct fail *f)
{
    struct granting *g = list_entry(w, struct granting, work);
    enum store_grant_state state = g->ask->verb == DESK_GRANT_REFUSE     ? STORE_GRANT_REFUSED
                                   : g->grant.state == STORE_GRANT_ASKED ? STORE_GRANT_WITHDRAWN
                                                                         : STORE_GRANT_ENDED;
    g->outcome = store_grant_close(db, g->grant.id, state, &g->arena, &g->grant, f);
    return g->outcome != STORE_FAILED;
}

static void changed(struct desk_work *w)
{
    struct granting *g = list_entry(w, struct granting, work);
    struct desk_ask *ask = g->ask;
    if (!w->is_good) {
        desk_fail(ask, "store", &w->fail);
    } else if (g->outcome == STORE_ABSENT && ask->grant) {
        desk_refuse(ask, "grant.gone", STR("Somebody else was faster, or it was decided already."));
    } else {
        if (ask->verb == DESK_GRANT_ASK)
            tell_approvers(g);
        ask->grant = g->grant.id;
        ask->is_open = g->grant.state == STORE_GRANT_OPEN;
        if (ask->is_open || ask->verb == DESK_GRANT_BREAK_GLASS)
            endings_watch(w->desk, &g->grant);
        else
            endings_forget(w->desk, g->grant.id);
        desk_answer(ask, DESK_DONE);
    }
    let_go(g);
}

/* Each gets the answer of the first one. */
static void answer_same(struct granting *first)
{
    struct desk_work *w = &first->work;
    list_remove(&first->link);
    while (!list_empty(&first->same)) {
        struct granting *g = list_entry(first->same.next, struct granting, link);
        list_remove(&g->link);
        g->ask->grant = first->grant.id;
        g->ask->is_open = w->is_good;
        if (w->is_good)
            desk_answer(g->ask, DESK_DONE);
        else
            desk_fail(g->ask, "store", &w->fail);
        let_go(g);
    }
}

static void opened(struct desk_work *w)
{
    answer_same(list_entry(w, struct granting, work));
    changed(w);
}

static void change(struct granting *g,
                   bool (*run)(struct store_db *, struct desk_work *, struct fail *))
{
    g->work.run = run;
    g->work.done = changed;
    work_post(g->work.desk, &g->work);
}

/* ---- the verbs
 * ------------------------------------------------------------------------------------ */

static void fill_new(struct granting *g, enum store_grant_kind kind)
{
    const struct desk_ask *ask = g->ask;
    g->grant = (struct store_grant){
        .kind = kind,
        .rule = ask->rule,
        .rule_digest = g->terms.digest,
        .app = ask->app,
        .issuer = g->who.issuer,
        .subject = g->who.subject,
        .email = g->who.email,
        .purpose = ask->reason_text,
        .asked_s = desk_now_s(g->work.desk),
        .valid_for_s = kind == STORE_GRANT_APPROVAL ? g->terms.approval_s : g->terms.break_glass_s,
        .count_needed = g->terms.count,
        .request_id = ask->request_id,
    };
}

static void ask_for(struct granting *g)
{
    if (!g->terms.has_approval) {
        refuse(g, "grant.rule", STR("This rule knows no approval."));
        return;
    }
    fill_new(g, STORE_GRANT_APPROVAL);
    if (!judge_person(g) || !write_record(g, STR("approval.asked"), NULL))
        unrecorded(g);
    else
        change(g, ask_row);
}

static void stays_closed(struct granting *g)
{
    (void)!write_record(g, STR("break_glass.failed"), "untold");
    refuse(g, "grant.untold",
           STR("Those who must hear of it cannot be told just now: it stays closed."));
}

static bool is_same(const struct store_grant *a, const struct store_grant *b)
{
    return a->kind == b->kind && str_eq(a->rule, b->rule) &&
           str_eq(a->rule_digest, b->rule_digest) && str_eq(a->app, b->app) &&
           str_eq(a->issuer, b->issuer) && str_eq(a->subject, b->subject);
}

/* Glass breaks once, however often the button is pressed: it is recorded and told once. The store
 * answers in order, so what is not in its rows yet is still in desk.breaking. */
static bool is_broken(struct granting *g)
{
    struct list_node *head = &g->work.desk->breaking;
    for (size_t i = 0; i < g->n_own; i++) {
        if (g->own[i].state != STORE_GRANT_OPEN || !is_same(&g->own[i], &g->grant))
            continue;
        g->ask->grant = g->own[i].id;
        g->ask->is_open = true;
        desk_answer(g->ask, DESK_DONE);
        let_go(g);
        return true;
    }
    for (struct list_node *n = head->next; n != head; n = n->next) {
        struct granting *first = list_entry(n, struct granting, link);
        if (!is_same(&first->grant, &g->grant))
            continue;
        list_append(&first->same, &g->link);
        return true;
    }
    return false;
}

static void open_glass(struct granting *g)
{
    list_append(&g->work.desk->breaking, &g->link);
    g->work.run = open_row;
    g->work.done = opened;
    work_post(g->work.desk, &g->work);
}

static void break_glass(struct granting *g)
{
    if (!g->terms.has_break_glass || !g->ask->reason_text.n) {
        refuse(g, "grant.rule", STR("This rule knows no break-glass."));
        return;
    }
    fill_new(g, STORE_GRANT_BREAK_GLASS);
    g->grant.expires_s = g->grant.asked_s + g->grant.valid_for_s;
    if (is_broken(g))
        return;
    if (!judge_person(g) || !write_record(g, STR("break_glass.opened"), NULL))
        unrecorded(g);
    else if (!tell_broken(g))
        stays_closed(g);
    else
        open_glass(g);
}

/* Texts of the rule that was approved are the rule's that is in force, or it is another rule. */
static void approve(struct granting *g)
{
    if (g->grant.state != STORE_GRANT_ASKED || g->grant.kind != STORE_GRANT_APPROVAL ||
        !str_eq(g->grant.rule_digest, g->terms.digest))
        refuse(g, "grant.gone", STR("It was decided already, or the rule is another one by now."));
    else if (is_asker(g) || !judge_person(g) || !g->may_decide)
        refuse(g, "grant.approver", STR("The rule does not name you as one who approves this."));
    else if (!write_record(g, STR("approval.approved"), NULL))
        unrecorded(g);
    else
        change(g, approve_row);
}

static void turn_down(struct granting *g)
{
    if (g->grant.state != STORE_GRANT_ASKED)
        refuse(g, "grant.gone", STR("It was decided already."));
    else if (is_asker(g) || !judge_person(g) || !g->may_decide)
        refuse(g, "grant.approver", STR("The rule does not name you as one who decides this."));
    else if (!write_record(g, STR("approval.refused"), NULL))
        unrecorded(g);
    else
        change(g, close_row);
}

/* By whom it is for, or by who could have refused it. */
static void end(struct granting *g)
{
    bool is_glass = g->grant.kind == STORE_GRANT_BREAK_GLASS;
    if (g->grant.state != STORE_GRANT_ASKED && g->grant.state != STORE_GRANT_OPEN)
        refuse(g, "grant.gone", STR("It has ended already."));
    else if (!judge_person(g) || !(is_own(g) || g->may_decide))
        refuse(g, "grant.approver", STR("The rule does not name you as one who ends this."));
    else if (!write_record(g, is_glass ? STR("break_glass.ended") : STR("approval.ended"),
                           g->grant.state == STORE_GRANT_ASKED ? "withdrawn" : "ended"))
        unrecorded(g);
    else
        change(g, close_row);
}

static void know(struct desk_work *w)
{
    typedef void verb_fn(struct granting * g);
    static verb_fn *const verbs[] = {
        [DESK_GRANT_ASK] = ask_for,
        [DESK_GRANT_APPROVE] = approve,
        [DESK_GRANT_REFUSE] = turn_down,
        [DESK_GRANT_END] = end,
        [DESK_GRANT_BREAK_GLASS] = break_glass,
    };
    struct granting *g = list_entry(w, struct granting, work);
    unsigned verb = g->ask->verb;
    if (!w->is_good) {
        desk_fail(g->ask, "store", &w->fail);
        let_go(g);
        return;
    }
    str rule = g->ask->grant ? g->grant.rule : g->ask->rule;
    bool is_known = g->is_there && policy_grant_terms(w->desk->snapshot->policy, rule, &g->terms);
    bool is_verb = verb > 0 && verb < sizeof verbs / sizeof *verbs;
    bool is_new = verb == DESK_GRANT_ASK || verb == DESK_GRANT_BREAK_GLASS;
    if (!is_known || !is_verb || is_new != !g->ask->grant)
        refuse(g, "grant.gone", STR("There is no such question any more."));
    else
        verbs[verb](g);
}

void grants_ask(struct desk *d, struct desk_ask *ask)
{
    struct granting *g = mem_alloc(sizeof *g);
    arena_init(&g->arena, NULL, 0);
    g->ask = ask;
    list_init(&g->link);
    list_init(&g->same);
    g->outcome = STORE_FOUND;
    g->work.run = read_rows;
    g->work.done = know;
    work_post(d, &g->work);
}
