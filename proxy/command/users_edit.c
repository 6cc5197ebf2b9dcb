/* users_edit: see users_edit.h. The trap: a node of the tree knows where it begins, not where it
 * ends. It ends before the next one, and the blank lines and comments in between belong to that. */
#include "proxy/command/users_edit.h"

#include <assert.h>
#include <stdlib.h>

#include "base/doc.h"

enum { INDENT = 2 };

/* ---- lines ---- */

struct sheet {
    struct arena *a;
    struct doc_file file;
    const struct doc_node *root, *users;
    unsigned n_lines; /* also a last one without an end */
};

/* Where a line begins, 1-based; the end of the text for those behind it. */
static size_t line_start(str text, unsigned line)
{
    size_t at = 0;

    for (unsigned i = 1; i < line && at < text.n; i++)
        at += str_find(str_from(text, at), '\n') + 1;
    return at < text.n ? at : text.n;
}

static str line_text(str text, unsigned line)
{
    size_t from = line_start(text, line);
    str rest = str_from(text, from);

    return str_trim(str_upto(rest, str_find(rest, '\n')), " \t\r");
}

static unsigned count_lines(str text)
{
    unsigned n = 0;

    for (str rest = text; rest.p; n++)
        str_cut(&rest, '\n');
    return n;
}

/* The line after the last one in [from, to) that is neither blank nor a comment. */
static unsigned content_end(const struct sheet *s, unsigned from, unsigned to)
{
    while (to > from + 1) {
        str line = line_text(s->file.bytes, to - 1);
        if (line.n && line.p[0] != '#')
            break;
        to--;
    }
    return to;
}

/* Column counts characters. */
static size_t offset_of(str text, const struct doc_node *node)
{
    size_t at = line_start(text, node->line);

    for (unsigned column = 1; column < node->column && at < text.n; column++)
        do
            at++;
        while (at < text.n && ((unsigned char)text.p[at] & 0xC0) == 0x80);
    return at;
}

static bool is_braced(const struct sheet *s, const struct doc_node *node)
{
    size_t at = offset_of(s->file.bytes, node);

    return at < s->file.bytes.n && s->file.bytes.p[at] == '{';
}

/* The text with lines [from, to) replaced. */
static str splice(const struct sheet *s, unsigned from, unsigned to, str with)
{
    str text = s->file.bytes;
    str before = str_upto(text, line_start(text, from)),
        after = str_from(text, line_start(text, to));
    const char *end = before.n && before.p[before.n - 1] != '\n' ? "\n" : "";

    return arena_printf(s->a, "%.*s%s%.*s%.*s", STR_ARG(before), end, STR_ARG(with),
                        STR_ARG(after));
}

static void sheet_open(struct sheet *s, struct arena *a, str text)
{
    struct findings f;

    *s = (struct sheet){.a = a, .file = {STR("users"), text}};
    findings_init(&f);
    s->root = doc_parse(a, &s->file, &f);
    findings_finish(&f);
    assert(s->root);
    s->users = doc_get(s->root, "users");
    s->n_lines = count_lines(text);
}

/* ---- where things are ---- */

static size_t index_of(const struct sheet *s, str email)
{
    size_t i = 0;

    while (i < s->users->n && !str_eq_nocase(s->users->keys[i]->text, email))
        i++;
    return i;
}

/* The line after the last of `users`. */
static unsigned users_end(const struct sheet *s)
{
    const struct doc_node *key = doc_key(s->root, "users");
    unsigned to = s->n_lines + 1;

    for (size_t i = 0; i < s->root->n; i++)
        if (s->root->keys[i]->line > key->line && s->root->keys[i]->line < to)
            to = s->root->keys[i]->line;
    return content_end(s, key->line, to);
}

static unsigned user_end(const struct sheet *s, size_t i)
{
    unsigned to = i + 1 < s->users->n ? s->users->keys[i + 1]->line : users_end(s);

    return content_end(s, s->users->keys[i]->line, to);
}

