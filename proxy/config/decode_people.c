/* decode_people: the portal, sessions, mail and channels of notices. */
#include "proxy/config/decode.h"

#include "base/schema.h"

enum { SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS };

/* ---- the portal ---- */

static str origin_host(str origin)
{
    str rest = str_from(origin, str_find(origin, '/') + 2);
    return str_upto(rest, str_rfind(rest, ':'));
}

static bool is_localhost(str host)
{
    return str_eq(host, STR("localhost")) || str_ends(host, STR(".localhost"));
}

/* What browsers send as Origin and what an issuer knows as our address: without the usual port. */
static str canonical(str origin)
{
    str usual = str_starts(origin, STR("https")) ? STR(":443") : STR(":80");
    return str_ends(origin, usual) ? str_upto(origin, origin.n - usual.n) : origin;
}

static void decode_origin(struct decode *d, const struct doc_node *node, struct config_portal *out)
{
    out->origin = canonical(arena_lower(d->arena, node->text));
    out->origin = arena_dup(d->arena, out->origin);
    if (!str_eq(origin_host(out->origin), out->host))
        doc_error(d->findings, node, "bad-value", NULL,
                  "origin must be of the portal's host \"%.*s\", not \"%.*s\"", STR_ARG(out->host),
                  STR_ARG(node->text));
    else if (str_starts(out->origin, STR("http:")) && !is_localhost(out->host))
        doc_warn(d->findings, node, "plain-origin", NULL,
                 "browsers keep our cookies over https only, or on a host below localhost: nobody "
                 "can sign in at \"%.*s\"",
                 STR_ARG(node->text));
}

void decode_portal(struct decode *d, const struct doc_node *map)
{
    struct config_portal *out = &d->config->portal;
    if (!map)
        return;
    out->host = arena_lower(d->arena, doc_text(map, "host"));
    out->origin = arena_printf(d->arena, "https://%.*s", STR_ARG(out->host));
    if (doc_get(map, "origin"))
        decode_origin(d, doc_get(map, "origin"), out);
    out->title = decode_text(d, doc_get(map, "title"));
    out->contact = decode_text(d, doc_get(map, "contact"));
}

/* ---- sessions ---- */

static int64_t seconds(struct decode *d, const struct doc_node *map, const char *key,
                       int64_t usual_ms)
{
    const struct doc_node *node = map ? doc_get(map, key) : NULL;
    int64_t ms = read_duration_ms(node, usual_ms);
    if (ms < SECOND_MS)
        doc_error(d->findings, node, "out-of-range", NULL, "%s must be at least 1s", key);
    return ms / SECOND_MS;
}

void decode_sessions(struct decode *d, const struct doc_node *map)
{
    struct config_sessions *out = &d->config->sessions;
    out->max_s = seconds(d, map, "max", INT64_C(24) * HOUR_MS);
    out->idle_s = seconds(d, map, "idle", INT64_C(8) * HOUR_MS);
    out->refresh_s = seconds(d, map, "refresh", INT64_C(600) * SECOND_MS);
    if (out->idle_s <= out->max_s)
        return;
    if (map && doc_get(map, "idle"))
        doc_error(d->findings, doc_get(map, "idle"), "out-of-range", NULL,
                  "idle must not be longer than max");
    out->idle_s = out->max_s;
}

/* ---- mail and notices ---- */

static bool is_plain_remote(str url)
{
    str plain = STR("smtp://"), rest = str_from(url, plain.n);
    str host = str_upto(rest, str_rfind(rest, ':'));
    struct addr address;
    if (!str_starts(url, plain) || is_localhost(host))
        return false;
    return !addr_parse(host, &address) || !addr_is_loopback(&address);
}

void decode_mail(struct decode *d, const struct doc_node *map)
{
    struct config_mail *out = &d->config->mail;
    if (!map)
        return;
    out->url = decode_text(d, doc_get(map, "smtp"));
    out->from = decode_text(d, doc_get(map, "from"));
    out->username = decode_text(d, doc_get(map, "username"));
    out->password_at = doc_get(map, "password_file");
    out->password_file = decode_file(d, out->password_at);
    out->ca_at = doc_get(map, "ca");
    out->ca = decode_file(d, out->ca_at);
    if (!out->username.p != !out->password_at)
        doc_error(d->findings, out->password_at ? out->password_at : doc_get(map, "username"),
                  "missing-key", NULL, "username and password_file go together");
    else if (out->password_at && is_plain_remote(out->url))
        doc_error(d->findings, doc_get(map, "smtp"), "plain-password",
                  "write smtps:// or smtp+starttls://",
                  "\"%.*s\" would carry the password without TLS", STR_ARG(out->url));
}

static void decode_channel(struct decode *d, const struct doc_node *name,
                           const struct doc_node *map, struct config_channel *out)
{
    const struct doc_node *mail = doc_get(map, "mail");
    out->name = decode_text(d, name);
    out->webhook = decode_text(d, doc_get(map, "webhook"));
    out->mail = decode_texts(d, mail, &out->n_mail);
    if (!out->webhook.p && !mail)
        doc_error(d->findings, map, "missing-key", NULL, "a channel needs webhook or mail");
    if (mail && !d->config->mail.url.p)
        doc_error(d->findings, mail, "needs-mail", "add mail: {smtp: ..., from: ...}",
                  "the channel \"%.*s\" sends mail, and there is no section mail",
                  STR_ARG(out->name));
}

void decode_channels(struct decode *d, const struct doc_node *dict)
{
    d->config->n_channels = dict ? dict->n : 0;
    struct config_channel *out =
        arena_array(d->arena, struct config_channel, d->config->n_channels);
    for (size_t i = 0; i < d->config->n_channels; i++)
        decode_channel(d, dict->keys[i], dict->items[i], &out[i]);
    d->config->channels = out;
}
