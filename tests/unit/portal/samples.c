/* See samples.h. */
#include "samples.h"

const char *sample_evil;

static str t(const char *likely)
{
    return str_of(sample_evil ? sample_evil : likely);
}

enum { NOW = 1795600800 };
#define HOUR (int64_t)3600

struct page_env sample_env(enum page_language language)
{
    return (struct page_env){
        .language = language,
        .now_s = NOW,
        .title = t("Corp Example"),
        .contact = t("it-help@corp.example"),
        .portal = STR("https://access.corp.example"),
        .email = t("kim.lindqvist@acme.example"),
        .csrf = t("3q2-7wAAAAABAAAC"),
        .request_id = t("01JDJ5W2K8Q7Z4"),
        .nonce = STR("bm9uY2UxMjM0"),
    };
}

static struct page_env nobody(const struct page_env *env)
{
    struct page_env e = *env;
    e.email = (str){NULL, 0};
    e.request_id = (str){NULL, 0};
    return e;
}

static struct page_way way(void)
{
    return (struct page_way){.to = STR("https://grafana.corp.example/d/7?from=now-6h&to=now"),
                             .bind = STR("Zm9vYmFyYmF6cXV4")};
}

static struct page launcher_of(struct arena *a, const struct page_env *env, bool is_full)
{
    str mfa[] = {STR("auth.mfa_within")}, when[] = {STR("when")},
        disk[] = {STR("device.disk_encrypted"), STR("device.os_version")},
        approval[] = {STR("approval:required")}, purpose[] = {STR("purpose:required")};
    struct policy_remedy step_up = {.kind = POLICY_REMEDY_STEP_UP, .max_age_s = 3600};
    struct policy_remedy wait = {.kind = POLICY_REMEDY_WAIT_UNTIL, .until_s = NOW + 14 * HOUR};
    struct policy_remedy fix[] = {
        {.kind = POLICY_REMEDY_FIX_DEVICE, .attribute = STR("disk_encrypted"), .wanted = t("true")},
        {.kind = POLICY_REMEDY_FIX_DEVICE, .attribute = STR("os_version"), .wanted = t("14.5")}};
    struct policy_remedy ask = {.kind = POLICY_REMEDY_REQUEST_APPROVAL, .rule = t("vault")};
    struct policy_remedy state = {.kind = POLICY_REMEDY_STATE_PURPOSE, .wanted = t("Which?")};
    struct page_app apps[] = {
        {.name = t("grafana"),
         .title = t("Grafana"),
         .is_open = true,
         .description = t("Dashboards of the production plants"),
         .url = STR("https://grafana.corp.example/")},
        {.name = t("inventory"),
         .title = t("Warehouse Inventory"),
         .is_open = true,
         .description = t("Stock, orders and deliveries"),
         .url = STR("https://inventory.corp.example/")},
        {.name = t("jira"),
         .title = t("Tickets"),
         .is_open = true,
         .icon = t("TK"),
         .description = t("What has to be done, by whom and until when; open to all suppliers "
                          "who work on the new line in Hall 3"),
         .url = STR("https://tickets.corp.example/")},
        {.name = t("wiki"),
         .title = t("Wiki"),
         .is_open = true,
         .url = STR("https://wiki.corp.example/")},
        {.name = t("ci"),
         .title = t("Build Farm"),
         .is_open = true,
         .description = t("Pipelines and artefacts"),
         .url = STR("https://ci.corp.example/")},
        {.name = t("payroll"),
         .title = t("Payroll"),
         .url = STR("https://pay.corp.example/"),
         .reason = STR("require-failed"),
         .causes = mfa,
         .n_causes = 1,
         .remedies = &step_up,
         .n_remedies = 1},
        {.name = t("vault"),
         .title = t("Key Vault"),
         .url = STR("https://vault.corp.example/"),
         .reason = STR("default-deny"),
         .causes = approval,
         .n_causes = 1,
         .remedies = &ask,
         .n_remedies = 1},
        {.name = t("plc"),
         .title = t("Plant Control"),
         .url = STR("https://plc.corp.example/"),
         .reason = STR("default-deny"),
         .causes = when,
         .n_causes = 1,
         .remedies = &wait,
         .n_remedies = 1},
        {.name = t("cad"),
         .title = t("CAD Files"),
         .url = STR("https://cad.corp.example/"),
         .reason = STR("require-failed"),
         .causes = disk,
         .n_causes = 2,
         .remedies = fix,
         .n_remedies = 2},
        {.name = t("crm"),
         .title = t("Customer Records"),
         .url = STR("https://crm.corp.example/"),
         .reason = STR("default-deny"),
         .causes = purpose,
         .n_causes = 1,
         .remedies = &state,
         .n_remedies = 1},
    };
    struct page_session sessions[] = {
        {.handle = STR("0123456789abcdef"),
         .is_this = true,
         .seen_s = NOW - 20,
         .agent =
             t("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36"),
         .address = t("203.0.113.7"),
         .created_s = NOW - HOUR,
         .ends_s = NOW + 20 * HOUR},
        {.handle = STR("fedcba9876543210"),
         .seen_s = NOW - 27 * HOUR,
         .agent = t("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile "
                    "Safari/604.1"),
         .address = t("2001:db8:4::1f2"),
         .created_s = NOW - 30 * HOUR},
    };
    struct page_launcher_view v = {.apps = apps,
                                   .n_apps = is_full ? sizeof apps / sizeof *apps : 0,
                                   .sessions = sessions,
                                   .n_sessions = is_full ? 2 : 1,
                                   .person_name = t("Kim Lindqvist"),
                                   .issuer_title = t("Acme Engineering"),
                                   .is_approver = is_full,
                                   .n_waiting = 2};
    return page_launcher(a, env, &v);
}

