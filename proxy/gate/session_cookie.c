/* Cookies of ours: made, and told from invented ones without asking anybody. See session.h. */
#include "proxy/gate/session.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>

#include "base/encode.h"
#include "base/secret.h"
#include "proxy/config/keyring.h"

enum { RANDOM_BYTES = 32, TAG_BYTES = 16, VALUE_BYTES = RANDOM_BYTES + TAG_BYTES, HOST_MAX = 255 };

static const str SESSION_KIND = STR("session"), LOGIN_KIND = STR("login");

static bool tag_of(const unsigned char key[KEYRING_SECRET_BYTES], str kind, str host,
                   const unsigned char bytes[RANDOM_BYTES], unsigned char tag[TAG_BYTES])
{
    unsigned char text[16 + HOST_MAX + 1 + RANDOM_BYTES], whole[EVP_MAX_MD_SIZE];
    unsigned whole_n;
    size_t n = 0;
    if (host.n == 0 || host.n > HOST_MAX)
        return false;
    memcpy(text, kind.p, kind.n);
    n += kind.n;
    text[n++] = 0; /* neither kind nor host holds one: no two inputs are written alike */
    memcpy(text + n, host.p, host.n);
    n += host.n;
    text[n++] = 0;
    memcpy(text + n, bytes, RANDOM_BYTES);
    n += RANDOM_BYTES;
    if (!HMAC(EVP_sha256(), key, KEYRING_SECRET_BYTES, text, n, whole, &whole_n))
        return false;
    memcpy(tag, whole, TAG_BYTES);
    return true;
}

static void hash_of(const unsigned char bytes[RANDOM_BYTES], unsigned char hash[32])
{
    unsigned n = 32;
    if (EVP_Digest(bytes, RANDOM_BYTES, hash, &n, EVP_sha256(), NULL) != 1)
        abort(); /* a hash of nothing would be equal for all */
}

static void make(const struct keyring *keys, str kind, str host, char value[SESSION_COOKIE_CHARS],
                 unsigned char hash[32])
{
    unsigned char all[VALUE_BYTES];
    /* For a host that cannot be tagged the tag is random too: a value that nobody accepts. */
    random_fill(all, sizeof all);
    (void)!tag_of(keys->secrets[0], kind, host, all, all + RANDOM_BYTES);
    base64url_encode((str){(char *)all, sizeof all}, value);
    hash_of(all, hash);
    secret_wipe(all, sizeof all);
}

/* Old generations count: a key is rotated without signing everybody out. */
static bool check(const struct keyring *keys, str kind, str host, str value, unsigned char hash[32])
{
    unsigned char all[SESSION_COOKIE_CHARS], tag[TAG_BYTES];
    size_t n;
    if (!keys || value.n != SESSION_COOKIE_CHARS || !base64url_decode(value, all, &n) ||
        n != VALUE_BYTES)
        return false;
    for (size_t i = 0; i < keys->n; i++)
        if (tag_of(keys->secrets[i], kind, host, all, tag) &&
            secret_eq((str){(char *)tag, TAG_BYTES},
                      (str){(char *)all + RANDOM_BYTES, TAG_BYTES})) {
            hash_of(all, hash);
            return true;
        }
    return false;
}

void session_cookie_make(const struct keyring *keys, str host, char value[SESSION_COOKIE_CHARS],
                         unsigned char hash[32])
{
    make(keys, SESSION_KIND, host, value, hash);
}

bool session_cookie_check(const struct keyring *keys, str host, str value, unsigned char hash[32])
{
    return check(keys, SESSION_KIND, host, value, hash);
}

void login_cookie_make(const struct keyring *keys, str host, char value[SESSION_COOKIE_CHARS],
                       unsigned char hash[32])
{
    make(keys, LOGIN_KIND, host, value, hash);
}

bool login_cookie_check(const struct keyring *keys, str host, str value, unsigned char hash[32])
{
    return check(keys, LOGIN_KIND, host, value, hash);
}

/* RFC 6265 section 4.2.1, read as head_write takes ours out of it: a name is compared as it is, a
 * value is never unquoted or decoded. A pair without "=" has no name. */
str session_cookie_next(str *rest, str name)
{
    while (rest->p) {
        str pair = str_trim(str_cut(rest, ';'), " \t");
        size_t eq = str_find(pair, '=');
        if (eq == pair.n || !str_eq(str_trim(str_upto(pair, eq), " \t"), name))
            continue;
        return str_trim(str_from(pair, eq + 1), " \t");
    }
    return (str){NULL, 0};
}
