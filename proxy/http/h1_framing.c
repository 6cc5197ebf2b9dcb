/* What the fields say about framing, and the second opinion on the whole head. See h1_inner.h. */
#include "proxy/http/fields.h"
#include "proxy/http/h1_inner.h"

#include <llhttp.h>

static void connection_tokens(str value, struct h1_facts *f)
{
    while (value.p) {
        str token = str_trim(str_cut(&value, ','), " \t");
        if (str_eq_nocase(token, STR("close")))
            f->says_close = true;
        else if (str_eq_nocase(token, STR("keep-alive")))
            f->says_keep_alive = true;
        else if (str_eq_nocase(token, STR("upgrade")))
            f->says_upgrade = true;
        else if (token.n > 0)
            f->names_fields = true;
    }
}

static void note(str value, unsigned *count, str *first)
{
    if ((*count)++ == 0)
        *first = value;
}

void h1_facts_collect(const struct http_field *fields, size_t n, struct h1_facts *out)
{
    *out = (struct h1_facts){0};
    for (size_t i = 0; i < n; i++) {
        str value = fields[i].value;
        switch (fields[i].id) {
        case FIELD_HOST:
            note(value, &out->hosts, &out->host);
            break;
        case FIELD_CONTENT_LENGTH:
            note(value, &out->lengths, &out->length);
            break;
        case FIELD_TRANSFER_ENCODING:
            note(value, &out->codings, &out->coding);
            break;
        case FIELD_UPGRADE:
            note(value, &out->upgrades, &out->upgrade);
            break;
        case FIELD_EXPECT:
            note(value, &out->expects, &out->expect);
            break;
        case FIELD_COOKIE:
            out->cookies++;
            break;
        case FIELD_CONNECTION:
            connection_tokens(value, out);
            break;
        default:
            break;
        }
    }
}

const char *h1_framing(const struct h1_facts *f, uint8_t minor, enum http_framing *framing_out,
                       uint64_t *length_out)
{
    *framing_out = FRAMING_NONE;
    *length_out = 0;
    if (f->lengths > 0 && f->codings > 0)
        return "framing.both";
    if (f->lengths > 1)
        return "length.twice";
    if (f->codings > 1)
        return "te.twice";
    if (f->codings == 1) {
        if (minor == 0)
            return "te.http10";
        if (f->coding.n == 0)
            return "te.empty";
        if (!str_eq_nocase(f->coding, STR("chunked")))
            return "te.not-chunked";
        *framing_out = FRAMING_CHUNKED;
    }
    if (f->lengths == 1) {
        if (f->length.n > 19 || !str_to_u64(f->length, INT64_MAX, length_out))
            return "length.form";
        *framing_out = FRAMING_LENGTH;
    }
    return NULL;
}

void h1_drop_named(struct http_field *fields, size_t n, const struct h1_facts *facts)
{
    if (!facts->names_fields)
        return;
    for (size_t i = 0; i < n; i++)
        if (fields[i].id == FIELD_CONNECTION)
            fields_drop_named(fields, n, fields[i].value);
}

static int stop_after_head(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_headers_complete = stop_after_head};

static bool same_start(const llhttp_t *p, const struct h1_reading *ours)
{
    if (p->http_major != 1 || p->http_minor != ours->minor)
        return false;
    if (ours->is_response)
        return p->status_code == ours->status;
    return str_eq(str_of(llhttp_method_name((llhttp_method_t)p->method)), ours->method);
}

bool h1_llhttp_agrees(str head, const struct h1_reading *ours)
{
    llhttp_t p;
    llhttp_init(&p, ours->is_response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    if (llhttp_execute(&p, head.p, head.n) != HPE_PAUSED ||
        llhttp_get_error_pos(&p) != head.p + head.n)
        return false;
    bool chunked = (p.flags & F_CHUNKED) != 0, length = (p.flags & F_CONTENT_LENGTH) != 0;
    return same_start(&p, ours) && chunked == (ours->framing == FRAMING_CHUNKED) &&
           length == (ours->framing == FRAMING_LENGTH) &&
           (!length || p.content_length == ours->content_length);
}
