/* Attempts to sign in at the built-in issuer, and how fast they may follow each other. */
#include "authn/builtin_impl.h"

#include <stdio.h>

#include "base/secret.h"

/* ---- throttles ---- */

uint64_t builtin_account_key(str email)
{
    char lower[256];
    size_t n = email.n < sizeof lower ? email.n : sizeof lower;

    for (size_t i = 0; i < n; i++)
        lower[i] = str_lower_char(email.p[i]);
    return str_hash((str){lower, n});
}

/* A home or an office has a /64 of IPv6 at least: its last half is free to choose. */
uint64_t builtin_address_key(const struct addr *from)
{
    static const size_t bytes[] = {[4] = 4, [6] = 8};

    if (!from || (from->family != 4 && from->family != 6))
        return 0;
    return str_hash((str){(const char *)from->bytes, bytes[from->family]}) ^ from->family;
}

uint32_t builtin_retry_s(const struct builtin *b, str email, const struct addr *from, int64_t now_s)
{
    int64_t account_s = throttle_left_s(&b->accounts, builtin_account_key(email), now_s);
    int64_t address_s = throttle_left_s(&b->addresses, builtin_address_key(from), now_s);

    return (uint32_t)(account_s > address_s ? account_s : address_s);
}

enum builtin_verdict builtin_charge(struct builtin *b, struct builtin_ticket *t, str email,
                                    const struct addr *from, int64_t now_s)
{
    if (builtin_retry_s(b, email, from, now_s) > 0)
        return BUILTIN_THROTTLED;
    t->is_charged = true;
    t->from = builtin_address_key(from);
    throttle_charge(&b->accounts, builtin_account_key(email), now_s);
    throttle_charge(&b->addresses, t->from, now_s);
    return BUILTIN_OK;
}

/* ---- passwords ---- */

enum builtin_verdict builtin_attempt(struct builtin *b, str ticket, str email,
                                     const struct addr *from, int64_t now_s,
                                     const struct builtin_user **user_out)
{
    struct builtin_ticket *t = builtin_ticket_find(b, ticket, now_s);

    *user_out = NULL;
    if (!t)
        return BUILTIN_TICKET;
    enum builtin_verdict verdict = builtin_charge(b, t, email, from, now_s);
    const struct builtin_user *user = builtin_users_find(b->users, email);
    if (verdict == BUILTIN_OK && user && user->password.p)
        *user_out = user;
    return verdict;
}

/* It is counted already. The wait begins anew, now that the work is done. */
void builtin_attempt_failed(struct builtin *b, str email, const struct addr *from, int64_t now_s)
{
    throttle_extend(&b->accounts, builtin_account_key(email), now_s);
    throttle_extend(&b->addresses, builtin_address_key(from), now_s);
}

/* ---- PINs ---- */

/* Bound to the ticket and the account: a PIN of another form or another person is another digest.
 */
static void pin_digest(const struct builtin_ticket *t, str email, str pin,
                       unsigned char out[BUILTIN_DIGEST])
{
    struct arena a;
    char block[1024];

    arena_init(&a, block, sizeof block);
    str who = arena_lower(&a, str_upto(email, 256));
    str text = arena_printf(&a, "%.*s %.*s ", STR_ARG(who), STR_ARG(str_upto(pin, 64)));
    char *all = arena_text(&a, text.n + BUILTIN_DIGEST);
    memcpy(all, text.p, text.n);
    memcpy(all + text.n, t->digest, BUILTIN_DIGEST);
    builtin_digest((str){all, text.n + BUILTIN_DIGEST}, out);
    arena_finish(&a);
    secret_wipe(block, sizeof block);
}

static void draw_pin(char out[BUILTIN_PIN_DIGITS + 1])
{
    enum { RANGE = 100000000 };
    uint32_t v;

    do /* else the small ones would come more often */
        random_fill(&v, sizeof v);
    while (v >= UINT32_MAX / RANGE * RANGE);
    snprintf(out, BUILTIN_PIN_DIGITS + 1, "%08u", (unsigned)(v % RANGE));
    secret_wipe(&v, sizeof v);
}

/* How many mails one account gets is limited apart: nobody's mailbox is filled through us. */
enum builtin_verdict builtin_pin_make(struct builtin *b, str ticket, str email,
                                      const struct addr *from, int64_t now_s,
                                      char pin_out[BUILTIN_PIN_DIGITS + 1])
{
    struct builtin_ticket *t = builtin_ticket_find(b, ticket, now_s);
    uint64_t account = builtin_account_key(email);

    pin_out[0] = '\0';
    if (!t)
        return BUILTIN_TICKET;
    if (builtin_retry_s(b, email, from, now_s) > 0 ||
        throttle_left_s(&b->mails, account, now_s) > 0)
        return BUILTIN_THROTTLED;
    throttle_charge(&b->mails, account, now_s);
    throttle_charge(&b->addresses, builtin_address_key(from), now_s);
    const struct builtin_user *user = builtin_users_find(b->users, email);
    t->pin_made_s = now_s;
    t->pin_tries = 0;
    t->has_pin = user && user->takes_pin && !user->is_disabled;
    if (t->has_pin) {
        draw_pin(pin_out);
        pin_digest(t, email, str_of(pin_out), t->pin);
    }
    return BUILTIN_OK;
}

static bool pin_is_right(struct builtin_ticket *t, str email, str pin)
{
    unsigned char digest[BUILTIN_DIGEST];

    pin_digest(t, email, pin, digest);
    bool is_same =
        secret_eq((str){(char *)digest, sizeof digest}, (str){(char *)t->pin, sizeof t->pin});
    return is_same && t->has_pin && pin.n == BUILTIN_PIN_DIGITS;
}

enum builtin_verdict builtin_pin_check(struct builtin *b, str ticket, str email, str pin,
                                       const struct addr *from, int64_t now_s,
                                       const struct builtin_user **user_out)
{
    struct builtin_ticket *t = builtin_ticket_find(b, ticket, now_s);

    *user_out = NULL;
    if (!t)
        return BUILTIN_TICKET;
    enum builtin_verdict verdict = builtin_charge(b, t, email, from, now_s);
    if (verdict != BUILTIN_OK)
        return verdict;
    if (!builtin_is_fresh(t->pin_made_s, BUILTIN_PIN_S, now_s) ||
        t->pin_tries++ >= BUILTIN_PIN_TRIES || !pin_is_right(t, email, pin))
        return BUILTIN_PIN;
    const struct builtin_user *user = builtin_users_find(b->users, email);
    if (!user || !user->takes_pin)
        return BUILTIN_PIN;
    t->pin_made_s = 0; /* once */
    t->has_pin = false;
    *user_out = user;
    return BUILTIN_OK;
}
