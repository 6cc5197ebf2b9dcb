/* Approvals and break-glass: what a person may ask for, and what waits for his word. What a rule
 * offers to this person is asked of the policy itself, so that no address names a rule which is
 * none of his business. */
#include "proxy/portal/portal_impl.h"
#include "proxy/portal/way.h"

struct grants_look {
    struct look look;
    const struct store_grant *rows;
    size_t n;
    bool of_all;
};

static bool run(struct store_db *db, struct look *l, struct fail *f)
{
    struct grants_look *g = (struct grants_look *)l;
    const str none = {NULL, 0};
    return store_grants_list(db, g->of_all ? none : l->issuer, g->of_all ? none : l->subject,
                             &l->arena, &g->rows, &g->n, f);
}

static void look(struct call *c, bool of_all, void (*answered)(struct call *c, struct look *l))
{
    struct grants_look *g = look_create(c, sizeof *g);
    g->of_all = of_all;
    g->look.run = run;
    g->look.answered = answered;
    look_send(c, &g->look);
}

static int64_t given(str approvers)
{
    int64_t n = 0;
    for (size_t i = 0; i + 1 < approvers.n; i++)
        n += str_starts(str_from(approvers, i), STR("\"issuer\":"));
    return n;
}

static void done(struct call *c, const char *path, const char *notice)
{
    str query = arena_printf(c->arena, "done=%s", notice);
    answer_redirect(c, 303,
                    target_make(c->snapshot, c->arena, c->page->head->host, str_of(path), query));
}

int64_t grants_asked_s(const struct store_grant *rows, size_t n, const struct policy_identity *who,
                       str app)
{
    for (size_t i = 0; who && i < n; i++)
        if (rows[i].kind == STORE_GRANT_APPROVAL && rows[i].state == STORE_GRANT_ASKED &&
            str_eq(rows[i].app, app) && str_eq(rows[i].issuer, who->issuer) &&
            str_eq(rows[i].subject, who->subject))
            return rows[i].asked_s;
    return 0;
}

/* ---- asking for an approval -------------------------------------------------------------------
 */

struct offer {
    struct way at;
    struct policy_grant_terms terms;
};

/* The rule offers this to this person, now. */
static bool read_offer(struct call *c, enum policy_remedy_kind kind, struct offer *o)
{
    str rule = form_get(&c->form, STR("rule"));
    if (!way_read(c, &o->at))
        return false;
    const struct policy_remedy *r = way_remedy(c, &o->at, kind, rule);
    if (r && policy_grant_terms(c->snapshot->policy, rule, &o->terms))
        return true;
    answer_error(c, 403, "grant.rule", STR("There is nothing to ask for here, or no longer."));
    return false;
}

static void show_request(struct call *c, const struct offer *o, const struct store_grant *waits,
                         str text, enum page_form_error e)
{
    struct page_env env = call_env(c);
    struct page_request_view view = {
        .app = o->at.app->name,
        .app_title = way_title(&o->at),
        .rule = o->terms.rule,
        .to = o->at.target.url,
        .text = text,
        .error = e,
        .is_reason_optional = !o->terms.wants_reason,
        .valid_for_s = o->terms.approval_s,
        .count_needed = o->terms.count,
    };
    if (waits) {
        view.grant = waits->id;
        view.asked_s = waits->asked_s;
        view.count_given = given(waits->approvers);
    }
    answer_html(c, e == PAGE_FORM_OK ? 200 : 400, page_request(c->arena, &env, &view));
}

static void have_own(struct call *c, struct look *l)
{
    const struct grants_look *g = (const struct grants_look *)l;
    const struct store_grant *waits = NULL;
    struct offer o;
    if (!form_read(c->arena, c->page->query, &c->form) ||
        !read_offer(c, POLICY_REMEDY_REQUEST_APPROVAL, &o))
        return;
    for (size_t i = 0; i < g->n && !waits; i++)
        if (g->rows[i].state == STORE_GRANT_ASKED && str_eq(g->rows[i].rule, o.terms.rule) &&
            str_eq(g->rows[i].app, o.at.app->name))
            waits = &g->rows[i];
    show_request(c, &o, waits, (str){NULL, 0}, PAGE_FORM_OK);
}

