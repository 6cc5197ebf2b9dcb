/* policy: decides. The one public face of this room.
 *
 * Rules go in as bytes and come out as an immutable `struct policy`; facts go in and a verdict with
 * its reasons comes out. No sockets, no clock, no files, no threads: the caller brings the time and
 * the bytes of time zones. Everything named `const struct policy *` may be used by any thread.
 *
 * Three values: a fact that is absent, stale, contradicted or of the wrong type makes an atom
 * POLICY_UNKNOWN, and unknown never helps: an allow needs certainty, a deny and a require fire on
 * doubt. The zero value of every struct here refuses. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/doc.h"
#include "base/findings.h"
#include "base/str.h"
#include "policy/path.h"

struct policy;

enum policy_tri { POLICY_FALSE = 0, POLICY_TRUE, POLICY_UNKNOWN };
enum policy_effect { POLICY_DENY = 0, POLICY_ALLOW };
enum policy_protocol { POLICY_HTTP = 0, POLICY_SSH, POLICY_RDP };

/* ---- loading (load.c) ------------------------------------------------------------------ */

/* Bytes of the TZif file of a zone, in the arena or longer-lived; {NULL, 0} when there is none.
 * The name has been checked: [A-Za-z0-9_+/-], no "..". */
typedef str policy_zone_reader(void *ctx, struct arena *a, str name);

/* An issuer as the configuration knows it. */
struct policy_known_issuer {
    str name;
    const str *absent_means_none; /* claims whose absence means "none" */
    size_t n_absent_means_none;
};

/* Names that the configuration defines, for the checks of rules that use them. */
struct policy_known {
    const struct policy_known_issuer *issuers;
    const str *services, *sources, *channels;
    const str *reserved_hosts; /* of portal and console: no app may have one */
    size_t n_issuers, n_services, n_sources, n_channels, n_reserved_hosts;
};

/* Hears how far something long has come. */
struct policy_progress {
    void (*fn)(void *ctx, size_t done, size_t of);
    void *ctx;
};

struct policy_load_in {
    const struct doc_file *files; /* names and bytes; need not outlive the call */
    size_t n_files;
    policy_zone_reader *zone; /* NULL: UTC only */
    void *zone_ctx;
    str tzdata_version;               /* part of the digest */
    const struct policy_known *known; /* NULL: any name is accepted, and a note says so once */
    bool has_geoip;                   /* without it a rule that names a country is an error */
    int64_t now_s;                    /* for warnings about rules that are over */
    const struct policy_progress *progress; /* of policy_mutate, by rules; may be NULL */
    bool wants_lints; /* also warn of what is legal and hardly meant; slower */
};

/* NULL when there is any error; `findings` then says what. Warnings alone load. */
struct policy *policy_load(const struct policy_load_in *in, struct findings *findings);
/* Lets go of the files, their trees, the rules as written and the embedded tests: most of what a
 * policy takes. What remains decides, explains and knows what rules ask of grants as before, but
 * titles and tickets of rules are told only of those with an approval, a purpose or a break glass,
 * apps have no node, there are no tests left to run, and who_can and diff cannot be asked. For the
 * owner alone, before anybody else has the policy. Takes NULL, and a second time does nothing. */
void policy_drop_source(struct policy *p);
bool policy_has_source(const struct policy *p);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy **p); /* takes NULL, nulls the pointer */
/* SHA-256 in lower-case hex over sorted names, lengths, bytes and the tzdata version. */
str policy_digest(const struct policy *p);
size_t policy_rule_count(const struct policy *p);
/* The JSON Schema (draft-07) of a policy file, from the tables of the loader. */
void policy_schema_print(FILE *out);

/* ---- apps (load.c) --------------------------------------------------------------------- */

struct policy_label {
    str key, value;
};

