/* mail: one SMTP transaction of libcurl. See mail.h. */
#include "proxy/net/mail.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/secret.h"
#include "proxy/net/fetch_impl.h"

enum { ID_BYTES = 16 };

struct mail_sending {
    struct transfer transfer;
    mail_done_fn *done;
    void *ctx;
    struct arena arena; /* the message; wiped: it may hold a PIN */
    str message;
    size_t sent;
};

static void release(struct transfer *t)
{
    struct mail_sending *m = (struct mail_sending *)t;

    secret_wipe((char *)m->message.p, m->message.n);
    arena_finish(&m->arena);
}

static void ended(struct transfer *t, CURLcode code)
{
    struct mail_sending *m = (struct mail_sending *)t;
    struct mail_result r = {.is_sent = code == CURLE_OK};
    long status = 0;

    t->fetcher->curl->curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    r.status = (int)status;
    /* 5yz is for good, 4yz until later (RFC 5321, section 4.2.1). A log-in that is refused is ours
     * to mend, and the mail goes then. */
    r.is_final = !r.is_sent && status >= 500 && status != 530 && code != CURLE_LOGIN_DENIED;
    if (!r.is_sent)
        fail_set(&r.fail, FAIL_SYSTEM, "%s (%ld)", transfer_why(t, code), status);
    m->done(m->ctx, &r);
}

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct mail_sending *m = arg;
    str rest = str_upto(str_from(m->message, m->sent), size * n);

    memcpy(out, rest.p, rest.n);
    m->sent += rest.n;
    return rest.n;
}

/* ---- the server ---- */

enum security { NO_SERVER = 0, PLAIN, STARTTLS, TLS };

/* What libcurl calls it: the URL with a scheme of its own. */
static enum security read_url(str url, struct arena *a, str *out)
{
    static const struct {
        str ours, theirs;
        enum security security;
    } schemes[] = {{STR("smtp://"), STR("smtp://"), PLAIN},
                   {STR("smtp+starttls://"), STR("smtp://"), STARTTLS},
                   {STR("smtps://"), STR("smtps://"), TLS}};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_starts(url, schemes[i].ours)) {
            str authority = str_from(url, schemes[i].ours.n);
            if (str_find(authority, '/') != authority.n || str_find(authority, '@') != authority.n)
                return NO_SERVER;
            *out = arena_printf(a, "%.*s%.*s", STR_ARG(schemes[i].theirs), STR_ARG(authority));
            return schemes[i].security;
        }
    return NO_SERVER;
}

static bool is_one_line(str s)
{
    return !s.p || (!memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n) && !memchr(s.p, 0, s.n));
}

static void set_secret(struct mail_sending *m, CURLoption option, str value)
{
    char *text = mem_dup(value); /* libcurl copies, and does not wipe its own */

    m->transfer.fetcher->curl->curl_easy_setopt(m->transfer.easy, option, text);
    secret_wipe(text, value.n);
    free(text);
}

static void set_options(struct mail_sending *m, const struct mail_server *server, str url,
                        enum security security, const struct mail *mail)
{
    __typeof__(curl_easy_setopt) *set = m->transfer.fetcher->curl->curl_easy_setopt;
    CURL *easy = m->transfer.easy;

    transfer_text(&m->transfer, CURLOPT_URL, url);
    set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(easy, CURLOPT_USE_SSL, (long)(security == PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (server->ca_file.p)
        transfer_text(&m->transfer, CURLOPT_CAINFO, server->ca_file);
    if (server->username.p) {
        transfer_text(&m->transfer, CURLOPT_USERNAME, server->username);
        set_secret(m, CURLOPT_PASSWORD, server->password);
    }
    transfer_text(&m->transfer, CURLOPT_MAIL_FROM,
                  arena_printf(&m->arena, "<%.*s>", STR_ARG(mail->from)));
    transfer_line(&m->transfer, arena_printf(&m->arena, "<%.*s>", STR_ARG(mail->to)));
    set(easy, CURLOPT_MAIL_RCPT, m->transfer.lines);
    set(easy, CURLOPT_UPLOAD, 1L);
    set(easy, CURLOPT_READFUNCTION, on_read);
    set(easy, CURLOPT_READDATA, m);
    set(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->message.n);
}

static str make_id(struct arena *a)
{
    unsigned char bytes[ID_BYTES];
    char *text = arena_text(a, 2 * ID_BYTES);

    random_fill(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, text);
    return (str){text, 2 * ID_BYTES};
}

struct mail_sending *mail_start(struct fetcher *f, const struct mail_server *server,
                                const struct mail *mail, mail_done_fn *done, void *ctx,
                                struct fail *fail)
{
    str url;

    if (!fetcher_ready(f, fail))
        return NULL;
    struct mail_sending *m = mem_alloc(sizeof *m);
    m->transfer = (struct transfer){.fetcher = f, .ended = ended, .release = release};
    list_init(&m->transfer.link);
    m->done = done;
    m->ctx = ctx;
    arena_init(&m->arena, NULL, 0);
    enum security security = read_url(server->url, &m->arena, &url);
    if (security == NO_SERVER || !is_one_line(server->url) || !is_one_line(server->username) ||
        !is_one_line(server->password)) {
        fail_set(fail, FAIL_INPUT, "the mail server is not of the form smtps://HOST:PORT");
        goto out;
    }
    m->message = mail_write(&m->arena, mail, make_id(&m->arena), fail);
    if (!m->message.p)
        goto out;
    fail_set(fail, FAIL_UNSUPPORTED, "libcurl cannot begin a mail");
    if (!transfer_init(&m->transfer, f, server->timeout_ms ? server->timeout_ms : MAIL_DEFAULT_MS))
        goto out;
    set_options(m, server, url, security, mail);
    if (!transfer_start(&m->transfer))
        goto out;
    if (fail)
        *fail = (struct fail){0};
    return m;
out:
    transfer_free(&m->transfer);
    return NULL;
}

void mail_cancel(struct mail_sending *m)
{
    transfer_free(&m->transfer);
}
