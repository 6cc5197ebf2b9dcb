/* The tables of files, definitions, rules and tests. */
#include "policy/schema_tables.h"

#include "policy/scalar.h"

#define SCALAR(label, fn)                                                                          \
    {                                                                                              \
        .kind = SCHEMA_SCALAR, .name = (label), .check = (fn)                                      \
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

/* ---- sets ---------------------------------------------------------------------------------- */

static const struct schema_field set_fields[] = {
    {"any", &values_type, .doc = "one of these"},
    {"all", &values_type, .doc = "each of these"},
    {"none", &values_type, .doc = "none of these"},
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

CHOICE(anyone, "anyone", "anyone");
CHOICE(kind, "human or machine", "human", "machine");
static const struct schema_type email = SCALAR("a mail address", scalar_check_email);
static const struct schema_type emails = LIST("a list of mail addresses", email);
static const struct schema_type domain = SCALAR("a domain", scalar_check_domain);
static const struct schema_type domains = LIST("a list of domains", domain);

#define WHO_FIELDS                                                                                 \
    {"kind", &kind, .doc = "people or services"},                                                  \
        {"users", &emails, .doc = "verified mail addresses"},                                      \
        {"domains", &domains, .doc = "domains of verified mail addresses, whole"},                 \
        {"groups", &set, .doc = "groups, or names of define: groups:"},                            \
        {"claims", &claims, .doc = "claim: the values that count"},                                \
    {                                                                                              \
        "services", &names_type, .doc = "machines, by their names in the configuration"            \
    }

/* any: and all: nest twice, which is enough for every combination, and keeps the schema finite. */
static const struct schema_field who_leaf_fields[] = {WHO_FIELDS, {0}};
static const struct schema_type who_leaf = MAP("a who at the third level", who_leaf_fields);
static const struct schema_type who_leaves = LIST("a list of who mappings", who_leaf);
static const struct schema_field who_inner_fields[] = {
    WHO_FIELDS,
    {"any", &who_leaves, .doc = "one of these"},
    {"all", &who_leaves, .doc = "each of these"},
    {0},
};
static const struct schema_type who_inner = MAP("who", who_inner_fields);
static const struct schema_type who_inners = LIST("a list of who mappings", who_inner);
static const struct schema_field who_fields[] = {
    WHO_FIELDS,
    {"any", &who_inners, .doc = "one of these"},
    {"all", &who_inners, .doc = "each of these"},
    {0},
};
static const struct schema_type who_map = MAP("who", who_fields);
static const struct schema_type *const who_alternatives[] = {&anyone, &who_map, NULL};
static const struct schema_type who = {
    .kind = SCHEMA_EITHER, .name = "anyone or a mapping", .alternatives = who_alternatives};

/* ---- to ------------------------------------------------------------------------------------ */

CHOICE(everything, "everything", "everything");
CHOICE(protocol, "a protocol", "http", "ssh", "rdp");
static const struct schema_type protocols = LIST("a list of protocols", protocol);
static const struct schema_type regex = SCALAR("a regular expression", scalar_check_regex);
static const struct schema_type regexes = LIST("a list of regular expressions", regex);
static const struct schema_type value_or_values = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a value or a list of values", .item = &value_type};
static const struct schema_type label_wants = {
    .kind = SCHEMA_DICT, .name = "labels", .key = &name_type, .item = &value_or_values};
static const struct schema_field to_fields[] = {
    {"apps", &slugs_type, .doc = "apps by name"},
    {"labels", &label_wants, .doc = "apps by label"},
    {"protocols", &protocols, .doc = "http, ssh, rdp"},
    {"methods", &methods_type, .doc = "http methods"},
    {"paths", &globs_type, .doc = "globs of the normalised path"},
    {"except", &globs_type, .doc = "globs that are left out"},
    {"paths_regex", &regexes, .doc = "PCRE2 over the whole normalised path"},
    {"logins", &logins_type, .doc = "ssh login names"},
    {0},
};
static const struct schema_type to_map = MAP("to", to_fields);
static const struct schema_type *const to_alternatives[] = {&everything, &to_map, NULL};
static const struct schema_type to = {
    .kind = SCHEMA_EITHER, .name = "everything or a mapping", .alternatives = to_alternatives};

/* ---- device -------------------------------------------------------------------------------- */

static const struct schema_type version = {.kind = SCHEMA_SCALAR,
                                           .name = "a version",
                                           .check = scalar_check_version,
                                           .json = "[\"string\",\"number\"]"};
static const struct schema_type versions = {
    .kind = SCHEMA_DICT, .name = "versions", .key = &name_type, .item = &version};
static const struct schema_type percent = {.kind = SCHEMA_SCALAR,
                                           .name = "a number from 0 to 100",
                                           .check = scalar_check_percent,
                                           .json = "\"integer\",\"minimum\":0,\"maximum\":100"};
static const struct schema_type attribute = SCALAR("an attribute", scalar_check_attribute);
static const struct schema_type attributes = {
    .kind = SCHEMA_DICT, .name = "attributes", .key = &attribute, .item = &value_or_values};
static const struct schema_field device_fields[] = {
    {"managed", &schema_bool, .doc = "enrolled in device management"},
    {"compliant", &schema_bool, .doc = "compliant by its source"},
    {"disk_encrypted", &schema_bool, .doc = "the disk is encrypted"},
    {"firewall", &schema_bool, .doc = "the firewall is on"},
    {"screen_lock", &schema_bool, .doc = "the screen locks itself"},
    {"secure_boot", &schema_bool, .doc = "secure boot is on"},
    {"edr_running", &schema_bool, .doc = "the endpoint agent runs"},
    {"jailbroken", &schema_bool, .doc = "jailbroken or rooted"},
    {"os", &names_type, .doc = "operating systems: macos, windows, linux, ios, android"},
    {"min_os_version", &versions, .doc = "os: the least version; others are refused"},
    {"min_browser_version", &versions, .doc = "browser: the least version; others are refused"},
    {"min_patch_level", &date_type, .doc = "the oldest security patch level"},
    {"ownership", &lines_type, .doc = "who owns it"},
    {"key_protection", &lines_type, .doc = "where its key lives"},
    {"max_risk", &percent, .doc = "the highest risk score"},
    {"seen_within", &seconds_type, .fallback = "24h", .doc = "older facts are unknown"},
    {"sources", &names_type, .doc = "device sources that count"},
    {"attributes", &attributes, .doc = "provider.name: the values that count"},
    {0},
};
static const struct schema_type device_map = MAP("device", device_fields);
static const struct schema_type *const device_alternatives[] = {&name_type, &device_map, NULL};
static const struct schema_type device = {.kind = SCHEMA_EITHER,
                                          .name = "a name from define: devices: or a mapping",
                                          .alternatives = device_alternatives};

/* ---- the other needs ----------------------------------------------------------------------- */

static const struct schema_field auth_fields[] = {
    {"mfa", &true_type, .doc = "more than one factor, by the issuer's map"},
    {"mfa_within", &seconds_type, .doc = "more than one factor, not longer ago"},
    {"methods", &lines_type, .doc = "one of these in the amr claim"},
    {"acr", &lines_type, .doc = "one of these as the acr claim"},
    {"login_within", &seconds_type, .doc = "signed in, not longer ago"},
    {"issuers", &names_type, .doc = "issuers by their names in the configuration"},
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
    {"networks", &networks, .doc = "one of these"},
    {"not_networks", &networks, .doc = "none of these"},
    {"countries", &countries, .doc = "one of these, by the GeoIP file"},
    {"not_countries", &countries, .doc = "none of these"},
    {0},
};
static const struct schema_type from = MAP("from", from_fields);

CHOICE(weekday, "a weekday", "mon", "tue", "wed", "thu", "fri", "sat", "sun");
static const struct schema_type weekdays = LIST("a list of weekdays", weekday);
static const struct schema_type hours = {.kind = SCHEMA_SCALAR,
                                         .name = "a window",
                                         .check = scalar_check_hours,
                                         .pattern =
                                             "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"};
static const struct schema_type hours_list = LIST("a list of windows", hours);
static const struct schema_type dates = LIST("a list of dates", date_type);
static const struct schema_field schedule_fields[] = {
    {"days", &weekdays, .required = true, .doc = "mon to sun"},
    {"hours", &hours_list, .required = true, .doc = "\"HH:MM-HH:MM\", local wall clock"},
    {"timezone", &zone_type, .doc = "by default the file's"},
    {"except_dates", &dates, .doc = "days without a window"},
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
    {"by", &who, .required = true, .doc = "who may approve, never the requester"},
    {"count", &count, .fallback = "1", .doc = "how many of them"},
    {"valid_for", &seconds_type, .required = true, .doc = "how long a grant lasts"},
    {"reason_required", &schema_bool, .fallback = "false", .doc = "the requester says why"},
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
    {"skips", &slugs_type, .required = true, .doc = "ids of require rules"},
    {"reason_required", &true_type, .required = true, .doc = "always true"},
    {"notify", &names_type, .required = true, .doc = "channels of the configuration"},
    {0},
};
static const struct schema_type break_glass = MAP("break_glass", break_glass_fields);

static const struct schema_field session_fields[] = {
    {"max", &seconds_type, .doc = "since the log-in"},
    {"idle", &seconds_type, .doc = "since the last client byte"},
    {"record", &schema_bool, .doc = "record the session"},
    {"clipboard", &schema_bool, .doc = "allow the clipboard"},
    {"file_transfer", &schema_bool, .doc = "allow files"},
    {"port_forwarding", &schema_bool, .doc = "allow port forwarding"},
    {0},
};
static const struct schema_type session = MAP("session", session_fields);

/* ---- rule ---------------------------------------------------------------------------------- */

CHOICE(effect, "allow, require or deny", "allow", "require", "deny");
CHOICE(mode, "enforce or audit", "enforce", "audit");
CHOICE(on_missing, "ignore", "ignore");
static const struct schema_type moment =
    SCALAR("a date or an instant", scalar_check_date_or_instant);
static const struct schema_field rule_fields[] = {
    {"id", &slug_type, .required = true, .doc = "unique in the set"},
    {"effect", &effect, .required = true, .doc = "allow, require or deny"},
    {"title", &line_type, .doc = "for people"},
    {"owner", &line_type, .doc = "whom a refused person is told to ask"},
    {"ticket", &line_type, .doc = "where it was decided"},
    {"mode", &mode, .fallback = "enforce", .doc = "audit: only logged"},
    {"starts", &moment, .doc = "from the start of that day on"},
    {"expires", &moment, .doc = "through the end of that day"},
    {"who", &who, .required = true, .doc = "anyone, or people and machines"},
    {"to", &to, .required = true, .doc = "everything, or apps and their parts"},
    {"device", &device, .doc = "a state of the device"},
    {"auth", &auth, .doc = "a way of signing in"},
    {"from", &from, .doc = "a place on the network"},
    {"when", &when, .doc = "a schedule"},
    {"approval", &approval, .doc = "an open grant of somebody else"},
    {"purpose", &purpose, .doc = "a stated purpose"},
    {"break_glass", &break_glass, .doc = "an emergency that skips requires"},
    {"session", &session, .doc = "limits of the visit"},
    {"on_missing", &on_missing, .doc = "ignore: fire on certainty only"},
    {0},
};
const struct schema_type policy_rule_type = MAP("a rule", rule_fields);
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
    {"groups", &group_defs, .doc = "name: the groups that it stands for"},
    {"networks", &network_defs, .doc = "name: networks"},
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
    {"mfa", &schema_bool, .doc = "more than one factor"},
    {"age", &seconds_type, .doc = "since the log-in"},
    {"methods", &known_lines, .doc = "the amr claim"},
    {"acr", &line_type, .doc = "the acr claim"},
    {0},
};
static const struct schema_type test_auth = MAP("auth", test_auth_fields);
static const struct schema_field principal_fields[] = {
    {"user", &email, .doc = "a verified mail address"},
    {"groups", &known_lines, .doc = "groups; [] is known to be none"},
    {"claims", &facts, .doc = "claim: value"},
    {"service", &name_type, .doc = "a machine"},
    {"issuer", &name_type, .doc = "by its name in the configuration"},
    {"auth", &test_auth, .doc = "how it signed in"},
    {"device", &test_devices, .doc = "facts about the device"},
    {"approved", &slugs_type, .doc = "rules with an open grant"},
    {"purpose", &line_type, .doc = "what the person stated"},
    {0},
};
static const struct schema_type principal = MAP("as", principal_fields);
static const struct schema_type instant = SCALAR("an instant", scalar_check_instant);
static const struct schema_type address = SCALAR("an IP address", scalar_check_address);
static const struct schema_type request_list = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "a request or a list of them", .item = &line_type};
static const struct schema_type expect = {.kind = SCHEMA_SCALAR,
                                          .name = "allow or deny CODE",
                                          .check = scalar_check_expect,
                                          .pattern = "^(allow|deny .+)$"};
