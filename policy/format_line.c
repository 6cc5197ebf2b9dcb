/* format_line: one line of the usual layout, without its indentation: what stands between its
 * tokens. */
#include "policy/format.h"

void format_spaces(struct text *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add(t, STR(" "));
}

static char last_char(const struct text *t)
{
    return t->n ? t->p[t->n - 1] : '\n';
}

static void drop_spaces(struct text *t)
{
    while (t->n && last_char(t) == ' ')
        t->n--;
}

/* Nothing but the indentation stands on it. */
static bool begins_line(const struct text *t)
{
    size_t n = t->n;

    while (n && t->p[n - 1] == ' ')
        n--;
    return n == 0 || t->p[n - 1] == '\n';
}

size_t format_skip_spaces(str s, size_t i)
{
    while (i < s.n && s.p[i] == ' ')
        i++;
    return i;
}

/* The end of a quoted text that is open at i, or s.n when it goes on. */
static size_t end_of_quoted(str s, size_t i, char quote)
{
    for (; i < s.n; i++) {
        if (s.p[i] == '\\' && quote == '"')
            i++;
        else if (s.p[i] == quote && quote == '\'' && i + 1 < s.n && s.p[i + 1] == quote)
            i++;
        else if (s.p[i] == quote)
            return i;
    }
    return s.n;
}

static size_t put_quoted(struct format *f, str s, size_t i, char quote)
{
    size_t end = end_of_quoted(s, i, quote);

    f->quote = end == s.n ? quote : 0;
    end = end < s.n ? end + 1 : s.n;
    text_add(&f->out, (str){s.p + i, end - i});
    return end;
}

void format_comment(struct format *f, str s, size_t i, size_t gap, bool is_alone)
{
    if (!is_alone)
        format_spaces(&f->out, gap < 2 ? 2 : gap);
    text_add(&f->out, STR("#"));
    str rest = str_from(s, i + 1);
    if (rest.n && rest.p[0] != ' ' && rest.p[0] != '#' && rest.p[0] != '!')
        text_add(&f->out, STR(" "));
    text_add(&f->out, str_trim(rest, ""));
}

static bool is_key_colon(const struct format *f, str s, size_t i)
{
    if (s.p[i] != ':')
        return false;
    if (i + 1 == s.n || s.p[i + 1] == ' ')
        return true;
    return f->brackets > 0 && (last_char(&f->out) == '"' || last_char(&f->out) == '\'');
}

static size_t put_mark(struct format *f, str s, size_t i)
{
    char c = s.p[i];

    if (c == '[' || c == '{') {
        text_add(&f->out, (str){s.p + i, 1});
        f->brackets++;
        return format_skip_spaces(s, i + 1);
    }
    if (!begins_line(&f->out))
        drop_spaces(&f->out);
    text_add(&f->out, (str){s.p + i, 1});
    if (c == ',') {
        i = format_skip_spaces(s, i + 1);
        if (i < s.n)
            text_add(&f->out, STR(" "));
        return i;
    }
    f->brackets -= f->brackets > 0;
    return i + 1;
}

static bool is_mark(const struct format *f, str s, size_t i, bool at_value)
{
    if (s.p[i] == '[' || s.p[i] == '{')
        return f->brackets > 0 || at_value;
    return f->brackets > 0 && (s.p[i] == ',' || s.p[i] == ']' || s.p[i] == '}');
}

static size_t put_colon(struct format *f, str s, size_t i)
{
    drop_spaces(&f->out);
    text_add(&f->out, STR(":"));
    i = format_skip_spaces(s, i + 1);
    if (i == s.n)
        return i;
    if (s.p[i] == '#')
        return i - 1; /* its gap is measured from here */
    text_add(&f->out, STR(" "));
    return i;
}

/* One token, or one byte of a plain text. *at_value: what comes next may begin a value, so that a
 * quote or a bracket there is no part of a text. */
static size_t put_token(struct format *f, str s, size_t i, bool *at_value)
{
    bool may_begin = *at_value;

    *at_value = false;
    if (may_begin && (s.p[i] == '"' || s.p[i] == '\'')) {
        text_add(&f->out, (str){s.p + i, 1});
        return put_quoted(f, s, i + 1, s.p[i]);
    }
    if (is_mark(f, s, i, may_begin)) {
        *at_value = s.p[i] != ']' && s.p[i] != '}';
        return put_mark(f, s, i);
    }
    if (is_key_colon(f, s, i)) {
        *at_value = true;
        return put_colon(f, s, i);
    }
    text_add(&f->out, (str){s.p + i, 1});
    return i + 1;
}

/* The spaces [i, next) of a plain text; behind a bracket and at the start of a line there are none.
 */
static void put_gap(struct format *f, str s, size_t i, size_t next)
{
    char last = last_char(&f->out);

    if (last != '[' && last != '{' && last != ' ')
        text_add(&f->out, (str){s.p + i, next - i});
}

void format_content(struct format *f, str s)
{
    bool at_value = true, is_alone = true;
    size_t i = f->quote ? put_quoted(f, s, 0, f->quote) : 0;

    for (size_t next; (next = format_skip_spaces(s, i)) < s.n; is_alone = false) {
        if (s.p[next] == '#' && (next > i || is_alone)) {
            format_comment(f, s, next, next - i, is_alone);
            return;
        }
        if (next > i && !is_alone)
            put_gap(f, s, i, next);
        i = put_token(f, s, next, &at_value);
    }
    drop_spaces(&f->out);
}
