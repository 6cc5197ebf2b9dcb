/* once: what may be used one time only (a logout token's jti, a posture document). */
#include "proxy/store/db.h"

#include <openssl/evp.h>

/* What is held against a clock that may be 60 s off must be remembered that much longer. */
enum { MARGIN_S = 120 };

/* A hash: values come from outside and may be long. The length parts the two texts. */
static bool hash_of(str what, str value, unsigned char out[32])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint64_t n = what.n;
    bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(c, &n, sizeof n) == 1 && EVP_DigestUpdate(c, what.p, what.n) == 1 &&
              EVP_DigestUpdate(c, value.p, value.n) == 1 && EVP_DigestFinal_ex(c, out, NULL) == 1;
    EVP_MD_CTX_free(c);
    return ok;
}

bool store_once(struct store_db *db, str what, str value, int64_t expires_s, bool *fresh_out,
                struct fail *f)
{
    unsigned char hash[32];
    int64_t now_s = store_now_s(db);
    *fresh_out = false;
    if (!hash_of(what, value, hash))
        return fail_set(f, FAIL_CRYPTO, "SHA-256 is not there");
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO once(hash, expires_s) VALUES(?1, ?2)"
                             " ON CONFLICT(hash) DO UPDATE SET expires_s = excluded.expires_s"
                             " WHERE once.expires_s <= ?3",
                             f);
    db_bind_blob(s, 1, hash, sizeof hash);
    db_bind_int(s, 2, (expires_s > now_s ? expires_s : now_s) + MARGIN_S);
    db_bind_int(s, 3, now_s);
    if (!db_run(db, s, f))
        return false;
    *fresh_out = db_count(db) == 1;
    return true;
}
