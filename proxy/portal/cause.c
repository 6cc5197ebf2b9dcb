/* See cause.h. */
#include "proxy/portal/cause.h"
#include "proxy/portal/link.h"
#include "proxy/portal/when.h"

static const struct {
    const char *code;
    enum words_id id;
} causes[] = {
    {"to.method", WORDS_CAUSE_METHOD},
    {"to.path", WORDS_CAUSE_PATH},
    {"to.login", WORDS_CAUSE_PATH},
    {"device:missing", WORDS_CAUSE_DEVICE_MISSING},
    {"device:stale", WORDS_CAUSE_DEVICE_STALE},
    {"device:conflict", WORDS_CAUSE_DEVICE_CONFLICT},
    {"cert.expired", WORDS_CAUSE_CERTIFICATE_OVER},
    {"cert.revoked", WORDS_CAUSE_CERTIFICATE_REVOKED},
    {"cert.crl", WORDS_CAUSE_CERTIFICATE_UNCHECKED},
    {"auth.mfa", WORDS_CAUSE_MFA},
    {"auth.mfa_within", WORDS_CAUSE_MFA_OLD},
    {"auth.methods", WORDS_CAUSE_STRONGER},
    {"auth.acr", WORDS_CAUSE_STRONGER},
    {"auth.login_within", WORDS_CAUSE_LOGIN_OLD},
    {"auth.issuers", WORDS_CAUSE_ISSUER},
    {"from.network", WORDS_CAUSE_NETWORK},
    {"from.country", WORDS_CAUSE_COUNTRY},
    {"when", WORDS_CAUSE_WHEN},
    {"rule:expired", WORDS_CAUSE_EXPIRED},
    {"rule:not-started", WORDS_CAUSE_NOT_STARTED},
    {"approval:required", WORDS_CAUSE_APPROVAL},
    {"approval:expired", WORDS_CAUSE_APPROVAL_OVER},
    {"purpose:required", WORDS_CAUSE_PURPOSE},
    {"break-glass:closed", WORDS_CAUSE_BREAK_GLASS},
    {"type-error", WORDS_CAUSE_UNSURE},
    {"regex-limit", WORDS_CAUSE_UNSURE},
    {"clock", WORDS_CAUSE_UNSURE},
};

/* What an attribute of a device is called, and how it is put right. */
static const struct {
    const char *attribute;
    enum words_id name, fix;
} attributes[] = {
    {"device", WORDS_NONE, WORDS_FIX_DEVICE},
    {"seen", WORDS_NONE, WORDS_FIX_SEEN},
    {"managed", WORDS_MANAGED, WORDS_FIX_MANAGED},
    {"compliant", WORDS_COMPLIANT, WORDS_FIX_COMPLIANT},
    {"disk_encrypted", WORDS_DISK_ENCRYPTED, WORDS_FIX_DISK_ENCRYPTED},
    {"firewall", WORDS_FIREWALL, WORDS_FIX_FIREWALL},
    {"screen_lock", WORDS_SCREEN_LOCK, WORDS_FIX_SCREEN_LOCK},
    {"secure_boot", WORDS_SECURE_BOOT, WORDS_FIX_SECURE_BOOT},
    {"edr_running", WORDS_EDR_RUNNING, WORDS_FIX_EDR_RUNNING},
    {"jailbroken", WORDS_JAILBROKEN, WORDS_FIX_JAILBROKEN},
    {"os", WORDS_OS, WORDS_FIX_OTHER},
    {"os_version", WORDS_OS_VERSION, WORDS_FIX_OS_VERSION},
    {"browser", WORDS_BROWSER, WORDS_FIX_OTHER},
    {"browser_version", WORDS_BROWSER_VERSION, WORDS_FIX_BROWSER_VERSION},
    {"patch_level", WORDS_PATCH_LEVEL, WORDS_FIX_PATCH_LEVEL},
    {"ownership", WORDS_OWNERSHIP, WORDS_FIX_OTHER},
    {"key_protection", WORDS_KEY_PROTECTION, WORDS_FIX_OTHER},
    {"risk", WORDS_RISK, WORDS_FIX_OTHER},
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

static size_t attribute_find(str name)
{
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (str_eq(name, str_of(attributes[i].attribute)))
            return i;
    return ATTRIBUTES;
}

static str attribute_name(enum page_language l, str attribute)
{
    size_t i = attribute_find(attribute);
    return i < ATTRIBUTES && attributes[i].name ? words_text(l, attributes[i].name) : attribute;
}

static bool device_words(enum page_language l, str attribute, struct cause_words *out)
{
    size_t colon = str_find(attribute, ':');
    str doubt = str_from(attribute, colon);
    attribute = str_upto(attribute, colon);
    out->arg = attribute_name(l, attribute);
    out->id = str_eq(doubt, STR(":stale"))      ? WORDS_CAUSE_DEVICE_STALE
              : str_eq(doubt, STR(":conflict")) ? WORDS_CAUSE_DEVICE_CONFLICT
              : doubt.n                         ? WORDS_CAUSE_ATTRIBUTE_MISSING
                                                : WORDS_CAUSE_ATTRIBUTE;
    return true;
}

bool cause_words(enum page_language l, str code, struct cause_words *out)
{
    *out = (struct cause_words){0};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (str_eq(code, str_of(causes[i].code))) {
            out->id = causes[i].id;
            return true;
        }
    if (str_starts(code, STR("device.")))
        return device_words(l, str_from(code, 7), out);
    if (str_starts(code, STR("cert."))) {
        out->id = WORDS_CAUSE_CERTIFICATE;
        return true;
    }
    /* Of a posture document: which check it failed is told by the record. */
    if (str_starts(code, STR("posture.")) || str_starts(code, STR("token."))) {
        out->id = WORDS_CAUSE_POSTURE;
        return true;
    }
    if (str_starts(code, STR("who."))) {
        out->id = WORDS_CAUSE_WHO;
        return true;
    }
    /* An atom that was unknown: "auth.mfa:missing" says what "auth.mfa" says. */
    size_t colon = str_rfind(code, ':');
    return colon < code.n && colon > 0 && cause_words(l, str_upto(code, colon), out);
}

static bool was_put(const struct cause_words *seen, size_t n, const struct cause_words *one)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i].id == one->id && str_eq(seen[i].arg, one->arg))
            return true;
    return false;
}

