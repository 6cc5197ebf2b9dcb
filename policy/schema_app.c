/* The tables of apps, and the scalars that all tables share. */
#include "policy/scalar.h"
#include "policy/schema_tables.h"

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

/* ---- shared scalars ------------------------------------------------------------------------ */

const struct schema_type slug_type = {.kind = SCHEMA_SCALAR,
                                      .name = "a slug",
                                      .check = scalar_check_slug,
                                      .pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"};
const struct schema_type slugs_type = LIST("a list of slugs", slug_type);
const struct schema_type name_type = {.kind = SCHEMA_SCALAR,
                                      .name = "a name",
                                      .check = scalar_check_name,
                                      .pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"};
const struct schema_type names_type = LIST("a list of names", name_type);
const struct schema_type line_type = {.kind = SCHEMA_SCALAR,
                                      .name = "a line of text",
                                      .check = scalar_check_one_line,
                                      .json = "[\"string\",\"number\",\"boolean\"]"};
const struct schema_type lines_type = LIST("a list of texts", line_type);
const struct schema_type texts_type = LIST("a list of texts", schema_text);
/* Claims and attributes: a plain scalar also matches the number or boolean written so. */
const struct schema_type value_type = {.kind = SCHEMA_SCALAR,
                                       .name = "a value",
                                       .check = scalar_check_value,
                                       .json = "[\"string\",\"number\",\"boolean\"]"};
const struct schema_type values_type = LIST("a list of values", value_type);
const struct schema_type seconds_type = {.kind = SCHEMA_SCALAR,
                                         .name = "a duration",
                                         .check = scalar_check_seconds,
                                         .pattern = "^0*[1-9][0-9]*[smhd]$"};
const struct schema_type zone_type = {.kind = SCHEMA_SCALAR,
                                      .name = "a time zone",
                                      .check = scalar_check_zone,
                                      .pattern = "^[A-Za-z0-9_+/-]+$"};
const struct schema_type date_type = {.kind = SCHEMA_SCALAR,
                                      .name = "a date",
                                      .check = scalar_check_date,
                                      .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"};
const struct schema_type true_type = {.kind = SCHEMA_SCALAR,
                                      .name = "true",
                                      .check = scalar_check_true,
                                      .json = "\"boolean\",\"const\":true"};

static const struct schema_type glob = {.kind = SCHEMA_SCALAR,
                                        .name = "a glob",
                                        .check = scalar_check_glob,
                                        .hint = scalar_hint_glob,
                                        .pattern = "^/"};
const struct schema_type globs_type = LIST("a list of globs", glob);
static const struct schema_type login = SCALAR("a login name", scalar_check_login);
const struct schema_type logins_type = LIST("a list of login names", login);
static const struct schema_type method = {.kind = SCHEMA_SCALAR,
                                          .name = "a method",
                                          .check = scalar_check_method,
                                          .pattern = "^[A-Z][A-Z-]*$"};
const struct schema_type methods_type = LIST("a list of methods", method);
const struct schema_type dict_of_texts_type = {
    .kind = SCHEMA_DICT, .name = "labels", .key = &name_type, .item = &value_type};

/* ---- app ----------------------------------------------------------------------------------- */

static const struct schema_type host = SCALAR("a host", scalar_check_host);
static const struct schema_type alias = SCALAR("a host name", scalar_check_name_or_address);
static const struct schema_type alias_list = LIST("a list of host names", alias);
static const struct schema_type upstream =
    SHAPED("an upstream", scalar_check_upstream, "^((https?|ssh|rdp|tcp)://|unix:/).+$");
static const struct schema_type upstreams = {
    .kind = SCHEMA_ONE_OR_LIST, .name = "an upstream or a list of them", .item = &upstream};
static const struct schema_type path = {
    .kind = SCHEMA_SCALAR, .name = "a path", .check = scalar_check_path, .pattern = "^/"};
static const struct schema_type origin =
    SHAPED("an origin", scalar_check_origin, "^https?://[^/]+$");
static const struct schema_type origins = LIST("a list of origins", origin);
static const struct schema_type header = SCALAR("a header name", scalar_check_header);
static const struct schema_type header_list = LIST("a list of header names", header);
static const struct schema_type header_claims = {
    .kind = SCHEMA_DICT, .name = "headers", .key = &header, .item = &line_type};
static const struct schema_type status = {.kind = SCHEMA_SCALAR,
                                          .name = "an HTTP status",
                                          .check = scalar_check_status,
                                          .json = "\"integer\",\"minimum\":100,\"maximum\":599"};
static const struct schema_type pin =
    SHAPED("a pin", scalar_check_pin, "^sha256:[A-Za-z0-9+/]{43}=?$");
static const struct schema_type pins = LIST("a list of pins", pin);
static const struct schema_type host_key =
    SHAPED("a host key", scalar_check_host_key, "^SHA256:[A-Za-z0-9+/]{43}=?$");
static const struct schema_type host_keys = LIST("a list of host keys", host_key);
static const struct schema_type server_name = SCALAR("a host name", scalar_check_name_or_address);

#define CHOICE(id, label, ...)                                                                     \
    static const char *const id##_choices[] = {__VA_ARGS__, NULL};                                 \
    static const struct schema_type id = {                                                         \
        .kind = SCHEMA_SCALAR, .name = (label), .choices = id##_choices}

CHOICE(protocol, "a protocol", "http", "ssh", "rdp");
CHOICE(path_case, "sensitive or insensitive", "sensitive", "insensitive");
CHOICE(refuse_or_pass, "refuse or pass", "refuse", "pass");
CHOICE(balance, "a way to balance", "round_robin");

static const struct schema_field identity_fields[] = {
    {"assertion", &schema_bool, .fallback = "false",
     .doc = "send X-Postern-Assertion, a signed JWT"},
    {"claims", &lines_type, .doc = "claims that the assertion carries"},
    {"headers", &header_claims, .doc = "header name: the claim that it carries"},
    {0},
};
static const struct schema_type identity = {
    .kind = SCHEMA_MAP, .name = "identity", .fields = identity_fields};

static const struct schema_field cors_fields[] = {
    {"origins", &origins, .required = true, .doc = "origins whose pages may call the app"},
    {"methods", &methods_type, .doc = "methods that a preflight is told"},
    {"headers", &header_list, .doc = "request headers that a preflight is told"},
    {"credentials", &schema_bool, .fallback = "false", .doc = "whether cookies take part"},
    {0},
};
static const struct schema_type cors = {.kind = SCHEMA_MAP, .name = "cors", .fields = cors_fields};

static const struct schema_field timeouts_fields[] = {
    {"connect", &seconds_type, .fallback = "5s", .doc = "until the upstream is connected"},
    {"first_byte", &seconds_type, .fallback = "300s", .doc = "until the answer begins"},
    {"body_stall", &seconds_type, .fallback = "30s", .doc = "between two pieces of a request body"},
    {0},
};
static const struct schema_type timeouts = {
    .kind = SCHEMA_MAP, .name = "timeouts", .fields = timeouts_fields};

static const struct schema_field health_fields[] = {
    {"path", &path, .required = true, .doc = "what is asked"},
    {"every", &seconds_type, .fallback = "10s", .doc = "how often"},
    {"expect", &status, .fallback = "200", .doc = "the status of a healthy upstream"},
    {0},
};
static const struct schema_type health = {
    .kind = SCHEMA_MAP, .name = "health", .fields = health_fields};

static const struct schema_field tls_fields[] = {
    {"ca", &line_type, .doc = "a file of CA certificates, in place of the system's"},
    {"pin", &pins, .doc = "sha256: digests of the public keys that are accepted"},
    {"server_name", &server_name, .doc = "the name that the certificate must have"},
    {"client_cert", &line_type, .doc = "a file with our certificate and key"},
    {0},
};
static const struct schema_type tls = {.kind = SCHEMA_MAP, .name = "tls", .fields = tls_fields};

static const struct schema_field app_fields[] = {
    {"name", &slug_type, .required = true,
     .doc = "what rules and tests call it, unique in the set"},
    {"title", &line_type, .doc = "what people call it; by default its name"},
    {"description", &schema_text, .doc = "a sentence for the portal's tile"},
    {"icon", &line_type,
     .doc = "one or two characters for the portal's tile; by default its initials"},
    {"owner", &line_type,
     .doc = "whom a refused person is told to ask, where the rule names nobody"},
    {"labels", &dict_of_texts_type, .doc = "label: value, for rules over many apps"},
    {"host", &host, .required = true,
     .doc = "the name it answers to: a name, *.name (one label) or an IP address"},
    {"aliases", &alias_list, .doc = "further names that it answers to"},
    {"upstream", &upstreams, .required = true,
     .doc = "http://HOST:PORT, https://HOST:PORT, unix:/PATH, ssh://HOST:22 or rdp://HOST:3389"},
    {"protocol", &protocol, .doc = "by default that of the upstream's scheme"},
    {"start", &path, .fallback = "/", .doc = "the path that the portal's tile opens"},
    {"public_paths", &globs_type,
     .doc = "globs of paths that are served to everybody, without sign-in"},
    {"cross_site_post", &globs_type, .doc = "globs of paths that take another site's form posts"},
    {"identity", &identity, .doc = "what the app is told about the person"},
    {"rewrite_host", &schema_bool, .fallback = "false", .doc = "send the upstream's own host name"},
    {"path_case", &path_case, .fallback = "sensitive", .doc = "how globs compare ASCII letters"},
    {"encoded_slash", &refuse_or_pass, .fallback = "refuse",
     .doc = "a path with %2F: refuse it, or pass it as it is"},
    {"path_params", &refuse_or_pass, .fallback = "refuse",
     .doc = "a path with ; or %3B: refuse it, or pass it as it is"},
    {"websocket", &schema_bool, .fallback = "true",
     .doc = "whether WebSocket upgrades are forwarded"},
    {"cors", &cors, .doc = "whose pages may call the app: answers to preflights"},
    {"timeouts", &timeouts, .doc = "how long the upstream may take"},
    {"max_body", &schema_size, .fallback = "1GiB", .doc = "largest request body; 0: no limit"},
    {"health", &health, .doc = "an active check of the upstreams"},
    {"balance", &balance, .fallback = "round_robin", .doc = "between several upstreams"},
    {"shared_cache", &schema_bool, .fallback = "false", .doc = "leave its Cache-Control as it is"},
    {"tls", &tls, .doc = "how an https:// upstream is verified"},
    {"host_key", &host_keys, .doc = "ssh: fingerprints that are accepted"},
    {"logins", &logins_type, .doc = "ssh, rdp: the user names that there are to choose"},
    {0},
};
const struct schema_type policy_app_type = {
    .kind = SCHEMA_MAP, .name = "an app", .fields = app_fields};
