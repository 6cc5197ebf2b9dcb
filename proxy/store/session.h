/* session: what the files about sessions and grants share. The store's thread only. */
#ifndef PROXY_STORE_SESSION_H
#define PROXY_STORE_SESSION_H

#include "proxy/store/db.h"

/* Of a session `s`, in the order that session_row_read takes them. */
#define SESSION_COLUMNS                                                                            \
    "s.id, s.handle, s.issuer_name, s.issuer, s.subject, s.email, s.claims, s.provider_sid,"       \
    " s.created_s, s.seen_s, s.claims_s, s.ends_s, s.device_id, s.device_proof, s.agent, "         \
    "s.address"
enum { SESSION_N_COLUMNS = 16 };

/* Texts into the arena; without tokens. */
void session_row_read(sqlite3_stmt *s, struct arena *a, struct store_session *out);
/* Ends one and notes it; within a transaction. */
bool session_row_end(struct store_db *db, int64_t id, str issuer, str subject, const char *why,
                     struct fail *f);
/* A cookie of an open session; within a transaction. */
bool cookie_row_add(struct store_db *db, int64_t session, const unsigned char hash[32], str host,
                    struct fail *f);
/* The open grants of a person that have not expired. */
bool grant_rows_of(struct store_db *db, str issuer, str subject, struct arena *a,
                   const struct store_grant **out, size_t *n_out, struct fail *f);

#endif
