/* tables: see tables.h. The root and its small sections; the others have a file each. What a later
 * version will bring is listed here as well, so that a file written from the documentation is
 * refused in a sentence and not as a typing error. */
#include "proxy/config/tables_impl.h"

#include "proxy/config/limits.h"

CHOICE(version, "a version", "1");
CHOICE(sync, "a way to sync", "batch", "always");
CHOICE(on_error, "a way to go on", "refuse", "continue");
CHOICE(query, "a way to record queries", "drop", "hash");
CHOICE(level, "a level", "debug", "info", "warn", "error");
CHOICE(format, "a format", "text", "json");

static const struct schema_field admin_fields[] = {
    {"address", &config_address_type, true, NULL, "As of a listener; loopback or a unix socket."},
    {"plain", &schema_bool, false, "false",
     "Allows another address: whoever reaches it reads health and metrics."},
    {0}};
static const struct schema_type admin_type = {
    .kind = SCHEMA_MAP, .name = "admin", .fields = admin_fields};

static const struct schema_field rotate_fields[] = {
    {"size", &schema_size, false, "1GiB",
     "A file of this size is closed and a new one begun; 0: never."},
    {"every", &schema_duration, false, "1d", "The same by age; 0s: never."},
    {"keep", &schema_duration, false, "400d", "Older files are deleted; 0s: never."},
    {"compress", &schema_bool, false, "true", "Closed files become .gz."},
    {0}};
static const struct schema_type rotate_type = {
    .kind = SCHEMA_MAP, .name = "rotate", .fields = rotate_fields};
static const struct schema_field audit_fields[] = {
    {"file", &config_file_type, false, "/var/log/postern/access.jsonl",
     "The journal; `-` is standard output."},
    {"sync", &sync_type, false, "batch",
     "`batch`: on disk within 50 ms. `always`: on disk before the upstream sees the request."},
    {"on_error", &on_error_type, false, "refuse",
     "`refuse`: no record, no access. `continue`: access without a record, and a metric says so."},
    {"query", &query_type, false, "drop",
     "What is recorded of a query string, which may hold secrets: `drop` or `hash`."},
    {"rotate", &rotate_type, false, NULL, "When a new file is begun and old ones go."},
    {0}};
static const struct schema_type audit_type = {
    .kind = SCHEMA_MAP, .name = "audit", .fields = audit_fields};

static const struct schema_field log_fields[] = {
    {"level", &level_type, false, "info",
     "Least level of the diagnostics on standard error: debug, info, warn or error."},
    {"format", &format_type, false, "text", "`text` (logfmt) or `json`."},
    {0}};
static const struct schema_type log_type = {
    .kind = SCHEMA_MAP, .name = "log", .fields = log_fields};

static const struct schema_field config_fields[] = {
    {"version", &version_type, true, NULL, "Always 1."},
    {"listeners", &config_listeners_type, true, NULL, "Where requests come in."},
    {"portal", &config_portal_type, false, NULL, "Host of the pages for people."},
    {"console", &config_any_type, false, NULL, LATER},
    {"admin", &admin_type, false, NULL, "Health, readiness and metrics."},
    {"policies", &config_file_type, false, "policies", "Directory of the policy files."},
    {"state", &config_file_type, false, "/var/lib/postern",
     "Directory of what postern keeps. Its `keys/` is 0700, the files in it 0600."},
    {"workers", &schema_text, false, "auto", "Number of worker threads; `auto`: one for each CPU."},
    {"issuers", &config_issuers_type, false, NULL, "Who may vouch for people and programs."},
    {"services", &config_services_type, false, NULL,
     "Which tokens are machines; all others are people."},
    {"builtin", &config_builtin_type, false, NULL, "The issuer of our own: who is in it."},
    {"sessions", &config_sessions_type, false, NULL, "How long a log-in lasts."},
    {"mail", &config_mail_type, false, NULL,
     "The server that takes our mails; without it none is sent."},
    {"device_sources", &config_sources_type, false, NULL, "Who tells what of devices."},
    {"notify", &config_notify_type, false, NULL,
     "Channels that policies name: who is told of break-glass and asked for approvals."},
    {"audit", &audit_type, false, NULL, "The access log."},
    {"limits", &limits_type, false, NULL, "Sizes and times that others can influence."},
    {"log", &log_type, false, NULL, "Diagnostics for operators."},
    {0}};
const struct schema_type config_type = {
    .kind = SCHEMA_MAP, .name = "postern.yaml", .fields = config_fields};