static struct page launcher(struct arena *a, const struct page_env *env)
{
    return launcher_of(a, env, true);
}

static struct page launcher_empty(struct arena *a, const struct page_env *env)
{
    return launcher_of(a, env, false);
}

static struct page choice_of(struct arena *a, const struct page_env *env, bool is_unknown)
{
    struct page_env e = nobody(env);
    struct page_choice_item items[] = {{t("corp"), t("Corp Example staff")},
                                       {t("acme"), t("Acme Engineering")},
                                       {t("builtin"), t("Guests and contractors")}};
    struct page_choice_view v = {.items = items,
                                 .n_items = 3,
                                 .way = way(),
                                 .app_title = t("Grafana"),
                                 .takes_mail = true,
                                 .email = is_unknown ? t("kim@nowhere.example") : (str){NULL, 0},
                                 .is_unknown = is_unknown};
    return page_choice(a, &e, &v);
}

static struct page choice(struct arena *a, const struct page_env *env)
{
    return choice_of(a, env, false);
}

static struct page choice_unknown(struct arena *a, const struct page_env *env)
{
    return choice_of(a, env, true);
}

static struct page sign_in_of(struct arena *a, const struct page_env *env, str email, str reason,
                              uint32_t retry_after_s)
{
    struct page_env e = nobody(env);
    struct page_sign_in_view v = {.ticket = t("dGlja2V0"),
                                  .email = email,
                                  .app_title = t("Grafana"),
                                  .reason = reason,
                                  .takes_pin = true,
                                  .retry_after_s = retry_after_s};
    return page_sign_in(a, &e, &v);
}

static struct page sign_in(struct arena *a, const struct page_env *env)
{
    return sign_in_of(a, env, (str){NULL, 0}, (str){NULL, 0}, 0);
}

static struct page sign_in_wrong(struct arena *a, const struct page_env *env)
{
    return sign_in_of(a, env, t("kim.lindqvist@acme.example"), STR("builtin.refused"), 0);
}

static struct page sign_in_throttled(struct arena *a, const struct page_env *env)
{
    return sign_in_of(a, env, t("kim.lindqvist@acme.example"), STR("builtin.throttled"), 90);
}

static struct page pin_of(struct arena *a, const struct page_env *env, str reason)
{
    struct page_env e = nobody(env);
    struct page_pin_view v = {
        .ticket = t("dGlja2V0"), .email = t("kim.lindqvist@acme.example"), .reason = reason};
    return page_pin(a, &e, &v);
}

static struct page pin(struct arena *a, const struct page_env *env)
{
    return pin_of(a, env, (str){NULL, 0});
}

static struct page pin_wrong(struct arena *a, const struct page_env *env)
{
    return pin_of(a, env, STR("builtin.pin"));
}

static struct page failed(struct arena *a, const struct page_env *env)
{
    struct page_env e = nobody(env);
    struct page_failed_view v = {.reason = STR("login.state"), .way = way()};
    e.request_id = env->request_id;
    return page_failed(a, &e, &v);
}

static struct page failed_unknown(struct arena *a, const struct page_env *env)
{
    struct page_failed_view v = {.reason = t("login.other"),
                                 .sentence = t("The sign-in was refused for another reason."),
                                 .way = way(),
                                 .retry_after_s = 30};
    return page_failed(a, env, &v);
}

static struct page signed_off(struct arena *a, const struct page_env *env)
{
    struct page_env e = nobody(env);
    struct page_signed_off_view v = {.app_title = t("Tickets"), .way = way(), .is_post = true};
    e.request_id = env->request_id;
    return page_signed_off(a, &e, &v);
}