/* What everybody may know of an app. Lives as long as its policy. */
struct policy_app {
    str name, title, description, icon, owner;
    str host; /* lower-case A-label, "*.name", or an address literal */
    const str *aliases;
    size_t n_aliases;
    const struct policy_label *labels;
    size_t n_labels;
    str start; /* normalised path the launcher opens, "/" by default */
    enum policy_protocol protocol;
    bool is_tcp;       /* a tcp:// upstream: answered 501 */
    bool ignores_case; /* path_case: insensitive */
    struct path_rules path_rules;
    const str *logins; /* ssh, rdp */
    size_t n_logins;
    size_t index;                /* 0 .. policy_app_count() - 1 */
    const struct doc_node *node; /* the checked mapping, for the proxy's own keys; of the source */
};

size_t policy_app_count(const struct policy *p);
const struct policy_app *policy_app_at(const struct policy *p, size_t index);
/* By host name (lower-case, no port, no final dot): exact first, then *.name. NULL: no such app. */
const struct policy_app *policy_app_find(const struct policy *p, str host);
const struct policy_app *policy_app_named(const struct policy *p, str name);
/* `path` is a normal form. Such a visit is decided without identity, whoever comes. */
bool policy_is_public_path(const struct policy *p, const struct policy_app *app, str path);
/* A path listed in cross_site_post: (SAML answers and the like). */
bool policy_is_cross_site_post(const struct policy *p, const struct policy_app *app, str path);

/* ---- facts ----------------------------------------------------------------------------- */

enum policy_value_kind {
    POLICY_VALUE_OTHER = 0, /* object, null, nested list: unknown with type-error */
    POLICY_VALUE_TEXT,
    POLICY_VALUE_NUMBER, /* text holds it as written in JSON */
    POLICY_VALUE_BOOL,   /* text is "true" or "false" */
    POLICY_VALUE_LIST,   /* items, whose own kind is one of the above */
};

struct policy_value {
    enum policy_value_kind kind;
    str text;
    const struct policy_value *items;
    size_t n;
};

/* A claim that is absent is left out; one that the issuer is known to leave out when it is empty
 * (absent_means_none) is put in as a LIST of none; one behind an overage pointer is left out. */
struct policy_claim {
    str name;
    struct policy_value value;
};

/* A proved identity, built once per credential by the gate; immutable, any thread. */
struct policy_identity {
    str issuer, subject;    /* what sessions, grants and audit key on; never the mail address */
    str issuer_name;        /* as in the configuration: what auth.issuers names */
    bool issuer_is_trusted; /* its mail addresses count without email_verified */
    bool is_machine;        /* the token matched an entry of services: */
    str service;            /* that entry's name */
    str email;              /* {NULL, 0}: absent */
    enum policy_tri email_verified;
    /* False: absent or an overage pointer. A machine without the claim: true, and none. */
    bool groups_known;
    const str *groups;
    size_t n_groups;
    const struct policy_claim *claims;
    size_t n_claims;
    bool amr_known;
    const str *amr;
    size_t n_amr;
    str acr;             /* {NULL, 0}: absent */
    enum policy_tri mfa; /* by the issuer's map; unknown when neither amr nor acr is there */
    int64_t auth_time_s; /* 0: absent, ages are unknown */
    int64_t login_s;     /* session.max counts from here; 0: no session of ours */
    int64_t expires_s;   /* end of token or session; 0: none */
};

/* One attribute as one source saw it. Values of different sources that are fresh and disagree make
 * the attribute unknown. Names as in the language: managed, os, os_version, browser,
 * browser_version, patch_level, risk, ownership, key_protection, provider.name ... */
struct policy_device_fact {
    str attribute;
    struct policy_value value;
    str source;
    int64_t seen_s;
    bool is_hint; /* said by the client itself: may only make an atom of a deny true */
};

struct policy_device {
    str id;
    const struct policy_device_fact *facts;
    size_t n_facts;
};

