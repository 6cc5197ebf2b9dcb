/* tables_people: `portal:`, `sessions:`, `mail:` and `notify:`. See tables.h. */
#include "proxy/config/tables_impl.h"

static const struct schema_field portal_fields[] = {
    {"host", &config_host_type, true, NULL,
     "Host of the pages for people, and of every log-in; no app may have it."},
    {"origin", &config_origin_type, false, "https://HOST",
     "How browsers reach that host, when it is not https on port 443."},
    {"title", &schema_text, false, NULL, "Name of the organisation, on the pages."},
    {"contact", &schema_text, false, NULL, "Whom a refused person may ask."},
    {0}};
const struct schema_type config_portal_type = {
    .kind = SCHEMA_MAP, .name = "portal", .fields = portal_fields};

static const struct schema_field sessions_fields[] = {
    {"max", &schema_duration, false, "24h", "A session ends so long after its log-in."},
    {"idle", &schema_duration, false, "8h", "The same after its last request."},
    {"refresh", &schema_duration, false, "10m",
     "Claims older than this are fetched anew where the issuer lets us."},
    {0}};
const struct schema_type config_sessions_type = {
    .kind = SCHEMA_MAP, .name = "sessions", .fields = sessions_fields, .may_be_empty = true};

static const struct schema_field mail_fields[] = {
    {"smtp", &config_mail_url_type, true, NULL,
     "`smtps://HOST:465`, `smtp+starttls://HOST:587`, or `smtp://HOST:25` without TLS."},
    {"from", &config_mail_address_type, true, NULL, "The sender of all mails."},
    {"username", &schema_text, false, NULL, "With it we sign in there."},
    {"password_file", &config_file_type, false, NULL,
     "File with the password for it; not readable by everybody."},
    {"ca", &config_file_type, false, "the system's", "PEM file that is trusted for the server."},
    {0}};
const struct schema_type config_mail_type = {
    .kind = SCHEMA_MAP, .name = "mail", .fields = mail_fields};

static const struct schema_field channel_fields[] = {
    {"webhook", &config_url_type, false, NULL, "URL that is told."},
    {"mail", &config_mail_addresses_type, false, NULL, "Addresses that are told. Needs `mail`."},
    {0}};
static const struct schema_type channel_type = {
    .kind = SCHEMA_MAP, .name = "a channel", .fields = channel_fields};
const struct schema_type config_notify_type = {
    .kind = SCHEMA_DICT, .name = "channels", .key = &config_slug_type, .item = &channel_type};
