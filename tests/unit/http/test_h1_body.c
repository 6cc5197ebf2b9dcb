/* Bodies: every refusal of the chunked decoder, whole and byte by byte. */
#include "unit.h"

#include "proxy/http/h1_body.h"

struct row {
    const char *id;
    const char *bad; /* NULL: good */
    enum body_verdict verdict;
    str bytes, payload;
    size_t left; /* bytes of the next message */
};
#define GOOD(id, bytes, payload, left)                                                             \
    {                                                                                              \
        id, NULL, BODY_DONE, STR(bytes), STR(payload), left                                        \
    }
#define MORE(id, bytes, payload)                                                                   \
    {                                                                                              \
        id, NULL, BODY_MORE, STR(bytes), STR(payload), 0                                           \
    }
#define BAD(id, bad, bytes)                                                                        \
    {                                                                                              \
        id, bad, BODY_BAD, STR(bytes), STR(""), 0                                                  \
    }

static const struct row rows[] = {
    GOOD("one", "3\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("two", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", 0),
    GOOD("empty", "0\r\n\r\n", "", 0),
    GOOD("next", "1\r\na\r\n0\r\n\r\nGET /", "a", 5),
    GOOD("hex-lower", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
    GOOD("hex-upper", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
    GOOD("leading-zeros", "0003\r\nabc\r\n000\r\n\r\n", "abc", 0),
    GOOD("extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "abc", 0),
    GOOD("extension-quoted", "3;a=\"b;c\"\r\nabc\r\n0;x\r\n\r\n", "abc", 0),
    GOOD("trailer", "3\r\nabc\r\n0\r\nX-A: b\r\nY: c\r\n\r\n", "abc", 0),
    GOOD("trailer-length", "0\r\nContent-Length: 5\r\n\r\nGET", "", 3),
    GOOD("payload-crlf", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0),
    GOOD("payload-like-chunk", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0),
    MORE("unfinished-size", "3", ""),
    MORE("unfinished-chunk", "3\r\nab", "ab"),
    MORE("unfinished-end", "3\r\nabc\r\n0\r\n\r", "abc"),
    BAD("size-empty", "chunk.size", "\r\nabc"),
    BAD("size-space", "chunk.size", " 3\r\nabc\r\n"),
    BAD("size-space-after", "chunk.size", "3 \r\nabc\r\n"),
    BAD("size-tab-after", "chunk.size", "3\t\r\nabc\r\n"),
    BAD("size-plus", "chunk.size", "+3\r\nabc\r\n"),
    BAD("size-minus", "chunk.size", "-3\r\nabc\r\n"),
    BAD("size-0x", "chunk.size", "0x3\r\nabc\r\n"),
    BAD("size-underscore", "chunk.size", "1_0\r\nabc\r\n"),
    BAD("size-letter", "chunk.size", "3g\r\nabc\r\n"),
    BAD("size-semicolon-only", "chunk.size", ";a\r\n"),
    BAD("size-nul", "chunk.size", "3\x00\r\nabc\r\n"),
    BAD("size-8bit", "chunk.size", "\xd9\xa3\r\nabc\r\n"),
    BAD("size-16-digits", "chunk.size-long", "ffffffffffffffff\r\nabc"),
    BAD("size-17-digits", "chunk.size-long", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    BAD("size-many-zeros", "chunk.size-long", "0000000000000003\r\nabc\r\n0\r\n\r\n"),
    BAD("size-lf", "chunk.bare-lf", "3\nabc\r\n0\r\n\r\n"),
    BAD("size-cr", "chunk.bare-cr", "3\rabc\r\n0\r\n\r\n"),
    BAD("size-cr-cr", "chunk.bare-cr", "3\r\r\nabc\r\n"),
    BAD("extension-lf", "chunk.bare-lf", "3;a\nabc\r\n0\r\n\r\n"),
    BAD("extension-cr", "chunk.bare-cr", "3;a\rb\r\nabc\r\n"),
    BAD("extension-nul", "chunk.extension", "3;a\x00\r\nabc\r\n"),
    BAD("data-lf", "chunk.bare-lf", "3\r\nabc\n0\r\n\r\n"),
    BAD("data-cr", "chunk.bare-cr", "3\r\nabc\r0\r\n\r\n"),
    BAD("data-more", "chunk.overrun", "3\r\nabcd\r\n0\r\n\r\n"),
    BAD("data-less", "chunk.overrun", "3\r\na\r\n0\r\n\r\n"),
    BAD("last-lf", "chunk.bare-lf", "0\n\r\n"),
    BAD("last-lf-end", "trailer.bare-lf", "0\r\n\n"),
    BAD("last-cr-end", "trailer.bare-cr", "0\r\n\rX"),
    BAD("trailer-lf", "trailer.bare-lf", "0\r\nX: a\n\r\n"),
    BAD("trailer-lf-end", "trailer.bare-lf", "0\r\nX: a\r\n\n"),
    BAD("trailer-cr", "trailer.bare-cr", "0\r\nX: a\rb\r\n\r\n"),
    BAD("trailer-space-colon", "trailer.name", "0\r\nX : a\r\n\r\n"),
    BAD("trailer-fold", "trailer.name", "0\r\nX: a\r\n b\r\n\r\n"),
    BAD("trailer-no-colon", "trailer.name", "0\r\nX\r\n\r\n"),
    BAD("trailer-empty-name", "trailer.name", "0\r\n: a\r\n\r\n"),
    BAD("trailer-nul", "trailer.value", "0\r\nX: \x00\r\n\r\n"),
    BAD("trailer-request", "trailer.name", "0\r\nGET / HTTP/1.1\r\n\r\n"),
};

struct result {
    enum body_verdict verdict;
    const char *bad;
    char payload[4096];
    size_t n, eaten;
};

/* Feeds pieces of `step` bytes, each in a buffer of its own size. */
static void feed(struct body_in *b, str bytes, size_t step, struct result *out)
{
    *out = (struct result){.verdict = BODY_MORE};
    while (out->eaten < bytes.n && out->verdict == BODY_MORE) {
        str piece = str_upto(str_from(bytes, out->eaten), step ? step : bytes.n);
        char *buf = exact_copy(piece);
        size_t consumed, len;
        out->verdict = body_in_feed(b, buf, piece.n, &consumed, &len);
        assert_true(consumed <= piece.n && len <= consumed);
        assert_true(out->verdict != BODY_MORE || consumed == piece.n);
        if (out->verdict != BODY_BAD)
            assert_memory_equal(buf + consumed, piece.p + consumed, piece.n - consumed);
        if (out->n + len <= sizeof out->payload)
            memcpy(out->payload + out->n, buf, len);
        out->n += len;
        out->eaten += consumed;
        free(buf);
    }
    out->bad = b->bad;
}

static void decodes_chunks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t step = 0; step < 5; step++) {
            const struct row *row = &rows[i];
            struct body_in b;
            struct result r;
            body_in_init(&b, FRAMING_CHUNKED, 0);
            feed(&b, row->bytes, step, &r);
            bool same = r.verdict == row->verdict &&
                        strcmp(r.bad ? r.bad : "", row->bad ? row->bad : "") == 0;
            if (same && !row->bad)
                same = str_eq((str){r.payload, r.n}, row->payload) &&
                       row->bytes.n - r.eaten == row->left;
            if (!same)
                fail_msg("%s (step %zu): %d %s", row->id, step, (int)r.verdict, r.bad);
        }
    }
}

static const char *feed_text(str text)
{
    struct body_in b;
    struct result r;
    body_in_init(&b, FRAMING_CHUNKED, 0);
    feed(&b, text, 0, &r);
    return r.bad ? r.bad : "";
}

static str extension_of(struct arena *a, size_t n)
{
    char *text = arena_text(a, n + 32);
    memcpy(text, "1;", 2);
    memset(text + 2, 'x', n);
    memcpy(text + 2 + n, "\r\na\r\n0\r\n\r\n", 10);
    return (str){text, n + 12};
}

static void limits_extensions(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, NULL, 0);
    assert_string_equal(feed_text(extension_of(&a, 1024)), "");
    assert_string_equal(feed_text(extension_of(&a, 1025)), "chunk.extension-long");
    /* Payload before it buys more in all, not in one chunk. */
    char *bought = arena_text(&a, 8192);
    int head = sprintf(bought, "7d0\r\n%02000d\r\n", 0);
    str last = extension_of(&a, 1025);
    memcpy(bought + head, last.p, last.n);
    assert_string_equal(feed_text((str){bought, (size_t)head + last.n}), "chunk.extension-long");
    /* Many small ones: more extension than payload. */
    char *text = arena_text(&a, 20000), *at = text;
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "1;abcdefgh\r\nx\r\n");
    assert_string_equal(feed_text((str){text, (size_t)(at - text)}), "chunk.extension-long");
    arena_finish(&a);
}

