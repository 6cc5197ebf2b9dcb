/* What libyaml says of a file, in words that say what to write instead. Its own are made for who
 * knows the grammar of YAML, and some stand at a place where nothing is wrong. */
#include "base/doc_impl.h"

enum place { PLACE_PROBLEM, PLACE_CONTEXT };

static const char QUOTE[] = "write the text in quotes";
static const char INDENT[] = "is this line, or the one before, indented wrongly?";

/* The first row whose words stand in problem and context counts; NULL is any context. */
static const struct row {
    const char *problem, *context;
    enum place place;
    const char *code, *message, *suggestion;
} rows[] = {
    {"alphabetic or numeric", "alias", PLACE_CONTEXT, "alias",
     "a text that begins with * is an alias, and aliases are not supported", QUOTE},
    {"alphabetic or numeric", "anchor", PLACE_CONTEXT, "anchor",
     "a text that begins with & is an anchor, and anchors are not supported", QUOTE},
    {"", "tag", PLACE_CONTEXT, "tag",
     "a text that begins with ! is a tag, and tags are not supported", QUOTE},
    {"undefined tag", NULL, PLACE_PROBLEM, "tag",
     "a text that begins with ! is a tag, and tags are not supported", QUOTE},
    {"", "directive", PLACE_CONTEXT, "directive", "YAML directives are not supported",
     "remove the line"},
    {"directive", NULL, PLACE_PROBLEM, "directive", "YAML directives are not supported",
     "remove the line"},
    {"incompatible YAML", NULL, PLACE_PROBLEM, "directive", "YAML directives are not supported",
     "remove the line"},
    {"tab character", NULL, PLACE_PROBLEM, "tab", "a tab is used for indentation",
     "indent with spaces"},
    {"mapping values", NULL, PLACE_PROBLEM, "yaml",
     "this colon makes a key of the text before it, and no key may stand there",
     "write the text in quotes if the colon belongs to it, or mend this line or the one before"},
    {"block sequence entries", NULL, PLACE_PROBLEM, "yaml", "a list with - cannot begin here",
     "begin it on the next line, or write [a, b]"},
    {"mapping keys", NULL, PLACE_PROBLEM, "yaml", "a key with ? cannot begin here", QUOTE},
    {"could not find expected ':'", NULL, PLACE_CONTEXT, "yaml",
     "a colon and a space are missing after this key", "write key: value"},
    {"end of stream", "quoted scalar", PLACE_CONTEXT, "yaml", "this quote is not closed", NULL},
    {"document indicator", "quoted scalar", PLACE_CONTEXT, "yaml", "this quote is not closed",
     NULL},
    {"unknown escape", NULL, PLACE_PROBLEM, "yaml", "no escape in double quotes begins so",
     "write \\\\ for a backslash, or use single quotes, where it is one"},
    {"hexdecimal", NULL, PLACE_PROBLEM, "yaml", "this escape lacks a hexadecimal digit",
     "write \\\\ for a backslash, or use single quotes, where it is one"},
    {"Unicode character escape", NULL, PLACE_PROBLEM, "yaml", "this escape is no character", NULL},
    {"expected '-'", NULL, PLACE_PROBLEM, "yaml",
     "a - in the column of the list's other items is missing here", INDENT},
    {"expected key", NULL, PLACE_PROBLEM, "yaml",
     "a key in the column of the mapping's other keys is missing here", INDENT},
    {"or ']'", NULL, PLACE_PROBLEM, "yaml", "a comma or ] is missing before this", NULL},
    {"or '}'", NULL, PLACE_PROBLEM, "yaml", "a comma or } is missing before this", NULL},
    {"node content", NULL, PLACE_PROBLEM, "yaml", "a value is missing before this", NULL},
    {"<document start>", NULL, PLACE_PROBLEM, "second-document", "the document ends before this",
     "put a second one into a file of its own, or mend the indentation"},
};

static const struct row *find_row(const yaml_parser_t *y, const char *problem)
{
    const char *context = y->context ? y->context : "";

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(problem, rows[i].problem) &&
            (!rows[i].context || strstr(context, rows[i].context)))
            return &rows[i];
    return NULL;
}

static struct finding_at place_of(const struct doc_file *file, const yaml_mark_t *mark)
{
    return doc_place(file, (unsigned)mark->line + 1, (unsigned)mark->column + 1);
}

/* The byte in that column; all characters before it count. */
static char byte_at(const struct finding_at *at)
{
    size_t i = 0;

    for (unsigned column = 1; i < at->source.n; i++)
        if (((unsigned char)at->source.p[i] & 0xC0) != 0x80 && column++ == at->column)
            return at->source.p[i];
    return '\0';
}

static void cannot_start(const struct finding_at *at, struct findings *f)
{
    char c = byte_at(at);

    if (c == '\t')
        findings_add(f, FINDING_ERROR, "tab", at, "indent with spaces",
                     "a tab is used for indentation");
    else
        findings_add(f, FINDING_ERROR, "yaml", at, QUOTE, "a text cannot begin with %c", c);
}

/* libyaml stands behind the last line of the file then. */
static void unclosed(const struct doc_node *open, struct findings *f)
{
    bool is_list = open->kind == DOC_LIST;
    struct finding_at at = doc_at(open);

    findings_add(f, FINDING_ERROR, "yaml", &at, NULL, "this %c is not closed by a %c",
                 is_list ? '[' : '{', is_list ? ']' : '}');
}

void doc_problem(const yaml_parser_t *y, const struct doc_file *file, const struct doc_node *open,
                 struct findings *f)
{
    const char *problem = y->problem ? y->problem : "the document cannot be read";
    const struct row *row = find_row(y, problem);
    struct finding_at at = place_of(file, &y->problem_mark);

    if (y->error == YAML_READER_ERROR)
        at = doc_place_of_offset(file, y->problem_offset);
    if (open && y->error == YAML_PARSER_ERROR && !at.source.n)
        unclosed(open, f);
    else if (strstr(problem, "cannot start any token"))
        cannot_start(&at, f);
    else if (!row)
        findings_add(f, FINDING_ERROR, "yaml", &at, NULL, "%s", problem);
    else {
        if (row->place == PLACE_CONTEXT)
            at = place_of(file, &y->context_mark);
        findings_add(f, FINDING_ERROR, row->code, &at, row->suggestion, "%s", row->message);
    }
}
