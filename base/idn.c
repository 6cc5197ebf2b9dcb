#include "base/idn.h"

#include <idn2.h>

/* Of UTF-8: a letter takes four bytes at most, and at least one of the A-label. */
enum { IDN_MAX_INPUT = 4 * IDN_MAX_BYTES };

static bool is_ascii(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool take(str domain, char out[IDN_MAX_BYTES], str *domain_out)
{
    if (domain.n > IDN_MAX_BYTES)
        return false;
    if (domain.n)
        memcpy(out, domain.p, domain.n);
    *domain_out = (str){out, domain.n};
    return true;
}

/* Capitals of ASCII are the same letter to everybody, and IDNA 2008 knows none. */
static bool lower(str domain, char text[IDN_MAX_INPUT + 1])
{
    if (domain.n > IDN_MAX_INPUT || str_find(domain, '\0') < domain.n)
        return false;
    for (size_t i = 0; i < domain.n; i++)
        text[i] =
            (char)(domain.p[i] >= 'A' && domain.p[i] <= 'Z' ? domain.p[i] | 0x20 : domain.p[i]);
    text[domain.n] = '\0';
    return true;
}

bool idn_to_ascii(str domain, char out[IDN_MAX_BYTES], str *domain_out)
{
    char text[IDN_MAX_INPUT + 1], *found = NULL;

    if (is_ascii(domain))
        return take(domain, out, domain_out);
    if (!lower(domain, text) || idn2_to_ascii_8z(text, &found, IDN2_NO_TR46) != IDN2_OK)
        return false;
    bool ok = take(str_of(found), out, domain_out);
    idn2_free(found);
    return ok;
}
