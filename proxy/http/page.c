/* See page.h. */
#include "proxy/http/page.h"
#include "proxy/http/layout.h"
#include "proxy/http/put.h"

#include "base/jout.h"

enum { CODE_MAX = 96, TEXT_MAX = 512, URL_MAX = 1024, REALM_MAX = 512 };
enum { EXTRA_MAX = 32 };

static bool accept_word(str range, str *type, double *q)
{
    str rest = range;
    *type = str_trim(str_cut(&rest, ';'), " \t");
    *q = 1;
    while (rest.p) {
        str p = str_trim(str_cut(&rest, ';'), " \t");
        if (p.n >= 3 && (p.p[0] | 0x20) == 'q' && p.p[1] == '=')
            *q = p.p[2] == '1'                               ? 1
                 : p.n > 4 && p.p[4] >= '0' && p.p[4] <= '9' ? (p.p[4] - '0') / 10.0 + 0.01
                                                             : 0;
    }
    return type->n > 0;
}

/* HTML is named, and no machine format is liked better. A program's star prefers nothing. */
static bool prefers_html(str accept)
{
    double html = 0, machine = 0, q;
    str type;
    while (accept.p) {
        str range = str_cut(&accept, ',');
        if (!accept_word(range, &type, &q))
            continue;
        if (str_eq_nocase(type, STR("text/html")) ||
            str_eq_nocase(type, STR("application/xhtml+xml")))
            html = q > html ? q : html;
        else if (str_eq_nocase(type, STR("application/json")) ||
                 str_eq_nocase(type, STR("application/problem+json")))
            machine = q > machine ? q : machine;
    }
    return html > 0 && html >= machine;
}

bool page_wants_html(const struct http_request_head *r)
{
    if (r->wants_upgrade_websocket)
        return false;
    if (r->sec_fetch_mode.p || r->sec_fetch_dest.p)
        return str_eq(r->sec_fetch_mode, STR("navigate")) &&
               str_eq(r->sec_fetch_dest, STR("document")) && !r->sec_purpose.p;
    return r->method_id == METHOD_GET && prefers_html(r->accept);
}

bool page_may_redirect(const struct http_request_head *r)
{
    return r->method_id == METHOD_GET && page_wants_html(r);
}

bool page_wants_german(str accept)
{
    double german = 0, english = 0, q;
    bool german_first = false;
    str tag;
    while (accept.p) {
        str range = str_cut(&accept, ',');
        if (!accept_word(range, &tag, &q))
            continue;
        str primary = str_cut(&tag, '-');
        if (str_eq_nocase(primary, STR("de"))) {
            german_first = german_first || english == 0;
            german = q > german ? q : german;
        } else if (str_eq_nocase(primary, STR("en"))) {
            english = q > english ? q : english;
        }
    }
    return german > english || (german > 0 && german == english && german_first);
}

/* The same in German, by status: what exactly was wrong is told by the reason's code. */
static const struct german {
    uint16_t status;
    str title, sentence, remedy;
} german[] = {
    {401, STR("Bitte melden Sie sich an"), STR("Sie sind nicht angemeldet."), {NULL, 0}},
    {403, STR("Zugriff verweigert"), STR("Sie haben hierauf keinen Zugriff."), {NULL, 0}},
    {404, STR("Hier ist nichts"), STR("Unter dieser Adresse gibt es nichts."), {NULL, 0}},
    {413, STR("Zu groß"), STR("Es wurde mehr gesendet, als hier passt."),
     STR("Senden Sie weniger auf einmal.")},
    {421, STR("Hier ist nichts"), STR("Unter dieser Adresse gibt es keine App."), {NULL, 0}},
    {429, STR("Zu viele Anfragen"), STR("Das war zu oft in kurzer Zeit."), {NULL, 0}},
    {502, STR("Die App antwortet nicht"),
     STR("Die Anfrage wurde durchgelassen, aber die App gab keine brauchbare Antwort."),
     STR("Versuchen Sie es gleich noch einmal. Bleibt es dabei, nennen Sie denen, die die App "
         "betreiben, die Nummer dieses Vorgangs.")},
    {503, STR("Gerade nicht verfügbar"), STR("Die Anfrage kann gerade nicht beantwortet werden."),
     STR("Versuchen Sie es gleich noch einmal.")},
    {504, STR("Die App antwortet nicht"),
     STR("Die Anfrage wurde durchgelassen, aber die App antwortete nicht rechtzeitig."),
     STR("Versuchen Sie es gleich noch einmal. Bleibt es dabei, nennen Sie denen, die die App "
         "betreiben, die Nummer dieses Vorgangs.")},
    {0,
     STR("Anfrage abgelehnt"),
     STR("Diese Anfrage kann hier nicht beantwortet werden."),
     {NULL, 0}},
};

