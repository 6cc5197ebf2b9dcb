#include "policy/mail.h"

#include "base/idn.h"

static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 0x7E)
            return false;
    return true;
}

/* The address with its domain as A-labels. */
static bool spell(struct mail *m, size_t at)
{
    char domain[IDN_MAX_BYTES];
    str address = m->address;
    size_t n = at + 1;

    if (n > MAIL_MAX_BYTES - IDN_MAX_BYTES || !idn_to_ascii(m->domain, domain, &m->domain))
        return false;
    memcpy(m->room, address.p, n);
    memcpy(m->room + n, domain, m->domain.n);
    m->address = (str){m->room, n + m->domain.n};
    m->domain = str_from(m->address, n);
    return true;
}

bool mail_of(const struct policy_identity *id, struct mail *out)
{
    size_t at = str_find(id->email, '@');

    if (id->email_verified != POLICY_TRUE && !id->issuer_is_trusted)
        return false;
    if (at == 0 || at + 1 >= id->email.n || at != str_rfind(id->email, '@'))
        return false;
    out->address = id->email;
    out->domain = str_from(id->email, at + 1);
    return is_ascii(out->domain) || spell(out, at);
}
