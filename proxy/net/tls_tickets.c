/* tls_tickets: the keys that seal TLS session tickets (RFC 5077 section 4: AES-256-CBC, then
 * HMAC-SHA-256). Whoever has a key can read the sessions it sealed, so keys live in secret memory,
 * are never stored, and the oldest is wiped with each rotation. */
#include "proxy/net/tls_impl.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/arena.h"
#include "base/secret.h"

enum { TICKET_NAME_BYTES = 16, TICKET_KEY_BYTES = 32, TICKET_GENERATIONS = 3 };

struct ticket_key {
    unsigned char name[TICKET_NAME_BYTES], aes[TICKET_KEY_BYTES], mac[TICKET_KEY_BYTES];
};

struct tls_tickets {
    pthread_mutex_t lock;    /* handshakes only, never a request */
    struct ticket_key *keys; /* secret memory, newest first */
    size_t n;
};

struct tls_tickets *tls_tickets_create(void)
{
    struct tls_tickets *t = mem_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->keys = secret_alloc(sizeof *t->keys * TICKET_GENERATIONS);
    tls_tickets_rotate(t);
    return t;
}

void tls_tickets_rotate(struct tls_tickets *t)
{
    pthread_mutex_lock(&t->lock);
    memmove(&t->keys[1], &t->keys[0], sizeof *t->keys * (TICKET_GENERATIONS - 1));
    random_fill(&t->keys[0], sizeof t->keys[0]);
    if (t->n < TICKET_GENERATIONS)
        t->n++;
    pthread_mutex_unlock(&t->lock);
}

void tls_tickets_destroy(struct tls_tickets *t)
{
    if (!t)
        return;
    secret_free(t->keys, sizeof *t->keys * TICKET_GENERATIONS);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The key to seal with (name NULL) or the one of that name. False: none, do a full handshake. */
static bool copy_key(struct tls_tickets *t, const unsigned char *name, struct ticket_key *out,
                     size_t *age_out)
{
    bool found = false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n && !found; i++)
        if (!name || memcmp(t->keys[i].name, name, TICKET_NAME_BYTES) == 0) {
            *out = t->keys[i];
            *age_out = i;
            found = true;
        }
    pthread_mutex_unlock(&t->lock);
    return found;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_sealing)
{
    struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct ticket_key key;
    size_t age;
    if (!copy_key(t, is_sealing ? NULL : name, &key, &age))
        return 0;
    if (is_sealing) {
        memcpy(name, key.name, TICKET_NAME_BYTES);
        random_fill(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac, sizeof key.mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv, is_sealing) &&
              EVP_MAC_CTX_set_params(mac, params);
    secret_wipe(&key, sizeof key);
    if (!ok)
        return -1;
    /* 2: opened with an older key, the client gets a new ticket. */
    return is_sealing || age == 0 ? 1 : 2;
}

bool tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx)
{
    if (!t) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, 0);
    }
    SSL_CTX_set_app_data(ctx, t);
    /* One ticket for each full handshake: two are a courtesy to clients that never come back twice.
     */
    return SSL_CTX_set_num_tickets(ctx, 1) && SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
