/* zones: TZif bytes for the policies' schedules. The name comes from a policy file, so it must not
 * be able to leave the directory; policy checks it too. */
#include "proxy/config/policyset.h"

#include <stdio.h>

#include "proxy/config/disk.h"

struct zones zones_in(const char *dir)
{
    return (struct zones){dir ? dir : "/usr/share/zoneinfo"};
}

static bool name_is_safe(str name)
{
    if (name.n == 0 || name.n > 128 || name.p[0] == '/' || str_contains(name, STR("..")))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower_char(name.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr("_+/-", c)))
            return false;
    }
    return true;
}

str zones_read(void *ctx, struct arena *a, str name)
{
    const struct zones *z = ctx;
    char path[512];
    str bytes;
    if (!name_is_safe(name))
        return (str){NULL, 0};
    int n = snprintf(path, sizeof path, "%s/%.*s", z->dir, STR_ARG(name));
    if (n < 0 || (size_t)n >= sizeof path || !disk_read(path, ZONES_MAX_BYTES, a, &bytes, NULL))
        return (str){NULL, 0};
    return bytes;
}

/* tzdata.zi begins with "# version 2025b"; some systems have the file +VERSION instead. */
str zones_version(const struct zones *z, struct arena *a)
{
    enum { INDEX_MAX_BYTES = 1 << 20 };
    char path[512];
    str bytes, prefix = STR("# version ");
    snprintf(path, sizeof path, "%s/tzdata.zi", z->dir);
    if (disk_read(path, INDEX_MAX_BYTES, a, &bytes, NULL) && str_starts(bytes, prefix))
        return str_upto(str_from(bytes, prefix.n), str_find(str_from(bytes, prefix.n), '\n'));
    snprintf(path, sizeof path, "%s/+VERSION", z->dir);
    if (disk_read(path, INDEX_MAX_BYTES, a, &bytes, NULL))
        return str_trim(bytes, " \n");
    return STR("unknown");
}