static const struct german *german_of(const struct refusal *r)
{
    const struct german *g = german;
    while (g->status && g->status != r->status)
        g++;
    return r->is_german ? g : NULL;
}

static str page_title(const struct refusal *r)
{
    switch (r->status) {
    case 401:
        return r->login_url.n ? STR("Sign in to go on") : STR("An access token is needed");
    case 403:
        return STR("Access refused");
    case 404:
    case 421:
        return STR("Nothing here");
    case 429:
        return STR("Too many requests");
    case 413:
        return STR("Too large");
    case 502:
    case 504:
        return STR("The app does not answer");
    case 503:
        return STR("Not available just now");
    default:
        return r->status >= 500 ? STR("Not supported") : STR("Request refused");
    }
}

static enum layout_sign page_sign(unsigned status)
{
    switch (status) {
    case 401:
        return LAYOUT_SIGN_DOOR;
    case 403:
        return LAYOUT_SIGN_LOCK;
    case 429:
    case 503:
        return LAYOUT_SIGN_CLOCK;
    default:
        return LAYOUT_SIGN_ALERT;
    }
}

static void put_paragraph(struct html *h, str open, str text, size_t max)
{
    if (text.n == 0)
        return;
    html_raw(h, open);
    html_text(h, text, max);
    html_lit(h, "</p>");
}

static void put_body(struct html *h, const struct refusal *r, str title)
{
    const struct german *de = german_of(r);
    layout_sign(h, page_sign(r->status));
    html_lit(h, "<h1>");
    html_raw(h, title);
    html_lit(h, "</h1>");
    put_paragraph(h, STR("<p class=\"soft\">"), r->app_title, CODE_MAX);
    put_paragraph(h, STR("<p>"), de ? de->sentence : r->sentence, TEXT_MAX);
    put_paragraph(h, STR("<p class=\"note\">"), de ? de->remedy : r->remedy, TEXT_MAX);
    if (r->status == 401 && r->login_url.n <= URL_MAX && html_is_link(r->login_url)) {
        html_lit(h, "<p class=\"acts\"><a class=\"btn\" href=\"");
        html_text(h, r->login_url, URL_MAX);
        html_raw(h, de ? STR("\">Anmelden</a></p>") : STR("\">Sign in</a></p>"));
    }
    html_lit(h, "<dl class=\"facts\">");
    layout_fact(h, de ? STR("Grund") : STR("Reason"), r->reason, CODE_MAX);
    layout_fact(h, de ? STR("Vorgang") : STR("Request"), r->request_id, CODE_MAX);
    layout_contact(h, de ? STR("Kontakt") : STR("Contact"), r->contact);
    html_lit(h, "</dl>");
}

size_t page_write(const struct refusal *r, char *buf, size_t cap)
{
    struct html h;
    const struct german *de = german_of(r);
    struct layout l = {.lang = de ? STR("de") : STR("en"),
                       .title = de ? de->title : page_title(r),
                       .brand = r->brand,
                       .skip = de ? STR("Zum Hauptteil springen") : STR("Skip to the message")};
    html_fixed(&h, buf, cap);
    layout_open(&h, &l);
    layout_main(&h, &l);
    put_body(&h, r, l.title);
    layout_close(&h, &l);
    return html_done(&h).n;
}

static void put_member(struct jout *j, str name, str value, size_t max)
{
    if (value.n)
        jout_kstr(j, name, str_upto(value, max));
}

/* RFC 9457. The type is a name, not an address: nothing has to be fetched to understand it. */
size_t problem_write(const struct refusal *r, char *buf, size_t cap)
{
    char type[CODE_MAX + 16];
    struct put w = {.buf = type, .cap = sizeof type};
    struct jout j;
    put_text(&w, "urn:postern:");
    put_str(&w, str_upto(r->reason, CODE_MAX));
    jout_init(&j, buf, cap);
    jout_open(&j, '{');
    jout_kstr(&j, STR("type"), (str){type, w.n});
    jout_kstr(&j, STR("title"), http_status_text(r->status));
    jout_kint(&j, STR("status"), r->status);
    put_member(&j, STR("detail"), r->sentence, TEXT_MAX);
    put_member(&j, STR("reason"), r->reason, CODE_MAX);
    put_member(&j, STR("request_id"), r->request_id, CODE_MAX);
    put_member(&j, STR("remedy"), r->remedy, TEXT_MAX);
    put_member(&j, STR("app"), r->app_title, CODE_MAX);
    put_member(&j, STR("contact"), r->contact, TEXT_MAX);
    if (r->status == 401 && r->login_url.n <= URL_MAX)
        put_member(&j, STR("login_url"), r->login_url, URL_MAX);
    if (r->retry_after_s)
        jout_kint(&j, STR("retry_after"), r->retry_after_s);
    jout_close(&j, '}');
    /* on a terminal the prompt, or what the next command says, begins on a line of its own */
    if (j.overflow || j.n == cap)
        return 0;
    buf[j.n] = '\n';
    return j.n + 1;
}

