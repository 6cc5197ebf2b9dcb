/* pages: what people see, as pure functions: a plain struct goes in, HTML and its
 * Content-Security-Policy come out, both in the arena. No I/O, no clock: the caller brings the
 * time. Any thread.
 *
 * All text of a view may be of any bytes: it is escaped and cut at a sensible length here. An URL
 * that is no http(s) URL and no path of ours is left out with its link. Every page stands without
 * script but page_replay's, in English or German, and below PAGES_MAX_BYTES.
 *
 * Forms are POSTed as application/x-www-form-urlencoded with the field `csrf`; where and with which
 * other fields stands at each view. Links to the log-in and to forms are made here, from
 * page_env.portal and struct page_way. */
#ifndef PROXY_PORTAL_PAGES_H
#define PROXY_PORTAL_PAGES_H

#include "base/arena.h"
#include "base/str.h"
#include "policy/policy.h"

enum {
    PAGES_MAX_BYTES = 120 * 1024, /* with its head in one buffer of http */
    /* More are not shown, nor what would not fit; the page says how many are missing. */
    PAGE_APPS_MAX = 150,
    PAGE_SESSIONS_MAX = 50,
    PAGE_GRANTS_MAX = 50,
    PAGE_CHOICES_MAX = 30,
    /* What a person may write as a reason or a purpose; the form says it too. */
    PAGE_REASON_MIN_CHARS = 3,
    PAGE_REASON_MAX_BYTES = 500,
    /* Body that page_replay sends once more; one that escapes past PAGES_MAX_BYTES is too large. */
    PAGE_REPLAY_MAX_BYTES = 64 * 1024,
};

/* Paths of ours that pages lead to. */
#define PAGE_PATH_LOGIN "/.postern/login"              /* portal; GET: to b n max_age acr issuer */
#define PAGE_PATH_LOGOUT "/.postern/logout"            /* every host */
#define PAGE_PATH_SESSIONS "/.postern/sessions"        /* portal */
#define PAGE_PATH_PURPOSE "/.postern/purpose"          /* portal; GET: app to */
#define PAGE_PATH_REQUEST "/.postern/request"          /* portal; GET: app rule to */
#define PAGE_PATH_APPROVALS "/.postern/approvals"      /* portal */
#define PAGE_PATH_BREAK_GLASS "/.postern/break-glass"  /* portal; GET: app rule to */
#define PAGE_PATH_BUILTIN "/.postern/issuer/authorize" /* portal */

enum page_language { PAGE_ENGLISH = 0, PAGE_GERMAN, PAGE_LANGUAGE_COUNT };
/* By q-values (RFC 9110 section 12.5.4); English when neither is wanted. */
enum page_language page_language(str accept_language);

/* Same for all pages. */
struct page_env {
    enum page_language language;
    int64_t now_s;  /* wall */
    str title;      /* of the organisation: config->portal.title; absent: "postern" */
    str contact;    /* mail address, URL or words: config->portal.contact, of a refusal the owner
                     * who is named; may be absent */
    str portal;     /* config->portal.origin; absent: there is no portal, and no link to it */
    str email;      /* who is signed in, for the head of the page; absent: nobody */
    str front;      /* who has signed this person in, in front of us: there is no log-in of ours, no
                     * session and no sign-out; absent: nobody */
    str csrf;       /* of the forms on this page */
    str request_id; /* at the foot of what went wrong; may be absent */
    str nonce;      /* base64url, fresh for each answer: page_replay alone */
};

struct page {
    str html; /* absent: cannot be made (page_replay alone) */
    str csp;  /* value of Content-Security-Policy */
};

/* Where a log-in or a form leads back to, and what it must bring. */
struct page_way {
    str to;   /* absolute URL of an app or of the portal */
    str bind; /* `b` of the log-in's URL; may be absent */
    bool is_step_up;
    int64_t max_age_s; /* step-up: the sign-in may be so old; 0: a new one */
    str acr;           /* step-up; may be absent */
    bool wants_mfa;    /* step-up: with more than one factor */
};

/* ---- the launcher (portal, "/") ------------------------------------------------------------- */

