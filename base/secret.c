/* Wiped memory and random bytes. See secret.h. */
#include "base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

void *secret_alloc(size_t bytes)
{
    void *p =
        mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    madvise(p, bytes, MADV_DONTDUMP);
    /* Best effort: an unprivileged process may have no locked memory left. */
    (void)!mlock(p, bytes);
    return p;
}

void secret_free(void *p, size_t bytes)
{
    if (!p)
        return;
    secret_wipe(p, bytes);
    munmap(p, bytes ? bytes : 1);
}

void secret_wipe(void *p, size_t bytes)
{
    if (p)
        OPENSSL_cleanse(p, bytes);
}

bool secret_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void random_fill(void *p, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = getrandom((char *)p + done, bytes - done, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        done += (size_t)n;
    }
}
