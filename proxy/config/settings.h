/* settings: the content of postern.yaml as plain structs, one for each section; the zero value of
 * each part refuses or is off. See proxy/config/config.h for who owns them. */
#ifndef PROXY_CONFIG_SETTINGS_H
#define PROXY_CONFIG_SETTINGS_H

#include <sys/types.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "authn/authn.h"
#include "proxy/net/net.h"

enum { DIGEST_HEX_CHARS = 64 };

/* base/doc.h. A member `x_at` is the place that names the file x, for findings: it lives as long as
 * the config, and is NULL where a default names it. */
struct doc_node;

/* ---- Addresses that we listen on ---- */

enum address_kind { ADDRESS_NONE = 0, ADDRESS_TCP, ADDRESS_UNIX };

struct listen_address {
    enum address_kind kind;
    struct addr addr; /* TCP: family 0 means every address, dual-stack (":443") */
    uint16_t port;
    str path; /* unix: absolute */
    str text; /* as written */
};

struct certificate {
    str cert, key; /* PEM files */
    const struct doc_node *cert_at, *key_at;
};

enum front {
    FRONT_NONE = 0,
    FRONT_DIRECT,
    FRONT_FORWARDED,
    FRONT_PROXY_PROTOCOL, /* v1 or v2, required */
    FRONT_CLOUDFLARE,
    FRONT_TAILSCALE,
    FRONT_GOOGLE_IAP,
    FRONT_AWS_ALB,
    FRONT_HEADER_JWT,
};

/* Which header tells the client; of both, both must say the same. */
enum front_header { FRONT_HEADER_EITHER = 0, FRONT_HEADER_X, FRONT_HEADER_FORWARDED };

/* The vendor's application that stands before an app of ours. */
struct assertion_audience {
    str app, audience;
};

/* Identity that the front asserts: which signed header, and the issuer that it is read by. */
struct config_assertion {
    str header; /* "cf-access-jwt-assertion"; absent: no header proves an identity */
    /* By name, since a listener may outlive the settings that it came with; absent: the front
     * proves no identity. */
    str issuer;
    bool is_served; /* tailscale serve's headers: unsigned, from a unix socket and one user alone */
    str signer;     /* aws-alb: the load balancer's ARN, compared before anything else */
    /* By app: the only audience that counts there, and none for an app that is not listed. n == 0:
     * the issuer's audiences count for all apps. */
    const struct assertion_audience *audiences;
    size_t n_audiences;
};

struct config_listener {
    struct listen_address address;
    enum front front;
    enum front_header front_header; /* FRONT_FORWARDED */
    const struct cidr
        *trusted; /* over TCP: whose X-Forwarded-*, PROXY header or assertion counts */
    size_t n_trusted;
    struct config_assertion assertion;
    str whois_socket;       /* FRONT_TAILSCALE: the local daemon's socket */
    str client_cert_header; /* of a trusted front: the client's certificate, PEM url-escaped */
    bool has_peer_uid;      /* unix: the only user that may connect */
    uid_t peer_uid;
    bool is_plain_allowed; /* plain: true, off loopback; say so in the log */
    /* tls: n_certificates == 0 is a plain listener */
    const struct certificate *certificates;
    size_t n_certificates;
    str client_ca; /* PEM file of the device CA, or absent: not asked for */
    const struct doc_node *client_ca_at;
    str client_crl; /* PEM file of its revocation lists, or absent */
    const struct doc_node *client_crl_at;
    enum tls_min tls_min;
    /* redirect: https. Serves acme_dir below /.well-known/acme-challenge/ and redirects, nothing
     * else */
    bool is_redirect;
    str acme_dir; /* absent: none */
};

/* ---- Issuers: what authn compares, and where its keys come from ---- */

enum keys_source {
    KEYS_NONE = 0,
    KEYS_DISCOVERY,
    KEYS_URL,
    KEYS_FILE,
    KEYS_BUILTIN, /* the built-in issuer's own */
    KEYS_BY_KID,  /* aws-alb: one PEM file a kid, below url */
};

/* How we prove ourselves at the token endpoint (OpenID Connect Core, section 9). */
enum client_auth {
    CLIENT_AUTH_AUTO = 0, /* what the discovery document offers: key, basic, post, none */
    CLIENT_AUTH_BASIC,
    CLIENT_AUTH_POST,
    CLIENT_AUTH_KEY, /* private_key_jwt */
    CLIENT_AUTH_NONE,
};