static unsigned field_end(const struct sheet *s, size_t user, size_t i)
{
    const struct doc_node *map = s->users->items[user];
    unsigned to = i + 1 < map->n ? map->keys[i + 1]->line : user_end(s, user);

    return content_end(s, map->keys[i]->line, to);
}

/* ---- writing ---- */

static bool is_simple(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_word && (i == 0 || !strchr("@.+-", c)))
            return false;
    }
    return s.n > 0 && !str_eq(s, STR("null")) && !str_eq(s, STR("true")) &&
           !str_eq(s, STR("false"));
}

static str quote(struct arena *a, str s)
{
    char *out = arena_text(a, 2 * s.n + 2), *p = out;

    *p++ = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    *p++ = '"';
    return (str){out, (size_t)(p - out)};
}

str users_scalar(struct arena *a, str text)
{
    return is_simple(text) ? text : quote(a, text);
}

str users_list(struct arena *a, const str *items, size_t n)
{
    str out = STR("[");

    for (size_t i = 0; i < n; i++) {
        str item = users_scalar(a, items[i]);
        out = arena_printf(a, "%.*s%s%.*s", STR_ARG(out), i ? ", " : "", STR_ARG(item));
    }
    return arena_printf(a, "%.*s]", STR_ARG(out));
}

str users_field(struct arena *a, str name, str value)
{
    return arena_printf(a, "%.*s: %.*s", STR_ARG(name), STR_ARG(value));
}

/* A value as it stood in braces, on one line. */
static str write_node(struct arena *a, const struct doc_node *node)
{
    bool is_map = node->kind == DOC_MAP;
    str out = is_map ? STR("{") : STR("[");

    if (node->kind == DOC_SCALAR) /* plain stays plain: it says of what kind a claim is */
        return node->is_plain ? node->text : quote(a, node->text);
    for (size_t i = 0; i < node->n; i++) {
        str key =
            is_map ? arena_printf(a, "%.*s: ", STR_ARG(write_node(a, node->keys[i]))) : STR("");
        str item = write_node(a, node->items[i]);
        out = arena_printf(a, "%.*s%s%.*s%.*s", STR_ARG(out), i ? ", " : "", STR_ARG(key),
                           STR_ARG(item));
    }
    return arena_printf(a, "%.*s%c", STR_ARG(out), is_map ? '}' : ']');
}

static str write_entry(struct arena *a, unsigned indent, str email, str comment, const str *fields,
                       size_t n)
{
    str key = users_scalar(a, email);
    str out = arena_printf(a, "%*s%.*s:%s%s%.*s\n", (int)indent, "", STR_ARG(key), n ? "" : " {}",
                           comment.n ? "  " : "", STR_ARG(comment));

    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%.*s%*s%.*s\n", STR_ARG(out), (int)indent + INDENT, "",
                           STR_ARG(fields[i]));
    return out;
}

/* The fields of an entry as lines, with one that is changed, added or left out. */
static size_t fields_of(struct arena *a, const struct doc_node *map, str field, str value, str *out)
{
    size_t n = 0;
    bool is_there = false;

    for (size_t i = 0; i < map->n; i++) {
        bool is_it = str_eq(map->keys[i]->text, field);
        is_there |= is_it;
        str text = is_it ? value : write_node(a, map->items[i]);
        if (text.p)
            out[n++] = users_field(a, map->keys[i]->text, text);
    }
    if (!is_there && field.p && value.p)
        out[n++] = users_field(a, field, value);
    return n;
}

/* ---- braces become lines ---- */

/* What follows the last brace of a line, when it is a comment. */
static str comment_behind(const struct sheet *s, unsigned line)
{
    str text = line_text(s->file.bytes, line);
    str tail = str_trim(str_from(text, str_rfind(text, '}') + 1), " \t");

    return tail.n && tail.p[0] == '#' && str_rfind(text, '}') < text.n ? tail : STR("");
}

