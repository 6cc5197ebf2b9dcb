/* message: heads of HTTP messages as they were understood, and heads as they are written anew.
 *
 * A head is parsed once (h1_head.h); route, policy, log and upstream read this struct and nothing
 * of the raw head is passed on. Slices point into the head's bytes, which the caller keeps in the
 * exchange's arena, or into that arena. Absent texts are {NULL, 0}. Worker thread only. */
#ifndef PROXY_HTTP_MESSAGE_H
#define PROXY_HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/str.h"

struct field_set;

/* Methods that postern knows; any other is answered 501 and never forwarded. TRACE is not among
 * them (it echoes credentials), CONNECT is refused by form. */
#define HTTP_METHODS(X)                                                                            \
    X(GET)                                                                                         \
    X(HEAD)                                                                                        \
    X(POST)                                                                                        \
    X(PUT)                                                                                         \
    X(DELETE)                                                                                      \
    X(PATCH)                                                                                       \
    X(OPTIONS)                                                                                     \
    X(PROPFIND)                                                                                    \
    X(PROPPATCH)                                                                                   \
    X(MKCOL)                                                                                       \
    X(COPY)                                                                                        \
    X(MOVE)                                                                                        \
    X(LOCK)                                                                                        \
    X(UNLOCK)                                                                                      \
    X(SEARCH)                                                                                      \
    X(REPORT)                                                                                      \
    X(MKACTIVITY)                                                                                  \
    X(MKCALENDAR)                                                                                  \
    X(CHECKOUT)                                                                                    \
    X(MERGE)                                                                                       \
    X(BIND)                                                                                        \
    X(REBIND)                                                                                      \
    X(UNBIND)                                                                                      \
    X(ACL)                                                                                         \
    X(LINK)                                                                                        \
    X(UNLINK)                                                                                      \
    X(PURGE)

enum http_method {
    METHOD_NONE = 0,
#define X(name) METHOD_##name,
    HTTP_METHODS(X)
#undef X
        METHOD_COUNT
};

enum http_framing {
    FRAMING_NONE = 0, /* no body: none announced, or none possible (HEAD, 1xx, 204, 304) */
    FRAMING_LENGTH,   /* content_length bytes, may be 0 */
    FRAMING_CHUNKED,
    FRAMING_UNTIL_CLOSE, /* responses only */
};

/* Why a field is not passed on; 0 passes. */
enum field_drop {
    DROP_NOT = 0,
    DROP_HOP,        /* hop-by-hop, or framing that we write anew */
    DROP_CONNECTION, /* named by Connection */
    DROP_FORWARDED,  /* who and where from, as told by a hop before us: we say it anew */
    DROP_OVERRIDE,   /* asks the upstream to see another path or method than we decided on */
    DROP_IDENTITY,   /* ours or another vendor's identity header: a spoof attempt */
    DROP_LOOKALIKE,  /* folds to a known name without being it */
    DROP_COOKIE,     /* response: Set-Cookie with one of our names */
    DROP_REWRITTEN,  /* Host, Expect and others whose place is taken by our own line */
};

struct http_field {
    str name, value; /* the value without leading and trailing white space */
    uint32_t hash;   /* of the folded name, see fields.h */
    uint16_t id;     /* enum field_id, 0 when unknown or a look-alike */
    uint8_t drop;    /* enum field_drop */
};

struct http_request_head {
    str method;
    enum http_method method_id;
    str target;    /* raw */
    uint8_t minor; /* 0 or 1: HTTP/1.minor */
    struct http_field *fields;
    size_t n_fields;
    bool is_asterisk; /* OPTIONS * */
    bool is_absolute;

    str host_raw;  /* the Host field; the target's authority in absolute form */
    str host;      /* normalised: lower case, no port, no trailing dot, [v6] bracketed */
    uint16_t port; /* as written in Host, 0 when absent */
    str path_raw;  /* "/" or longer; not yet normalised (policy/path.h does) */
    str query;     /* without the "?"; {NULL, 0} when there was none */