struct policy_request {
    const struct policy_app *app; /* NULL: input:host */
    enum policy_protocol protocol;
    str method, path; /* http; path in normal form */
    str login;        /* ssh */
    struct addr from; /* family 0: unknown */
    str country;      /* two upper-case letters, {NULL, 0}: unknown */
};

enum policy_grant_kind { POLICY_GRANT_NONE = 0, POLICY_GRANT_APPROVAL, POLICY_GRANT_BREAK_GLASS };

/* An open or past grant of this person (issuer, subject) on this app. */
struct policy_grant {
    enum policy_grant_kind kind;
    str rule;
    str rule_digest; /* policy_rule_digest() when it was given: it dies when the text changes */
    int64_t expires_s;
};

/* A credential's facts, interned for one policy: which group, user and device conditions hold is
 * found once and not per request. Never needed for a right decision, only for a quick one. Made by
 * policy_subject_create. */
struct policy_subject;

struct policy_facts {
    const struct policy_identity *identity; /* NULL: none */
    /* NULL: none. One of another policy, identity or set of devices (told by their addresses) is
     * not used, in whole or in part, so that an old one does no harm. */
    const struct policy_subject *subject;
    const struct policy_device *devices; /* reports about the one device of this visit */
    size_t n_devices;
    const struct policy_request *request;
    int64_t now_us;     /* wall clock */
    bool clock_is_good; /* false: before the build date or stepped back; time atoms are unknown */
    const struct policy_grant *grants;
    size_t n_grants;
    bool grants_unknown; /* their store cannot be asked */
    str purpose;         /* {NULL, 0}: none stated */
};

/* ---- decision (decide.c) --------------------------------------------------------------- */

/* id, code as in audit and pages, sentence. Zero is a refusal. */
#define POLICY_REASONS(X)                                                                          \
    X(POLICY_REASON_NO_POLICY, "policy:none", "no policy is loaded")                               \
    X(POLICY_REASON_ALLOW, "allow", "a rule allows it")                                            \
    X(POLICY_REASON_PUBLIC_PATH, "public-path", "the path is public")                              \
    X(POLICY_REASON_NO_IDENTITY, "auth.none", "nobody is signed in")                               \
    X(POLICY_REASON_DEFAULT_DENY, "default-deny", "no rule allows it")                             \
    X(POLICY_REASON_DENY_RULE, "deny-rule", "a rule forbids it")                                   \
    X(POLICY_REASON_REQUIRE_FAILED, "require-failed", "a requirement is not met")                  \
    X(POLICY_REASON_INPUT_PATH, "input:path", "the path is not one that can be decided on")        \
    X(POLICY_REASON_INPUT_HOST, "input:host", "no app answers to this host")                       \
    X(POLICY_REASON_INPUT_METHOD, "input:method", "the method is not one that can be decided on")  \
    X(POLICY_REASON_INPUT_HEADER, "input:header", "a header is not one that can be decided on")

enum policy_reason {
#define X(id, code, text) id,
    POLICY_REASONS(X)
#undef X
        POLICY_REASON_COUNT
};

const char *policy_reason_code(enum policy_reason reason);
const char *policy_reason_text(enum policy_reason reason);

/* The strictest of what all applying rules say. */
struct policy_obligations {
    int64_t max_s, idle_s; /* 0: no limit stated */
    bool record, clipboard, file_transfer, port_forwarding;
};

enum { POLICY_MAX_REPORTED = 8 };

/* Fixed size, nothing to free. The rule ids point into the policy: copy what must outlive it.
 * `rules` are the firing rules of a refusal or the applying allows. */
struct policy_decision {
    enum policy_effect effect;
    enum policy_reason reason;
    int64_t valid_until_s; /* decide again then; 0: nothing changes by itself */
    struct policy_obligations obligations;
    str rules[POLICY_MAX_REPORTED];
    size_t n_rules, n_rules_total;
    /* What it would be if the rules of mode: audit were in force, and which of them say so. */
    bool has_would;
    enum policy_effect would;
    enum policy_reason would_reason;
    str would_rules[POLICY_MAX_REPORTED];
    size_t n_would_rules;
};

