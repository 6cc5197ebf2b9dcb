/* See html.h. */
#include "proxy/http/html.h"

#include "base/encode.h"

enum { GROW_FIRST = 16384, URL_MAX = 2048, MAIL_MAX = 254 };

void html_fixed(struct html *h, char *buf, size_t cap)
{
    *h = (struct html){.buf = buf, .cap = cap};
}

void html_growing(struct html *h, struct arena *a, size_t most)
{
    *h = (struct html){.arena = a, .cap = most};
}

static void grow(struct html *h, size_t n)
{
    if (h->n + n <= h->room)
        return;
    size_t room = h->room ? h->room : GROW_FIRST;
    while (room < h->n + n)
        room *= 2;
    char *bigger = arena_text(h->arena, room);
    if (h->n)
        memcpy(bigger, h->buf, h->n);
    h->buf = bigger;
    h->room = room;
}

void html_raw(struct html *h, str s)
{
    if (h->full || s.n > h->cap - h->n) {
        h->full = true;
        return;
    }
    if (h->arena)
        grow(h, s.n);
    if (s.n)
        memcpy(h->buf + h->n, s.p, s.n);
    h->n += s.n;
}

static bool turns_direction(int32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static str escape_of(int32_t c)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#39;");
    case -1:
        return STR("\xef\xbf\xbd");
    default:
        return (str){NULL, 0};
    }
}

static void put_char(struct html *h, int32_t c, str as_it_is, bool keeps_lines)
{
    str escape = escape_of(c);
    if (escape.p)
        html_raw(h, escape);
    else if (c == '\n' && keeps_lines)
        html_lit(h, "\n");
    else if ((c >= 0 && c < 0x20) || (c >= 0x7f && c < 0xa0))
        html_lit(h, " ");
    else if (!turns_direction(c))
        html_raw(h, as_it_is);
}

static void put_escaped(struct html *h, str s, size_t max, bool keeps_lines)
{
    size_t i = 0;
    while (i < s.n) {
        size_t start = i;
        int32_t c = utf8_next(s, &i);
        if (i > max) {
            html_lit(h, "\xe2\x80\xa6");
            return;
        }
        put_char(h, c, (str){s.p + start, i - start}, keeps_lines);
    }
}

void html_text(struct html *h, str s, size_t max)
{
    put_escaped(h, s, max, false);
}

void html_lines(struct html *h, str s, size_t max)
{
    put_escaped(h, s, max, true);
}

void html_u64(struct html *h, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
    } while ((v /= 10) != 0);
    html_raw(h, (str){digits + at, sizeof digits - at});
}

str html_done(const struct html *h)
{
    return h->full ? (str){NULL, 0} : (str){h->buf, h->n};
}

bool html_is_link(str url)
{
    if (url.n == 0 || url.n > URL_MAX)
        return false;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f || url.p[i] == '\\')
            return false;
    if (url.p[0] == '/')
        return url.n == 1 || url.p[1] != '/';
    return str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
}

bool html_is_mail(str s)
{
    size_t at = str_find(s, '@');
    if (at == 0 || at + 1 >= s.n || at != str_rfind(s, '@') || s.n > MAIL_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_word && (c == '\0' || !strchr(".-_+@", c)))
            return false;
    }
    return true;
}