void route_request(struct call *c)
{
    if (!way_needs_log_in(c))
        look(c, false, have_own);
}

static void withdrawn(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        done(c, "/", "withdrawn");
}

static void asked(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        done(c, "/", "requested");
}

static struct desk_ask *grant_ask(struct call *c, enum desk_grant_verb verb, asked_fn *answered)
{
    struct desk_ask *ask = ask_create(c, DESK_GRANT, answered);
    ask->verb = verb;
    return ask;
}

static bool read_grant(struct call *c, int64_t *out)
{
    uint64_t id;
    if (str_to_u64(form_get(&c->form, STR("grant")), INT64_MAX, &id) && id) {
        *out = (int64_t)id;
        return true;
    }
    answer_error(c, 400, "form.malformed", STR("This form names no question."));
    return false;
}

static void send_new(struct call *c, struct offer *o, enum desk_grant_verb verb, str text,
                     asked_fn *answered)
{
    struct desk_ask *ask = grant_ask(c, verb, answered);
    ask->rule = ask_text(ask, o->terms.rule);
    ask->app = ask_text(ask, o->at.app->name);
    ask->to = ask_text(ask, o->at.target.url);
    ask->reason_text = ask_text(ask, text);
    ask_send(c, ask);
}

void route_request_send(struct call *c)
{
    struct offer o;
    int64_t grant;
    if (way_needs_log_in(c))
        return;
    if (str_eq(form_get(&c->form, STR("verb")), STR("withdraw"))) {
        if (!read_grant(c, &grant))
            return;
        struct desk_ask *ask = grant_ask(c, DESK_GRANT_END, withdrawn);
        ask->grant = grant;
        ask_send(c, ask);
        return;
    }
    if (!read_offer(c, POLICY_REMEDY_REQUEST_APPROVAL, &o))
        return;
    str text = way_reason(c);
    enum page_form_error e = way_judge(text, !o.terms.wants_reason);
    if (e != PAGE_FORM_OK)
        show_request(c, &o, NULL, text, e);
    else
        send_new(c, &o, DESK_GRANT_ASK, text, asked);
}

/* ---- break-glass
 * --------------------------------------------------------------------------------- */

static void show_break_glass(struct call *c, const struct offer *o, str text,
                             enum page_form_error e)
{
    struct page_env env = call_env(c);
    struct page_break_glass_view view = {
        .app = o->at.app->name,
        .app_title = way_title(&o->at),
        .rule = o->terms.rule,
        .to = o->at.target.url,
        .text = text,
        .error = e,
        .valid_for_s = o->terms.break_glass_s,
        .told = o->terms.told,
        .n_told = o->terms.n_told,
    };
    answer_html(c, e == PAGE_FORM_OK ? 200 : 400, page_break_glass(c->arena, &env, &view));
}

void route_break_glass(struct call *c)
{
    struct offer o;
    if (!way_needs_log_in(c) && read_offer(c, POLICY_REMEDY_OPEN_BREAK_GLASS, &o))
        show_break_glass(c, &o, (str){NULL, 0}, PAGE_FORM_OK);
}

static void opened(struct call *c, struct desk_ask *ask)
{
    if (!ask_is_refused(c, ask))
        answer_redirect(c, 303, arena_dup(c->arena, ask->to));
}

void route_break_glass_open(struct call *c)
{
    struct offer o;
    if (way_needs_log_in(c) || !read_offer(c, POLICY_REMEDY_OPEN_BREAK_GLASS, &o))
        return;
    str text = way_reason(c);
    if (way_judge(text, false) != PAGE_FORM_OK)
        show_break_glass(c, &o, text, way_judge(text, false));
    else
        send_new(c, &o, DESK_GRANT_BREAK_GLASS, text, opened);
}

/* ---- what waits for an answer
 * ----------------------------------------------------------------------- */