/* Who somebody is keeps him out of the whole app only where no part of it is named. */
static bool is_of_a_part(const struct cause *c)
{
    for (size_t i = 0; i < c->n_causes; i++)
        if (str_starts(c->causes[i], STR("to.")))
            return true;
    return false;
}

bool cause_put(struct frame *f, const struct cause *c, size_t most, str open, str close)
{
    struct cause_words seen[CAUSE_SHOWN_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->n_causes && n < most && n < CAUSE_SHOWN_MAX; i++) {
        struct cause_words one;
        if (!cause_words(f->env->language, c->causes[i], &one) || was_put(seen, n, &one) ||
            (one.id == WORDS_CAUSE_WHO && is_of_a_part(c)))
            continue;
        seen[n++] = one;
        html_raw(&f->html, open);
        frame_words_with(f, one.id, one.arg);
        html_raw(&f->html, close);
    }
    return n > 0;
}

static void put_fix(struct frame *f, const struct policy_remedy *r)
{
    size_t i = attribute_find(r->attribute);
    enum words_id id = i < ATTRIBUTES ? attributes[i].fix : WORDS_FIX_OTHER;
    str wanted = r->wanted;
    if (id == WORDS_FIX_OTHER) {
        str name = attribute_name(f->env->language, r->attribute);
        wanted =
            wanted.n ? arena_printf(f->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(wanted)) : name;
    }
    frame_words_with(f, id, wanted.n ? wanted : STR("\xe2\x80\xa6"));
}

/* What somebody must do elsewhere whom the front has signed in. */
static enum words_id at_front(const struct frame *f, enum policy_remedy_kind kind)
{
    if (!f->env->front.n)
        return WORDS_NONE;
    return kind == POLICY_REMEDY_STEP_UP         ? WORDS_FRONT_STEP_UP
           : kind == POLICY_REMEDY_SIGN_IN       ? WORDS_FRONT_SIGN_IN
           : kind == POLICY_REMEDY_STATE_PURPOSE ? WORDS_FRONT_PURPOSE
                                                 : WORDS_NONE;
}

static bool is_advice(const struct frame *f, const struct policy_remedy *r)
{
    return r->kind == POLICY_REMEDY_FIX_DEVICE || r->kind == POLICY_REMEDY_WAIT_UNTIL ||
           (r->kind == POLICY_REMEDY_CONTACT && r->owner.n > 0) || at_front(f, r->kind);
}

bool cause_has_advice(const struct frame *f, const struct cause *c)
{
    for (size_t i = 0; i < c->n_remedies; i++)
        if (is_advice(f, &c->remedies[i]))
            return true;
    return false;
}

void cause_put_advice(struct frame *f, const struct cause *c, str open, str close)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_remedies && n < CAUSE_SHOWN_MAX; i++) {
        const struct policy_remedy *r = &c->remedies[i];
        if (!is_advice(f, r))
            continue;
        n++;
        html_raw(&f->html, open);
        if (at_front(f, r->kind))
            frame_words_with(f, at_front(f, r->kind), f->env->front);
        else if (r->kind == POLICY_REMEDY_FIX_DEVICE)
            put_fix(f, r);
        else if (r->kind == POLICY_REMEDY_WAIT_UNTIL)
            frame_words_with(f, WORDS_DO_WAIT,
                             when_in(f->arena, f->env->language, f->env->now_s, r->until_s));
        else
            frame_words_with(f, WORDS_DO_ASK, r->owner);
        html_raw(&f->html, close);
    }
}

struct button {
    str url;
    enum words_id id;
    bool is_grave;
};

/* Without the binding of the app's host a log-in cannot end there; it ends at the portal. */
static str login_link(struct frame *f, struct page_way way)
{
    str none = {NULL, 0};
    if (way.bind.n == 0)
        way.to = link_portal(f->arena, f->env, STR("/"));
    return link_login(f->arena, f->env, &way, none);
}

