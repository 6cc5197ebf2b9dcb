/* tables_listeners: `listeners:`. See tables.h. */
#include "proxy/config/tables_impl.h"

CHOICE(tls_min, "a TLS version", "1.2", "1.3");
CHOICE(redirect, "a redirect", "https");

static const struct schema_field certificate_fields[] = {
    {"cert", &config_file_type, true, NULL,
     "PEM file with the certificate, leaf first, then its chain."},
    {"key", &config_file_type, true, NULL, "PEM file with its key; not readable by everybody."},
    {0}};
static const struct schema_type certificate_type = {
    .kind = SCHEMA_MAP, .name = "a certificate", .fields = certificate_fields};
static const struct schema_type certificates_type = {
    .kind = SCHEMA_LIST, .name = "a list of certificates", .item = &certificate_type};

static const struct schema_field tls_fields[] = {
    {"certificates", &certificates_type, true, NULL,
     "Chosen by SNI; the first one answers when no name fits."},
    {"client_ca", &config_file_type, false, NULL,
     "PEM file with the CAs of devices: clients are asked for a certificate of theirs, and let "
     "through without one."},
    {"client_crl", &config_file_type, false, NULL,
     "PEM file with the revocation lists of those CAs; with it, each CA must have a valid one."},
    {"min", &tls_min_type, false, "\"1.2\"", "Least version of TLS: 1.2 or 1.3."},
    {0}};
static const struct schema_type tls_type = {
    .kind = SCHEMA_MAP, .name = "tls", .fields = tls_fields};

static const struct schema_field listener_fields[] = {
    {"address", &config_address_type, true, NULL,
     "`:443` (every address, dual-stack), `127.0.0.1:8080`, `[::1]:8080` or `unix:/path`."},
    {"tls", &tls_type, false, NULL, "Without it the listener is plain."},
    {"plain", &schema_bool, false, "false",
     "Allows a plain listener that is neither on loopback nor a unix socket."},
    {"front", &config_front_type, false, "direct", "Who stands in front of this listener."},
    {"peer_uid", &schema_text, false, NULL,
     "On a unix socket: the only user, by name or number, that may connect."},
    {"redirect", &redirect_type, false, NULL,
     "`https`: sends everybody to https, port 443, and serves nothing else (but `acme_dir`)."},
    {"acme_dir", &config_file_type, false, NULL,
     "Directory whose `.well-known/acme-challenge/` a redirecting listener serves."},
    {0}};
static const struct schema_type listener_type = {
    .kind = SCHEMA_MAP, .name = "a listener", .fields = listener_fields};
const struct schema_type config_listeners_type = {
    .kind = SCHEMA_LIST, .name = "a list of listeners", .item = &listener_type};
