/* Forms and queries: application/x-www-form-urlencoded. See oidc_inner.h. */
#include "authn/oidc_inner.h"

#include "base/encode.h"

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* Decoded in place of a copy: it never grows. */
static bool decode(struct arena *a, str text, str *out)
{
    char *p = arena_text(a, text.n + 1), *o = p;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+')
            c = ' ';
        if (c == '%') {
            if (text.n - i < 3 || hex_digit(text.p[i + 1]) < 0 || hex_digit(text.p[i + 2]) < 0)
                return false;
            c = (char)(hex_digit(text.p[i + 1]) << 4 | hex_digit(text.p[i + 2]));
            i += 2;
        }
        if (is_control(c))
            return false;
        *o++ = c;
    }
    *o = '\0';
    *out = (str){p, (size_t)(o - p)};
    return utf8_valid(*out);
}

static bool read_field(struct arena *a, str pair, struct oidc_form *form)
{
    size_t eq = str_find(pair, '=');
    struct oidc_field field;
    if (form->n == OIDC_MAX_FIELDS || !decode(a, str_upto(pair, eq), &field.name) ||
        !decode(a, str_from(pair, eq + 1), &field.value))
        return false;
    if (oidc_form_get(form, field.name).p)
        return false;
    form->fields[form->n++] = field;
    return true;
}

bool oidc_form_read(struct arena *a, str text, struct oidc_form *out)
{
    out->n = 0;
    if (text.n > OIDC_MAX_FORM)
        return false;
    for (str rest = text; rest.p;) {
        str pair = str_cut(&rest, '&');
        if (pair.n > 0 && !read_field(a, pair, out))
            return false;
    }
    return true;
}

str oidc_form_get(const struct oidc_form *form, str name)
{
    for (size_t i = 0; i < form->n; i++)
        if (str_eq(form->fields[i].name, name))
            return form->fields[i].value;
    return (str){NULL, 0};
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* A space becomes %20, which every decoder reads alike, not '+'. */
static char *encode(char *o, str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_plain((char)c)) {
            *o++ = (char)c;
            continue;
        }
        *o++ = '%';
        *o++ = digits[c >> 4];
        *o++ = digits[c & 15];
    }
    return o;
}

str oidc_form_write(struct arena *a, const struct oidc_field *fields, size_t n)
{
    size_t room = 1;
    for (size_t i = 0; i < n; i++)
        room += 3 * (fields[i].name.n + fields[i].value.n) + 2;
    char *p = arena_text(a, room), *o = p;
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].value.p)
            continue;
        if (o != p)
            *o++ = '&';
        o = encode(o, fields[i].name);
        *o++ = '=';
        o = encode(o, fields[i].value);
    }
    *o = '\0';
    return (str){p, (size_t)(o - p)};
}

str oidc_query_state(str query, struct arena *a)
{
    struct oidc_form form;
    unsigned char bytes[OIDC_STATE_CHARS];
    size_t n;
    if (!oidc_form_read(a, query, &form))
        return (str){NULL, 0};
    str state = oidc_form_get(&form, STR("state"));
    return state.n == OIDC_STATE_CHARS && base64url_decode(state, bytes, &n) ? state
                                                                             : (str){NULL, 0};
}
