/* HTTP-01 challenges. See acme.h. */
#include "proxy/http/acme.h"

#include <fcntl.h>
#include <unistd.h>

static const str PREFIX = {"/.well-known/acme-challenge/", 28};

static bool is_token(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return s.n > 0 && s.n <= 128;
}

bool acme_is_challenge(str path)
{
    return str_starts(path, PREFIX);
}

str acme_challenge(str webroot, str path, struct arena *a)
{
    str none = {NULL, 0};
    if (!webroot.n || !is_token(str_from(path, PREFIX.n)))
        return none;
    str name = arena_printf(a, "%.*s%.*s", STR_ARG(webroot), STR_ARG(path));
    int fd = open(name.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return none;
    char *text = arena_text(a, ACME_MAX_BYTES);
    ssize_t n = read(fd, text, ACME_MAX_BYTES);
    close(fd);
    return n > 0 ? (str){text, (size_t)n} : none;
}