/* `issuers.NAME.device: {compliant: device_compliant}`: this attribute is that claim. */
struct device_claim {
    str attribute, claim;
};

struct config_issuer {
    str name;
    const struct issuer *issuer; /* authn's own settings */
    enum keys_source keys;
    str url; /* KEYS_URL: the JWKS; KEYS_DISCOVERY: the issuer's .well-known/openid-configuration */
    str file; /* KEYS_FILE */
    str ca;   /* PEM file that fetches trust instead of the system's, or absent */
    const struct doc_node *file_at, *ca_at;
    char trust[DIGEST_HEX_CHARS + 1]; /* trust.h */

    /* Log-in in a browser: offered when client_id is there. */
    bool is_builtin;  /* `NAME: builtin`: answered in process, see struct config_builtin */
    bool is_implicit; /* made for a front or a source: no Bearer of it is accepted, no log-in */
    bool is_posture;  /* implicit, of a device source: proves no identity at all */
    str title;        /* what people read on the choice page; the name by default */
    str client_id;    /* absent: tokens only */
    str client_secret_file, client_key_file; /* PEM: private_key_jwt; neither: a public client */
    const struct doc_node *client_secret_at, *client_key_at;
    enum client_auth client_auth;
    const str *scopes; /* openid is always among them */
    size_t n_scopes;
    const str *mail_domains; /* people with such an address are sent here */
    size_t n_mail_domains;
    const str *apps; /* offered for these alone; none: for all */
    size_t n_apps;
    const struct doc_node *apps_at;
    bool from_userinfo;                /* claims_from: userinfo */
    const struct device_claim *device; /* compliance claims of the provider */
    size_t n_device;
};

/* ---- Log-in, sessions, notices ---- */

struct config_portal {
    str host;           /* A-label, lower-case; absent: no log-in, no pages */
    str origin;         /* "https://access.corp.example", with the port that browsers use */
    str title, contact; /* of the organisation; may be absent */
};

struct config_sessions {
    int64_t max_s;  /* from the log-in, 24 h */
    int64_t idle_s; /* from the last request, 8 h */
    int64_t
        refresh_s; /* claims older than this are fetched anew where the issuer lets us, 10 min */
};

struct config_builtin {
    str users_file; /* users.yaml */
    const struct doc_node *users_at;
    bool has_pin; /* a one-time PIN by mail is offered; needs mail: */
};

struct config_mail {
    str url;  /* smtp://host:25, smtp+starttls://host:587 or smtps://host:465; absent: none is sent
               */
    str from; /* an address */
    str username, password_file, ca;
    const struct doc_node *password_at, *ca_at;
};

struct config_channel {
    str name;
    str webhook; /* a URL, or absent */
    const str *mail;
    size_t n_mail;
};

/* ---- Devices ---- */

enum source_kind {
    SOURCE_NONE = 0,
    SOURCE_INVENTORY,   /* a file, YAML or CSV */
    SOURCE_FLEET,       /* a Fleet server */
    SOURCE_POSTURE,     /* signed posture documents */
    SOURCE_CERTIFICATE, /* what the client's certificate says; the listener's client_ca verifies */
    SOURCE_CLAIMS,      /* of tokens; implied by issuers.NAME.device, named like the issuer */
};

enum device_id_from { DEVICE_ID_SAN_URI = 0, DEVICE_ID_SAN_DNS, DEVICE_ID_SERIAL, DEVICE_ID_CN };

struct config_source {
    str name;
    enum source_kind kind;
    str file; /* SOURCE_INVENTORY */
    const struct doc_node *file_at;
    str url, token_file, ca; /* SOURCE_FLEET */
    const struct doc_node *token_at, *ca_at;
    int64_t every_ms; /* SOURCE_FLEET: between polls, 60 s */
    /* SOURCE_POSTURE: read like a token of an issuer; index in config->issuers (is_implicit).
     * SOURCE_CLAIMS: whose tokens they are. */
    size_t issuer;
    str header, cookie;          /* where a request carries it; absent: only by POST */
    int64_t max_age_s;           /* from iat, 15 min */
    enum device_id_from id_from; /* SOURCE_CERTIFICATE */
};

/* ---- The rest of the sections ---- */

