/* stage: an http server between a client and an app, both played by the test: it says bytes at one
 * end and looks what arrives at the other. One thread, one loop, the clock of tests/unit/gate. */
#ifndef TESTS_UNIT_HTTP_STAGE_H
#define TESTS_UNIT_HTTP_STAGE_H

#include "house.h"
#include "proxy/http/http.h"

enum { STAGE_UPS = 12, STAGE_TEXT = 1 << 20 };

/* One end of a socket and all that came out of it. */
struct player {
    int fd; /* -1: closed by us, or never open */
    char *heard;
    size_t n, cap;
    bool saw_end;  /* the other side closed */
    bool is_reset; /* without ceremony */
    bool is_deaf;  /* the test does not read: back-pressure */
    char *unsent;
    size_t n_unsent;
};

/* Closes and forgets; for a client that was put aside. */
void player_finish(struct player *p);

struct stage {
    struct house *house;
    struct http_server *http;
    int listener;   /* of the app */
    bool is_absent; /* the app does not listen */
    struct player client;
    struct player up[STAGE_UPS]; /* in the order of their connecting */
    size_t n_up;
    unsigned n_drained, n_crowded;
    bool is_crowded;
    size_t connections; /* limit; set before stage_connect */
};

struct stage *stage_open(const struct house_options *o);
/* Nothing is left: no connection, buffer, reservation, visit. */
void stage_close(struct stage *s);
/* A new client connection (the old one is closed first) to a listener of the configuration. */
void stage_connect(struct stage *s, size_t listener);
void stage_connect_as(struct stage *s, enum http_role role, size_t listener);
/* "@staff", "@guest", "@late" stand for an Authorization line each. */
void stage_say(struct stage *s, const char *text);
void stage_say_bytes(struct stage *s, const char *bytes, size_t n);
void stage_up_say(struct stage *s, size_t up, const char *text);
void stage_up_say_bytes(struct stage *s, size_t up, const char *bytes, size_t n);
void stage_hang_up(struct stage *s);
void stage_half_close(struct stage *s);
void stage_up_hang_up(struct stage *s, size_t up);
/* Until nothing moves any more. */
void stage_settle(struct stage *s);
/* The clock goes on, then stage_settle. */
void stage_pass(struct stage *s, int64_t ms);
/* What came so far, request ids written as "ID"; forgets it. */
const char *stage_heard(struct stage *s);
const char *stage_up_heard(struct stage *s, size_t up);
/* The client's connection is closed by postern. */
bool stage_is_closed(const struct stage *s);
/* Buffers of the worker that are out. */
size_t stage_buffers(const struct stage *s);

bool begins(const char *text, const char *want);
/* The usual app with further settings (", max_body: 10"), and a client connected. */
struct stage *stage_open_app(const char *settings);

/* ---- texts that most tests need ---- */

#define HOST "Host: inventory.example\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "@staff\r\n"
/* What the app sees behind the request line and what the client sent. */
#define FROM_US                                                                                    \
    "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: http\r\n"                                 \
    "X-Forwarded-Host: inventory.example\r\nX-Request-Id: ID\r\n"                                  \
    "X-User: kim@acme.example\r\nX-Groups: staff\r\n"
#define UP(line, fields) line " HTTP/1.1\r\n" HOST fields FROM_US
#define UP_GET(path) UP("GET " path, "") "\r\n"
/* What is added to an answer that says neither. */
#define ADDED "Cache-Control: private\r\nDate: Fri, 27 Nov 2026 15:00:00 GMT\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
#define OK_3_SEEN "HTTP/1.1 200 OK\r\n" ADDED "Content-Length: 3\r\n\r\nabc"

#define TESTS_POLICY(settings)                                                                     \
    "version: 1\n"                                                                                 \
    "apps:\n"                                                                                      \
    "  - {name: inventory, host: inventory.example, upstream: \"unix:APP_SOCKET\",\n"              \
    "     public_paths: [/public/**],\n"                                                           \
    "     identity: {headers: {X-User: email, X-Groups: groups}}" settings                         \
    "}\n" STAFF_MAY("inventory")

#define STAFF_MAY(app)                                                                             \
    "rules:\n  - {id: staff, effect: allow, who: {groups: [staff]}, to: {apps: [" app "]}}\n"

/* What comes while a long visit runs: no rule lets anybody in; the app is gone; its host belongs to
 * another one; it is served from elsewhere. */
#define SHUT                                                                                       \
    "version: 1\n"                                                                                 \
    "apps:\n"                                                                                      \
    "  - {name: inventory, host: inventory.example, upstream: \"http://127.0.0.1:9\"}\n"
#define GONE                                                                                       \
    "version: 1\n"                                                                                 \
    "apps:\n"                                                                                      \
    "  - {name: other, host: other.example, upstream: \"unix:APP_SOCKET\"}\n" STAFF_MAY("other")
#define RENAMED                                                                                    \
    "version: 1\n"                                                                                 \
    "apps:\n"                                                                                      \
    "  - {name: other, host: inventory.example, upstream: \"unix:APP_SOCKET\"}\n" STAFF_MAY(       \
        "other")
#define ELSEWHERE SHUT STAFF_MAY("inventory")

/* The newest record's end and status. */
#define assert_end(row, stage, end_word, status_text)                                              \
    do {                                                                                           \
        json_t *r_ = house_last((stage)->house);                                                   \
        assert_text(row, member(r_, "end"), end_word);                                             \
        assert_text(row, member(r_, "status"), status_text);                                       \
    } while (0)

#endif
