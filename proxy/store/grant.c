/* grant: approvals that were asked for and given, and broken glass. They end by time; the sweep
 * only writes down that they did. */
#include "proxy/store/session.h"

#define GRANT_COLUMNS                                                                              \
    "id, kind, state, rule, rule_digest, app, issuer, subject, email, purpose, asked_s,"           \
    " decided_s, expires_s, valid_for_s, count_needed, approvers, request_id"

static void read_grant(sqlite3_stmt *s, struct arena *a, struct store_grant *out)
{
    *out = (struct store_grant){
        .id = db_int(s, 0),
        .kind = (enum store_grant_kind)db_int(s, 1),
        .state = (enum store_grant_state)db_int(s, 2),
        .rule = db_text(s, 3, a),
        .rule_digest = db_text(s, 4, a),
        .app = db_text(s, 5, a),
        .issuer = db_text(s, 6, a),
        .subject = db_text(s, 7, a),
        .email = db_text(s, 8, a),
        .purpose = db_text(s, 9, a),
        .asked_s = db_int(s, 10),
        .decided_s = db_int(s, 11),
        .expires_s = db_int(s, 12),
        .valid_for_s = db_int(s, 13),
        .count_needed = db_int(s, 14),
        .approvers = db_text(s, 15, a),
        .request_id = db_text(s, 16, a),
    };
}

/* ---- reading ---- */

static bool read_all(struct store_db *db, sqlite3_stmt *s, struct arena *a,
                     const struct store_grant **out, size_t *n_out, struct fail *f)
{
    enum db_step step;
    struct db_rows rows = {.bytes = sizeof(struct store_grant)};
    while ((step = db_step(db, s, f)) == DB_ROW)
        read_grant(s, a, db_rows_add(&rows));
    db_done(s);
    *n_out = rows.n;
    *out = db_rows_keep(&rows, a);
    return step == DB_DONE;
}

bool grant_rows_of(struct store_db *db, str issuer, str subject, struct arena *a,
                   const struct store_grant **out, size_t *n_out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT " GRANT_COLUMNS " FROM grant_row WHERE issuer = ?1"
                             " AND subject = ?2 AND state <= 2 AND state = ?3 AND expires_s > ?4"
                             " ORDER BY id",
                             f);
    db_bind_text(s, 1, issuer);
    db_bind_text(s, 2, subject);
    db_bind_int(s, 3, STORE_GRANT_OPEN);
    db_bind_int(s, 4, store_now_s(db));
    return read_all(db, s, a, out, n_out, f);
}

bool store_grants_list(struct store_db *db, str issuer, str subject, struct arena *a,
                       const struct store_grant **out, size_t *n_out, struct fail *f)
{
    bool is_all = !issuer.p && !subject.p;
    sqlite3_stmt *s =
        is_all ? db_sql(db,
                        "SELECT " GRANT_COLUMNS " FROM grant_row"
                        " WHERE state <= 2 AND expires_s > ?1 ORDER BY id",
                        f)
               : db_sql(db,
                        "SELECT " GRANT_COLUMNS " FROM grant_row WHERE issuer = ?2"
                        " AND subject = ?3 AND state <= 2 AND expires_s > ?1 ORDER BY id",
                        f);
    db_bind_int(s, 1, store_now_s(db));
    if (!is_all) {
        db_bind_text(s, 2, issuer);
        db_bind_text(s, 3, subject);
    }
    return read_all(db, s, a, out, n_out, f);
}

enum store_found store_grant_by_id(struct store_db *db, int64_t id, struct arena *a,
                                   struct store_grant *out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db, "SELECT " GRANT_COLUMNS " FROM grant_row WHERE id = ?1", f);
    db_bind_int(s, 1, id);
    enum db_step step = db_step(db, s, f);
    if (step == DB_ROW)
        read_grant(s, a, out);
    db_done(s);
    return step == DB_ROW ? STORE_FOUND : step == DB_DONE ? STORE_ABSENT : STORE_FAILED;
}

