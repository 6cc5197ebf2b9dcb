/* Fuzz target: any bytes as a Cookie field. What is found lies within the field and holds no
 * separator; no value counts but one that was made; and one that was made is found and counts,
 * whatever stands before and behind it. */
#include "fuzz.h"

#include <string.h>

#include "base/encode.h"
#include "proxy/config/keyring.h"
#include "proxy/gate/session.h"

static const str HOST = STR("inventory.example");

/* How many values of this field count; each that is found is looked at. */
static unsigned count_good(const struct keyring *keys, str field)
{
    unsigned n_good = 0;
    str rest = field, value;
    while ((value = session_cookie_next(&rest, STR(SESSION_COOKIE))).p) {
        unsigned char hash[32], bytes[SESSION_COOKIE_CHARS];
        size_t n;
        MUST(value.p >= field.p && value.p + value.n <= field.p + field.n);
        MUST(str_find(value, ';') == value.n);
        if (!session_cookie_check(keys, HOST, value, hash))
            continue;
        MUST(value.n == SESSION_COOKIE_CHARS && base64url_decode(value, bytes, &n) && n == 48);
        MUST(!login_cookie_check(keys, HOST, value, hash));
        MUST(!session_cookie_check(keys, STR("other.example"), value, hash));
        n_good++;
    }
    return n_good;
}

/* front; NAME=VALUE; back */
static str around(str front, const char value[SESSION_COOKIE_CHARS], str back, char *room)
{
    static const char name[] = "; " SESSION_COOKIE "=";
    size_t n = 0;
    memcpy(room, front.p, front.n);
    n += front.n;
    memcpy(room + n, name, sizeof name - 1);
    n += sizeof name - 1;
    memcpy(room + n, value, SESSION_COOKIE_CHARS);
    n += SESSION_COOKIE_CHARS;
    room[n++] = ';';
    memcpy(room + n, back.p, back.n);
    return (str){room, n + back.n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct keyring keys = {.n = 2}, other = {.n = 1};
    unsigned char hash[32];
    char good[SESSION_COOKIE_CHARS];
    char *copy = malloc(n ? n : 1), *room = malloc(n + 256);
    str field = {copy, n};
    if (n)
        memcpy(copy, data, n);
    memset(keys.secrets, 1, sizeof keys.secrets);
    memset(other.secrets, 2, sizeof other.secrets);
    MUST(count_good(&keys, field) == 0);
    session_cookie_make(&keys, HOST, good, hash);
    str spliced = around(str_upto(field, n / 2), good, str_from(field, n / 2), room);
    MUST(count_good(&keys, spliced) == 1);
    MUST(count_good(&other, spliced) == 0);
    free(copy);
    free(room);
    return 0;
}
