/* The tables of files, definitions, rules and tests. */
#include "policy/schema_tables.h"

#include "policy/scalar.h"

#define SCALAR(label, fn)                                                                          \
    {                                                                                              \
        .kind = SCHEMA_SCALAR, .name = (label), .check = (fn)                                      \
    }
/* With the shape that editors hold it to. */
#define SHAPED(label, fn, regex)                                                                   \
    {                                                                                              \
        .kind = SCHEMA_SCALAR, .name = (label), .check = (fn), .pattern = (regex)                  \
    }
#define LIST(label, of)                                                                            \
    {                                                                                              \
        .kind = SCHEMA_LIST, .name = (label), .item = &(of)                                        \
    }
#define MAP(label, of)                                                                             \
    {                                                                                              \
        .kind = SCHEMA_MAP, .name = (label), .fields = (of)                                        \
    }
#define CHOICE(id, label, ...)                                                                     \
    static const char *const id##_choices[] = {__VA_ARGS__, NULL};                                 \
    static const struct schema_type id = {                                                         \
        .kind = SCHEMA_SCALAR, .name = (label), .choices = id##_choices}

/* The same with the words that other products have. */
#define CHOICE_OF_OTHERS(id, label, theirs, ...)                                                   \
    static const char *const id##_choices[] = {__VA_ARGS__, NULL};                                 \
    static const struct schema_type id = {                                                         \
        .kind = SCHEMA_SCALAR, .name = (label), .choices = id##_choices, .others = (theirs)}
#define MAP_OF_OTHERS(label, of, theirs)                                                           \
    {                                                                                              \
        .kind = SCHEMA_MAP, .name = (label), .fields = (of), .others = (theirs)                    \
    }

/* ---- sets ---------------------------------------------------------------------------------- */

static const struct schema_field set_fields[] = {
    {"any", &values_type, .doc = "at least one of these"},
    {"all", &values_type, .doc = "all of these"},
    {"none", &values_type, .doc = "none of these; unknown when the claim is"},
    {0},
};
static const struct schema_type set_map = MAP("a set", set_fields);
static const struct schema_type *const set_alternatives[] = {&values_type, &set_map, NULL};
static const struct schema_type set = {.kind = SCHEMA_EITHER,
                                       .name =
                                           "a list of values, or a mapping of any, all and none",
                                       .alternatives = set_alternatives};
static const struct schema_type claims = {
    .kind = SCHEMA_DICT, .name = "claims", .key = &line_type, .item = &set};

/* ---- who ----------------------------------------------------------------------------------- */

static const struct schema_other others_of_anyone[] = {
    {"everyone", "anyone"},
    {"everybody", "anyone"},
    {"anybody", "anyone"},
    {"all", "anyone"},
    {"any", "anyone"},
    {"*", "anyone"},
    {0},
};
CHOICE_OF_OTHERS(anyone, "anyone", others_of_anyone, "anyone");
static const struct schema_other others_of_kind[] = {
    {"user", "human"},
    {"person", "human"},
    {"people", "human"},
    {"service", "machine"},
    {"service_account", "machine"},
    {"bot", "machine"},
    {0},
};
CHOICE_OF_OTHERS(kind, "human or machine", others_of_kind, "human", "machine");
static const struct schema_type email = {.kind = SCHEMA_SCALAR,
                                         .name = "a mail address",
                                         .check = scalar_check_email,
                                         .hint = scalar_hint_email,
                                         .pattern = "^[^@*]+@[^@*]+$"};
static const struct schema_type emails = LIST("a list of mail addresses", email);
static const struct schema_type domain = {.kind = SCHEMA_SCALAR,
                                          .name = "a domain",
                                          .check = scalar_check_domain,
                                          .hint = scalar_hint_domain};
static const struct schema_type domains = LIST("a list of domains", domain);

#define WHO_FIELDS                                                                                 \
    {"kind", &kind, .doc = "human, or machine: a token of services: in the configuration"},        \
        {"users", &emails, .doc = "verified mail addresses, any of them"},                         \
        {"domains", &domains, .doc = "domains of verified mail addresses, compared whole"},        \
        {"groups", &set,                                                                           \
         .doc = "any of these groups or names of define: groups:, or {any, all, none}"},           \
        {"claims", &claims,                                                                        \
         .doc = "claim: any of these values, or {any, all, none}; all claims must fit"},           \
    {                                                                                              \
        "services", &names_type,                                                                   \
            .doc = "machines, by their names in services: of the configuration"                    \
    }

static const struct schema_other others_of_who[] = {
    {"email", "users"},
    {"emails", "users"},
    {"mail", "users"},
    {"user", "users"},
    {"email_domain", "domains"},
    {"role", "groups"},
    {"roles", "groups"},
    {"team", "groups"},
    {"teams", "groups"},
    {"claim", "claims"},
    {"service", "services"},
    {"service_accounts", "services"},
    {"or", "any"},
    {"and", "all"},
    {0},
};

/* any: and all: nest twice, which is enough for every combination, and keeps the schema finite. */
static const struct schema_field who_leaf_fields[] = {WHO_FIELDS, {0}};
static const struct schema_type who_leaf =
    MAP_OF_OTHERS("a who at the third level", who_leaf_fields, others_of_who);
static const struct schema_type who_leaves = LIST("a list of who mappings", who_leaf);
static const struct schema_field who_inner_fields[] = {
    WHO_FIELDS,
    {"any", &who_leaves, .doc = "one of these fits"},
    {"all", &who_leaves, .doc = "all of these fit"},
    {0},
};
static const struct schema_type who_inner = MAP_OF_OTHERS("who", who_inner_fields, others_of_who);
static const struct schema_type who_inners = LIST("a list of who mappings", who_inner);
static const struct schema_field who_fields[] = {
    WHO_FIELDS,
    {"any", &who_inners, .doc = "one of these fits"},
    {"all", &who_inners, .doc = "all of these fit"},
    {0},
};
static const struct schema_type who_map = MAP_OF_OTHERS("who", who_fields, others_of_who);
static const struct schema_type *const who_alternatives[] = {&anyone, &who_map, NULL};
static const struct schema_type who = {
    .kind = SCHEMA_EITHER, .name = "anyone or a mapping", .alternatives = who_alternatives};

/* ---- to ------------------------------------------------------------------------------------ */

static const struct schema_other others_of_everything[] = {
    {"all", "everything"}, {"any", "everything"},        {"anything", "everything"},
    {"*", "everything"},   {"everywhere", "everything"}, {0},
};
CHOICE_OF_OTHERS(everything, "everything", others_of_everything, "everything");
CHOICE(protocol, "a protocol", "http", "ssh", "rdp");
static const struct schema_type protocols = LIST("a list of protocols", protocol);
static const struct schema_type regex = SCALAR("a regular expression", scalar_check_regex);
static const struct schema_type regexes = LIST("a list of regular expressions", regex);
static const struct schema_type value_or_values = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a value or a list of values", .item = &value_type};
static const struct schema_type label_wants = {
    .kind = SCHEMA_DICT, .name = "labels", .key = &name_type, .item = &value_or_values};
static const struct schema_field to_fields[] = {
    {"apps", &slugs_type, .doc = "apps by name, any of them"},
    {"labels", &label_wants, .doc = "label: its value or values; all labels must fit"},
    {"protocols", &protocols, .doc = "http, ssh or rdp, any of them"},
    {"methods", &methods_type, .doc = "HTTP methods in upper case; false for ssh and rdp"},
    {"paths", &globs_type,
     .doc = "globs of the path: * is one segment, ** any number; false for ssh and rdp"},
    {"except", &globs_type, .doc = "globs of paths that the rule leaves out"},
    {"paths_regex", &regexes,
     .doc = "expressions (PCRE2) that match the whole path; not beside paths"},
    {"logins", &logins_type, .doc = "ssh log-ins, any of them; false for http and rdp"},
    {0},
};
static const struct schema_other others_of_to[] = {
    {"host", "apps"},     {"hosts", "apps"},  {"resources", "apps"}, {"domains", "apps"},
    {"url", "paths"},     {"urls", "paths"},  {"prefix", "paths"},   {"regex", "paths_regex"},
    {"verbs", "methods"}, {"tags", "labels"}, {"users", "logins"},   {0},
};
static const struct schema_type to_map = MAP_OF_OTHERS("to", to_fields, others_of_to);
static const struct schema_type *const to_alternatives[] = {&everything, &to_map, NULL};
static const struct schema_type to = {
    .kind = SCHEMA_EITHER, .name = "everything or a mapping", .alternatives = to_alternatives};

/* ---- device -------------------------------------------------------------------------------- */

static const struct schema_type version = {.kind = SCHEMA_SCALAR,
                                           .name = "a version",
                                           .check = scalar_check_version,
                                           .json = "[\"string\",\"number\"]"};
static const struct schema_type os_versions = {.kind = SCHEMA_DICT,
                                               .name = "versions",
                                               .key = &name_type,
                                               .item = &version,
                                               .hint = scalar_hint_os_version};
static const struct schema_type browser_versions = {.kind = SCHEMA_DICT,
                                                    .name = "versions",
                                                    .key = &name_type,
                                                    .item = &version,
                                                    .hint = scalar_hint_browser_version};
static const struct schema_type percent = {.kind = SCHEMA_SCALAR,
                                           .name = "a number from 0 to 100",
                                           .check = scalar_check_percent,
                                           .json = "\"integer\",\"minimum\":0,\"maximum\":100"};
static const struct schema_type attribute =
    SHAPED("an attribute", scalar_check_attribute, "^.+\\..+$");
static const struct schema_type attributes = {
    .kind = SCHEMA_DICT, .name = "attributes", .key = &attribute, .item = &value_or_values};
static const struct schema_field device_fields[] = {
    {"managed", &schema_bool, .doc = "enrolled in device management"},
    {"compliant", &schema_bool, .doc = "compliant, by the word of its management"},
    {"disk_encrypted", &schema_bool, .doc = "the disk is encrypted"},
    {"firewall", &schema_bool, .doc = "the firewall is on"},
    {"screen_lock", &schema_bool, .doc = "the screen locks itself"},
    {"secure_boot", &schema_bool, .doc = "secure boot is on"},
    {"edr_running", &schema_bool, .doc = "the endpoint agent runs"},
    {"jailbroken", &schema_bool, .doc = "jailbroken or rooted"},
    {"os", &names_type,
     .doc = "any of these systems, as the source names them, such as macos or windows"},
    {"min_os_version", &os_versions,
     .doc = "system: its least version; a system that is not listed does not fit"},
    {"min_browser_version", &browser_versions,
     .doc = "browser: its least version; a browser that is not listed does not fit"},
    {"min_patch_level", &date_type, .doc = "security patches of this date or newer"},
    {"ownership", &lines_type, .doc = "any of these owners, in the words of the source"},
    {"key_protection", &lines_type,
     .doc = "any of these places of its key, in the words of the source"},
    {"max_risk", &percent, .doc = "a risk score of at most this"},
    {"seen_within", &seconds_type, .fallback = "24h", .doc = "facts that are older are unknown"},
    {"sources", &names_type,
     .doc = "device_sources: of the configuration that count; by default all"},
    {"attributes", &attributes, .doc = "provider.name: its value, or any of these"},
    {0},
};
static const struct schema_type device_map = MAP("device", device_fields);
static const struct schema_type *const device_alternatives[] = {&name_type, &device_map, NULL};
static const struct schema_type device = {.kind = SCHEMA_EITHER,
                                          .name = "a name from define: devices: or a mapping",
                                          .alternatives = device_alternatives};

/* ---- the other needs ----------------------------------------------------------------------- */

static const struct schema_field auth_fields[] = {
    {"mfa", &true_type, .doc = "more than one factor, by mfa: of the issuer"},
    {"mfa_within", &seconds_type, .doc = "more than one factor, in a log-in not longer ago"},
    {"methods", &lines_type, .doc = "any of these in the claim amr"},
    {"acr", &lines_type, .doc = "any of these as the claim acr"},
    {"login_within", &seconds_type, .doc = "a log-in not longer ago, whatever its factors"},
    {"issuers", &names_type, .doc = "signed in at any of these issuers: of the configuration"},
    {0},
};
static const struct schema_type auth = MAP("auth", auth_fields);

static const struct schema_type network = SCALAR("a network", scalar_check_network);
static const struct schema_type networks = LIST("a list of networks", network);
static const struct schema_type country = {.kind = SCHEMA_SCALAR,
                                           .name = "a country",
                                           .check = scalar_check_country,
                                           .pattern = "^[A-Z]{2}$"};
static const struct schema_type countries = LIST("a list of countries", country);
static const struct schema_field from_fields[] = {
    {"networks", &networks, .doc = "in any of these, addresses or names of define: networks:"},
    {"not_networks", &networks, .doc = "in none of these"},
    {"countries", &countries, .doc = "any of these, by the GeoIP file; an error without one"},
    {"not_countries", &countries, .doc = "none of these, by the GeoIP file"},
    {0},
};
static const struct schema_other others_of_from[] = {
    {"ip", "networks"},        {"ips", "networks"},
    {"source_ip", "networks"}, {"cidr", "networks"},
    {"cidrs", "networks"},     {"ip_ranges", "networks"},
    {"geo", "countries"},      {"addresses", "networks"},
    {"not", "not_networks"},   {0},
};
static const struct schema_type from = MAP_OF_OTHERS("from", from_fields, others_of_from);

static const char *const weekday_choices[] = {"mon", "tue", "wed", "thu",
                                              "fri", "sat", "sun", NULL};
static const struct schema_type weekday = {.kind = SCHEMA_SCALAR,
                                           .name = "a weekday",
                                           .choices = weekday_choices,
                                           .hint = scalar_hint_day};
static const struct schema_type weekdays = {
    .kind = SCHEMA_LIST, .name = "a list of weekdays", .item = &weekday, .hint = scalar_hint_days};
static const struct schema_type hours = {.kind = SCHEMA_SCALAR,
                                         .name = "a window",
                                         .check = scalar_check_hours,
                                         .pattern =
                                             "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"};
static const struct schema_type hours_list = LIST("a list of windows", hours);
static const struct schema_type dates = LIST("a list of dates", date_type);
static const struct schema_field schedule_fields[] = {
    {"days", &weekdays, .required = true, .doc = "days on which the windows begin"},
    {"hours", &hours_list, .required = true,
     .doc = "windows \"HH:MM-HH:MM\" of the local clock, the end not included; may pass midnight"},
    {"timezone", &zone_type, .doc = "such as Europe/Stockholm; by default the file's"},
    {"except_dates", &dates, .doc = "dates on which no window begins"},
    {0},
};
static const struct schema_type schedule = MAP("a schedule", schedule_fields);
static const struct schema_type *const when_alternatives[] = {&name_type, &names_type, &schedule,
                                                              NULL};
static const struct schema_type when = {.kind = SCHEMA_EITHER,
                                        .name = "a schedule, a name or a list of names",
                                        .alternatives = when_alternatives};

static const struct schema_type count = {.kind = SCHEMA_SCALAR,
                                         .name = "a number from 1 to 16",
                                         .check = scalar_check_count,
                                         .json = "\"integer\",\"minimum\":1,\"maximum\":16"};
static const struct schema_field approval_fields[] = {
    {"by", &who, .required = true, .doc = "who may approve; never who asked"},
    {"count", &count, .fallback = "1", .doc = "how many of them must"},
    {"valid_for", &seconds_type, .required = true, .doc = "how long it stays open"},
    {"reason_required", &schema_bool, .fallback = "false", .doc = "who asks must say why"},
    {0},
};
static const struct schema_type approval = MAP("approval", approval_fields);

static const struct schema_field purpose_fields[] = {
    {"required", &true_type, .required = true, .doc = "always true"},
    {"prompt", &line_type, .doc = "what the person is asked"},
    {0},
};
static const struct schema_type purpose = MAP("purpose", purpose_fields);

static const struct schema_field break_glass_fields[] = {
    {"skips", &slugs_type, .required = true,
     .doc = "ids of require rules that it lifts; never a deny"},
    {"reason_required", &true_type, .required = true, .doc = "always true"},
    {"notify", &names_type, .required = true,
     .doc = "channels (notify: of the configuration) that are told first"},
    {0},
};
static const struct schema_type break_glass = MAP("break_glass", break_glass_fields);

static const struct schema_field session_fields[] = {
    {"max", &seconds_type, .doc = "sign in again so long after the log-in"},
    {"idle", &seconds_type, .doc = "sign in again so long after the last byte"},
    {"record", &schema_bool, .doc = "record the session (ssh, rdp)"},
    {"clipboard", &schema_bool, .doc = "the clipboard works (ssh, rdp); off when no rule says"},
    {"file_transfer", &schema_bool, .doc = "files may pass (ssh, rdp); off when no rule says"},
    {"port_forwarding", &schema_bool, .doc = "ports may be forwarded (ssh); off when no rule says"},
    {0},
};
static const struct schema_type session = MAP("session", session_fields);

/* ---- rule ---------------------------------------------------------------------------------- */

static const struct schema_other others_of_effect[] = {
    {"permit", "allow"},
    {"accept", "allow"},
    {"grant", "allow"},
    {"pass", "allow"},
    {"block", "deny"},
    {"reject", "deny"},
    {"refuse", "deny"},
    {"forbid", "deny"},
    {"drop", "deny"},
    {"must", "require"},
    {0},
};
CHOICE_OF_OTHERS(effect, "allow, require or deny", others_of_effect, "allow", "require", "deny");
static const struct schema_other others_of_mode[] = {
    {"shadow", "audit"},  {"monitor", "audit"},  {"log", "audit"},  {"report", "audit"},
    {"dry-run", "audit"}, {"active", "enforce"}, {"on", "enforce"}, {0},
};
CHOICE_OF_OTHERS(mode, "enforce or audit", others_of_mode, "enforce", "audit");
CHOICE(on_missing, "ignore", "ignore");
static const struct schema_type moment = SHAPED(
    "a date or an instant", scalar_check_date_or_instant, "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$");
static const struct schema_field rule_fields[] = {
    {"id", &slug_type, .required = true, .doc = "its name in logs and tests, unique in the set"},
    {"effect", &effect, .required = true,
     .doc = "allow lets in; require and deny take away, whatever allows"},
    {"title", &line_type, .doc = "what it is for, in a line for people"},
    {"owner", &line_type, .doc = "whom a refused person is told to ask"},
    {"ticket", &line_type, .doc = "where it was decided"},
    {"mode", &mode, .fallback = "enforce", .doc = "audit: only writes down what it would do"},
    {"starts", &moment,
     .doc = "a date (from its start) or an instant; before it the rule is not there"},
    {"expires", &moment,
     .doc = "a date (through its end) or an instant; after it the rule is not there"},
    {"who", &who, .required = true,
     .doc = "anyone (who proved an identity), or which people and machines"},
    {"to", &to, .required = true, .doc = "everything, or which apps and which parts of them"},
    {"device", &device, .doc = "a name of define: devices:, or attributes that all must hold"},
    {"auth", &auth, .doc = "how the person must have signed in"},
    {"from", &from, .doc = "where on the network the visit comes from"},
    {"when", &when, .doc = "a schedule, or names of define: schedules:, any of them"},
    {"approval", &approval, .doc = "somebody else has said yes (allow and require)"},
    {"purpose", &purpose, .doc = "the person has said what for (allow and require)"},
    {"break_glass", &break_glass, .doc = "opens at once with a reason, and lifts requires (allow)"},
    {"session", &session,
     .doc = "limits of the visit, the strictest of all rules (allow and require)"},
    {"on_missing", &on_missing, .doc = "ignore: fire on certainty only (require and deny)"},
    {0},
};
static const struct schema_other others_of_rule[] = {
    {"name", "id"},
    {"action", "effect"},
    {"decision", "effect"},
    {"email", "who"},
    {"subject", "who"},
    {"principal", "who"},
    {"include", "who"},
    {"target", "to"},
    {"resource", "to"},
    {"source_ip", "from"},
    {"ip", "from"},
    {"source", "from"},
    {"schedule", "when"},
    {"hours", "when"},
    {"time", "when"},
    {"posture", "device"},
    {"description", "title"},
    {"enabled", "mode"},
    {0},
};
const struct schema_type policy_rule_type = MAP_OF_OTHERS("a rule", rule_fields, others_of_rule);
static const struct schema_type rules = LIST("a list of rules", policy_rule_type);

/* ---- define -------------------------------------------------------------------------------- */

static const struct schema_type members = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a group or a list of groups", .item = &line_type};
static const struct schema_type group_defs = {
    .kind = SCHEMA_DICT, .name = "groups", .key = &line_type, .item = &members};
static const struct schema_type cidr = SCALAR("a network", scalar_check_cidr);
static const struct schema_type cidrs = LIST("a list of networks", cidr);
static const struct schema_type network_defs = {
    .kind = SCHEMA_DICT, .name = "networks", .key = &name_type, .item = &cidrs};
static const struct schema_type schedule_defs = {
    .kind = SCHEMA_DICT, .name = "schedules", .key = &name_type, .item = &schedule};
static const struct schema_type device_defs = {
    .kind = SCHEMA_DICT, .name = "devices", .key = &name_type, .item = &device_map};
static const struct schema_field define_fields[] = {
    {"groups", &group_defs, .doc = "name: the group or groups that it stands for in rules"},
    {"networks", &network_defs, .doc = "name: addresses and networks"},
    {"schedules", &schedule_defs, .doc = "name: a schedule"},
    {"devices", &device_defs, .doc = "name: a state of devices"},
    {0},
};
const struct schema_type policy_define_type = MAP("define", define_fields);

/* ---- test ---------------------------------------------------------------------------------- */

static const struct schema_type anything = {.kind = SCHEMA_ANY, .name = "a value"};
static const struct schema_type facts = {.kind = SCHEMA_DICT,
                                         .name = "claims",
                                         .key = &line_type,
                                         .item = &anything,
                                         .may_be_empty = true};
static const struct schema_type known_lines = {
    .kind = SCHEMA_LIST, .name = "a list of texts", .item = &line_type, .may_be_empty = true};
static const struct schema_type device_fact =
    SCALAR("a device attribute", scalar_check_device_fact);
static const struct schema_type test_device = {
    .kind = SCHEMA_DICT, .name = "a device", .key = &device_fact, .item = &anything};
static const struct schema_type test_devices = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a device or a list of its sources", .item = &test_device};
static const struct schema_field test_auth_fields[] = {
    {"mfa", &schema_bool, .doc = "whether more than one factor was used"},
    {"age", &seconds_type, .doc = "time since the log-in"},
    {"methods", &known_lines, .doc = "the claim amr"},
    {"acr", &line_type, .doc = "the claim acr"},
    {0},
};
static const struct schema_type test_auth = MAP("auth", test_auth_fields);
static const struct schema_field principal_fields[] = {
    {"user", &email, .doc = "a verified mail address"},
    {"groups", &known_lines, .doc = "groups; [] is known to be none, left out is unknown"},
    {"claims", &facts, .doc = "claim: its value"},
    {"service", &name_type, .doc = "a machine, by its name in services:"},
    {"issuer", &name_type, .doc = "by its name in the configuration"},
    {"auth", &test_auth, .doc = "how it signed in"},
    {"device", &test_devices,
     .doc = "attribute: its value; seen: age of the facts; a list for several sources"},
    {"approved", &slugs_type, .doc = "rules whose approval or glass is open"},
    {"purpose", &line_type, .doc = "the purpose that was stated"},
    {0},
};
static const struct schema_other others_of_principal[] = {
    {"email", "user"}, {"users", "user"}, {"mail", "user"}, {"roles", "groups"}, {0},
};
static const struct schema_type principal =
    MAP_OF_OTHERS("as", principal_fields, others_of_principal);
static const struct schema_type instant =
    SHAPED("an instant", scalar_check_instant, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T.+$");
static const struct schema_type address =
    SHAPED("an IP address", scalar_check_address, "^[0-9A-Fa-f:.]+$");
static const struct schema_type request =
    SHAPED("a request", scalar_check_one_line, "^([A-Z][A-Z-]* .+|ssh .+@.+|rdp .+)$");
static const struct schema_type request_list = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a request or a list of them", .item = &request};
static const struct schema_type expect = {.kind = SCHEMA_SCALAR,
                                          .name = "allow or deny CODE",
                                          .check = scalar_check_expect,
                                          .hint = scalar_hint_expect,
                                          .pattern = "^(allow|deny .+)$"};
/* `at`, `do` and `expect` may come through `like`: decode_test.c asks for them. */
static const struct schema_field test_fields[] = {
    {"name", &line_type, .required = true, .doc = "unique in the file"},
    {"as", &principal, .doc = "the visitor; without it nobody is signed in"},
    {"like", &line_type, .doc = "a test of this file whose keys hold where this one has none"},
    {"without", &lines_type,
     .doc = "facts that are unknown, as dotted paths such as device.firewall"},
    {"at", &instant, .doc = "an instant with its offset; needed, or taken by like"},
    {"from", &address, .doc = "the client's address; without it unknown"},
    {"do", &request_list, .doc = "METHOD URL, ssh LOGIN@APP or rdp APP; needed, or taken by like"},
    {"expect", &expect, .required = true,
     .doc = "allow, or deny and a reason or cause, such as deny when"},
    {0},
};
const struct schema_type policy_test_type = MAP("a test", test_fields);
static const struct schema_type tests = LIST("a list of tests", policy_test_type);

/* ---- file ---------------------------------------------------------------------------------- */

static const struct schema_type file_version = {.kind = SCHEMA_SCALAR,
                                                .name = "a version",
                                                .check = scalar_check_file_version,
                                                .json = "\"integer\",\"const\":1"};
static const struct schema_field defaults_fields[] = {
    {"timezone", &zone_type, .fallback = "UTC", .doc = "of dates and schedules of this file"},
    {0},
};
static const struct schema_type defaults = MAP("defaults", defaults_fields);
static const struct schema_type apps = LIST("a list of apps", policy_app_type);
static const struct schema_field file_fields[] = {
    {"version", &file_version, .required = true, .doc = "always 1"},
    {"defaults", &defaults, .doc = "for this file alone"},
    {"define", &policy_define_type, .doc = "names that all files may use"},
    {"apps", &apps, .doc = "what people reach"},
    {"rules", &rules, .doc = "who may; their order means nothing"},
    {"tests", &tests, .doc = "visits and what must come of them; run before rules count"},
    {0},
};
const struct schema_type policy_file_type = MAP("a policy file", file_fields);