/* One app that this person may open now, or could after a remedy. */
struct page_app {
    str name, title, description; /* title absent: the name */
    str icon;                     /* up to two characters shown as they are; else initials */
    str url;                      /* of its start page */
    bool is_open;
    int64_t until_s; /* open by an approval or in an emergency, which ends then; 0: it is not */
    /* of one that is not open: policy_explain's */
    str reason; /* policy_reason_code */
    const str *causes;
    size_t n_causes;
    const struct policy_remedy *remedies;
    size_t n_remedies;
    int64_t asked_s; /* an approval, which nobody has answered; 0: it was not */
};

struct page_session {
    str handle, agent, address;
    int64_t created_s, seen_s, ends_s;
    bool is_this;
};

struct page_launcher_view {
    const struct page_app *apps;
    size_t n_apps;
    /* POST /.postern/sessions: csrf, session=HANDLE. */
    const struct page_session *sessions;
    size_t n_sessions;
    str person_name; /* may be absent */
    str issuer_title;
    str sign_out_url; /* the front's, where there is env->front; may be absent */
    bool is_approver; /* there is a way to /.postern/approvals */
    size_t n_waiting; /* for this approver */
    str notice;       /* what was just done: "session-ended", "purpose-stated", "break-glass-opened"
                       * ...; absent: nothing */
};
/* Sign-out: POST /.postern/logout: csrf. */
struct page page_launcher(struct arena *a, const struct page_env *env,
                          const struct page_launcher_view *v);

/* ---- log-in --------------------------------------------------------------------------------- */

struct page_choice_item {
    str name, title;
};
/* Links: GET /.postern/login with issuer=NAME and the way. By mail: POST /.postern/login: csrf, to,
 * b, max_age, acr, email. */
struct page_choice_view {
    const struct page_choice_item *items;
    size_t n_items;
    struct page_way way;
    str app_title;   /* absent: to the portal */
    bool takes_mail; /* some issuer has mail_domains */
    str email;       /* typed before */
    bool is_unknown; /* no issuer is for that address */
};
struct page page_choice(struct arena *a, const struct page_env *env,
                        const struct page_choice_view *v);

/* POST action: csrf, ticket, email, password, and from its second button pin=send. */
struct page_sign_in_view {
    str action; /* absent: PAGE_PATH_BUILTIN */
    str ticket;
    str email;      /* typed before, or the hint */
    str app_title;  /* absent: to the portal */
    str reason;     /* of the attempt before: "builtin.refused" ...; absent: none */
    bool takes_pin; /* PINs can be mailed */
    uint32_t retry_after_s;
};
struct page page_sign_in(struct arena *a, const struct page_env *env,
                         const struct page_sign_in_view *v);

/* POST action: csrf, ticket, email, pin; from its second button pin=send instead. */
struct page_pin_view {
    str action; /* absent: PAGE_PATH_BUILTIN */
    str ticket, email, app_title;
    str reason; /* as above */
    uint32_t retry_after_s;
};
struct page page_pin(struct arena *a, const struct page_env *env, const struct page_pin_view *v);

/* The log-in did not come to its end: the check that failed is named by its code's words. */
struct page_failed_view {
    str reason;          /* "login.state", "login.loop", "login.full" ... */
    str sentence;        /* for a code that has no words here; may be absent */
    struct page_way way; /* try again; to absent: the portal */
    uint32_t retry_after_s;
};
struct page page_failed(struct arena *a, const struct page_env *env,
                        const struct page_failed_view *v);

/* 401 to a POST navigation (or after a session ended): a link to sign in, never a redirect. */
struct page_signed_off_view {
    str app_title;
    struct page_way way; /* to: the page that the form was on, or the app's start */
    bool is_post;        /* what was sent is not kept, and the page says so */
};
struct page page_signed_off(struct arena *a, const struct page_env *env,
                            const struct page_signed_off_view *v);

/* ---- refusal of a person who is known ------------------------------------------------------- */

struct page_refused_view {
    uint16_t status;
    str reason;   /* policy_reason_code, or another code of ours */
    str sentence; /* for a reason that has no words here; may be absent */
    str app, app_title;
    bool is_app_open;    /* at its start: this page of it is not */
    struct page_way way; /* back to what was refused; absent `to`: no remedy that needs a way */
    const str *causes;
    size_t n_causes;
    const struct policy_remedy *remedies;
    size_t n_remedies;
    uint32_t retry_after_s;
    int64_t asked_s;      /* as in page_app */
    bool has_just_signed; /* signed in, and still not as this app wants it */
};
struct page page_refused(struct arena *a, const struct page_env *env,
                         const struct page_refused_view *v);

