/* device_cert_header: a client certificate as trusted fronts pass it on.
 *
 * nginx escapes the PEM ($ssl_client_escaped_cert), Traefik leaves the base64 of the DER (a chain:
 * with commas), RFC 9440 puts colons around it (Client-Cert). */
#include "authn/device.h"
#include "base/encode.h"

enum { HEADER_MAX = 24 << 10 };

static str unescape(str s, struct arena *a)
{
    char *out = arena_text(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (s.p[i] == '%' && low < 0)
            return (str){NULL, 0};
        out[n++] = low < 0 ? s.p[i] : (char)(high << 4 | low);
        i += low < 0 ? 0 : 2;
    }
    return (str){out, n};
}

/* The base64 of the first block of a PEM text, white space taken out: some fronts turn its line
 * breaks into spaces. */
static bool pem_body(str text, str *out, struct arena *a)
{
    static const str begin = STR("-----BEGIN CERTIFICATE-----"), dashes = STR("-----");
    if (!str_starts(text, begin))
        return false;
    text = str_from(text, begin.n);
    char *body = arena_text(a, text.n);
    size_t n = 0;
    while (text.n && !str_starts(text, dashes)) {
        if (!strchr(" \t\r\n", text.p[0]))
            body[n++] = text.p[0];
        text = str_from(text, 1);
    }
    *out = (str){body, n};
    return str_starts(text, STR("-----END CERTIFICATE-----"));
}

bool device_cert_from_header(str value, struct arena *a, str *der_out)
{
    value = str_trim(value, " \t");
    if (value.n == 0 || value.n > HEADER_MAX)
        return false;
    if (str_find(value, '%') < value.n)
        value = str_trim(unescape(value, a), " \t\r\n");
    str base64 = str_upto(value, str_find(value, ','));
    if (base64.n > 1 && base64.p[0] == ':' && base64.p[base64.n - 1] == ':')
        base64 = (str){base64.p + 1, base64.n - 2};
    if (value.n && value.p[0] == '-' && !pem_body(value, &base64, a))
        return false;
    unsigned char *der = (unsigned char *)arena_text(a, base64.n + 1);
    size_t n;
    if (!base64.n || !base64_decode(base64, der, &n) || n == 0)
        return false;
    *der_out = (str){(char *)der, n};
    return true;
}