static str write_users(const struct sheet *s)
{
    str out = STR("");

    for (size_t i = 0; i < s->users->n; i++) {
        const struct doc_node *map = s->users->items[i];
        str *fields = arena_array(s->a, str, map->n + 1);
        size_t n = fields_of(s->a, map, (str){NULL, 0}, (str){NULL, 0}, fields);
        str entry = write_entry(s->a, INDENT, s->users->keys[i]->text, STR(""), fields, n);
        out = arena_printf(s->a, "%.*s%.*s", STR_ARG(out), STR_ARG(entry));
    }
    return out;
}

/* So that each user has lines of his own. Only for a list that will not be empty. */
static void open_braces(struct sheet *s)
{
    const struct doc_node *key = doc_key(s->root, "users");
    bool is_all = is_braced(s, s->root);

    if (!is_all && !is_braced(s, s->users))
        return;
    unsigned from = is_all ? s->root->line : key->line;
    unsigned to = is_all ? content_end(s, from, s->n_lines + 1) : users_end(s);
    str comment = comment_behind(s, to - 1), entries = write_users(s);
    str text = arena_printf(s->a, "%susers:%s%.*s\n%.*s", is_all ? "version: 1\n" : "",
                            comment.n ? "  " : "", STR_ARG(comment), STR_ARG(entries));
    sheet_open(s, s->a, splice(s, from, to, text));
}

/* ---- the three changes ---- */

static str add_first(struct sheet *s, str entry)
{
    bool is_all = is_braced(s, s->root);
    unsigned from = is_all ? s->root->line : doc_key(s->root, "users")->line;
    unsigned to = is_all ? content_end(s, from, s->n_lines + 1) : users_end(s);
    str comment = comment_behind(s, to - 1);

    return splice(s, from, to,
                  arena_printf(s->a, "%susers:%s%.*s\n%.*s", is_all ? "version: 1\n" : "",
                               comment.n ? "  " : "", STR_ARG(comment), STR_ARG(entry)));
}

str users_edit_add(struct arena *a, str text, str email, const str *fields, size_t n)
{
    struct sheet s;

    sheet_open(&s, a, text);
    if (s.users->n == 0)
        return add_first(&s, write_entry(a, INDENT, email, STR(""), fields, n));
    open_braces(&s);
    unsigned at = users_end(&s), indent = s.users->keys[0]->column - 1;
    return splice(&s, at, at, write_entry(a, indent, email, STR(""), fields, n));
}

/* Back to braces when nobody is left: an empty value would be no mapping. */
static str remove_last(struct sheet *s)
{
    unsigned line = doc_key(s->root, "users")->line;

    return is_braced(s, s->root)
               ? splice(s, s->root->line, content_end(s, s->root->line, s->n_lines + 1),
                        STR("version: 1\nusers: {}\n"))
               : splice(s, line, users_end(s), STR("users: {}\n"));
}

str users_edit_remove(struct arena *a, str text, str email)
{
    struct sheet s;

    sheet_open(&s, a, text);
    if (s.users->n == 1)
        return remove_last(&s);
    open_braces(&s);
    size_t i = index_of(&s, email);
    return splice(&s, s.users->keys[i]->line, user_end(&s, i), STR(""));
}

/* A comment behind a value on its line stays there. */
static str comment_after(const struct sheet *s, const struct doc_node *value)
{
    str text = s->file.bytes;
    size_t at = offset_of(text, value), quotes = value->is_plain ? 0 : 2;

    if (value->kind != DOC_SCALAR || at + value->text.n + quotes > text.n ||
        !str_eq(str_upto(str_from(text, at + quotes / 2), value->text.n), value->text))
        return STR("");
    str rest = str_from(text, at + value->text.n + quotes);
    str tail = str_trim(str_upto(rest, str_find(rest, '\n')), " \t\r");
    return tail.n && tail.p[0] == '#' ? arena_printf(s->a, "  %.*s", STR_ARG(tail)) : STR("");
}

