/* Which language a page speaks: RFC 9110, section 12.5.4. */
#include "proxy/portal/pages.h"

enum { RANGES_MAX = 32, Q_ONE = 1000 };

/* "1", "0.8", "0.125" in thousandths; anything else is not wanted. */
static unsigned q_of(str text)
{
    unsigned q = 0, unit = Q_ONE / 10;
    if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1'))
        return 0;
    if (text.p[0] == '1')
        return Q_ONE;
    for (size_t i = 2; i < text.n; i++, unit /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return 0;
        q += (unsigned)(text.p[i] - '0') * unit;
    }
    return text.n > 1 && text.p[1] != '.' ? 0 : q;
}

static unsigned weight(str *range)
{
    str rest = *range;
    *range = str_trim(str_cut(&rest, ';'), " \t");
    while (rest.p) {
        str param = str_trim(str_cut(&rest, ';'), " \t");
        if (param.n >= 2 && (param.p[0] == 'q' || param.p[0] == 'Q') && param.p[1] == '=')
            return q_of(str_from(param, 2));
    }
    return Q_ONE;
}

enum page_language page_language(str accept_language)
{
    static const str tags[PAGE_LANGUAGE_COUNT] = {STR("en"), STR("de")};
    unsigned best = 0;
    enum page_language found = PAGE_ENGLISH;
    for (size_t n = 0; accept_language.p && n < RANGES_MAX; n++) {
        str range = str_cut(&accept_language, ',');
        unsigned q = weight(&range);
        str primary = str_upto(range, str_find(range, '-'));
        for (int i = 0; i < PAGE_LANGUAGE_COUNT; i++)
            if (q > best && str_eq_nocase(primary, tags[i])) {
                best = q;
                found = (enum page_language)i;
            }
    }
    return found;
}
