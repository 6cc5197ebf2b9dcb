/* The rows of refusal: one id, one status, one sentence. See h1_head.h. */
#include "proxy/http/h1_inner.h"

static const struct h1_verdict rows[] = {
    {400, "line.empty", "The request begins with empty lines."},
    {400, "line.method", "The request does not begin with a method."},
    {501, "method.unknown", "The method is not known here."},
    {400, "method.connect", "CONNECT is not served."},
    {400, "line.http09", "The request line has no version (HTTP/0.9)."},
    {400, "line.space", "The request line is not method, target and version."},
    {400, "line.version-form", "The version is not of the form HTTP/1.1."},
    {505, "line.version", "The version is neither HTTP/1.0 nor HTTP/1.1."},
    {414, "line.long", "The request line is too long."},
    {400, "target.empty", "The request target is empty."},
    {400, "target.fragment", "The request target has a fragment."},
    {400, "target.control", "The request target has a control byte."},
    {400, "target.8bit", "The request target has a byte beyond ASCII."},
    {400, "target.form", "The request target is neither a path nor an http or https URL."},
    {400, "target.asterisk", "The target * belongs to OPTIONS alone."},
    {400, "target.userinfo", "The request target carries user information."},
    {400, "target.no-authority", "The request target names no host."},
    {400, "host.missing", "The request has no Host."},
    {400, "host.twice", "The request has more than one Host."},
    {400, "host.empty", "The Host is empty."},
    {400, "host.port", "The port in Host is no port."},
    {400, "host.label", "A label of the Host is empty, too long or begins or ends with a hyphen."},
    {400, "host.byte", "The Host has a byte that no host name has."},
    {400, "host.ip", "The Host looks like an address and is none."},
    {400, "host.long", "The Host is too long."},
    {400, "host.differs", "The Host differs from the request target."},
    {400, "head.bare-lf", "A line ends in LF without CR."},
    {400, "head.bare-cr", "A CR stands without LF."},
    {400, "head.fold", "A field is continued on a second line."},
    {400, "head.second-opinion", "Two parsers read this message differently."},
    {400, "head.end", "The head has no end, or bytes after its end."},
    {431, "head.field-long", "A header field is too long."},
    {431, "head.fields-long", "The header fields are too long."},
    {431, "head.fields-many", "There are too many header fields."},
    {400, "field.empty-name", "A field has no name."},
    {400, "field.no-colon", "A field has no colon."},
    {400, "field.space-before-colon", "A field has a space before its colon."},
    {400, "field.name", "A field name is no token."},
    {400, "field.value", "A field value has a control byte."},
    {400, "field.twice", "A field that must stand alone came twice."},
    {400, "framing.both", "The message has both Content-Length and Transfer-Encoding."},
    {400, "length.twice", "The message has more than one Content-Length."},
    {400, "length.form", "The Content-Length is no number."},
    {400, "te.twice", "The message has more than one Transfer-Encoding."},
    {400, "te.empty", "The Transfer-Encoding is empty."},
    {400, "te.not-chunked", "The Transfer-Encoding is not chunked alone."},
    {400, "te.http10", "HTTP/1.0 has no Transfer-Encoding."},
    {400, "upgrade.other", "Only an upgrade to websocket is possible."},
    {417, "expect.unknown", "The expectation is not known."},
    {400, "status.form", "The status line is malformed."},
    {400, "status.upgrade-unasked", "The upstream switched protocols without being asked."},
    {400, "status.upgrade-other", "The upstream switched to another protocol than asked for."},
    {400, "status.body", "An answer that has no body announces one."},
};

struct h1_verdict h1_refuse(const char *id)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].id, id) == 0)
            return rows[i];
    return (struct h1_verdict){400, id, "The message is malformed."};
}

struct h1_verdict h1_refuse_answer(const char *id)
{
    struct h1_verdict v = h1_refuse(id);
    v.status = 502;
    return v;
}
