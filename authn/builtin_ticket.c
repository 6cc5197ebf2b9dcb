/* Tickets and codes of the built-in issuer: two bounded rings in which the oldest makes room. */
#include "authn/builtin_impl.h"

#include <stdlib.h>

#include "authn/oidc_inner.h"
#include "base/encode.h"
#include "base/secret.h"

void builtin_digest(str text, unsigned char out[BUILTIN_DIGEST])
{
    if (EVP_Digest(text.p ? text.p : "", text.n, out, NULL, EVP_sha256(), NULL) != 1)
        abort();
}

void builtin_random(char out[BUILTIN_TOKEN_CHARS], unsigned char digest[BUILTIN_DIGEST])
{
    unsigned char bytes[BUILTIN_TOKEN_BYTES];

    random_fill(bytes, sizeof bytes);
    base64url_encode((str){(char *)bytes, sizeof bytes}, out);
    builtin_digest((str){out, BUILTIN_TOKEN_CHARS}, digest);
    secret_wipe(bytes, sizeof bytes);
}

bool builtin_is_fresh(int64_t made_s, int64_t life_s, int64_t now_s)
{
    return made_s > 0 && now_s - made_s < life_s && made_s - now_s <= TOKEN_MAX_SKEW_S;
}

/* ---- tickets ---- */

struct builtin_ticket *builtin_ticket_find(struct builtin *b, str ticket, int64_t now_s)
{
    unsigned char digest[BUILTIN_DIGEST];

    if (ticket.n != BUILTIN_TICKET_CHARS)
        return NULL;
    builtin_digest(ticket, digest);
    for (size_t i = 0; i < BUILTIN_TICKETS; i++) {
        struct builtin_ticket *t = &b->tickets[i];
        if (t->made_s && !memcmp(t->digest, digest, sizeof digest))
            return builtin_is_fresh(t->made_s, BUILTIN_TICKET_S, now_s) ? t : NULL;
    }
    return NULL;
}

void builtin_ticket_drop(struct builtin_ticket *t)
{
    free(t->texts);
    *t = (struct builtin_ticket){0};
}

/* The next of the ring; for a network that holds an eighth of it, its own oldest: one stranger's
 * flood washes away his own tickets and nobody else's. */
static struct builtin_ticket *ticket_slot(struct builtin *b, uint64_t from)
{
    struct builtin_ticket *oldest = NULL;
    size_t n = 0;
    for (size_t i = 0; from && i < BUILTIN_TICKETS; i++) {
        struct builtin_ticket *t = &b->tickets[(b->next_ticket + i) % BUILTIN_TICKETS];
        if (!t->made_s || t->made_from != from)
            continue;
        n++;
        if (!oldest || t->made_s < oldest->made_s)
            oldest = t;
    }
    return n < BUILTIN_TICKETS / 8 ? &b->tickets[b->next_ticket++ % BUILTIN_TICKETS] : oldest;
}

static void ticket_make(struct builtin *b, const struct oidc_form *form, uint64_t from,
                        int64_t now_s, char out[BUILTIN_TICKET_CHARS])
{
    struct builtin_ticket *t = ticket_slot(b, from);
    str state = oidc_form_get(form, STR("state")), nonce = oidc_form_get(form, STR("nonce")),
        hint = oidc_form_get(form, STR("login_hint"));

    builtin_ticket_drop(t);
    t->made_s = now_s;
    t->made_from = from;
    t->texts = mem_alloc(state.n + nonce.n + hint.n + 1);
    t->state = (str){memcpy(t->texts, state.p, state.n), state.n};
    t->nonce = (str){memcpy(t->texts + state.n, nonce.p, nonce.n), nonce.n};
    if (hint.p)
        t->hint = (str){memcpy(t->texts + state.n + nonce.n, hint.p, hint.n), hint.n};
    memcpy(t->challenge, oidc_form_get(form, STR("code_challenge")).p, sizeof t->challenge);
    builtin_random(out, t->digest);
}

/* ---- the authorization request (OpenID Connect Core, section 3.1.2.1; RFC 7636) ---- */

static bool has_word(str list, str word)
{
    for (str rest = list; rest.p;)
        if (str_eq(str_cut(&rest, ' '), word))
            return true;
    return false;
}

static bool is_sha256(str text)
{
    unsigned char bytes[BUILTIN_TOKEN_CHARS];
    size_t n;

    return text.n == BUILTIN_TOKEN_CHARS && base64url_decode(text, bytes, &n);
}

static bool is_text(str s)
{
    return s.n > 0 && s.n <= BUILTIN_TEXT_MAX;
}

static bool is_or_absent(const struct oidc_form *form, str name, str wanted)
{
    str found = oidc_form_get(form, name);

    return !found.p || str_eq(found, wanted);
}

/* Byte-equal where there is one right answer. There is a single client, ourselves: whatever differs
 * was not written by it. */
