/* cache_control: see cache_control.h. */
#include "proxy/net/cache_control.h"

enum { CACHE_CONTROL_YEAR_S = 366 * 24 * 3600 };

int64_t cache_control_max_age_s(str value)
{
    int64_t age_s = -1;
    while (value.p) {
        str name = str_trim(str_cut(&value, ','), " \t"), arg = name;
        name = str_trim(str_cut(&arg, '='), " \t");
        if (str_eq_nocase(name, STR("no-store")) || str_eq_nocase(name, STR("no-cache")))
            return 0;
        uint64_t s;
        if (!str_eq_nocase(name, STR("max-age")) || age_s >= 0)
            continue;
        /* A number that is none is stale (RFC 9111 section 4.2.1). */
        age_s = str_to_u64(str_trim(arg, " \t\""), UINT64_MAX, &s)
                    ? (int64_t)(s < CACHE_CONTROL_YEAR_S ? s : CACHE_CONTROL_YEAR_S)
                    : 0;
    }
    return age_s;
}
