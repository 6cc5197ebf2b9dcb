/* A mail as text: RFC 5322 with MIME. See mail.h. */
#include "proxy/net/mail.h"

#include <stdio.h>
#include <time.h>

#include "base/encode.h"

enum {
    MAX_LOCAL = 64,
    LINE_MAX_CHARS = 75, /* quoted-printable, without the soft break's '=' (RFC 2045, 6.7) */
    WORD_BYTES = 42,     /* in one encoded word, which has at most 75 characters (RFC 2047, 2) */
};

/* ---- addresses ---- */

static bool is_domain(str s)
{
    if (!s.n || s.p[0] == '.' || s.p[s.n - 1] == '.' || str_contains(s, STR("..")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return true;
}

bool mail_address_is_sound(str address)
{
    size_t at = str_find(address, '@');

    if (address.n > MAIL_ADDRESS_MAX || at == 0 || at > MAX_LOCAL || at == address.n)
        return false;
    for (size_t i = 0; i < at; i++) {
        unsigned char c = (unsigned char)address.p[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"(),:;<>[\\]", (char)c))
            return false;
    }
    return is_domain(str_from(address, at + 1));
}

/* ---- the subject ---- */

/* One line, cut between characters: a line break would begin a header. */
static str one_line(struct arena *a, str s)
{
    char *out = arena_text(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0, start = 0; i < s.n; start = i) {
        int32_t c = utf8_next(s, &i);
        if (i > MAIL_SUBJECT_MAX)
            break;
        if (c < ' ' || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029) {
            out[n++] = ' ';
            continue;
        }
        memcpy(out + n, s.p + start, i - start);
        n += i - start;
    }
    return (str){out, n};
}

static bool is_plain(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x7F)
            return false;
    return !str_contains(s, STR("=?"));
}

/* The end of the next piece that fits into one encoded word, between characters. */
static size_t word_end(str s, size_t from)
{
    size_t end = from;

    for (size_t i = from; i < s.n;) {
        (void)utf8_next(s, &i);
        if (i - from > WORD_BYTES)
            break;
        end = i;
    }
    return end;
}

static str subject_of(struct arena *a, str subject)
{
    str line = one_line(a, subject), out = STR("");
    char word[2 * WORD_BYTES];
    size_t n;

    if (is_plain(line))
        return line;
    for (size_t i = 0; i < line.n;) {
        size_t end = word_end(line, i);
        base64_encode((str){line.p + i, end - i}, word, &n);
        out =
            arena_printf(a, "%.*s%s=?UTF-8?B?%.*s?=", STR_ARG(out), i ? "\r\n " : "", (int)n, word);
        i = end;
    }
    return out;
}

/* ---- the text ---- */

struct lines {
    char *p;
    size_t n, column;
};

static void put(struct lines *o, const char *text, size_t n)
{
    if (o->column + n > LINE_MAX_CHARS) {
        memcpy(o->p + o->n, "=\r\n", 3);
        o->n += 3;
        o->column = 0;
    }
    memcpy(o->p + o->n, text, n);
    o->n += n;
    o->column += n;
}

static void put_byte(struct lines *o, unsigned char c, bool is_last)
{
    char code[4];
    bool is_kept = (c > ' ' && c < 0x7F && c != '=') || ((c == ' ' || c == '\t') && !is_last);

    /* A dot alone would end the message for a careless server. */
    if (is_kept && !(c == '.' && o->column == 0)) {
        put(o, (char *)&c, 1);
        return;
    }
    snprintf(code, sizeof code, "=%02X", c);
    put(o, code, 3);
}

static void put_line(struct lines *o, str line)
{
    for (size_t i = 0; i < line.n; i++)
        put_byte(o, (unsigned char)line.p[i], i + 1 == line.n);
    memcpy(o->p + o->n, "\r\n", 2);
    o->n += 2;
    o->column = 0;
}

/* RFC 2045, section 6.7. */
static str body_of(struct arena *a, str text)
{
    struct lines o = {.p = arena_text(a, text.n * 4 + 16)};

    for (str rest = text.p ? text : STR(""); rest.p;) {
        str line = str_cut(&rest, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n || rest.p)
            put_line(&o, line);
    }
    return (str){o.p, o.n};
}

/* ---- the whole ---- */

static str date_of(struct arena *a, int64_t wall_s)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = wall_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    return arena_printf(a, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
                        months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

str mail_write(struct arena *a, const struct mail *mail, str id, struct fail *fail)
{
    const str none = {NULL, 0};

    if (!mail_address_is_sound(mail->from) || !mail_address_is_sound(mail->to)) {
        fail_set(fail, FAIL_INPUT, "an address of the mail is not of the form NAME@DOMAIN");
        return none;
    }
    if (mail->text.n > MAIL_TEXT_MAX) {
        fail_set(fail, FAIL_LIMIT, "the mail has %zu bytes, at most %d are sent", mail->text.n,
                 MAIL_TEXT_MAX);
        return none;
    }
    str date = date_of(a, mail->wall_s), subject = subject_of(a, mail->subject);
    str body = body_of(a, mail->text), domain = str_from(mail->from, str_find(mail->from, '@') + 1);
    return arena_printf(
        a,
        "Date: %.*s\r\n"
        "From: <%.*s>\r\n"
        "To: <%.*s>\r\n"
        "Message-ID: <%.*s@%.*s>\r\n"
        "Subject: %.*s\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "Auto-Submitted: auto-generated\r\n" /* RFC 3834: nobody replies by itself */
        "\r\n%.*s",
        STR_ARG(date), STR_ARG(mail->from), STR_ARG(mail->to), STR_ARG(id), STR_ARG(domain),
        STR_ARG(subject), STR_ARG(body));
}
