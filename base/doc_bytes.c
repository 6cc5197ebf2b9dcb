/* What may stand in a file at all, before libyaml reads it. See doc.h.
 *
 * The trap: YAML takes a lone carriage return, U+0085, U+2028 and U+2029 for the end of a line, and
 * so of a comment, where a reviewer's editor shows one line. Characters that turn the direction of
 * text do the same to the order of what is read. None of them is needed in a file of ours. */
#include "base/doc_impl.h"
#include "base/encode.h"

struct look {
    const struct doc_file *file;
    struct findings *findings;
};

static bool bad(const struct look *l, size_t at, const char *code, const char *suggestion,
                const char *message)
{
    struct finding_at place = doc_place_of_offset(l->file, at);
    findings_add(l->findings, FINDING_ERROR, code, &place, suggestion, "%s", message);
    return false;
}

static bool bad_char(const struct look *l, size_t at, int32_t c, const char *what)
{
    struct finding_at place = doc_place_of_offset(l->file, at);
    findings_add(l->findings, FINDING_ERROR, "invisible-character", &place, "remove it",
                 "an invisible character (U+%04X) stands here, which %s", (unsigned)c, what);
    return false;
}

static bool check_control(const struct look *l, size_t at)
{
    unsigned char c = (unsigned char)l->file->bytes.p[at];
    struct finding_at place = doc_place_of_offset(l->file, at);

    if (c == 0)
        return bad(l, at, "encoding", "save the file as UTF-8",
                   "a NUL byte stands here; the file is no UTF-8 text");
    if (c == '\r')
        return bad(l, at, "lone-cr", "end lines with LF or CRLF",
                   "a carriage return stands here alone, which only some programs take for the end "
                   "of a line");
    findings_add(l->findings, FINDING_ERROR, "control-character", &place, "remove it",
                 "a control character (U+%04X) stands here", c);
    return false;
}

static bool check_wide(const struct look *l, size_t at, size_t *next)
{
    int32_t c = utf8_next(l->file->bytes, next);

    if (c < 0)
        return bad(l, at, "encoding", "save the file as UTF-8",
                   "the text is not valid UTF-8 from here on");
    if (c == 0x2028 || c == 0x2029 || c == 0x85)
        return bad_char(l, at, c, "only some programs take for the end of a line");
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069))
        return bad_char(l, at, c, "turns the direction of the text");
    if (c == 0xFEFF)
        return bad_char(l, at, c, "is the byte order mark of another file");
    if (c < 0xA0 || (c & 0xFFFE) == 0xFFFE)
        return bad_char(l, at, c, "is no text");
    return true;
}

/* The indentation of the line that begins at `at`. */
static bool check_indent(const struct look *l, size_t at)
{
    str b = l->file->bytes;

    while (at < b.n && b.p[at] == ' ')
        at++;
    return at == b.n || b.p[at] != '\t' ||
           bad(l, at, "tab", "indent with spaces", "a tab is used for indentation");
}

static bool check_start(const struct look *l)
{
    str b = l->file->bytes;
    struct finding_at place = {.file = l->file->name, .line = 1, .column = 1};
    const char *message = NULL, *suggestion = "save the file as UTF-8";

    if (b.n > DOC_MAX_BYTES) {
        findings_add(l->findings, FINDING_ERROR, "too-large", &place, "split it",
                     "the file is larger than 1 MiB");
        return false;
    }
    if (str_starts(b, STR("\xEF\xBB\xBF"))) {
        message = "the file starts with a byte order mark";
        suggestion = "save the file as UTF-8 without it";
    } else if (str_starts(b, STR("\xFF\xFE")) || str_starts(b, STR("\xFE\xFF"))) {
        message = "the file is UTF-16";
    }
    if (message)
        findings_add(l->findings, FINDING_ERROR, "encoding", &place, suggestion, "%s", message);
    return !message;
}

/* JSON is one bracket, in which indentation says nothing; tools write tabs there. */
static bool is_json(str b)
{
    size_t i = 0;

    while (i < b.n && strchr(" \t\r\n", b.p[i]))
        i++;
    return i < b.n && (b.p[i] == '{' || b.p[i] == '[');
}

bool doc_check_bytes(const struct doc_file *file, struct findings *f)
{
    const struct look l = {file, f};
    str b = file->bytes;

    if (!check_start(&l))
        return false;
    bool may_indent_with_tabs = is_json(b);
    if (!may_indent_with_tabs && !check_indent(&l, 0))
        return false;
    for (size_t i = 0; i < b.n;) {
        size_t at = i;
        unsigned char c = (unsigned char)b.p[i];
        if (c >= 0x80) {
            if (!check_wide(&l, at, &i))
                return false;
            continue;
        }
        i++;
        if (c >= 0x20 && c != 0x7F)
            continue;
        if (c == '\n' && !may_indent_with_tabs && !check_indent(&l, i))
            return false;
        bool is_crlf = c == '\r' && i < b.n && b.p[i] == '\n';
        if (c != '\n' && c != '\t' && !is_crlf)
            return check_control(&l, at);
    }
    return true;
}