static struct button button_of(struct frame *f, const struct cause *c,
                               const struct policy_remedy *r)
{
    struct arena *a = f->arena;
    const struct page_env *env = f->env;
    struct page_way way = c->way;
    if (at_front(f, r->kind))
        return (struct button){0};
    switch (r->kind) {
    case POLICY_REMEDY_STEP_UP:
        way.is_step_up = true;
        way.max_age_s = r->max_age_s;
        way.acr = r->acr;
        way.wants_mfa = r->wants_mfa;
        return (struct button){login_link(f, way), WORDS_DO_STEP_UP, false};
    case POLICY_REMEDY_SIGN_IN:
        way.is_step_up = true;
        return (struct button){login_link(f, way), WORDS_DO_SIGN_IN, false};
    case POLICY_REMEDY_REQUEST_APPROVAL:
        return (struct button){link_form(a, env, STR(PAGE_PATH_REQUEST), c->app, r->rule, way.to),
                               WORDS_DO_APPROVAL, false};
    case POLICY_REMEDY_STATE_PURPOSE:
        return (struct button){
            link_form(a, env, STR(PAGE_PATH_PURPOSE), c->app, (str){NULL, 0}, way.to),
            WORDS_DO_PURPOSE, false};
    case POLICY_REMEDY_OPEN_BREAK_GLASS:
        return (struct button){
            link_form(a, env, STR(PAGE_PATH_BREAK_GLASS), c->app, r->rule, way.to),
            WORDS_DO_BREAK_GLASS, true};
    case POLICY_REMEDY_FIX_DEVICE:
        return (struct button){way.to, WORDS_DO_CHECK_AGAIN, false};
    case POLICY_REMEDY_NONE:
    case POLICY_REMEDY_WAIT_UNTIL:
    case POLICY_REMEDY_CONTACT:
        break;
    }
    return (struct button){0};
}

static void put_button(struct frame *f, const struct button *b, bool is_first, bool is_slim)
{
    html_lit(&f->html, "<a class=\"btn");
    if (b->is_grave)
        html_lit(&f->html, " grave");
    else if (!is_first)
        html_lit(&f->html, " quiet");
    if (is_slim)
        html_lit(&f->html, " slim");
    html_lit(&f->html, "\" href=\"");
    html_text(&f->html, b->url, b->url.n);
    frame_tag(f, STR("\">"), b->id, STR("</a>"));
}

/* Instead of asking once more: the way to the question, to be withdrawn there. */
static void put_waiting(struct frame *f, const struct cause *c, const struct button *b)
{
    html_lit(&f->html, "<p class=\"soft\"><a href=\"");
    html_text(&f->html, b->url, b->url.n);
    html_lit(&f->html, "\">");
    frame_words_with(f, WORDS_WAITING_SINCE, when_at(f->arena, f->env->language, c->asked_s));
    html_lit(&f->html, "</a></p>");
}

static void put_question(struct frame *f, const struct cause *c)
{
    for (size_t i = 0; c->asked_s && i < c->n_remedies; i++) {
        struct button b = button_of(f, c, &c->remedies[i]);
        if (b.id != WORDS_DO_APPROVAL || !html_is_link(b.url))
            continue;
        put_waiting(f, c, &b);
        return;
    }
}

/* Emergencies come last, whatever the order of rules is. */
bool cause_put_buttons(struct frame *f, const struct cause *c, size_t most, bool is_slim)
{
    enum words_id seen[CAUSE_SHOWN_MAX];
    size_t n = 0;
    put_question(f, c);
    for (int grave = 0; grave < 2; grave++)
        for (size_t i = 0; i < c->n_remedies && n < most && n < CAUSE_SHOWN_MAX; i++) {
            struct button b = button_of(f, c, &c->remedies[i]);
            bool is_new = b.is_grave == grave && html_is_link(b.url) &&
                          !(c->asked_s && b.id == WORDS_DO_APPROVAL);
            for (size_t k = 0; k < n; k++)
                is_new = is_new && seen[k] != b.id;
            if (!is_new)
                continue;
            html_raw(&f->html, n == 0 ? STR("<p class=\"acts\">") : STR(""));
            put_button(f, &b, n == 0 && !is_slim, is_slim);
            seen[n++] = b.id;
        }
    html_raw(&f->html, n ? STR("</p>") : STR(""));
    return n > 0;
}

enum cause_kind cause_kind(str reason, const struct cause *c)
{
    enum cause_kind kind = CAUSE_FINAL;
    if (str_eq(reason, STR("deny-rule")))
        return kind;
    for (size_t i = 0; i < c->n_remedies; i++) {
        enum policy_remedy_kind k = c->remedies[i].kind;
        if (k == POLICY_REMEDY_WAIT_UNTIL && kind == CAUSE_FINAL)
            kind = CAUSE_NOT_NOW;
        else if (k != POLICY_REMEDY_NONE && k != POLICY_REMEDY_CONTACT &&
                 k != POLICY_REMEDY_WAIT_UNTIL && k != POLICY_REMEDY_OPEN_BREAK_GLASS)
            kind = CAUSE_NOT_YET;
    }
    return kind;
}