    enum http_framing framing;
    uint64_t content_length;
    bool keep_alive; /* the client wants to go on */
    bool wants_upgrade_websocket;
    bool expects_continue;
    str assertion;           /* of the front (front.h); absent: none that counts */
    unsigned spoof_attempts; /* fields dropped as DROP_IDENTITY, or their look-alikes */

    /* First field of that name; fields that carry a decision (authorization, origin, sec_*,
     * content_type, ...) are refused when they come twice. Several Cookie fields are joined. */
    str authorization, cookie, accept, user_agent, origin, referer, content_type, accept_language;
    str sec_fetch_mode, sec_fetch_dest, sec_fetch_site, sec_fetch_user, sec_purpose;
    str x_forwarded_for, x_forwarded_proto, x_forwarded_host, forwarded, x_real_ip;
    str sec_websocket_key, sec_websocket_version, sec_websocket_protocol, sec_websocket_extensions;
    str upgrade, x_postern_token, access_control_request_method, access_control_request_headers;
};

struct http_response_head {
    uint16_t status;
    uint8_t minor;
    str reason;
    struct http_field *fields;
    size_t n_fields;
    enum http_framing framing;
    uint64_t content_length; /* also of a HEAD or 304 answer when has_content_length */
    bool has_content_length;
    bool keep_alive; /* the upstream will take another request after this answer */
    bool is_upgrade; /* 101 to a request of ours that asked for websocket */
    unsigned cookies_refused;
    str content_type, cache_control, set_cookie, date, location, sec_websocket_accept;
    str sec_websocket_protocol, sec_websocket_extensions, strict_transport_security;
};

struct http_pair {
    str name, value;
};

enum http_method http_method_find(str name);
str http_method_text(enum http_method m);
bool http_method_is_idempotent(enum http_method m);
/* "Not Found"; "Unknown" for numbers without a name. */
str http_status_text(unsigned status);
/* First field with this id, NULL when absent. */
const struct http_field *http_field_find(const struct http_field *fields, size_t n, uint16_t id);
/* Any name, compared folded (fields.h); for fields that an app or a front names. */
const struct http_field *http_field_named(const struct http_field *fields, size_t n, str name);

/* What the upstream is told. Everything that is not written here comes from `head`, minus the
 * fields whose `drop` is set, minus `app_fields`, minus our cookies. */
struct request_out {
    const struct http_request_head *head;
    str path;          /* normalised */
    str query;         /* {NULL, 0}: none */
    str host;          /* with port, as the upstream shall see it */
    str forwarded_for; /* one address */
    str forwarded_proto, forwarded_host;
    str request_id;
    const struct http_pair *identity; /* identity headers and assertion, in order */
    size_t n_identity;
    const struct field_set *app_fields; /* names that the app uses for identity; NULL: none */
    const str *cookies_kept;            /* names of those that are for us alone, beside ours */
    size_t n_cookies_kept;
    bool drop_authorization; /* it was a token of ours */
    bool is_websocket;
    enum http_framing framing; /* how we frame the body */
    uint64_t content_length;
};

/* Writes the upstream's request head; 0 when `cap` is too small or a text of ours could break the
 * head (control byte): nothing is sent then. */
size_t request_head_write(const struct request_out *r, char *buf, size_t cap);

struct response_out {
    const struct http_response_head *head;
    enum http_framing framing; /* how we frame the body towards this client */
    uint64_t content_length;   /* FRAMING_LENGTH; also FRAMING_NONE when has_content_length */
    bool has_content_length;   /* FRAMING_NONE: say the length anyway (HEAD, 304) */
    bool keep_alive;
    uint8_t client_minor;
    bool is_websocket;             /* 101 */
    bool is_tls;                   /* HSTS is added when the app set none */
    bool is_identified;            /* Cache-Control becomes private */
    bool shared_cache;             /* the app's setting: leave its Cache-Control alone */
    str date;                      /* added when the upstream sent none */
    const struct http_pair *extra; /* our own fields (CORS, cookies) */
    size_t n_extra;
};

size_t response_head_write(const struct response_out *r, char *buf, size_t cap);

#endif
