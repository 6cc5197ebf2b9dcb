/* exchange: one request and its answer.
 *
 * Two directions, each with a decoder (the source's framing) and a sink (the other side's unsent
 * bytes). A direction reads only while its sink is empty: that is all of the back-pressure. */
#ifndef PROXY_HTTP_EXCHANGE_H
#define PROXY_HTTP_EXCHANGE_H

#include "proxy/http/conn.h"
#include "proxy/http/h1_body.h"
#include "proxy/http/message.h"
#include "proxy/http/sink.h"
#include "proxy/http/websocket.h"

#define EXCHANGE_PHASES(X)                                                                         \
    X(EX_OVER, "over")                                                                             \
    X(EX_GATE, "gate")       /* the visit waits */                                                 \
    X(EX_DIAL, "dial")       /* connecting to the upstream */                                      \
    X(EX_FORWARD, "forward") /* the request goes up; no answer yet */                              \
    X(EX_RESPOND, "respond") /* the answer comes down */                                           \
    X(EX_TUNNEL, "tunnel")   /* WebSocket: bytes both ways */                                      \
    X(EX_FORM, "form")       /* the body of a form of ours, or of a POST to be sent once more */   \
    X(EX_PAGE, "page")       /* the room above makes the page */                                   \
    X(EX_ANSWER, "answer")   /* an answer of ours goes out */

enum exchange_phase {
#define X(id, name) id,
    EXCHANGE_PHASES(X)
#undef X
};

/* What the one deadline stands for. */
enum exchange_timer {
    TIMER_NONE = 0,
    TIMER_FIRST_BYTE,
    TIMER_BODY,
    TIMER_CLIENT,
    TIMER_UPSTREAM,
    TIMER_PAGE,
};

enum { EXCHANGE_ARENA_BYTES = 6 * 1024 };

struct exchange {
    struct exchange *next; /* while free */
    struct conn *conn;
    struct list_node to_send_link; /* server.to_send */
    struct visit visit;
    struct arena arena;
    enum exchange_phase phase;
    enum exchange_timer timer;
    struct deadline deadline;
    struct deadline long_after; /* then it joins the table of long visits */

    struct http_request_head head;
    str head_bytes;
    bool is_tls;       /* as the client sees it */
    bool is_recorded;  /* false: health and admin requests have no visit */
    bool keep;         /* the client's connection goes on after this */
    bool has_answered; /* bytes of an answer were given to the client's sink */

    struct upstream_conn *up;
    struct upstream_dial *dial;
    bool has_retried;
    const struct app *app; /* NULL once the visit stands */
    /* What postern answers itself, sent when the gate has room for the record; NULL: forwarded. */
    void (*own)(struct exchange *ex);
    /* A page of ours, and the body that it was asked with. */
    struct http_page page;
    const char *page_word; /* what it is recorded as */
    bool is_page_open;     /* the room above has it */
    bool is_offered;       /* the room above did not want this refusal */
    char *form;            /* in the arena */
    size_t form_n, form_cap;
    int64_t form_until_ms; /* monotonic; however often a byte of it comes */
    void (*form_done)(struct exchange *ex);
    int64_t body_stall_ms, first_byte_ms;
    uint64_t max_body_bytes;
    bool shared_cache;

    struct body_in request_in;
    enum http_framing request_out;
    bool request_done; /* all of it was read and given to the upstream's sink */
    struct sink to_up;
    bool up_deaf; /* writing to the upstream failed: what it has said before still counts */

    struct buffer *answer_head; /* an incomplete answer head */
    size_t answer_n;
    struct h1_scan answer_scan;
    unsigned interim;
    struct body_in answer_in;
    enum http_framing answer_out;
    bool answer_done; /* all of it was given to the client's sink */
    bool up_reusable;
    bool is_endless; /* an event stream: waiting for its end would be waiting for nothing */
    struct sink to_client;

    struct ws_scan down_frames; /* tunnel: where a close frame of ours may stand */
    bool tunnel_ending;
    enum visit_end tunnel_why;
    uint64_t taken; /* bytes that had left when the tunnel's timer was armed */

    struct visit_close close;
    int64_t dial_us, sent_us; /* monotonic */
    char block[EXCHANGE_ARENA_BYTES];
};

/* exchange.c */
/* Copies the head. Then admit_request; between them the conn may change its inbox. */
struct exchange *exchange_new(struct conn *c, str head);
void exchange_set_phase(struct exchange *ex, enum exchange_phase phase);
void exchange_arm(struct exchange *ex, enum exchange_timer timer, int64_t ms);
/* Writes the record and gives everything back; the conn goes on or closes. ex is gone after it. */
void exchange_finish(struct exchange *ex, enum visit_end end);
/* Sends the requests that wait in server.to_send. */
void exchange_send_all(struct http_server *s);
/* The client's socket is ready. */
void exchange_client_event(struct exchange *ex, unsigned events);
/* It ends by itself or is cut in this turn: for a server that drains. */
void exchange_drain(struct exchange *ex);
/* The worker cuts everything. */
void exchange_cut(struct exchange *ex, enum visit_end end);
/* The visit joins the table of long ones and lets go of its snapshot, so ex->app is NULL after it.
 * False when the table is full. */
bool exchange_stand(struct exchange *ex, enum visit_kind kind,
                    void (*ended)(struct visit *v, enum visit_end why));

/* answer.c: answers of ours */
/* The visit's refusal, as a page or a problem. */
void answer_refusal(struct exchange *ex, enum visit_end end);
/* A failure after the gate let it through. Nothing may have been sent to the client yet. */
void answer_failure(struct exchange *ex, uint16_t status, enum visit_end end);
void answer_small(struct exchange *ex, unsigned status, str type, str body,
                  const struct http_pair *extra, size_t n_extra, enum visit_end end);
void answer_writable(struct exchange *ex);
/* Reads off a request body that is complete in the inbox, so that the connection can go on. */
bool answer_skip_body(struct exchange *ex);

/* forward.c: the way up */
void forward_start(struct exchange *ex);
void forward_up_event(void *ctx, unsigned events);
void forward_failed(struct exchange *ex, enum visit_end end);
/* The upstream closed before it answered: once more on a fresh connection, or 502. */
void forward_broken(struct exchange *ex);
/* upload.c: the body on its way up */
void upload_client_readable(struct exchange *ex);
/* Sends what waits for the upstream and reads on when it took all. False: ex is gone. */
bool upload_pump(struct exchange *ex);
/* The answer has begun: nothing is waited for any more but what is missing of the body. */
void upload_rest(struct exchange *ex);

/* respond.c: the way down */
void respond_up_readable(struct exchange *ex);
void respond_client_writable(struct exchange *ex);

/* tunnel.c */
void tunnel_start(struct exchange *ex, struct buffer **b, size_t off, size_t n);
void tunnel_up_event(struct exchange *ex, unsigned events);
void tunnel_client_event(struct exchange *ex, unsigned events);
void tunnel_ended(struct visit *v, enum visit_end why);

#endif