static bool fill_grant(struct call *c, const struct store_grant *row, struct page_grant *out)
{
    const struct policy_identity *who = call_person(c);
    const struct app *app = snapshot_app_by_name(c->snapshot, row->app);
    bool is_own = str_eq(row->issuer, who->issuer) && str_eq(row->subject, who->subject);
    bool is_asker = is_own || (who->email.n && str_eq_nocase(row->email, who->email));
    bool may = way_may_approve(c, row->rule, row->app);
    *out = (struct page_grant){
        .id = row->id,
        .is_break_glass = row->kind == STORE_GRANT_BREAK_GLASS,
        .is_open = row->state == STORE_GRANT_OPEN,
        .app_title = app && app->title.n ? app->title : arena_dup(c->arena, row->app),
        .rule = arena_dup(c->arena, row->rule),
        .email = arena_dup(c->arena, row->email),
        .text = arena_dup(c->arena, row->purpose),
        .asked_s = row->asked_s,
        .expires_s = row->expires_s,
        .valid_for_s = row->valid_for_s,
        .count_needed = row->count_needed,
        .count_given = given(row->approvers),
        .is_own = is_own,
        .may_decide = may && !is_asker,
    };
    return is_own || may;
}

static void have_all(struct call *c, struct look *l)
{
    const struct grants_look *g = (const struct grants_look *)l;
    struct page_env env = call_env(c);
    struct form query;
    struct page_grant *items = arena_array(c->arena, struct page_grant, PAGE_GRANTS_MAX + 1);
    struct page_approvals_view view = {.items = items};
    for (size_t i = 0; i < g->n && view.n_items < PAGE_GRANTS_MAX; i++)
        view.n_items += fill_grant(c, &g->rows[i], &items[view.n_items]);
    if (form_read(c->arena, c->page->query, &query))
        view.notice = form_get(&query, STR("done"));
    answer_html(c, 200, page_approvals(c->arena, &env, &view));
}

void route_approvals(struct call *c)
{
    if (!way_needs_log_in(c))
        look(c, true, have_all);
}

static void decided(struct call *c, struct desk_ask *ask)
{
    const char *notice = ask->verb == DESK_GRANT_REFUSE ? "refused"
                         : ask->verb == DESK_GRANT_END  ? "ended"
                         : ask->is_open                 ? "approved"
                                                        : "approved-one";
    if (ask->answer == DESK_REFUSED && str_eq(str_of(ask->reason), STR("grant.gone")))
        notice = "gone";
    else if (ask_is_refused(c, ask))
        return;
    done(c, PAGE_PATH_APPROVALS, notice);
}

struct decide_look {
    struct look look;
    enum desk_grant_verb verb;
    int64_t grant;
    struct store_grant row;
    bool is_there;
};

static bool run_one(struct store_db *db, struct look *l, struct fail *f)
{
    struct decide_look *d = (struct decide_look *)l;
    enum store_found found = store_grant_by_id(db, d->grant, &l->arena, &d->row, f);
    d->is_there = found == STORE_FOUND;
    return found != STORE_FAILED;
}

/* The desk looks again at all but this visit: an app that is not named is not approved for. */
static void have_one(struct call *c, struct look *l)
{
    const struct decide_look *d = (const struct decide_look *)l;
    struct desk_ask *ask = grant_ask(c, d->verb, decided);
    ask->grant = d->grant;
    if (d->is_there && way_may_approve(c, d->row.rule, d->row.app))
        ask->app = ask_text(ask, d->row.app);
    ask_send(c, ask);
}

static void decide(struct call *c, enum desk_grant_verb verb, int64_t grant)
{
    struct decide_look *d = look_create(c, sizeof *d);
    d->verb = verb;
    d->grant = grant;
    d->look.run = run_one;
    d->look.answered = have_one;
    look_send(c, &d->look);
}

void route_approvals_decide(struct call *c)
{
    static const struct {
        str word;
        enum desk_grant_verb verb;
    } verbs[] = {{STR("approve"), DESK_GRANT_APPROVE},
                 {STR("refuse"), DESK_GRANT_REFUSE},
                 {STR("end"), DESK_GRANT_END}};
    int64_t grant;
    str word = form_get(&c->form, STR("verb"));
    if (way_needs_log_in(c) || !read_grant(c, &grant))
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!str_eq(verbs[i].word, word))
            continue;
        decide(c, verbs[i].verb, grant);
        return;
    }
    answer_error(c, 400, "form.malformed", STR("This form says neither yes nor no."));
}