/* ---- asking and opening ---- */

static bool insert(struct store_db *db, const struct store_grant *in, enum store_grant_state state,
                   int64_t expires_s, int64_t *id_out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO grant_row(kind, state, rule, rule_digest, app, issuer,"
                             " subject, email, purpose, asked_s, decided_s, expires_s,"
                             " valid_for_s, count_needed, approvers, request_id)"
                             " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,'[]',?15)",
                             f);
    const str texts[] = {in->rule,    in->rule_digest, in->app,    in->issuer,
                         in->subject, in->email,       in->purpose};
    int64_t now_s = store_now_s(db);
    db_bind_int(s, 1, in->kind);
    db_bind_int(s, 2, state);
    for (int i = 0; i < 7; i++)
        db_bind_text(s, 3 + i, texts[i]);
    db_bind_int(s, 10, in->asked_s ? in->asked_s : now_s);
    db_bind_int(s, 11, state == STORE_GRANT_OPEN ? now_s : 0);
    db_bind_int(s, 12, expires_s);
    db_bind_int(s, 13, in->valid_for_s);
    db_bind_int(s, 14, in->count_needed > 0 ? in->count_needed : 1);
    db_bind_text(s, 15, in->request_id);
    if (!db_run(db, s, f))
        return false;
    *id_out = sqlite3_last_insert_rowid(db->sql);
    return true;
}

/* The same that is there already; 0: none. */
static bool find_same(struct store_db *db, const struct store_grant *in,
                      enum store_grant_state state, int64_t *id_out, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "SELECT id FROM grant_row WHERE issuer = ?1 AND subject = ?2"
                             " AND rule = ?3 AND rule_digest = ?4 AND app = ?5 AND kind = ?6"
                             " AND state <= 2 AND state = ?7 AND expires_s > ?8",
                             f);
    const str texts[] = {in->issuer, in->subject, in->rule, in->rule_digest, in->app};
    for (int i = 0; i < 5; i++)
        db_bind_text(s, 1 + i, texts[i]);
    db_bind_int(s, 6, in->kind);
    db_bind_int(s, 7, state);
    db_bind_int(s, 8, store_now_s(db));
    enum db_step step = db_step(db, s, f);
    *id_out = step == DB_ROW ? db_int(s, 0) : 0;
    db_done(s);
    return step != DB_FAILED;
}

bool store_grant_ask(struct store_db *db, const struct store_grant *in, int64_t *id_out,
                     struct fail *f)
{
    int64_t now_s = store_now_s(db);
    int64_t expires_s = in->expires_s > now_s ? in->expires_s : now_s + STORE_ASKED_S;
    bool ok = db_begin(db, f) && find_same(db, in, STORE_GRANT_ASKED, id_out, f) &&
              (*id_out || insert(db, in, STORE_GRANT_ASKED, expires_s, id_out, f));
    return db_end(db, ok, f);
}

static bool note_person(struct store_db *db, str issuer, str subject, const char *why,
                        struct fail *f)
{
    struct store_change c = {
        .kind = STORE_PERSON_CHANGED, .issuer = issuer, .subject = subject, .why = why};
    return change_note(db, &c, f);
}

bool store_grant_open(struct store_db *db, const struct store_grant *in, int64_t *id_out,
                      struct fail *f)
{
    int64_t now_s = store_now_s(db);
    int64_t expires_s = in->expires_s ? in->expires_s : now_s + in->valid_for_s;
    if (expires_s <= now_s)
        return fail_set(f, FAIL_INPUT, "a grant must end after it opens");
    bool ok = db_begin(db, f) && find_same(db, in, STORE_GRANT_OPEN, id_out, f) &&
              (*id_out || (insert(db, in, STORE_GRANT_OPEN, expires_s, id_out, f) &&
                           note_person(db, in->issuer, in->subject, "grant", f)));
    return db_end(db, ok, f);
}