static void limits_trailers(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, NULL, 0);
    char *text = arena_text(&a, 10000), *at = text;
    at += sprintf(at, "0\r\n");
    for (int i = 0; i < 32; i++)
        at += sprintf(at, "X: y\r\n");
    assert_string_equal(feed_text((str){text, (size_t)(at - text)}), "");
    at += sprintf(at, "X: y\r\n");
    assert_string_equal(feed_text((str){text, (size_t)(at - text)}), "trailer.many");
    at = text + sprintf(text, "0\r\nX: ");
    memset(at, 'y', 9000);
    assert_string_equal(feed_text((str){text, 9000}), "trailer.long");
    arena_finish(&a);
}

static void counts_a_length(void **state)
{
    struct body_in b;
    struct result r;
    (void)state;
    body_in_init(&b, FRAMING_LENGTH, 5);
    assert_false(body_in_is_done(&b));
    feed(&b, STR("abc"), 0, &r);
    assert_int_equal(r.verdict, BODY_MORE);
    feed(&b, STR("deGET"), 0, &r);
    assert_int_equal(r.verdict, BODY_DONE);
    assert_int_equal(r.eaten, 2);
    assert_true(body_in_is_done(&b));
    body_in_init(&b, FRAMING_LENGTH, 0);
    assert_true(body_in_is_done(&b));
    body_in_init(&b, FRAMING_NONE, 0);
    assert_true(body_in_is_done(&b));
}

