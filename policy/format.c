/* format: the usual layout of a policy file.
 *
 * Works on lines, so that every comment stays where its author put it: indentation by two, one
 * space after a colon, a comma and a hash, none inside brackets, single empty lines. Then the tree
 * of the result is compared with the tree of the input; whatever was not understood is left alone
 * rather than changed, and a file whose meaning would change is not written. */
#include "policy/author.h"
#include "policy/format.h"

static size_t indent_of(str line)
{
    size_t n = 0;

    while (n < line.n && line.p[n] == ' ')
        n++;
    return n;
}

/* ---- blocks ------------------------------------------------------------------------------------
 */

static bool is_item(str s)
{
    return s.n && s.p[0] == '-' && (s.n == 1 || s.p[1] == ' ');
}

static size_t place_level(struct format *f, size_t column, bool is_list)
{
    struct format_level *top = NULL;

    while (f->n_levels) {
        top = &f->levels[f->n_levels - 1];
        /* A list may stand at the column of its key; what is no item ends it there. */
        if (top->old_column < column || (top->old_column == column && top->is_list == is_list) ||
            (top->old_column == column && is_list && !top->is_list))
            break;
        f->n_levels--;
        top = f->n_levels ? &f->levels[f->n_levels - 1] : NULL;
    }
    if (top && top->old_column == column && top->is_list == is_list)
        return top->new_column;
    size_t new_column = top ? top->new_column + FORMAT_STEP : 0;
    if (f->n_levels < FORMAT_MAX_LEVELS)
        f->levels[f->n_levels++] = (struct format_level){column, new_column, is_list};
    return new_column;
}

static bool begins_literal(str s)
{
    size_t comment = 0;

    while (comment < s.n && !(s.p[comment] == '#' && comment && s.p[comment - 1] == ' '))
        comment++;
    s = str_trim(str_upto(s, comment), " ");
    while (s.n && (s.p[s.n - 1] == '+' || s.p[s.n - 1] == '-' ||
                   (s.p[s.n - 1] >= '1' && s.p[s.n - 1] <= '9')))
        s.n--;
    return s.n > 1 && (s.p[s.n - 1] == '|' || s.p[s.n - 1] == '>') && s.p[s.n - 2] == ' ';
}

/* "- - a: b" opens two lists and a mapping; each is a level of its own. */
static void put_block(struct format *f, str s, size_t column)
{
    bool is_first = true;

    f->shift_old = column;
    while (is_item(s)) {
        size_t at = place_level(f, column, true);
        if (is_first)
            format_spaces(&f->out, at);
        f->shift_new = is_first ? at : f->shift_new;
        is_first = false;
        size_t skip = format_skip_spaces(s, 1);
        text_add(&f->out, skip < s.n ? STR("- ") : STR("-"));
        column += skip;
        s = str_from(s, skip);
    }
    if (!s.n)
        return;
    size_t at = place_level(f, column, false);
    if (is_first) {
        format_spaces(&f->out, at);
        f->shift_new = at;
    }
    f->in_literal = begins_literal(s);
    f->literal_column = f->shift_old;
    format_content(f, s);
}

/* The next line that is neither empty nor a comment; absent at the end. */
static str next_content(str rest)
{
    while (rest.p && rest.n) {
        str line = str_cut(&rest, '\n'), s = str_trim(line, " \t\r");
        if (s.n && s.p[0] != '#')
            return line;
    }
    return (str){NULL, 0};
}

/* A comment at the column of what follows goes with that; another with the block that it ends. */
static size_t column_of_comment(struct format *f, size_t column)
{
    size_t at = 0;

    if (!f->knows_next)
        f->next = next_content(f->rest);
    f->knows_next = true;
    str next = f->next;

    if (next.p && indent_of(next) == column) {
        struct format ahead = *f;
        return place_level(&ahead, column, is_item(str_from(next, column)));
    }
    for (size_t i = 0; column && i < f->n_levels; i++)
        if (f->levels[i].old_column <= column)
            at = f->levels[i].new_column + (column - f->levels[i].old_column);
    return at;
}

static void put_comment_line(struct format *f, str s, size_t column)
{
    format_spaces(&f->out, column_of_comment(f, column));
    format_comment(f, s, 0, 0, true);
}

static void put_continued(struct format *f, str s, size_t column)
{
    size_t at = f->shift_new + FORMAT_STEP;

    if (column > f->shift_old)
        at = f->shift_new + (column - f->shift_old);
    if (s.n && (s.p[0] == ']' || s.p[0] == '}') && f->brackets == 1)
        at = f->shift_new;
    format_spaces(&f->out, at);
    format_content(f, s);
}

static void end_empty(struct format *f)
{
    if (f->empty && f->has_line)
        text_add(&f->out, STR("\n"));
    f->empty = 0;
    f->has_line = true;
}

static void format_line(struct format *f, str line)
{
    size_t column = indent_of(line);
    str s = str_from(line, column);

    if (f->in_literal && (!s.n || column > f->literal_column)) {
        text_add(&f->out, line);
        text_add(&f->out, STR("\n"));
        return;
    }
    f->in_literal = false;
    bool is_inside = f->quote || f->brackets;
    s = f->quote ? s : str_trim(s, " \t\r");
    if (!s.n && !f->quote) {
        f->empty++;
        return;
    }
    end_empty(f);
    f->knows_next &= !is_inside && s.p[0] == '#';
    if (is_inside)
        put_continued(f, s, column);
    else if (s.p[0] == '#')
        put_comment_line(f, s, column);
    else
        put_block(f, s, column);
    text_add(&f->out, STR("\n"));
}

/* ---- the same meaning --------------------------------------------------------------------------
 */

static bool is_same(const struct doc_node *x, const struct doc_node *y)
{
    if (x->kind != y->kind || x->n != y->n || x->is_plain != y->is_plain ||
        !str_eq(x->text, y->text))
        return false;
    for (size_t i = 0; i < x->n; i++)
        if ((x->keys && !is_same(x->keys[i], y->keys[i])) || !is_same(x->items[i], y->items[i]))
            return false;
    return true;
}

static size_t count_comments(str bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes.n; i++)
        n += bytes.p[i] == '#';
    return n;
}

static void run(struct format *f, str bytes)
{
    f->rest = bytes;
    while (f->rest.p && f->rest.n) {
        str line = str_cut(&f->rest, '\n');
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        format_line(f, line);
    }
}

bool policy_format(const struct doc_file *file, struct arena *a, str *out,
                   struct findings *findings)
{
    struct format *f = arena_new(a, struct format);
    size_t errors = findings->errors;
    const struct doc_node *before = doc_parse(a, file, findings);

    if (!before || findings->errors > errors)
        return false;
    f->out.arena = a;
    run(f, file->bytes);
    struct doc_file *next = arena_new(a, struct doc_file);
    *next = (struct doc_file){file->name, text_str(&f->out)};
    struct findings scratch;
    findings_init(&scratch);
    const struct doc_node *after = doc_parse(a, next, &scratch);
    bool good = after && !scratch.errors && is_same(before, after) &&
                count_comments(next->bytes) == count_comments(file->bytes);
    findings_finish(&scratch);
    if (!good) {
        struct finding_at at = {.file = file->name};
        findings_add(findings, FINDING_ERROR, "format", &at, "lay it out by hand",
                     "this layout is not one that can be changed without changing its meaning");
        return false;
    }
    *out = next->bytes;
    return true;
}
