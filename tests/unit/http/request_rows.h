/* Requests, good and hostile. ROW(id, status, refusal, bytes): status 0 is accepted; refusal
 * "incomplete" waits for more. Each is fed whole and byte by byte. */
#ifndef TESTS_UNIT_HTTP_REQUEST_ROWS_H
#define TESTS_UNIT_HTTP_REQUEST_ROWS_H

#define H "Host: app.example\r\n"
#define GET_ "GET / HTTP/1.1\r\n" H
#define POST_ "POST / HTTP/1.1\r\n" H

#define LINE_ROWS                                                                                  \
    ROW("get", 0, "", GET_ "\r\n")                                                                 \
    ROW("get-10", 0, "", "GET / HTTP/1.0\r\n" H "\r\n")                                            \
    ROW("one-crlf-before", 0, "", "\r\n" GET_ "\r\n")                                              \
    ROW("two-crlf-before", 400, "line.empty", "\r\n\r\n" GET_ "\r\n")                              \
    ROW("lf-before", 400, "head.bare-lf", "\n" GET_ "\r\n")                                        \
    ROW("cr-before", 400, "head.bare-cr", "\r" GET_ "\r\n")                                        \
    ROW("space-before", 400, "line.method", " GET / HTTP/1.1\r\n" H "\r\n")                        \
    ROW("tls-hello", 400, "line.method", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")           \
    ROW("ssh-banner", 400, "line.http09", "SSH-2.0-OpenSSH_9.2\r\n")                               \
    ROW("proxy-v1", 400, "line.space", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 HTTP/1.1\r\n")          \
    ROW("proxy-v1-plain", 400, "line.version-form", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")      \
    ROW("proxy-v2", 400, "line.empty", "\r\n\r\n\x00\r\nQUIT\n")                                   \
    ROW("nul-first", 400, "line.method", "\x00GET / HTTP/1.1\r\n")                                 \
    ROW("noise", 400, "line.method", "\xff\xfe\xfd")                                               \
    ROW("json", 400, "line.method", "{\"a\":1}\r\n\r\n")                                           \
    ROW("method-lower", 501, "method.unknown", "get / HTTP/1.1\r\n" H "\r\n")                      \
    ROW("method-mixed", 501, "method.unknown", "Get / HTTP/1.1\r\n" H "\r\n")                      \
    ROW("method-unknown", 501, "method.unknown", "BREW / HTTP/1.1\r\n" H "\r\n")                   \
    ROW("method-trace", 501, "method.unknown", "TRACE / HTTP/1.1\r\n" H "\r\n")                    \
    ROW("method-track", 501, "method.unknown", "TRACK / HTTP/1.1\r\n" H "\r\n")                    \
    ROW("method-prefix", 501, "method.unknown", "GETX / HTTP/1.1\r\n" H "\r\n")                    \
    ROW("method-cut", 501, "method.unknown", "GE / HTTP/1.1\r\n" H "\r\n")                         \
    ROW("method-endless", 501, "method.unknown", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")       \
    ROW("method-nul", 400, "line.method", "GE\x00T / HTTP/1.1\r\n" H "\r\n")                       \
    ROW("method-tab", 400, "line.method", "GET\t/ HTTP/1.1\r\n" H "\r\n")                          \
    ROW("method-bracket", 400, "line.method", "G[T / HTTP/1.1\r\n" H "\r\n")                       \
    ROW("method-8bit", 400, "line.method", "G\xc3\x8bT / HTTP/1.1\r\n" H "\r\n")                   \
    ROW("method-propfind", 0, "", "PROPFIND / HTTP/1.1\r\n" H "\r\n")                              \
    ROW("method-patch", 0, "", "PATCH / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n")               \
    ROW("http09", 400, "line.http09", "GET /\r\n")                                                 \
    ROW("http09-version", 400, "line.http09", "GET / HTTP/0.9\r\n" H "\r\n")                       \
    ROW("http09-bare", 400, "line.http09", "GET\r\n")                                              \
    ROW("http09-trailing-space", 400, "line.version-form", "GET / \r\n" H "\r\n")                  \
    ROW("version-12", 505, "line.version", "GET / HTTP/1.2\r\n" H "\r\n")                          \
    ROW("version-19", 505, "line.version", "GET / HTTP/1.9\r\n" H "\r\n")                          \
    ROW("version-20", 505, "line.version", "GET / HTTP/2.0\r\n" H "\r\n")                          \
    ROW("version-30", 505, "line.version", "GET / HTTP/3.0\r\n" H "\r\n")                          \
    ROW("version-h2-preface", 505, "line.version", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")             \
    ROW("version-short", 400, "line.version-form", "GET / HTTP/1\r\n" H "\r\n")                    \
    ROW("version-long", 400, "line.version-form", "GET / HTTP/1.10\r\n" H "\r\n")                  \
    ROW("version-leading-zero", 400, "line.version-form", "GET / HTTP/01.1\r\n" H "\r\n")          \
    ROW("version-lower", 400, "line.version-form", "GET / http/1.1\r\n" H "\r\n")                  \
    ROW("version-comma", 400, "line.version-form", "GET / HTTP/1,1\r\n" H "\r\n")                  \
    ROW("version-icy", 400, "line.version-form", "GET / ICY/1.1\r\n" H "\r\n")                     \
    ROW("version-rtsp", 400, "line.version-form", "GET / RTSP/1.0\r\n" H "\r\n")                   \
    ROW("version-sign", 400, "line.version-form", "GET / HTTP/+1.1\r\n" H "\r\n")                  \
    ROW("version-space-after", 400, "line.version-form", "GET / HTTP/1.1 \r\n" H "\r\n")           \
    ROW("version-tab-before", 400, "line.http09", "GET /\tHTTP/1.1\r\n" H "\r\n")                  \
    ROW("two-spaces-after-method", 400, "line.space", "GET  / HTTP/1.1\r\n" H "\r\n")              \
    ROW("two-spaces-before-version", 400, "line.space", "GET /  HTTP/1.1\r\n" H "\r\n")            \
    ROW("space-in-target", 400, "line.space", "GET /a b HTTP/1.1\r\n" H "\r\n")                    \
    ROW("two-versions", 400, "line.space", "GET / HTTP/1.1 HTTP/1.1\r\n" H "\r\n")                 \
    ROW("empty-target", 400, "target.empty", "GET  HTTP/1.1\r\n" H "\r\n")                         \
    ROW("bare-lf-line", 400, "head.bare-lf", "GET / HTTP/1.1\n" H "\r\n")                          \
    ROW("bare-lf-field", 400, "head.bare-lf", "GET / HTTP/1.1\r\nHost: a\n\r\n")                   \
    ROW("bare-lf-end", 400, "head.bare-lf", GET_ "\n")                                             \
    ROW("bare-lf-all", 400, "head.bare-lf", "GET / HTTP/1.1\nHost: a\n\n")                         \
    ROW("bare-cr-line", 400, "head.bare-cr", "GET / HTTP/1.1\r" H "\r\n")                          \
    ROW("bare-cr-in-target", 400, "head.bare-cr", "GET /\ra HTTP/1.1\r\n" H "\r\n")                \
    ROW("cr-cr-lf-line", 400, "head.bare-cr", "GET / HTTP/1.1\r\r\n" H "\r\n")                     \
    ROW("cr-cr-lf-end", 400, "head.bare-cr", GET_ "\r\r\n\r\n")                                    \
    ROW("early-bare-lf", 400, "head.bare-lf", "GET / HTTP/1.1\n")                                  \
    ROW("early-bare-lf-field", 400, "head.bare-lf", "GET / HTTP/1.1\r\nHost: a\n")                 \
    ROW("early-fold", 400, "head.fold", "GET / HTTP/1.1\r\nHost: a\r\n ")                          \
    ROW("incomplete-line", 0, "incomplete", "GET / HT")                                            \
    ROW("incomplete-fields", 0, "incomplete", GET_)                                                \
    ROW("incomplete-last-lf", 0, "incomplete", GET_ "\r")

#define TARGET_ROWS                                                                                \
    ROW("query", 0, "", "GET /a?b=c&d HTTP/1.1\r\n" H "\r\n")                                      \
    ROW("query-twice", 0, "", "GET /a?b?c HTTP/1.1\r\n" H "\r\n")                                  \
    ROW("query-empty", 0, "", "GET /a? HTTP/1.1\r\n" H "\r\n")                                     \
    ROW("double-slash", 0, "", "GET //a HTTP/1.1\r\n" H "\r\n")                                    \
    ROW("fragment", 400, "target.fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n")                      \
    ROW("fragment-empty", 400, "target.fragment", "GET /a# HTTP/1.1\r\n" H "\r\n")                 \
    ROW("fragment-in-query", 400, "target.fragment", "GET /a?b#c HTTP/1.1\r\n" H "\r\n")           \
    ROW("fragment-first", 400, "target.fragment", "GET #/a HTTP/1.1\r\n" H "\r\n")                 \
    ROW("fragment-absolute", 400, "target.fragment",                                               \
        "GET http://app.example/#x HTTP/1.1\r\n" H "\r\n")                                         \
    ROW("target-8bit", 400, "target.8bit", "GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n")                  \
    ROW("target-8bit-query", 400, "target.8bit", "GET /?\xff HTTP/1.1\r\n" H "\r\n")               \
    ROW("target-nul", 400, "target.control", "GET /a\x00 HTTP/1.1\r\n" H "\r\n")                   \
    ROW("target-tab", 400, "target.control", "GET /a\tb HTTP/1.1\r\n" H "\r\n")                    \
    ROW("target-del", 400, "target.control", "GET /a\x7f HTTP/1.1\r\n" H "\r\n")                   \
    ROW("target-vt", 400, "target.control", "GET /a\x0b HTTP/1.1\r\n" H "\r\n")                    \
    ROW("target-formfeed", 400, "target.control", "GET /a\x0c HTTP/1.1\r\n" H "\r\n")              \
    ROW("target-no-slash", 400, "target.form", "GET a HTTP/1.1\r\n" H "\r\n")                      \
    ROW("target-dotted", 400, "target.form", "GET ../a HTTP/1.1\r\n" H "\r\n")                     \
    ROW("target-query-only", 400, "target.form", "GET ?a HTTP/1.1\r\n" H "\r\n")                   \
    ROW("target-backslash", 400, "target.form", "GET \\a HTTP/1.1\r\n" H "\r\n")                   \
    ROW("asterisk-options", 0, "", "OPTIONS * HTTP/1.1\r\n" H "\r\n")                              \
    ROW("asterisk-get", 400, "target.asterisk", "GET * HTTP/1.1\r\n" H "\r\n")                     \
    ROW("asterisk-post", 400, "target.asterisk", "POST * HTTP/1.1\r\n" H "\r\n")                   \
    ROW("asterisk-more", 400, "target.form", "OPTIONS *a HTTP/1.1\r\n" H "\r\n")                   \
    ROW("asterisk-query", 400, "target.form", "OPTIONS *?a HTTP/1.1\r\n" H "\r\n")                 \
    ROW("connect", 400, "method.connect", "CONNECT app.example:443 HTTP/1.1\r\n" H "\r\n")         \
    ROW("connect-path", 400, "method.connect", "CONNECT / HTTP/1.1\r\n" H "\r\n")                  \
    ROW("authority-form", 400, "target.form", "GET app.example:80 HTTP/1.1\r\n" H "\r\n")          \
    ROW("absolute", 0, "", "GET http://app.example/a HTTP/1.1\r\n" H "\r\n")                       \
    ROW("absolute-https", 0, "", "GET https://app.example/a HTTP/1.1\r\n" H "\r\n")                \
    ROW("absolute-scheme-case", 0, "", "GET HTTP://app.example/a HTTP/1.1\r\n" H "\r\n")           \
    ROW("absolute-host-case", 0, "", "GET http://APP.example/a HTTP/1.1\r\n" H "\r\n")             \
    ROW("absolute-no-path", 0, "", "GET http://app.example HTTP/1.1\r\n" H "\r\n")                 \
    ROW("absolute-query-only", 0, "", "GET http://app.example?a HTTP/1.1\r\n" H "\r\n")            \
    ROW("absolute-port-default", 0, "", "GET http://app.example:80/ HTTP/1.1\r\n" H "\r\n")        \
    ROW("absolute-differs", 400, "host.differs", "GET http://evil.example/ HTTP/1.1\r\n" H "\r\n") \
    ROW("absolute-port-differs", 400, "host.differs",                                              \
        "GET http://app.example:81/ HTTP/1.1\r\n" H "\r\n")                                        \
    ROW("absolute-suffix", 400, "host.differs",                                                    \
        "GET http://app.example.evil.example/ HTTP/1.1\r\n" H "\r\n")                              \
    ROW("absolute-userinfo", 400, "target.userinfo",                                               \
        "GET http://user@app.example/ HTTP/1.1\r\n" H "\r\n")                                      \
    ROW("absolute-userinfo-host", 400, "target.userinfo",                                          \
        "GET http://app.example@evil.example/ HTTP/1.1\r\n" H "\r\n")                              \
    ROW("absolute-userinfo-password", 400, "target.userinfo",                                      \
        "GET http://u:p@app.example/ HTTP/1.1\r\n" H "\r\n")                                       \
    ROW("absolute-empty-authority", 400, "target.no-authority",                                    \
        "GET http:///a HTTP/1.1\r\n" H "\r\n")                                                     \
    ROW("absolute-backslash", 400, "host.byte", "GET http://app.example\\a HTTP/1.1\r\n" H "\r\n") \
    ROW("absolute-no-host", 400, "host.missing", "GET http://app.example/ HTTP/1.1\r\n\r\n")       \
    ROW("absolute-ftp", 400, "target.form", "GET ftp://app.example/ HTTP/1.1\r\n" H "\r\n")        \
    ROW("absolute-ws", 400, "target.form", "GET ws://app.example/ HTTP/1.1\r\n" H "\r\n")          \
    ROW("absolute-file", 400, "target.form", "GET file:///etc/passwd HTTP/1.1\r\n" H "\r\n")       \
    ROW("absolute-one-slash", 400, "target.form", "GET http:/app.example HTTP/1.1\r\n" H "\r\n")   \
    ROW("absolute-no-scheme", 400, "target.form", "GET ://app.example/ HTTP/1.1\r\n" H "\r\n")

#define HOST_(value) "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n"
#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define HOST_ROWS                                                                                  \
    ROW("host-no-space", 0, "", HOST_("app.example"))                                              \
    ROW("host-tab", 0, "", HOST_("\tapp.example\t"))                                               \
    ROW("host-upper", 0, "", HOST_(" APP.Example"))                                                \
    ROW("host-dot", 0, "", HOST_(" app.example."))                                                 \
    ROW("host-port", 0, "", HOST_(" app.example:8443"))                                            \
    ROW("host-dot-port", 0, "", HOST_(" app.example.:8443"))                                       \
    ROW("host-alabel", 0, "", HOST_(" xn--bcher-kva.example"))                                     \
    ROW("host-one-label", 0, "", HOST_(" localhost"))                                              \
    ROW("host-ip4", 0, "", HOST_(" 192.0.2.1:80"))                                                 \
    ROW("host-ip6", 0, "", HOST_(" [2001:db8::1]"))                                                \
    ROW("host-ip6-port", 0, "", HOST_(" [2001:DB8::1]:443"))                                       \
    ROW("host-label-63", 0, "", HOST_(" " L63 ".example"))                                         \
    ROW("host-missing", 400, "host.missing", "GET / HTTP/1.1\r\n\r\n")                             \
    ROW("host-missing-10", 400, "host.missing", "GET / HTTP/1.0\r\n\r\n")                          \
    ROW("host-twice", 400, "host.twice", GET_ "Host: other.example\r\n\r\n")                       \
    ROW("host-twice-same", 400, "host.twice", GET_ H "\r\n")                                       \
    ROW("host-twice-case", 400, "host.twice", GET_ "hOST: app.example\r\n\r\n")                    \
    ROW("host-empty", 400, "host.empty", HOST_(""))                                                \
    ROW("host-empty-port", 400, "host.empty", HOST_(" :80"))                                       \
    ROW("host-dot-only", 400, "host.label", HOST_(" ."))                                           \
    ROW("host-two-dots", 400, "host.label", HOST_(" app.example.."))                               \
    ROW("host-dots-inside", 400, "host.label", HOST_(" app..example"))                             \
    ROW("host-dot-first", 400, "host.label", HOST_(" .app.example"))                               \
    ROW("host-hyphen-first", 400, "host.label", HOST_(" -app.example"))                            \
    ROW("host-hyphen-last", 400, "host.label", HOST_(" app-.example"))                             \
    ROW("host-label-64", 400, "host.label", HOST_(" " L63 "x.example"))                            \
    ROW("host-long", 400, "host.long", HOST_(" " L63 "." L63 "." L63 "." L63))                     \
    ROW("host-underscore", 400, "host.byte", HOST_(" app_1.example"))                              \
    ROW("host-list", 400, "host.byte", HOST_(" app.example, evil.example"))                        \
    ROW("host-space", 400, "host.byte", HOST_(" app.example evil"))                                \
    ROW("host-userinfo", 400, "host.byte", HOST_(" user@app.example"))                             \
    ROW("host-userinfo-password", 400, "host.port", HOST_(" user:x@app.example"))                  \
    ROW("host-path", 400, "host.byte", HOST_(" app.example/a"))                                    \
    ROW("host-scheme", 400, "host.port", HOST_(" http://app.example"))                             \
    ROW("host-query", 400, "host.byte", HOST_(" app.example?a"))                                   \
    ROW("host-fragment", 400, "host.byte", HOST_(" app.example#a"))                                \
    ROW("host-star", 400, "host.byte", HOST_(" *.example"))                                        \
    ROW("host-percent", 400, "host.byte", HOST_(" app%2eexample"))                                 \
    ROW("host-8bit", 400, "host.byte",                                                             \
        HOST_(" b\xc3\xbc"                                                                         \
              "cher.example"))                                                                     \
    ROW("host-fullwidth-dot", 400, "host.byte",                                                    \
        HOST_(" app\xef\xbc\x8e"                                                                   \
              "example"))                                                                          \
    ROW("host-nul", 400, "field.value", HOST_(" app\x00.example"))                                 \
    ROW("host-port-empty", 400, "host.port", HOST_(" app.example:"))                               \
    ROW("host-port-zero", 400, "host.port", HOST_(" app.example:0"))                               \
    ROW("host-port-big", 400, "host.port", HOST_(" app.example:65536"))                            \
    ROW("host-port-letters", 400, "host.port", HOST_(" app.example:http"))                         \
    ROW("host-port-sign", 400, "host.port", HOST_(" app.example:+80"))                             \
    ROW("host-port-twice", 400, "host.port", HOST_(" app.example:80:80"))                          \
    ROW("host-ip4-short", 400, "host.ip", HOST_(" 127.1"))                                         \
    ROW("host-ip4-number", 400, "host.ip", HOST_(" 2130706433"))                                   \
    ROW("host-ip4-hex", 400, "host.ip", HOST_(" 0x7f.0.0.0x1"))                                    \
    ROW("host-ip4-octal", 400, "host.ip", HOST_(" 0177.0.0.01"))                                   \
    ROW("host-ip4-big", 400, "host.ip", HOST_(" 256.0.0.1"))                                       \
    ROW("host-ip4-five", 400, "host.ip", HOST_(" 1.2.3.4.5"))                                      \
    ROW("host-ip6-open", 400, "host.ip", HOST_(" [2001:db8::1"))                                   \
    ROW("host-ip6-empty", 400, "host.ip", HOST_(" []"))                                            \
    ROW("host-ip6-zone", 400, "host.ip", HOST_(" [fe80::1%25eth0]"))                               \
    ROW("host-ip6-v4", 400, "host.ip", HOST_(" [192.0.2.1]"))                                      \
    ROW("host-ip6-future", 400, "host.ip", HOST_(" [v1.a:b]"))                                     \
    ROW("host-ip6-tail", 400, "host.port", HOST_(" [2001:db8::1]x"))                               \
    ROW("host-ip6-bare", 400, "host.port", HOST_(" 2001:db8::1"))

#define FRAMING_ROWS                                                                               \
    ROW("length", 0, "", POST_ "Content-Length: 5\r\n\r\n")                                        \
    ROW("length-zero", 0, "", POST_ "Content-Length: 0\r\n\r\n")                                   \
    ROW("length-leading-zero", 0, "", POST_ "Content-Length: 005\r\n\r\n")                         \
    ROW("length-get", 0, "", GET_ "Content-Length: 5\r\n\r\n")                                     \
    ROW("length-max", 0, "", POST_ "Content-Length: 9223372036854775807\r\n\r\n")                  \
    ROW("length-over", 400, "length.form", POST_ "Content-Length: 9223372036854775808\r\n\r\n")    \
    ROW("length-huge", 400, "length.form", POST_ "Content-Length: 18446744073709551617\r\n\r\n")   \
    ROW("length-twenty", 400, "length.form", POST_ "Content-Length: 00000000000000000005\r\n\r\n") \
    ROW("length-empty", 400, "length.form", POST_ "Content-Length:\r\n\r\n")                       \
    ROW("length-plus", 400, "length.form", POST_ "Content-Length: +5\r\n\r\n")                     \
    ROW("length-minus", 400, "length.form", POST_ "Content-Length: -5\r\n\r\n")                    \
    ROW("length-hex", 400, "length.form", POST_ "Content-Length: 0x5\r\n\r\n")                     \
    ROW("length-space", 400, "length.form", POST_ "Content-Length: 5 5\r\n\r\n")                   \
    ROW("length-list", 400, "length.form", POST_ "Content-Length: 5, 5\r\n\r\n")                   \
    ROW("length-list-other", 400, "length.form", POST_ "Content-Length: 5,6\r\n\r\n")              \
    ROW("length-dot", 400, "length.form", POST_ "Content-Length: 5.0\r\n\r\n")                     \
    ROW("length-exponent", 400, "length.form", POST_ "Content-Length: 5e1\r\n\r\n")                \
    ROW("length-letter", 400, "length.form", POST_ "Content-Length: 5a\r\n\r\n")                   \
    ROW("length-quoted", 400, "length.form", POST_ "Content-Length: \"5\"\r\n\r\n")                \
    ROW("length-8bit", 400, "length.form", POST_ "Content-Length: \xd9\xa5\r\n\r\n")               \
    ROW("length-vt", 400, "field.value",                                                           \
        POST_ "Content-Length: \x0b"                                                               \
              "5\r\n\r\n")                                                                         \
    ROW("length-tab-before", 0, "", POST_ "Content-Length:\t5\r\n\r\n")                            \
    ROW("length-space-after", 0, "", POST_ "Content-Length: 5 \r\n\r\n")                           \
    ROW("length-tab-after", 400, "head.second-opinion", POST_ "Content-Length: 5\t\r\n\r\n")       \
    ROW("length-spaces-before", 0, "", POST_ "Content-Length:   5\r\n\r\n")                        \
    ROW("te-tab-after", 400, "head.second-opinion", POST_ "Transfer-Encoding: chunked\t\r\n\r\n")  \
    ROW("te-space-after", 0, "", POST_ "Transfer-Encoding: chunked \r\n\r\n")                      \
    ROW("length-twice", 400, "length.twice",                                                       \
        POST_ "Content-Length: 5\r\nContent-Length: 6\r\n\r\n")                                    \
    ROW("length-twice-same", 400, "length.twice",                                                  \
        POST_ "Content-Length: 5\r\nContent-Length: 5\r\n\r\n")                                    \
    ROW("length-twice-case", 400, "length.twice",                                                  \
        POST_ "Content-Length: 5\r\ncontent-length: 5\r\n\r\n")                                    \
    ROW("length-space-colon", 400, "field.space-before-colon", POST_ "Content-Length : 5\r\n\r\n") \
    ROW("length-lookalike", 0, "", POST_ "Content_Length: 5\r\n\r\n")                              \
    ROW("chunked", 0, "", POST_ "Transfer-Encoding: chunked\r\n\r\n")                              \
    ROW("chunked-case", 0, "", POST_ "Transfer-Encoding: Chunked\r\n\r\n")                         \
    ROW("chunked-name-case", 0, "", POST_ "transfer-ENCODING: chunked\r\n\r\n")                    \
    ROW("cl-te", 400, "framing.both",                                                              \
        POST_ "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")                           \
    ROW("te-cl", 400, "framing.both",                                                              \
        POST_ "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")                           \
    ROW("te-cl-zero", 400, "framing.both",                                                         \
        POST_ "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n")                           \
    ROW("te-identity-cl", 400, "framing.both",                                                     \
        POST_ "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n")                          \
    ROW("te-empty-cl", 400, "framing.both",                                                        \
        POST_ "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\n")                                   \
    ROW("te-empty-cl-before", 400, "framing.both",                                                 \
        POST_ "Content-Length: 5\r\nTransfer-Encoding: \r\n\r\n")                                  \
    ROW("te-empty", 400, "te.empty", POST_ "Transfer-Encoding:\r\n\r\n")                           \
    ROW("te-identity", 400, "te.not-chunked", POST_ "Transfer-Encoding: identity\r\n\r\n")         \
    ROW("te-gzip", 400, "te.not-chunked", POST_ "Transfer-Encoding: gzip\r\n\r\n")                 \
    ROW("te-gzip-chunked", 400, "te.not-chunked",                                                  \
        POST_ "Transfer-Encoding: gzip, chunked\r\n\r\n")                                          \
    ROW("te-chunked-gzip", 400, "te.not-chunked",                                                  \
        POST_ "Transfer-Encoding: chunked, gzip\r\n\r\n")                                          \
    ROW("te-chunked-identity", 400, "te.not-chunked",                                              \
        POST_ "Transfer-Encoding: chunked, identity\r\n\r\n")                                      \
    ROW("te-chunked-twice-list", 400, "te.not-chunked",                                            \
        POST_ "Transfer-Encoding: chunked, chunked\r\n\r\n")                                       \
    ROW("te-twice", 400, "te.twice",                                                               \
        POST_ "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")                  \
    ROW("te-twice-other", 400, "te.twice",                                                         \
        POST_ "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n")                      \
    ROW("te-cow", 400, "te.not-chunked", POST_ "Transfer-Encoding: cow\r\n\r\n")                   \
    ROW("te-xchunked", 400, "te.not-chunked", POST_ "Transfer-Encoding: xchunked\r\n\r\n")         \
    ROW("te-chunkedx", 400, "te.not-chunked", POST_ "Transfer-Encoding: chunkedx\r\n\r\n")         \
    ROW("te-quoted", 400, "te.not-chunked", POST_ "Transfer-Encoding: \"chunked\"\r\n\r\n")        \
    ROW("te-single-quoted", 400, "te.not-chunked", POST_ "Transfer-Encoding: 'chunked'\r\n\r\n")   \
    ROW("te-param", 400, "te.not-chunked", POST_ "Transfer-Encoding: chunked;q=1\r\n\r\n")         \
    ROW("te-comma-first", 400, "te.not-chunked", POST_ "Transfer-Encoding: ,chunked\r\n\r\n")      \
    ROW("te-comma-last", 400, "te.not-chunked", POST_ "Transfer-Encoding: chunked,\r\n\r\n")       \
    ROW("te-vt", 400, "field.value",                                                               \
        POST_ "Transfer-Encoding: \x0b"                                                            \
              "chunked\r\n\r\n")                                                                   \
    ROW("te-formfeed", 400, "field.value", POST_ "Transfer-Encoding: chunked\x0c\r\n\r\n")         \
    ROW("te-nul", 400, "field.value", POST_ "Transfer-Encoding: chunked\x00\r\n\r\n")              \
    ROW("te-8bit", 400, "te.not-chunked", POST_ "Transfer-Encoding: chunked\xa0\r\n\r\n")          \
    ROW("te-kelvin", 400, "te.not-chunked",                                                        \
        POST_ "Transfer-Encoding: chun\xe2\x84\xaa"                                                \
              "ed\r\n\r\n")                                                                        \
    ROW("te-space-colon", 400, "field.space-before-colon",                                         \
        POST_ "Transfer-Encoding : chunked\r\n\r\n")                                               \
    ROW("te-tab-colon", 400, "field.space-before-colon",                                           \
        POST_ "Transfer-Encoding\t: chunked\r\n\r\n")                                              \
    ROW("te-folded", 400, "head.fold", POST_ "Transfer-Encoding:\r\n chunked\r\n\r\n")             \
    ROW("te-cr-inside", 400, "head.bare-cr", POST_ "Transfer-Encoding: chun\rked\r\n\r\n")         \
    ROW("te-cr-before-name", 400, "head.bare-cr",                                                  \
        POST_ "X: y\rTransfer-Encoding: chunked\r\n\r\n")                                          \
    ROW("te-lf-before-name", 400, "head.bare-lf",                                                  \
        POST_ "X: y\nTransfer-Encoding: chunked\r\n\r\n")                                          \
    ROW("te-10", 400, "te.http10", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n")   \
    ROW("te-lookalike", 0, "", POST_ "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n")    \
    ROW("te-dot-lookalike", 0, "", POST_ "Transfer.Encoding: chunked\r\n\r\n")

#define FIELD_ROWS                                                                                 \
    ROW("value-empty", 0, "", GET_ "X-A:\r\n\r\n")                                                 \
    ROW("value-spaces", 0, "", GET_ "X-A:   \t \r\n\r\n")                                          \
    ROW("value-inner-tab", 0, "", GET_ "X-A: a\tb\r\n\r\n")                                        \
    ROW("value-8bit", 0, "", GET_ "X-A: caf\xc3\xa9\r\n\r\n")                                      \
    ROW("value-colons", 0, "", GET_ "X-A: a:b:c\r\n\r\n")                                          \
    ROW("name-all-token", 0, "", GET_ "!#$%&'*+-.^_`|~09azAZ: v\r\n\r\n")                          \
    ROW("fold-space", 400, "head.fold", GET_ "X-A: a\r\n b\r\n\r\n")                               \
    ROW("fold-tab", 400, "head.fold", GET_ "X-A: a\r\n\tb\r\n\r\n")                                \
    ROW("fold-first", 400, "head.fold", "GET / HTTP/1.1\r\n Host: a\r\n" H "\r\n")                 \
    ROW("fold-blank", 400, "head.fold", GET_ "X-A: a\r\n \r\n\r\n")                                \
    ROW("fold-last", 400, "head.fold", GET_ " \r\n")                                               \
    ROW("space-before-colon", 400, "field.space-before-colon", GET_ "X-A : a\r\n\r\n")             \
    ROW("tab-before-colon", 400, "field.space-before-colon", GET_ "X-A\t: a\r\n\r\n")              \
    ROW("no-colon", 400, "field.no-colon", GET_ "X-A\r\n\r\n")                                     \
    ROW("empty-name", 400, "field.empty-name", GET_ ": a\r\n\r\n")                                 \
    ROW("colon-only", 400, "field.empty-name", GET_ ":\r\n\r\n")                                   \
    ROW("name-space", 400, "field.name", GET_ "X A: a\r\n\r\n")                                    \
    ROW("name-bracket", 400, "field.name", GET_ "X[A]: a\r\n\r\n")                                 \
    ROW("name-slash", 400, "field.name", GET_ "X/A: a\r\n\r\n")                                    \
    ROW("name-at", 400, "field.name", GET_ "X@A: a\r\n\r\n")                                       \
    ROW("name-quote", 400, "field.name", GET_ "\"X\": a\r\n\r\n")                                  \
    ROW("name-comma", 400, "field.name", GET_ "X,A: a\r\n\r\n")                                    \
    ROW("name-semicolon", 400, "field.name", GET_ "X;A: a\r\n\r\n")                                \
    ROW("name-equals", 400, "field.name", GET_ "X=A: a\r\n\r\n")                                   \
    ROW("name-braces", 400, "field.name", GET_ "{X}: a\r\n\r\n")                                   \
    ROW("name-backslash", 400, "field.name", GET_ "X\\A: a\r\n\r\n")                               \
    ROW("name-8bit", 400, "field.name", GET_ "X\xc3\xa9: a\r\n\r\n")                               \
    ROW("name-nul", 400, "field.name",                                                             \
        GET_ "X\x00"                                                                               \
             "A: a\r\n\r\n")                                                                       \
    ROW("name-del", 400, "field.name", GET_ "X\x7f: a\r\n\r\n")                                    \
    ROW("name-ctl", 400, "field.name", GET_ "X\x01: a\r\n\r\n")                                    \
    ROW("name-cr", 400, "head.bare-cr", GET_ "X\rA: a\r\n\r\n")                                    \
    ROW("value-nul", 400, "field.value",                                                           \
        GET_ "X-A: a\x00"                                                                          \
             "b\r\n\r\n")                                                                          \
    ROW("value-bell", 400, "field.value", GET_ "X-A: a\x07\r\n\r\n")                               \
    ROW("value-escape", 400, "field.value", GET_ "X-A: \x1b[31m\r\n\r\n")                          \
    ROW("value-del", 400, "field.value", GET_ "X-A: abcdefghij\x7fk\r\n\r\n")                      \
    ROW("value-us-late", 400, "field.value", GET_ "X-A: abcdefghijklmnopq\x1f\r\n\r\n")            \
    ROW("value-cr", 400, "head.bare-cr", GET_ "X-A: a\rb\r\n\r\n")                                 \
    ROW("value-cr-cr-lf", 400, "head.bare-cr", GET_ "X-A: a\r\r\n\r\n")                            \
    ROW("value-cr-late", 400, "head.bare-cr", GET_ "X-A: abcdefghijklmnop\rq\r\n\r\n")             \
    ROW("two-requests", 0, "", GET_ "\r\n" GET_ "\r\n")                                            \
    ROW("request-then-noise", 0, "", GET_ "\r\n\x16\x03\x01")                                      \
    ROW("authorization-twice", 400, "field.twice",                                                 \
        GET_ "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n")                         \
    ROW("authorization-twice-same", 400, "field.twice",                                            \
        GET_ "Authorization: Bearer a\r\nauthorization: Bearer a\r\n\r\n")                         \
    ROW("authorization-empty-twice", 400, "field.twice",                                           \
        GET_ "Authorization:\r\nAuthorization: Bearer a\r\n\r\n")                                  \
    ROW("origin-twice", 400, "field.twice", GET_ "Origin: a\r\nOrigin: b\r\n\r\n")                 \
    ROW("content-type-twice", 400, "field.twice",                                                  \
        GET_ "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n")                                     \
    ROW("fetch-mode-twice", 400, "field.twice",                                                    \
        GET_ "Sec-Fetch-Mode: cors\r\nSec-Fetch-Mode: navigate\r\n\r\n")                           \
    ROW("token-twice", 400, "field.twice",                                                         \
        GET_ "X-Postern-Token: a\r\nX-Postern-Token: b\r\n\r\n")                                   \
    ROW("cookie-twice", 0, "", GET_ "Cookie: a=1\r\nCookie: b=2\r\n\r\n")                          \
    ROW("accept-twice", 0, "", GET_ "Accept: a/b\r\nAccept: c/d\r\n\r\n")

#define UPGRADE_ROWS                                                                               \
    ROW("websocket", 0, "", GET_ "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")              \
    ROW("websocket-case", 0, "", GET_ "Connection: UPGRADE\r\nUpgrade: WebSocket\r\n\r\n")         \
    ROW("websocket-firefox", 0, "",                                                                \
        GET_ "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n")                      \
    ROW("websocket-no-connection", 0, "", GET_ "Upgrade: websocket\r\n\r\n")                       \
    ROW("websocket-10", 0, "",                                                                     \
        "GET / HTTP/1.0\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")                \
    ROW("connection-upgrade-alone", 0, "", GET_ "Connection: Upgrade\r\n\r\n")                     \
    ROW("upgrade-h2c", 400, "upgrade.other",                                                       \
        GET_ "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"                             \
             "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")                                           \
    ROW("upgrade-h2c-quiet", 400, "upgrade.other", GET_ "Upgrade: h2c\r\n\r\n")                    \
    ROW("upgrade-list", 400, "upgrade.other",                                                      \
        GET_ "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n")                             \
    ROW("upgrade-version", 400, "upgrade.other",                                                   \
        GET_ "Connection: Upgrade\r\nUpgrade: websocket/13\r\n\r\n")                               \
    ROW("upgrade-empty", 400, "upgrade.other", GET_ "Connection: Upgrade\r\nUpgrade:\r\n\r\n")     \
    ROW("upgrade-tls", 400, "upgrade.other",                                                       \
        GET_ "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n")                                    \
    ROW("upgrade-connect-udp", 400, "upgrade.other",                                               \
        GET_ "Connection: Upgrade\r\nUpgrade: connect-udp\r\n\r\n")                                \
    ROW("upgrade-twice", 400, "field.twice",                                                       \
        GET_ "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n")                  \
    ROW("expect", 0, "", POST_ "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")                \
    ROW("expect-case", 0, "", POST_ "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n")           \
    ROW("expect-other", 417, "expect.unknown",                                                     \
        POST_ "Content-Length: 5\r\nExpect: 200-ok\r\n\r\n")                                       \
    ROW("expect-list", 417, "expect.unknown",                                                      \
        POST_ "Content-Length: 5\r\nExpect: 100-continue, x\r\n\r\n")                              \
    ROW("expect-twice", 417, "expect.unknown",                                                     \
        POST_ "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n")                              \
    ROW("connection-close", 0, "", GET_ "Connection: close\r\n\r\n")                               \
    ROW("connection-names-host", 0, "", GET_ "Connection: Host\r\n\r\n")                           \
    ROW("connection-names-cookie", 0, "", GET_ "Connection: Cookie\r\nCookie: a=1\r\n\r\n")

#endif
