/* See form.h. */
#include "proxy/portal/form.h"

#include <openssl/hmac.h>

#include "base/encode.h"
#include "base/secret.h"
#include "proxy/config/keyring.h"

static const str TOKEN_KIND = STR("form");

static bool decode(struct arena *a, str in, str *out)
{
    char *to = arena_text(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return false;
        to[n++] = c;
    }
    to[n] = '\0';
    *out = (str){to, n};
    return true;
}

static bool add(struct arena *a, struct form *f, str pair)
{
    str value = pair, name = str_cut(&value, '=');
    struct form_field *field = &f->fields[f->n];
    if (f->n == FORM_FIELDS_MAX || !decode(a, name, &field->name))
        return false;
    if (!decode(a, value.p ? value : STR(""), &field->value))
        return false;
    if (form_get(f, field->name).p) /* which of two is meant nobody can know */
        return false;
    f->n++;
    return true;
}

bool form_read(struct arena *a, str text, struct form *out)
{
    out->n = 0;
    str rest = text;
    while (rest.p && rest.n) {
        str pair = str_cut(&rest, '&');
        if (pair.n && !add(a, out, pair))
            return false;
    }
    return true;
}

str form_get(const struct form *f, str name)
{
    for (size_t i = 0; i < f->n; i++)
        if (str_eq(f->fields[i].name, name))
            return f->fields[i].value;
    return (str){NULL, 0};
}

str form_escape(struct arena *a, str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = arena_text(a, 3 * text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (is_word || (c && strchr("-._~", c))) {
            to[n++] = (char)c;
            continue;
        }
        to[n++] = '%';
        to[n++] = digits[c >> 4];
        to[n++] = digits[c & 15];
    }
    to[n] = '\0';
    return (str){to, n};
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

static void token_of(const unsigned char key[KEYRING_SECRET_BYTES], str binding,
                     char out[FORM_TOKEN_CHARS])
{
    unsigned char text[256], mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    size_t len = TOKEN_KIND.n + 1;
    memcpy(text, TOKEN_KIND.p, TOKEN_KIND.n);
    text[TOKEN_KIND.n] = 0; /* no token of another kind is written alike */
    binding = str_upto(binding, sizeof text - len);
    memcpy(text + len, binding.p, binding.n);
    if (!HMAC(EVP_sha256(), key, KEYRING_SECRET_BYTES, text, len + binding.n, mac, &n))
        random_fill(mac, 32); /* a token that nobody accepts */
    base64url_encode((str){(char *)mac, 32}, out);
}

void form_token(const struct keyring *keys, str binding, char out[FORM_TOKEN_CHARS])
{
    token_of(keys->secrets[0], binding, out);
}

bool form_token_check(const struct keyring *keys, str binding, str token)
{
    char want[FORM_TOKEN_CHARS];
    bool found = false;
    for (size_t i = 0; i < keys->n; i++) { /* old generations too: a form may be open */
        token_of(keys->secrets[i], binding, want);
        found |= secret_eq((str){want, sizeof want}, token);
    }
    return found;
}