/* Decides. No allocation, no system call, no clock, no lock. p == NULL: deny, policy:none. */
void policy_decide(const struct policy *p, const struct policy_facts *facts,
                   struct policy_decision *out);
/* Interns an identity and the devices of its visits (they may be none), at the time now_us by a
 * good clock. Both must stay unchanged and in place as long as the subject lives; a change of
 * either, or a new policy, wants a new subject. Immutable, any thread; does not hold the policy.
 * NULL for no policy or no identity. One allocation, some microseconds to a few hundred with ten
 * thousand rules. */
struct policy_subject *policy_subject_create(const struct policy *p,
                                             const struct policy_identity *identity,
                                             const struct policy_device *devices, size_t n_devices,
                                             int64_t now_us);
void policy_subject_destroy(struct policy_subject **s); /* takes NULL, nulls the pointer */
/* False for none, for one made for another policy than p, and when a fact in it has changed by
 * itself since (an age, mostly): make a new one. */
bool policy_subject_fits(const struct policy_subject *s, const struct policy *p, int64_t now_us);
size_t policy_subject_bytes(const struct policy_subject *s);
/* SHA-256 in hex of a rule's text, for grants; {NULL, 0} when there is no such rule, or it asks for
 * no grant. */
str policy_rule_digest(const struct policy *p, str rule_id);
/* What a rule demands of those who ask, approve or break the glass. Texts are the policy's. */
struct policy_grant_terms {
    str rule, title, digest;
    bool has_approval;
    uint32_t count;       /* approvers that it takes */
    int64_t approval_s;   /* how long an approval holds */
    bool wants_reason;    /* reason_required */
    const str *approvers; /* addresses that `by` names; others may match it by group */
    size_t n_approvers;
    bool has_break_glass;
    int64_t break_glass_s;
    const str *told; /* channels that must hear of it */
    size_t n_told;
};
/* False: there is no such rule, or it knows neither. */
bool policy_grant_terms(const struct policy *p, str rule_id, struct policy_grant_terms *out);
/* Certainly one of those that the rule's approval names in `by`, a person, never a machine; and no
 * deny rule that looks at the person keeps him, or may keep him, from the app's first page. A deny
 * that looks at the device or the network is the caller's to ask of the visit, and so is whether he
 * is the one who asks. */
bool policy_may_approve(const struct policy *p, str rule_id, str app_name,
                        const struct policy_identity *who, int64_t now_us);
/* One of those of any rule, for any app that the rule may concern. */
bool policy_is_approver(const struct policy *p, const struct policy_identity *who, int64_t now_us);
/* True when any rule that may hold for the app looks at the device: then ask for one. */
bool policy_app_wants_device(const struct policy *p, const struct policy_app *app);
/* True when any rule of the app is of mode: audit. */
bool policy_app_has_audit(const struct policy *p, const struct policy_app *app);
/* True when any rule that may hold for the app opens by an approval or by breaking the glass: then
 * ask what is open for the person. */
bool policy_app_wants_grants(const struct policy *p, const struct policy_app *app);

/* ---- explanation (explain.c, reason.c): the slow path ------------------------------------- */

/* What the person can do about it; `kind` says which members are set. */
enum policy_remedy_kind {
    POLICY_REMEDY_NONE = 0,
    POLICY_REMEDY_SIGN_IN,
    POLICY_REMEDY_STEP_UP,          /* max_age_s (0: any), wants_mfa, acr (may be absent) */
    POLICY_REMEDY_REQUEST_APPROVAL, /* rule */
    POLICY_REMEDY_STATE_PURPOSE,    /* wanted: the prompt, may be absent */
    POLICY_REMEDY_OPEN_BREAK_GLASS, /* rule */
    POLICY_REMEDY_FIX_DEVICE,       /* attribute, wanted */
    POLICY_REMEDY_WAIT_UNTIL,       /* until_s */
    POLICY_REMEDY_CONTACT,          /* owner */
};

