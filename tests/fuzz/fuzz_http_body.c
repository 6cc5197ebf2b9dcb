/* Chunked bodies and WebSocket frames: any cut of the bytes gives the same payload and verdict. */
#include "fuzz.h"

#include "proxy/http/h1_body.h"
#include "proxy/http/websocket.h"

#include <string.h>

struct result {
    enum body_verdict verdict;
    const char *bad;
    size_t eaten, n;
};

static void decode(const uint8_t *data, size_t n, size_t step, char *payload, struct result *out)
{
    struct body_in b;
    *out = (struct result){.verdict = BODY_MORE};
    body_in_init(&b, FRAMING_CHUNKED, 0);
    while (out->eaten < n && out->verdict == BODY_MORE) {
        size_t piece = n - out->eaten < step ? n - out->eaten : step, consumed, len;
        char *buf = malloc(piece);
        MUST(buf);
        memcpy(buf, data + out->eaten, piece);
        out->verdict = body_in_feed(&b, buf, piece, &consumed, &len);
        MUST(len <= consumed && consumed <= piece);
        memcpy(payload + out->n, buf, len);
        out->n += len;
        out->eaten += consumed;
        free(buf);
    }
    MUST((out->verdict == BODY_DONE) == body_in_is_done(&b));
    MUST(b.total == out->n || out->verdict == BODY_BAD);
    out->bad = b.bad;
}

static void check_body(const uint8_t *data, size_t n)
{
    struct result whole, steps;
    char *a = malloc(n), *b = malloc(n);
    MUST(a && b);
    decode(data, n, n, a, &whole);
    decode(data, n, 1 + data[n - 1] % 7, b, &steps);
    MUST(whole.verdict == steps.verdict);
    MUST(whole.bad == steps.bad || strcmp(whole.bad, steps.bad) == 0);
    if (whole.verdict != BODY_BAD)
        MUST(whole.n == steps.n && whole.eaten == steps.eaten && memcmp(a, b, whole.n) == 0);
    free(a);
    free(b);
}

static void check_frames(const uint8_t *data, size_t n)
{
    const char *bytes = (const char *)data;
    struct ws_scan whole = {.must_mask = data[0] & 1}, steps = whole;
    bool good = ws_scan_feed(&whole, bytes, n);
    for (size_t at = 0; at < n && !steps.bad;) {
        if (ws_at_boundary(&steps))
            ws_scan_feed(&steps, bytes + at++, 1);
        size_t run = ws_scan_to_boundary(&steps, bytes + at, n - at);
        MUST(at + run <= n);
        MUST(steps.bad || ws_at_boundary(&steps) || at + run == n);
        at += run;
    }
    MUST(good == (steps.bad == NULL) && ws_at_boundary(&whole) == ws_at_boundary(&steps));
    MUST(!good || (whole.saw_close == steps.saw_close && whole.payload_left == steps.payload_left));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    check_body(data, n);
    check_frames(data, n);
    return 0;
}
