/* Elements of Forwarded. See forwarded.h. */
#include "proxy/http/forwarded.h"

/* Where the pair ends: at a semicolon or a comma outside of a quoted string, or with the text.
 * False: a string is left open. */
static bool pair_end(str s, size_t *out)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < s.n && (is_quoted || (s.p[i] != ';' && s.p[i] != ',')); i++) {
        if (is_quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            is_quoted = !is_quoted;
    }
    *out = i;
    return !is_quoted && i <= s.n;
}

/* A quoted-string (RFC 9110, 5.6.4) without its quotes and escapes, or a word as it is. False: it
 * is neither; *n is its length, of which `most` characters are in `room`. */
static bool unquote(str s, char *room, size_t most, size_t *n)
{
    bool is_quoted = s.n && s.p[0] == '"';
    size_t i = is_quoted;
    for (*n = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            break;
        if (is_quoted && s.p[i] == '\\' && ++i == s.n)
            return false;
        if (*n < most)
            room[*n] = s.p[i];
        ++*n;
    }
    return is_quoted ? i + 1 == s.n : i == s.n && s.n;
}

/* Each parameter may be there once (RFC 7239, 4): of two nobody can say who wrote which. */
static bool take(str value, char room[FORWARDED_VALUE_MOST], str *out)
{
    size_t n;
    if (out->p || !unquote(value, room, FORWARDED_VALUE_MOST, &n) || n > FORWARDED_VALUE_MOST)
        return false;
    *out = (str){room, n};
    return true;
}

static bool take_pair(str pair, struct forwarded *out)
{
    size_t eq = str_find(pair, '='), n;
    str name = str_trim(str_upto(pair, eq), " \t");
    str value = str_trim(str_from(pair, eq + 1), " \t");
    if (!pair.n)
        return true;
    if (eq == pair.n || !name.n || str_find(name, '"') < name.n)
        return false;
    if (str_eq_nocase(name, STR("for")))
        return take(value, out->client_room, &out->client);
    if (str_eq_nocase(name, STR("proto")))
        return take(value, out->proto_room, &out->proto);
    return unquote(value, NULL, 0, &n);
}

bool forwarded_next(str *list, struct forwarded *out)
{
    size_t end;
    out->client = out->proto = (str){NULL, 0};
    for (;;) {
        if (!pair_end(*list, &end) || !take_pair(str_trim(str_upto(*list, end), " \t"), out))
            return false;
        if (end == list->n) {
            *list = (str){NULL, 0};
            return true;
        }
        bool is_last = list->p[end] == ',';
        *list = str_from(*list, end + 1);
        if (is_last)
            return true;
    }
}
