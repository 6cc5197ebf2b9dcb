/* Words of HTTP: methods, statuses, look-ups. See message.h. */
#include "proxy/http/message.h"
#include "proxy/http/fields.h"

static const str methods[METHOD_COUNT] = {
#define X(name) [METHOD_##name] = STR(#name),
    HTTP_METHODS(X)
#undef X
};

enum http_method http_method_find(str name)
{
    for (int m = METHOD_NONE + 1; m < METHOD_COUNT; m++)
        if (str_eq(methods[m], name))
            return (enum http_method)m;
    return METHOD_NONE;
}

str http_method_text(enum http_method m)
{
    return m > METHOD_NONE && m < METHOD_COUNT ? methods[m] : (str){NULL, 0};
}

bool http_method_is_idempotent(enum http_method m)
{
    switch (m) {
    case METHOD_GET:
    case METHOD_HEAD:
    case METHOD_PUT:
    case METHOD_DELETE:
    case METHOD_OPTIONS:
    case METHOD_PROPFIND:
    case METHOD_SEARCH:
    case METHOD_REPORT:
        return true;
    default:
        return false;
    }
}

static const struct {
    uint16_t status;
    str text;
} statuses[] = {
    {100, STR("Continue")},
    {101, STR("Switching Protocols")},
    {200, STR("OK")},
    {201, STR("Created")},
    {202, STR("Accepted")},
    {204, STR("No Content")},
    {206, STR("Partial Content")},
    {301, STR("Moved Permanently")},
    {302, STR("Found")},
    {303, STR("See Other")},
    {304, STR("Not Modified")},
    {307, STR("Temporary Redirect")},
    {308, STR("Permanent Redirect")},
    {400, STR("Bad Request")},
    {401, STR("Unauthorized")},
    {403, STR("Forbidden")},
    {404, STR("Not Found")},
    {405, STR("Method Not Allowed")},
    {408, STR("Request Timeout")},
    {409, STR("Conflict")},
    {411, STR("Length Required")},
    {413, STR("Content Too Large")},
    {414, STR("URI Too Long")},
    {415, STR("Unsupported Media Type")},
    {417, STR("Expectation Failed")},
    {421, STR("Misdirected Request")},
    {426, STR("Upgrade Required")},
    {429, STR("Too Many Requests")},
    {431, STR("Request Header Fields Too Large")},
    {500, STR("Internal Server Error")},
    {501, STR("Not Implemented")},
    {502, STR("Bad Gateway")},
    {503, STR("Service Unavailable")},
    {504, STR("Gateway Timeout")},
    {505, STR("HTTP Version Not Supported")},
};

str http_status_text(unsigned status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return STR("Unknown");
}

const struct http_field *http_field_find(const struct http_field *fields, size_t n, uint16_t id)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].id == id)
            return &fields[i];
    return NULL;
}

const struct http_field *http_field_named(const struct http_field *fields, size_t n, str name)
{
    uint32_t hash = fields_folded_hash(name);
    for (size_t i = 0; i < n; i++)
        if (fields[i].hash == hash && fields_folded_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}