struct policy_remedy {
    enum policy_remedy_kind kind;
    str rule, attribute, wanted, owner, acr;
    int64_t max_age_s, until_s;
    bool wants_mfa; /* more than one factor, by whatever the issuer calls it */
};

const char *policy_remedy_name(enum policy_remedy_kind kind); /* "sign_in", "step_up" ... */

enum policy_rule_effect { POLICY_RULE_ALLOW, POLICY_RULE_REQUIRE, POLICY_RULE_DENY };
const char *policy_rule_effect_name(enum policy_rule_effect effect);

/* The parts of a rule, in the order of the table that `explain` prints. */
enum policy_part {
    POLICY_PART_WHO,
    POLICY_PART_TO,
    POLICY_PART_DEVICE,
    POLICY_PART_AUTH,
    POLICY_PART_FROM,
    POLICY_PART_WHEN,
    POLICY_PART_APPROVAL,
    POLICY_PART_PURPOSE,
    POLICY_PART_BREAK_GLASS,
    POLICY_PART_COUNT,
};
const char *policy_part_name(enum policy_part part);

struct policy_told {
    str code, text;
    enum policy_tri value;
};

struct policy_explained_rule {
    str id, title, owner, ticket;
    str file;
    unsigned line;
    enum policy_rule_effect effect;
    bool is_audit;     /* mode: audit */
    bool is_alive;     /* within starts and expires */
    bool is_decisive;  /* one of the rules that made the decision */
    bool is_near_miss; /* an allow whose scope is true and whose need is not */
    bool is_skipped;   /* a firing require that an open break glass skips */
    bool has[POLICY_PART_COUNT];
    enum policy_tri value[POLICY_PART_COUNT];
    enum policy_tri scope, need;
    bool applies;      /* allow: applies; require, deny: fires */
    const str *causes; /* codes such as device.disk_encrypted:missing */
    size_t n_causes;
    /* What kept it from applying or firing: to.path, to.method ...; none beside !applies: a require
     * that is met. */
    const struct policy_told *kept;
    size_t n_kept;
    const struct policy_told *doubts; /* unknowns by which a deny or a require fires */
    size_t n_doubts;
};

/* What such a code says of its rule, in words: "the path is none of its paths", and when it is
 * unknown, "the groups are unknown". */
str policy_cause_text(str code, enum policy_tri value, struct arena *a);

struct policy_explanation {
    struct policy_decision decision;
    const struct policy_explained_rule *rules; /* of the app's bucket, in order of files */
    size_t n_rules;
    const str *causes; /* of the reported rules and near misses, each once */
    size_t n_causes;
    const struct policy_remedy *remedies; /* only of rules whose scope is true, each once */
    size_t n_remedies;
};

/* All memory comes from the arena; ids point into the policy. */
void policy_explain(const struct policy *p, const struct policy_facts *facts, struct arena *a,
                    struct policy_explanation *out);
/* The same decision, causes and remedies, at the price of a refusal that any visitor may cause:
 * only rules that fired or applied and near misses are told, without doubts and what kept them. */
void policy_explain_briefly(const struct policy *p, const struct policy_facts *facts,
                            struct arena *a, struct policy_explanation *out);

/* An instant as the language writes it: RFC 3339 with an offset. */
bool policy_instant_parse(str text, int64_t *unix_out);

/* ---- embedded tests (testrun.c) ----------------------------------------------------------- */

struct policy_test_totals {
    size_t passed, failed;
};

/* Runs the tests: of the files. Each failed one is an error "test-failed" at its place. True when
 * all passed. */
bool policy_test_run(const struct policy *p, struct findings *findings,
                     struct policy_test_totals *totals_out);

#endif
