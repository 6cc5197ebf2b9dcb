/* tables_devices: `device_sources:`. One table for all kinds: which keys a kind has, and which it
 * needs, is in decode_devices.c, so that a key of another kind is told as that. */
#include "proxy/config/tables_impl.h"

CHOICE(kind, "a kind of source", "inventory", "fleet", "posture", "certificate");
CHOICE(id, "a part of a certificate", "san_uri", "san_dns", "serial", "cn");

static const struct schema_field source_fields[] = {
    {"kind", &kind_type, true, NULL,
     "`inventory` (a file), `fleet` (a Fleet server), `posture` (signed documents) or "
     "`certificate` (of the client, see `client_ca`)."},
    {"file", &config_file_type, false, NULL,
     "inventory: YAML or, when its name ends in .csv, CSV; watched like policies."},
    {"url", &config_url_type, false, NULL, "fleet: the server."},
    {"token_file", &config_file_type, false, NULL,
     "fleet: file with the API token; not readable by everybody."},
    {"every", &schema_duration, false, "60s", "fleet: between two polls."},
    {"ca", &config_file_type, false, "the system's",
     "fleet, posture: PEM file that is trusted when they are asked."},
    {"issuer", &schema_text, false, NULL, "posture: the claim `iss`, byte for byte."},
    {"audience", &config_some_texts_type, false, NULL, "posture: one of these must be in `aud`."},
    {"jwks_url", &config_url_type, false, NULL, "posture: where the issuer's keys are."},
    {"jwks_file", &config_file_type, false, NULL, "posture: the issuer's keys as a file."},
    {"algs", &config_algs_type, false, "[RS256, ES256]",
     "posture: algorithms that it may sign with."},
    {"header", &config_header_type, false, NULL, "posture: header that carries a document."},
    {"cookie", &config_cookie_type, false, NULL, "posture: cookie that carries a document."},
    {"max_age", &schema_duration, false, "15m", "posture: older documents are refused."},
    {"id", &id_type, false, "san_uri",
     "certificate: what names the device: `san_uri`, `san_dns`, `serial` or `cn`."},
    {0}};
static const struct schema_type source_type = {
    .kind = SCHEMA_MAP, .name = "a device source", .fields = source_fields};
const struct schema_type config_sources_type = {
    .kind = SCHEMA_DICT, .name = "device sources", .key = &config_slug_type, .item = &source_type};
