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

enum front { FRONT_NONE = 0, FRONT_DIRECT, FRONT_FORWARDED };

struct config_listener {
    struct listen_address address;
    enum front front;
    const struct cidr *trusted; /* FRONT_FORWARDED over TCP: whose X-Forwarded-* counts */
    size_t n_trusted;
    bool has_peer_uid; /* unix: the only user that may connect */
    uid_t peer_uid;
    bool is_plain_allowed; /* plain: true, off loopback; say so in the log */
    /* tls: n_certificates == 0 is a plain listener */
    const struct certificate *certificates;
    size_t n_certificates;
    str client_ca; /* PEM file or absent */
    enum tls_min tls_min;
    /* redirect: https. Serves acme_dir below /.well-known/acme-challenge/ and redirects, nothing
     * else */
    bool is_redirect;
    str acme_dir; /* absent: none */
};

/* ---- Issuers: what authn compares, and where its keys come from ---- */

enum keys_source { KEYS_NONE = 0, KEYS_DISCOVERY, KEYS_URL, KEYS_FILE };

struct config_issuer {
    str name;
    const struct issuer *issuer; /* authn's own settings */
    enum keys_source keys;
    str url; /* KEYS_URL: the JWKS; KEYS_DISCOVERY: the issuer's .well-known/openid-configuration */
    str file; /* KEYS_FILE */
    str ca;   /* PEM file that fetches trust instead of the system's, or absent */
    const struct doc_node *file_at, *ca_at;
    char trust[DIGEST_HEX_CHARS + 1]; /* trust.h */
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
};

struct config {
    str path;                          /* postern.yaml as given */
    str dir;                           /* its directory, absolute: what relative names hang on */
    char digest[DIGEST_HEX_CHARS + 1]; /* SHA-256 of the file */
    const struct config_listener *listeners;
    size_t n_listeners;
    str portal_host; /* A-label, lower-case; absent when not set */
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
    const str *sources;                        /* names of device_sources: */
    size_t n_sources;
    const str *channels; /* names of notify:, for policies' break_glass */
    size_t n_channels;
    struct config_audit audit;
    struct limits limits;
    enum log_level log_level;
    enum log_style log_style;
};

#endif