static str set_in_braces(struct sheet *s, size_t i, str field, str value)
{
    const struct doc_node *key = s->users->keys[i], *map = s->users->items[i];
    str *fields = arena_array(s->a, str, map->n + 2);
    size_t n = fields_of(s->a, map, field, value, fields);
    unsigned to = user_end(s, i);
    str entry = write_entry(s->a, key->column - 1, key->text, comment_behind(s, to - 1), fields, n);

    return splice(s, key->line, to, entry);
}

static str set_in_lines(struct sheet *s, size_t user, str field, str value)
{
    const struct doc_node *map = s->users->items[user];
    size_t i = 0;

    while (i < map->n && !str_eq(map->keys[i]->text, field))
        i++;
    bool is_there = i < map->n;
    if (!is_there && !value.p)
        return s->file.bytes;
    if (is_there && !value.p && map->n == 1) /* the last one: nothing would be left of the entry */
        return set_in_braces(s, user, field, value);
    str comment = is_there && value.p ? comment_after(s, map->items[i]) : STR("");
    str line = value.p ? arena_printf(s->a, "%*s%.*s: %.*s%.*s\n", (int)map->keys[0]->column - 1,
                                      "", STR_ARG(field), STR_ARG(value), STR_ARG(comment))
                       : STR("");
    unsigned from = is_there ? map->keys[i]->line : user_end(s, user);
    return splice(s, from, is_there ? field_end(s, user, i) : from, line);
}

str users_edit_set(struct arena *a, str text, str email, str field, str value)
{
    struct sheet s;

    sheet_open(&s, a, text);
    open_braces(&s);
    size_t i = index_of(&s, email);
    assert(i < s.users->n);
    return is_braced(&s, s.users->items[i]) ? set_in_braces(&s, i, field, value)
                                            : set_in_lines(&s, i, field, value);
}

/* ---- what must not have changed ---- */

static bool same_node(const struct doc_node *x, const struct doc_node *y)
{
    if (!x || !y)
        return x == y;
    if (x->kind != y->kind || x->n != y->n || x->is_plain != y->is_plain ||
        !str_eq(x->text, y->text))
        return false;
    for (size_t i = 0; i < x->n; i++)
        if (!same_node(x->items[i], y->items[i]) ||
            (x->kind == DOC_MAP && !str_eq(x->keys[i]->text, y->keys[i]->text)))
            return false;
    return true;
}

static bool same_groups(const struct builtin_user *x, const struct builtin_user *y)
{
    if (x->n_groups != y->n_groups)
        return false;
    for (size_t i = 0; i < x->n_groups; i++)
        if (!str_eq(x->groups[i], y->groups[i]))
            return false;
    return true;
}

static bool same_user(const struct builtin_user *x, const struct builtin_user *y)
{
    return str_eq(x->subject, y->subject) && str_eq(x->name, y->name) &&
           str_eq(x->password, y->password) && x->takes_pin == y->takes_pin &&
           x->is_disabled == y->is_disabled && same_groups(x, y) && same_node(x->claims, y->claims);
}

/* One way: whoever is in `x` is in `y` and the same. */
static const char *missing(const struct builtin_users *x, const struct builtin_users *y, str email,
                           struct arena *a)
{
    for (size_t i = 0; i < builtin_users_count(x); i++) {
        const struct builtin_user *u = builtin_users_at(x, i);
        const struct builtin_user *v = builtin_users_find(y, u->email);
        if (!str_eq_nocase(u->email, email) && (!v || !same_user(u, v)))
            return arena_dup(a, u->email).p;
    }
    return NULL;
}

const char *users_differ(const struct builtin_users *old, const struct builtin_users *new,
                         str email, struct arena *a)
{
    const char *who = missing(old, new, email, a);

    return who ? who : missing(new, old, email, a);
}