static bool has_body(unsigned status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* What is the same for all may be kept by all: only then the answer says so itself. */
static bool says_cache(const struct answer_how *how)
{
    for (size_t i = 0; i < how->n_extra; i++)
        if (str_eq_nocase(how->extra[i].name, STR("Cache-Control")))
            return true;
    return false;
}

size_t answer_write(unsigned status, str type, str body, const struct answer_how *how, char *buf,
                    size_t cap)
{
    struct put w = {.buf = buf, .cap = cap};
    put_text(&w, "HTTP/1.1 ");
    put_u64(&w, status);
    put_text(&w, " ");
    put_str(&w, http_status_text(status));
    put_text(&w, "\r\n");
    if (how->date.n)
        put_safe_line(&w, STR("Date"), how->date);
    if (type.n)
        put_safe_line(&w, STR("Content-Type"), type);
    if (!says_cache(how))
        put_text(&w, "Cache-Control: no-store\r\n");
    put_text(&w, "X-Content-Type-Options: nosniff\r\n");
    if (how->is_tls)
        put_text(&w, "Strict-Transport-Security: max-age=31536000\r\n");
    for (size_t i = 0; i < how->n_extra; i++)
        put_safe_line(&w, how->extra[i].name, how->extra[i].value);
    if (!how->keep_alive)
        put_text(&w, "Connection: close\r\n");
    else if (how->client_minor == 0)
        put_text(&w, "Connection: keep-alive\r\n");
    if (has_body(status)) {
        put_text(&w, "Content-Length: ");
        put_u64(&w, body.n);
        put_text(&w, "\r\n");
    }
    put_text(&w, "\r\n");
    if (!how->is_head && has_body(status))
        put_str(&w, body);
    return w.full ? 0 : w.n;
}

struct pairs {
    struct http_pair items[EXTRA_MAX];
    size_t n;
};

/* Fields of ours with a text from elsewhere: one that could break a line is left out. */
static void pairs_add(struct pairs *p, str name, str value, size_t max)
{
    if (value.n > 0 && value.n <= max && put_is_safe(value) && p->n < EXTRA_MAX)
        p->items[p->n++] = (struct http_pair){name, value};
}

static void refusal_pairs(struct pairs *p, const struct refusal *r, const struct answer_how *how,
                          str retry_after, str csp)
{
    for (size_t i = 0; i < how->n_extra && p->n < EXTRA_MAX; i++)
        p->items[p->n++] = how->extra[i];
    pairs_add(p, STR("X-Request-Id"), r->request_id, CODE_MAX);
    if (r->status == 401)
        pairs_add(p, STR("WWW-Authenticate"),
                  r->challenge.n ? r->challenge : STR("Bearer realm=\"postern\""), REALM_MAX);
    pairs_add(p, STR("Retry-After"), retry_after, CODE_MAX);
    if (r->allow_origin.n) {
        pairs_add(p, STR("Access-Control-Allow-Origin"), r->allow_origin, TEXT_MAX);
        pairs_add(p, STR("Access-Control-Allow-Credentials"), STR("true"), TEXT_MAX);
    }
    pairs_add(p, STR("Vary"),
              STR("Accept, Accept-Language, Origin, Sec-Fetch-Dest, Sec-Fetch-Mode"), TEXT_MAX);
    pairs_add(p, STR("Referrer-Policy"), STR("no-referrer"), TEXT_MAX);
    pairs_add(p, STR("Content-Security-Policy"), csp, TEXT_MAX);
}

size_t refusal_write(const struct refusal *r, const struct answer_how *how, char *buf, size_t cap)
{
    char body[PAGE_MAX_BYTES];
    char digits[24];
    char rules[TEXT_MAX];
    struct put number = {.buf = digits, .cap = sizeof digits};
    struct put csp = {.buf = rules, .cap = sizeof rules};
    struct pairs pairs = {.n = 0};
    struct answer_how all = *how;
    if (r->retry_after_s)
        put_u64(&number, r->retry_after_s);
    put_text(&csp, LAYOUT_CSP_BEGIN);
    put_str(&csp, layout_style_hash());
    put_text(&csp, LAYOUT_CSP_END "; form-action 'none'");
    refusal_pairs(&pairs, r, how, (str){digits, number.n}, (str){rules, csp.n});
    all.extra = pairs.items;
    all.n_extra = pairs.n;
    size_t n =
        how->wants_html ? page_write(r, body, sizeof body) : problem_write(r, body, sizeof body);
    if (n == 0)
        return 0;
    str type = how->wants_html ? STR("text/html; charset=utf-8") : STR("application/problem+json");
    return answer_write(r->status, type, (str){body, n}, &all, buf, cap);
}
