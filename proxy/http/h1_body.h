/* h1_body: framing of HTTP/1 bodies. Decodes in place, frames anew; no I/O, no allocation.
 *
 * Bodies are never copied through as framing: chunk heads, extensions and trailers of one side
 * end here, the other side gets lengths of our own. Worker thread only. */
#ifndef PROXY_HTTP_H1_BODY_H
#define PROXY_HTTP_H1_BODY_H

#include "proxy/http/message.h"

enum {
    BODY_EXTENSION_MAX = 1024, /* of one chunk; all together at most this and the payload's size */
    BODY_TRAILER_MAX = 8192,
    BODY_TRAILER_FIELDS = 32,
};

enum body_verdict { BODY_BAD = 0, BODY_MORE, BODY_DONE };

struct body_in {
    enum http_framing framing;
    uint8_t state;
    uint8_t digits;                           /* of the chunk size */
    uint16_t extension_bytes, extension_most; /* of one chunk head; BODY_EXTENSION_MAX by default */
    uint16_t trailer_bytes, trailer_fields;
    uint64_t left;  /* of the body or of the chunk */
    uint64_t total; /* payload bytes so far */
    uint64_t extension_total;
    const char *bad; /* BODY_BAD: row id, "chunk.bare-lf" */
};

/* `length` counts for FRAMING_LENGTH. */
void body_in_init(struct body_in *b, enum http_framing framing, uint64_t length);
/* True when no byte is expected: FRAMING_NONE, or a length of 0, or all was fed. */
bool body_in_is_done(const struct body_in *b);
/* Eats from buf; payload is compacted to its front: data_len bytes of it. *consumed raw bytes were
 * eaten; with BODY_DONE what follows buf + *consumed is the next message and stands where it
 * stood. FRAMING_UNTIL_CLOSE gives BODY_MORE for ever: the close is the end. n = 0 is legal. */
enum body_verdict body_in_feed(struct body_in *b, char *buf, size_t n, size_t *consumed,
                               size_t *data_len);

enum { BODY_CHUNK_HEAD_MAX = 20 };
/* "1a2b\r\n" for a chunk of n > 0 bytes; returns its length. BODY_CHUNK_TAIL follows the data. */
size_t body_out_chunk_head(char out[BODY_CHUNK_HEAD_MAX], size_t n);
/* Makes a chunk of the n payload bytes at *data (none: no chunk), and the end of the body behind it
 * when it is the last. *data moves to the front of it; the caller has room: BODY_FRAME_LEAD bytes
 * before and BODY_FRAME_TAIL behind. Returns the whole length. */
enum { BODY_FRAME_LEAD = BODY_CHUNK_HEAD_MAX, BODY_FRAME_TAIL = 7 };
size_t body_out_frame(char **data, size_t n, bool is_last);
#define BODY_CHUNK_TAIL "\r\n"
#define BODY_LAST_CHUNK "0\r\n\r\n"

#endif