/* Anything else: an error of ours, a form too old, an address of nothing. */
struct page_error_view {
    uint16_t status;
    str reason;   /* "form.csrf", "form.too-large", "store" ... */
    str sentence; /* as above */
    str app_title;
    str again_url; /* "Try again"; may be absent */
    uint32_t retry_after_s;
};
struct page page_error(struct arena *a, const struct page_env *env,
                       const struct page_error_view *v);

/* ---- purpose, approval, break-glass --------------------------------------------------------- */

enum page_form_error {
    PAGE_FORM_OK = 0,
    PAGE_FORM_EMPTY, /* nothing, or too little, was written */
    PAGE_FORM_TOO_LONG,
    PAGE_FORM_CONTROL, /* characters that no text holds */
};

/* POST /.postern/purpose: csrf, app, to, text. */
struct page_purpose_view {
    str app, app_title, to;
    str prompt; /* of the rule; may be absent */
    str text;   /* typed before */
    enum page_form_error error;
};
struct page page_purpose(struct arena *a, const struct page_env *env,
                         const struct page_purpose_view *v);

/* POST /.postern/request: csrf, app, rule, to, text; of a question that waits: csrf, grant, to,
 * verb=withdraw. */
struct page_request_view {
    str app, app_title, rule, to;
    str text;
    enum page_form_error error;
    bool is_reason_optional;
    int64_t valid_for_s; /* from the approval; 0: not said */
    int64_t grant;       /* waits already: its id, and no form but a way back is shown */
    int64_t asked_s;
    int64_t count_needed, count_given;
};
struct page page_request(struct arena *a, const struct page_env *env,
                         const struct page_request_view *v);

struct page_grant {
    int64_t id;
    bool is_break_glass, is_open; /* else it waits for an answer */
    str app_title, rule, email, text;
    int64_t asked_s, expires_s, valid_for_s;
    int64_t count_needed, count_given;
    bool is_own;     /* of whoever looks: it cannot be approved, it can be ended */
    bool may_decide; /* approve and refuse, or end */
};
/* POST /.postern/approvals: csrf, grant, verb=approve|refuse|end. */
struct page_approvals_view {
    const struct page_grant *items;
    size_t n_items;
    str notice; /* "approved", "refused", "ended", "approved-one" (more must), "gone" */
};
struct page page_approvals(struct arena *a, const struct page_env *env,
                           const struct page_approvals_view *v);

/* POST /.postern/break-glass: csrf, app, rule, to, text. */
struct page_break_glass_view {
    str app, app_title, rule, to;
    str text;
    enum page_form_error error;
    int64_t valid_for_s;
    const str *told; /* channels that hear of it */
    size_t n_told;
};
struct page page_break_glass(struct arena *a, const struct page_env *env,
                             const struct page_break_glass_view *v);

/* ---- sign-out ------------------------------------------------------------------------------- */

/* POST /.postern/logout: csrf, and from its second button everywhere=1. */
struct page_logout_view {
    str app_title; /* absent: on the portal */
    str back_url;  /* "Stay signed in" */
};
struct page page_logout(struct arena *a, const struct page_env *env,
                        const struct page_logout_view *v);

struct page_pair {
    str name, value;
};
/* POST provider_url: the pairs. The provider's session goes on unless its button is pressed. */
struct page_logged_out_view {
    bool everywhere;
    str provider_url; /* absent: there is no such form */
    str provider_title;
    const struct page_pair *pairs;
    size_t n_pairs;
    str again_url; /* sign in again; absent: the portal */
};
struct page page_logged_out(struct arena *a, const struct page_env *env,
                            const struct page_logged_out_view *v);

/* ---- cross-site POST ------------------------------------------------------------------------ */

/* Sends the same urlencoded body once more, now from the app's own origin. html is absent when the
 * body is too large or could not be sent byte for byte (no UTF-8, a bad escape, a NUL). */
struct page_replay_view {
    str action; /* path and query on this host */
    str body;
    str app_title;
};
struct page page_replay(struct arena *a, const struct page_env *env,
                        const struct page_replay_view *v);

#endif