/* What the record keeps of a query string, which may hold secrets. */
enum query_record { QUERY_DROP = 0, QUERY_HASH };

struct config_audit {
    str file;                       /* "-": standard output */
    const struct doc_node *file_at; /* NULL: the usual place */
    bool is_always;                 /* sync: always */
    bool continues;                 /* on_error: continue */
    enum query_record query;
    uint64_t rotate_bytes;   /* 0: not by size */
    int64_t rotate_every_ms; /* 0: not by time */
    int64_t keep_ms;         /* 0: for ever */
    bool compress;           /* rotated files */
};

/* One member per key of `limits:`, same name but for the unit. */
struct limits {
    /* request head (http-rules) */
    size_t request_line_bytes;     /* 8 KiB, 414 */
    size_t header_bytes;           /* 20 KiB, 431 */
    size_t headers_bytes;          /* 64 KiB, 431 */
    size_t fields;                 /* 100, 431 */
    size_t chunk_extension_bytes;  /* 1 KiB, 400 */
    size_t response_headers_bytes; /* 64 KiB, 502 */
    size_t interim_responses;      /* 1xx answers of an upstream, 8, 502 */
    /* clocks */
    int64_t head_timeout_ms;      /* 10 s, 408 */
    int64_t handshake_timeout_ms; /* 10 s */
    int64_t keepalive_timeout_ms; /* 75 s idle between requests */
    int64_t body_stall_ms;        /* 30 s without progress of a request body, 408 */
    int64_t client_stall_ms;      /* 60 s of a client that takes nothing */
    int64_t tcp_keepalive_ms;     /* 30 s, both sides */
    int64_t drain_timeout_ms;     /* 30 s from SIGTERM until what is left is cut */
    int64_t visit_after_ms;       /* 10 s: from here a request stands in the table of long visits */
    /* room, per worker unless told otherwise */
    size_t connections;               /* whole process; 0: by the descriptor limit */
    size_t buffers_bytes;             /* pinned read buffers, 64 MiB */
    size_t token_cache;               /* verified tokens remembered, 4096 */
    size_t long_visits;               /* 4096 */
    size_t audit_ring_bytes;          /* 8 MiB */
    int64_t audit_wait_ms;            /* 200 ms for room in a full ring, then 503 */
    size_t upstream_idle;             /* idle connections kept to one upstream, 64 */
    int64_t upstream_idle_timeout_ms; /* 60 s */
    size_t upstream_connections;      /* to one upstream, 512; then 503 */
    /* control thread */
    int64_t jwks_timeout_ms; /* 10 s for one fetch */
    /* people */
    size_t session_cache;      /* sessions that a worker remembers, 16384 */
    size_t logins;             /* log-ins under way, 4096; then the oldest go */
    size_t logins_per_browser; /* 16 */
    int64_t login_timeout_ms;  /* 10 min from the first page to the session */
    int64_t store_wait_ms;     /* 2 s for an answer of the store, then 503 */
    size_t form_bytes;         /* body of a form of ours or of a replayed POST, 64 KiB, 413 */
    size_t password_checks;    /* at once 2, waiting eight times as many; then 429 */
};

struct config {
    str path;                          /* postern.yaml as given */
    str dir;                           /* its directory, absolute: what relative names hang on */
    char digest[DIGEST_HEX_CHARS + 1]; /* SHA-256 of the file */
    const struct config_listener *listeners;
    size_t n_listeners;
    struct config_portal portal;
    struct config_sessions sessions;
    struct config_builtin builtin;
    struct config_mail mail;
    bool has_admin;
    struct listen_address admin;
    str policies_dir, state_dir;
    const struct doc_node *policies_at, *state_at;
    unsigned workers; /* 0: one for each CPU that we may run on */
    const struct config_issuer *issuers;
    size_t n_issuers;
    const struct service_match *services; /* which tokens are machines */
    size_t n_services;
    char services_trust[DIGEST_HEX_CHARS + 1]; /* trust.h */
    const struct doc_node *sources_at;         /* device_sources; NULL: there is no such section */
    const struct config_source *sources;
    size_t n_sources;
    const struct config_channel *channels; /* for policies' break_glass and approvals */
    size_t n_channels;
    struct config_audit audit;
    struct limits limits;
    enum log_level log_level;
    enum log_style log_style;
};

#endif
