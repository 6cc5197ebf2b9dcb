/* keyring: the secret keys of ours in `state/keys/`: one file a name, newest generation first.
 *
 * Names: assertion and issuer (P-256, PEM), seal and cookie (32 random bytes, hex). The directory
 * is 0700 and the files are 0600, refused otherwise; made when missing. `postern key rotate NAME`
 * puts a new generation first and keeps the old ones until their last product has expired.
 * Immutable after reading, atomic count; wiped when freed. */
#ifndef PROXY_CONFIG_KEYRING_H
#define PROXY_CONFIG_KEYRING_H

#include "base/fail.h"
#include "base/str.h"

enum keyring_name {
    KEYRING_ASSERTION = 0,
    KEYRING_ISSUER,
    KEYRING_SEAL,
    KEYRING_COOKIE,
    KEYRING_COUNT
};
enum { KEYRING_GENERATIONS = 8, KEYRING_SECRET_BYTES = 32 };

struct keyring {
    size_t n; /* generations, newest first */
    unsigned char secrets[KEYRING_GENERATIONS][KEYRING_SECRET_BYTES]; /* seal, cookie */
    str pems[KEYRING_GENERATIONS];                                    /* assertion, issuer */
    int64_t made_s[KEYRING_GENERATIONS];
};

const char *keyring_word(enum keyring_name name); /* "assertion" */
/* NULL with a sentence. */
struct keyring *keyring_open(const char *state_dir, enum keyring_name name, int64_t now_s,
                             struct fail *f);
/* What is there now, for whoever has opened it before: nothing is made when it is gone. */
struct keyring *keyring_read(const char *state_dir, enum keyring_name name, struct fail *f);
/* Of one that was opened or read. Any thread. */
struct keyring *keyring_ref(const struct keyring *k);
/* Gives one reference back and nulls *k; takes NULL. */
void keyring_close(struct keyring **k);
/* The same generations. */
bool keyring_same(const struct keyring *a, const struct keyring *b);
/* A new generation, made first when there is none. Of the old ones those that were replaced more
 * than keep_s ago go; 0: all. False also when 8 would have to be kept. */
bool keyring_rotate(const char *state_dir, enum keyring_name name, int64_t keep_s, int64_t now_s,
                    struct fail *f);

#endif
