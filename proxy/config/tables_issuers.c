/* tables_issuers: `issuers:`, `builtin:` and `services:`. See tables.h. */
#include "proxy/config/tables_impl.h"

CHOICE(client_auth, "a way to authenticate", "basic", "post", "private_key_jwt", "none");
CHOICE(claims_from, "a source of claims", "id_token", "userinfo");

static const struct schema_field claims_fields[] = {
    {"groups", &schema_text, false, "groups", "The claim that holds the groups."},
    {"email", &schema_text, false, "email", "The claim that holds the mail address."},
    {0}};
static const struct schema_type claims_type = {
    .kind = SCHEMA_MAP, .name = "claims", .fields = claims_fields};
static const struct schema_field mfa_fields[] = {
    {"amr", &config_texts_type, false, NULL, "Any of these methods means more than one factor."},
    {"acr", &config_texts_type, false, NULL, "Any of these classes means more than one factor."},
    {0}};
static const struct schema_type mfa_type = {
    .kind = SCHEMA_MAP, .name = "mfa", .fields = mfa_fields};
static const struct schema_type exponents_type = {
    .kind = SCHEMA_LIST, .name = "a list of numbers", .item = &schema_uint};
static const struct schema_type device_type = {.kind = SCHEMA_DICT,
                                               .name = "attributes of the device",
                                               .key = &config_slug_type,
                                               .item = &schema_text};
static const struct schema_field issuer_fields[] = {
    {"issuer", &schema_text, true, NULL, "The claim `iss`, byte for byte."},
    {"audience", &config_some_texts_type, false, "none",
     "One of these must be in the claim `aud` of a bearer token; without it the issuer's bearer "
     "tokens are refused. Required without `client_id`."},
    {"authorized_parties", &config_texts_type, false, "the audiences",
     "Who may be `azp` when `aud` names several."},
    {"jwks_url", &config_url_type, false, "by discovery",
     "Where the issuer's keys are; without it, and without jwks_file, the issuer's "
     "`.well-known/openid-configuration` is asked."},
    {"jwks_file", &config_file_type, false, NULL,
     "The issuer's keys as a file, watched like policies."},
    {"ca", &config_file_type, false, "the system's",
     "PEM file that is trusted when keys are fetched."},
    {"algs", &config_algs_type, false, "[RS256, ES256]",
     "Algorithms that this issuer may sign with: RS, PS or ES with 256, 384 or 512, and EdDSA."},
    {"rsa_exponents", &exponents_type, false, "[65537]",
     "Further public exponents of its RSA keys; odd, at least 3."},
    {"access_tokens", &schema_bool, false, "false",
     "Bearer tokens must say `typ: at+jwt` (RFC 9068)."},
    {"trusted_email", &schema_bool, false, "false",
     "Its mail addresses count without the claim `email_verified`."},
    {"claims", &claims_type, false, NULL, "Which claims hold what."},
    {"claims_from", &claims_from_type, false, "id_token",
     "`userinfo`: its claims are added to those of the ID token, after `sub` matched."},
    {"absent_means_none", &config_texts_type, false, NULL,
     "Claims that this issuer always sends when there is something to send."},
    {"mfa", &mfa_type, false, NULL, "How it says that more than one factor was used."},
    {"device", &device_type, false, NULL,
     "Which claims say what of the device: `{compliant: device_compliant}`."},
    {"client_id", &schema_text, false, NULL,
     "What we are called there: with it people sign in here in the browser. Needs `portal`."},
    {"client_secret_file", &config_file_type, false, NULL,
     "File with the client's secret; not readable by everybody."},
    {"client_key_file", &config_file_type, false, NULL,
     "PEM file with the client's private key, RSA or P-256 (private_key_jwt), instead."},
    {"client_auth", &client_auth_type, false, "what it offers",
     "How we prove ourselves: `basic`, `post`, `private_key_jwt` or `none`."},
    {"scopes", &config_texts_type, false, "[openid, profile, email]",
     "What is asked for; `openid` always is."},
    {"title", &schema_text, false, "its name", "What people read where they choose."},
    {"mail_domains", &config_hosts_type, false, NULL, "People with such an address are sent here."},
    {"apps", &config_slugs_type, false, "all", "Apps that it is offered for."},
    {0}};
static const struct schema_type issuer_map_type = {
    .kind = SCHEMA_MAP, .name = "an issuer", .fields = issuer_fields};
static const struct schema_type issuer_word_type = {
    .kind = SCHEMA_SCALAR,
    .name = "an issuer",
    .doc = "`builtin`: the issuer of our own, see the section `builtin`. Needs `portal`."};
static const struct schema_type *const issuer_alternatives[] = {&issuer_word_type, &issuer_map_type,
                                                                NULL};
static const struct schema_type issuer_type = {
    .kind = SCHEMA_EITHER, .name = "an issuer", .alternatives = issuer_alternatives};
const struct schema_type config_issuers_type = {
    .kind = SCHEMA_DICT, .name = "issuers", .key = &config_slug_type, .item = &issuer_type};

static const struct schema_field builtin_fields[] = {
    {"users", &config_file_type, false, "users.yaml",
     "The people: written by `postern user`, or by hand; watched like policies."},
    {"pin", &schema_bool, false, "false",
     "People who take one get a one-time PIN by mail. Needs `mail`."},
    {"title", &schema_text, false, "the portal's", "What people read where they choose."},
    {0}};
const struct schema_type config_builtin_type = {
    .kind = SCHEMA_MAP, .name = "builtin", .fields = builtin_fields, .may_be_empty = true};

static const struct schema_type match_type = {
    .kind = SCHEMA_DICT, .name = "claims to match", .key = &schema_text, .item = &schema_text};
static const struct schema_field service_fields[] = {
    {"issuer", &schema_text, true, NULL, "Name of one of `issuers`, or of a front's."},
    {"match", &match_type, true, NULL,
     "Claims that all must match; a value that ends in `*` matches by its beginning."},
    {0}};
static const struct schema_type service_type = {
    .kind = SCHEMA_MAP, .name = "a service", .fields = service_fields};
const struct schema_type config_services_type = {
    .kind = SCHEMA_DICT, .name = "services", .key = &config_slug_type, .item = &service_type};