/* `at`, `do` and `expect` may come through `like`: decode_test.c asks for them. */
static const struct schema_field test_fields[] = {
    {"name", &line_type, .required = true, .doc = "unique in the file"},
    {"as", &principal, .doc = "the visitor; none: nobody is signed in"},
    {"like", &line_type, .doc = "a test of the same file whose keys are taken over"},
    {"without", &lines_type, .doc = "facts to leave out, as dotted paths"},
    {"at", &instant, .doc = "when"},
    {"from", &address, .doc = "the client's address"},
    {"do", &request_list, .doc = "METHOD URL, ssh LOGIN@APP or rdp APP"},
    {"expect", &expect, .required = true, .doc = "allow, or deny CODE"},
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
    {"timezone", &zone_type, .fallback = "UTC", .doc = "of dates and schedules in this file"},
    {0},
};
static const struct schema_type defaults = MAP("defaults", defaults_fields);
static const struct schema_type apps = LIST("a list of apps", policy_app_type);
static const struct schema_field file_fields[] = {
    {"version", &file_version, .required = true, .doc = "always 1"},
    {"defaults", &defaults, .doc = "for this file alone"},
    {"define", &policy_define_type, .doc = "names for all files"},
    {"apps", &apps, .doc = "what people reach"},
    {"rules", &rules, .doc = "who may"},
    {"tests", &tests, .doc = "what must come out"},
    {0},
};
const struct schema_type policy_file_type = MAP("a policy file", file_fields);