static struct page refused_of(struct arena *a, const struct page_env *env, str reason,
                              const str *causes, size_t n_causes,
                              const struct policy_remedy *remedies, size_t n_remedies)
{
    struct page_refused_view v = {.status = 403,
                                  .reason = reason,
                                  .app = t("payroll"),
                                  .app_title = t("Payroll"),
                                  .way = way(),
                                  .causes = causes,
                                  .n_causes = n_causes,
                                  .remedies = remedies,
                                  .n_remedies = n_remedies};
    return page_refused(a, env, &v);
}

static struct page refused(struct arena *a, const struct page_env *env)
{
    struct policy_remedy contact = {.kind = POLICY_REMEDY_CONTACT,
                                    .owner = t("payroll-team@corp.example")};
    str who[] = {STR("who.groups"), STR("who.users")};
    return refused_of(a, env, STR("default-deny"), who, 2, &contact, 1);
}

static struct page refused_step_up(struct arena *a, const struct page_env *env)
{
    str causes[] = {STR("auth.mfa_within"), STR("approval:required"), STR("purpose:required"),
                    STR("break-glass:closed")};
    struct policy_remedy remedies[] = {
        {.kind = POLICY_REMEDY_OPEN_BREAK_GLASS, .rule = t("emergency")},
        {.kind = POLICY_REMEDY_STEP_UP, .max_age_s = 3600, .acr = t("urn:corp:mfa")},
        {.kind = POLICY_REMEDY_REQUEST_APPROVAL, .rule = t("payroll-approved")},
        {.kind = POLICY_REMEDY_STATE_PURPOSE, .wanted = t("Ticket?")}};
    return refused_of(a, env, STR("require-failed"), causes, 4, remedies, 4);
}

static struct page refused_device(struct arena *a, const struct page_env *env)
{
    str causes[] = {STR("device.disk_encrypted"), STR("device.os_version:missing"),
                    STR("device.acme.score")};
    struct policy_remedy remedies[] = {
        {.kind = POLICY_REMEDY_FIX_DEVICE, .attribute = STR("disk_encrypted"), .wanted = t("true")},
        {.kind = POLICY_REMEDY_FIX_DEVICE, .attribute = STR("os_version"), .wanted = t("macos 14")},
        {.kind = POLICY_REMEDY_FIX_DEVICE, .attribute = t("acme.score"), .wanted = t("high")}};
    return refused_of(a, env, STR("require-failed"), causes, 3, remedies, 3);
}

static struct page refused_hours(struct arena *a, const struct page_env *env)
{
    str causes[] = {STR("when")};
    struct policy_remedy remedies[] = {
        {.kind = POLICY_REMEDY_WAIT_UNTIL, .until_s = NOW + 14 * HOUR}};
    return refused_of(a, env, STR("default-deny"), causes, 1, remedies, 1);
}

static struct page error_store(struct arena *a, const struct page_env *env)
{
    struct page_error_view v = {.status = 503,
                                .reason = STR("store"),
                                .retry_after_s = 5,
                                .again_url = STR("https://access.corp.example/")};
    return page_error(a, env, &v);
}

static struct page error_form(struct arena *a, const struct page_env *env)
{
    struct page_error_view v = {.status = 403, .reason = STR("form.csrf")};
    return page_error(a, env, &v);
}

static struct page purpose(struct arena *a, const struct page_env *env)
{
    struct page_purpose_view v = {.app = t("crm"),
                                  .app_title = t("Customer Records"),
                                  .to = STR("https://crm.corp.example/"),
                                  .prompt = t("Which customer, and which ticket?")};
    return page_purpose(a, env, &v);
}

static struct page request_of(struct arena *a, const struct page_env *env, bool is_wrong,
                              int64_t grant)
{
    struct page_request_view v = {.app = t("vault"),
                                  .app_title = t("Key Vault"),
                                  .rule = t("vault-approved"),
                                  .to = STR("https://vault.corp.example/"),
                                  .text = is_wrong ? t("x") : (str){NULL, 0},
                                  .error = is_wrong ? PAGE_FORM_EMPTY : PAGE_FORM_OK,
                                  .valid_for_s = 8 * HOUR,
                                  .grant = grant,
                                  .asked_s = NOW - 420,
                                  .count_needed = 2,
                                  .count_given = 1};
    return page_request(a, env, &v);
}

static struct page request(struct arena *a, const struct page_env *env)
{
    return request_of(a, env, false, 0);
}

static struct page request_wrong(struct arena *a, const struct page_env *env)
{
    return request_of(a, env, true, 0);
}