static bool is_request(const struct builtin *b, const struct oidc_form *form)
{
    str hint = oidc_form_get(form, STR("login_hint"));

    return str_eq(oidc_form_get(form, STR("client_id")), b->client_id) &&
           str_eq(oidc_form_get(form, STR("redirect_uri")), b->redirect_uri) &&
           str_eq(oidc_form_get(form, STR("response_type")), STR("code")) &&
           str_eq(oidc_form_get(form, STR("code_challenge_method")), STR("S256")) &&
           is_sha256(oidc_form_get(form, STR("code_challenge"))) &&
           is_text(oidc_form_get(form, STR("state"))) &&
           is_text(oidc_form_get(form, STR("nonce"))) &&
           has_word(oidc_form_get(form, STR("scope")), STR("openid")) &&
           is_or_absent(form, STR("response_mode"), STR("query")) &&
           is_or_absent(form, STR("prompt"), STR("login")) && hint.n <= BUILTIN_TEXT_MAX &&
           !oidc_form_get(form, STR("request")).p && !oidc_form_get(form, STR("request_uri")).p;
}

enum builtin_verdict builtin_authorize(struct builtin *b, str query, const struct addr *from,
                                       int64_t now_s, char ticket_out[BUILTIN_TICKET_CHARS])
{
    struct oidc_form form;
    struct arena a;
    char block[4096];

    arena_init(&a, block, sizeof block);
    bool is_good = oidc_form_read(&a, query, &form) && is_request(b, &form);
    if (is_good)
        ticket_make(b, &form, builtin_address_key(from), now_s, ticket_out);
    arena_finish(&a);
    return is_good ? BUILTIN_OK : BUILTIN_REQUEST;
}

str builtin_ticket_hint(struct builtin *b, str ticket)
{
    unsigned char digest[BUILTIN_DIGEST];

    builtin_digest(ticket, digest);
    for (size_t i = 0; i < BUILTIN_TICKETS; i++)
        if (b->tickets[i].made_s && !memcmp(b->tickets[i].digest, digest, sizeof digest))
            return b->tickets[i].hint;
    return (str){NULL, 0};
}

/* ---- codes ---- */

void builtin_code_drop(struct builtin_code *c)
{
    free(c->texts);
    *c = (struct builtin_code){0};
}

void builtin_code_make(struct builtin *b, const struct builtin_ticket *t,
                       const struct builtin_user *user, str amr, int64_t now_s,
                       char out[BUILTIN_TOKEN_CHARS])
{
    struct builtin_code *c = &b->codes[b->next_code++ % BUILTIN_CODES];

    builtin_code_drop(c);
    c->made_s = now_s;
    c->texts = mem_alloc(user->subject.n + t->nonce.n);
    c->subject = (str){memcpy(c->texts, user->subject.p, user->subject.n), user->subject.n};
    c->nonce = (str){memcpy(c->texts + user->subject.n, t->nonce.p, t->nonce.n), t->nonce.n};
    memcpy(c->challenge, t->challenge, sizeof c->challenge);
    memcpy(c->amr, amr.p, amr.n);
    builtin_random(out, c->digest);
}

struct builtin_code *builtin_code_take(struct builtin *b, str code, int64_t now_s)
{
    unsigned char digest[BUILTIN_DIGEST];

    builtin_digest(code, digest);
    for (size_t i = 0; i < BUILTIN_CODES; i++) {
        struct builtin_code *c = &b->codes[i];
        if (!c->made_s || memcmp(c->digest, digest, sizeof digest) != 0)
            continue;
        if (builtin_is_fresh(c->made_s, BUILTIN_CODE_S, now_s))
            return c;
        builtin_code_drop(c);
    }
    return NULL;
}

/* ---- from the one to the other ---- */

static str redirect_of(const struct builtin *b, const struct builtin_ticket *t, str code,
                       struct arena *a)
{
    const struct oidc_field fields[] = {
        {STR("code"), code}, {STR("state"), t->state}, {STR("iss"), b->issuer}};
    str query = oidc_form_write(a, fields, sizeof fields / sizeof *fields);
    char mark = str_find(b->redirect_uri, '?') == b->redirect_uri.n ? '?' : '&';

    return arena_printf(a, "%.*s%c%.*s", STR_ARG(b->redirect_uri), mark, STR_ARG(query));
}

enum builtin_verdict builtin_grant(struct builtin *b, str ticket, const struct builtin_user *user,
                                   str amr, int64_t now_s, struct arena *a, str *url_out)
{
    struct builtin_ticket *t = builtin_ticket_find(b, ticket, now_s);
    char code[BUILTIN_TOKEN_CHARS];

    if (!t)
        return BUILTIN_TICKET;
    /* As the file says now: it may have been read anew while the password was checked. */
    const struct builtin_user *now = user ? builtin_users_find(b->users, user->email) : NULL;
    if (!now || !str_eq(now->password, user->password) ||
        (!str_eq(amr, STR("pwd")) && !str_eq(amr, STR("otp"))))
        return BUILTIN_REFUSED;
    throttle_clear(&b->accounts, builtin_account_key(now->email));
    if (t->is_charged) /* what others tried from the same address stays counted */
        throttle_refund(&b->addresses, t->from);
    t->is_charged = false;
    if (now->is_disabled)
        return BUILTIN_DISABLED;
    builtin_code_make(b, t, now, amr, now_s, code);
    *url_out = redirect_of(b, t, (str){code, sizeof code}, a);
    secret_wipe(code, sizeof code);
    builtin_ticket_drop(t);
    return BUILTIN_OK;
}
