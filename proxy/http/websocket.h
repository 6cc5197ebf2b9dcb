/* websocket: the handshake's fields and the frames' borders (RFC 6455), no I/O, no copies.
 *
 * Frames pass through postern as bytes. What it must know is where a frame ends, so that a close
 * frame of its own can be put between two of them when a visit is ended. Worker thread only. */
#ifndef PROXY_HTTP_WEBSOCKET_H
#define PROXY_HTTP_WEBSOCKET_H

#include "proxy/http/message.h"

enum { WS_ACCEPT_CHARS = 28, WS_CLOSE_MAX = 131, WS_REASON_MAX = 123 };

enum ws_code {
    WS_NORMAL = 1000,
    WS_GOING_AWAY = 1001,
    WS_PROTOCOL = 1002,
    WS_POLICY = 1008,
    WS_TOO_BIG = 1009,
    WS_FAILURE = 1011,
    WS_RESTART = 1012,
    WS_TRY_LATER = 1013
};

/* NULL when the request is a sound handshake (GET, HTTP/1.1, version 13, a key of 16 bytes, no
 * body), else a row id: answer 400 (426 with Sec-WebSocket-Version: 13 for "ws.version"). */
const char *ws_request_check(const struct http_request_head *r);
void ws_accept(str key, char out[WS_ACCEPT_CHARS]);
/* The upstream's 101: its Sec-WebSocket-Accept belongs to the client's key, and it chose no
 * sub-protocol or extension that was not offered. NULL when good. */
const char *ws_response_check(const struct http_request_head *request,
                              const struct http_response_head *response);

/* Zeroed is the start of a stream; `must_mask` true for client to server. */
struct ws_scan {
    bool must_mask;
    bool saw_close;  /* the peer's close frame has gone by: send none of ours */
    const char *bad; /* row id; the stream has lost its frames and can only be cut */
    uint8_t header[14];
    uint8_t header_n; /* bytes of an unfinished header */
    uint64_t payload_left;
};

/* True between two frames: a frame of ours may be written here. */
bool ws_at_boundary(const struct ws_scan *s);
/* Follows all n bytes; false when `bad`. */
bool ws_scan_feed(struct ws_scan *s, const char *buf, size_t n);
/* Follows bytes up to the end of the current frame and no further; returns how many. At a
 * boundary that is 0: send the close frame now. */
size_t ws_scan_to_boundary(struct ws_scan *s, const char *buf, size_t n);

/* A whole close frame; the reason is cut to WS_REASON_MAX at a character's border. `mask` is
 * NULL towards the client, 4 random bytes towards the server. Returns its length. */
size_t ws_close_write(char out[WS_CLOSE_MAX], enum ws_code code, str reason,
                      const unsigned char mask[4]);

#endif