static struct page request_waiting(struct arena *a, const struct page_env *env)
{
    return request_of(a, env, false, 7);
}

static struct page approvals(struct arena *a, const struct page_env *env)
{
    struct page_grant items[] = {
        {.id = 7,
         .app_title = t("Key Vault"),
         .rule = t("vault-approved"),
         .email = t("kim.lindqvist@acme.example"),
         .text = t("Rotating the database password after the audit.\nI need about an hour."),
         .asked_s = NOW - 420,
         .valid_for_s = 8 * HOUR,
         .count_needed = 2,
         .count_given = 1,
         .may_decide = true},
        {.id = 8,
         .app_title = t("Payroll"),
         .rule = t("payroll-approved"),
         .email = t("eva@corp.example"),
         .asked_s = NOW - 3 * HOUR,
         .valid_for_s = HOUR,
         .count_needed = 1,
         .is_own = true,
         .may_decide = true},
        {.id = 9,
         .is_break_glass = true,
         .is_open = true,
         .app_title = t("Plant Control"),
         .rule = t("emergency"),
         .email = t("omar@acme.example"),
         .text = t("Line 2 stands still, nobody on call answers."),
         .asked_s = NOW - 1500,
         .expires_s = NOW + 2100,
         .may_decide = true},
    };
    struct page_approvals_view v = {.items = items, .n_items = 3, .notice = STR("approved-one")};
    return page_approvals(a, env, &v);
}

static struct page approvals_none(struct arena *a, const struct page_env *env)
{
    struct page_approvals_view v = {.n_items = 0};
    return page_approvals(a, env, &v);
}

static struct page break_glass(struct arena *a, const struct page_env *env)
{
    str told[] = {t("security"), t("plant-owners")};
    struct page_break_glass_view v = {.app = t("plc"),
                                      .app_title = t("Plant Control"),
                                      .rule = t("emergency"),
                                      .to = STR("https://plc.corp.example/"),
                                      .valid_for_s = HOUR,
                                      .told = told,
                                      .n_told = 2};
    return page_break_glass(a, env, &v);
}

static struct page logout(struct arena *a, const struct page_env *env)
{
    struct page_logout_view v = {.back_url = STR("/")};
    return page_logout(a, env, &v);
}

static struct page logged_out(struct arena *a, const struct page_env *env)
{
    struct page_env e = nobody(env);
    struct page_pair pairs[] = {{t("client_id"), t("postern")},
                                {t("post_logout_redirect_uri"), t("https://access.corp.example/")}};
    struct page_logged_out_view v = {.provider_url = STR("https://login.acme.example/end"),
                                     .provider_title = t("Acme Engineering"),
                                     .pairs = pairs,
                                     .n_pairs = 2};
    return page_logged_out(a, &e, &v);
}

static struct page logged_out_plain(struct arena *a, const struct page_env *env)
{
    struct page_env e = nobody(env);
    struct page_logged_out_view v = {.everywhere = true};
    return page_logged_out(a, &e, &v);
}

static struct page replay(struct arena *a, const struct page_env *env)
{
    struct page_env e = nobody(env);
    struct page_replay_view v = {
        .action = STR("/sso/acs?x=1"),
        .body = STR("SAMLResponse=PHNhbWxwOlJlc3BvbnNlPg%3D%3D&RelayState=%3Cb%3E%22+%26%0D%0Ax"),
        .app_title = t("Tickets")};
    return page_replay(a, &e, &v);
}

const struct sample samples[] = {
    {"launcher", launcher},
    {"launcher-empty", launcher_empty},
    {"choice", choice},
    {"choice-unknown", choice_unknown},
    {"sign-in", sign_in},
    {"sign-in-wrong", sign_in_wrong},
    {"sign-in-throttled", sign_in_throttled},
    {"pin", pin},
    {"pin-wrong", pin_wrong},
    {"failed", failed},
    {"failed-unknown", failed_unknown},
    {"signed-off", signed_off},
    {"refused", refused},
    {"refused-step-up", refused_step_up},
    {"refused-device", refused_device},
    {"refused-hours", refused_hours},
    {"error-store", error_store},
    {"error-form", error_form},
    {"purpose", purpose},
    {"request", request},
    {"request-wrong", request_wrong},
    {"request-waiting", request_waiting},
    {"approvals", approvals},
    {"approvals-none", approvals_none},
    {"break-glass", break_glass},
    {"logout", logout},
    {"logged-out", logged_out},
    {"logged-out-plain", logged_out_plain},
    {"replay", replay},
};
const size_t n_samples = sizeof samples / sizeof *samples;