static void reads_until_close(void **state)
{
    struct body_in b;
    struct result r;
    (void)state;
    body_in_init(&b, FRAMING_UNTIL_CLOSE, 0);
    feed(&b, STR("any\r\n0\r\n\r\n"), 3, &r);
    assert_int_equal(r.verdict, BODY_MORE);
    assert_int_equal(r.n, 10);
    assert_false(body_in_is_done(&b));
}

static void stays_bad(void **state)
{
    struct body_in b;
    size_t consumed, len;
    char bytes[] = "x0\r\n\r\n";
    (void)state;
    body_in_init(&b, FRAMING_CHUNKED, 0);
    assert_int_equal(body_in_feed(&b, bytes, 1, &consumed, &len), BODY_BAD);
    assert_int_equal(body_in_feed(&b, bytes + 1, 5, &consumed, &len), BODY_BAD);
    assert_int_equal(consumed, 0);
    assert_false(body_in_is_done(&b));
}

static void writes_chunk_heads(void **state)
{
    static const struct {
        size_t n;
        const char *text;
    } heads[] = {{1, "1\r\n"},          {9, "9\r\n"},
                 {10, "a\r\n"},         {16, "10\r\n"},
                 {255, "ff\r\n"},       {4096, "1000\r\n"},
                 {131072, "20000\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char out[BODY_CHUNK_HEAD_MAX];
        size_t n = body_out_chunk_head(out, heads[i].n);
        assert_str(((str){out, n}), str_of(heads[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_chunks),     cmocka_unit_test(limits_extensions),
        cmocka_unit_test(limits_trailers),    cmocka_unit_test(counts_a_length),
        cmocka_unit_test(reads_until_close),  cmocka_unit_test(stays_bad),
        cmocka_unit_test(writes_chunk_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