/* ---- deciding ---- */

/* Each approver once; DB_DONE: this one was there already, or nobody asks any more. */
static enum db_step add_approver(struct store_db *db, int64_t id, str who, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "INSERT INTO approver(grant_id, who) SELECT id, ?2 FROM grant_row"
                             " WHERE id = ?1 AND state = ?3 AND expires_s > ?4"
                             " ON CONFLICT DO NOTHING",
                             f);
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, who);
    db_bind_int(s, 3, STORE_GRANT_ASKED);
    db_bind_int(s, 4, store_now_s(db));
    if (!db_run(db, s, f))
        return DB_FAILED;
    return db_count(db) == 1 ? DB_ROW : DB_DONE;
}

static bool count_approver(struct store_db *db, int64_t id, str approver, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "UPDATE grant_row SET approvers = substr(approvers, 1,"
                             " length(approvers) - 1) || iif(approvers = '[]', '', ',')"
                             " || ?2 || ']' WHERE id = ?1",
                             f);
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, approver);
    return db_run(db, s, f);
}

static bool open_if_enough(struct store_db *db, int64_t id, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "UPDATE grant_row SET state = ?2, decided_s = ?3,"
                             " expires_s = ?3 + valid_for_s WHERE id = ?1 AND count_needed <="
                             " (SELECT count(*) FROM approver WHERE grant_id = ?1)",
                             f);
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, STORE_GRANT_OPEN);
    db_bind_int(s, 3, store_now_s(db));
    return db_run(db, s, f);
}

static bool approve(struct store_db *db, int64_t id, str approver, str key, struct arena *a,
                    struct store_grant *out, bool *is_absent, struct fail *f)
{
    enum db_step step = add_approver(db, id, key, f);
    *is_absent = step == DB_DONE;
    return step == DB_ROW && count_approver(db, id, approver, f) && open_if_enough(db, id, f) &&
           store_grant_by_id(db, id, a, out, f) == STORE_FOUND &&
           (out->state != STORE_GRANT_OPEN ||
            note_person(db, out->issuer, out->subject, "grant", f));
}

enum store_found store_grant_approve(struct store_db *db, int64_t id, str approver,
                                     str approver_key, struct arena *a, struct store_grant *out,
                                     struct fail *f)
{
    bool is_absent = false;
    bool ok = db_begin(db, f) && approve(db, id, approver, approver_key, a, out, &is_absent, f);
    ok = db_end(db, ok, f);
    return ok ? STORE_FOUND : is_absent ? STORE_ABSENT : STORE_FAILED;
}

static bool set_closed(struct store_db *db, int64_t id, enum store_grant_state state,
                       bool *is_absent, struct fail *f)
{
    sqlite3_stmt *s = db_sql(db,
                             "UPDATE grant_row SET state = ?2, decided_s = ?3"
                             " WHERE id = ?1 AND state <= ?4",
                             f);
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, state);
    db_bind_int(s, 3, store_now_s(db));
    db_bind_int(s, 4, STORE_GRANT_OPEN);
    if (!db_run(db, s, f))
        return false;
    *is_absent = db_count(db) == 0;
    return !*is_absent;
}

enum store_found store_grant_close(struct store_db *db, int64_t id, enum store_grant_state state,
                                   struct arena *a, struct store_grant *out, struct fail *f)
{
    bool is_absent = false;
    if (state <= STORE_GRANT_OPEN) {
        fail_set(f, FAIL_INPUT, "a grant cannot be closed into an open state");
        return STORE_FAILED;
    }
    bool ok = db_begin(db, f) && set_closed(db, id, state, &is_absent, f) &&
              store_grant_by_id(db, id, a, out, f) == STORE_FOUND &&
              note_person(db, out->issuer, out->subject, "grant", f);
    ok = db_end(db, ok, f);
    return ok ? STORE_FOUND : is_absent ? STORE_ABSENT : STORE_FAILED;
}
