/* watched: see watched.h. */
#include "proxy/config/watched.h"

#include "base/doc.h"

enum { CA_MAX_BYTES = 1 << 20, USERS_MAX_BYTES = DOC_MAX_BYTES };

static bool read_one(struct build *b, str path, const struct doc_node *at, size_t max, bool is_key)
{
    struct fail fail = {0};
    str bytes;
    if (!path.p || inputs_read(&b->base, path, max, is_key, &bytes, &fail))
        return true;
    build_refuse(b->findings, at, path, "unreadable", fail.text);
    return false;
}

static bool read_ca(struct build *b, str path, const struct doc_node *at)
{
    return read_one(b, path, at, CA_MAX_BYTES, false);
}

static bool read_secret(struct build *b, str path, const struct doc_node *at)
{
    return read_one(b, path, at, SECRET_MAX_BYTES, true);
}

bool watched_read(struct build *b, const struct config *c)
{
    bool good = read_secret(b, c->mail.password_file, c->mail.password_at);
    good &= read_ca(b, c->mail.ca, c->mail.ca_at);
    for (size_t i = 0; i < c->n_issuers; i++) {
        const struct config_issuer *x = &c->issuers[i];
        good &= read_ca(b, x->ca, x->ca_at);
        good &= read_secret(b, x->client_secret_file, x->client_secret_at);
        good &= read_secret(b, x->client_key_file, x->client_key_at);
    }
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct config_source *x = &c->sources[i];
        good &= read_secret(b, x->token_file, x->token_at);
        good &= read_ca(b, x->ca, x->ca_at);
    }
    return good;
}

/* ---- users ---- */

static bool has_builtin(const struct config *c)
{
    for (size_t i = 0; i < c->n_issuers; i++)
        if (c->issuers[i].is_builtin)
            return true;
    return false;
}

static void refuse_users(struct build *b, const struct config *c, const struct fail *fail)
{
    struct finding_at place = c->builtin.users_at
                                  ? doc_at(c->builtin.users_at)
                                  : (struct finding_at){.file = c->builtin.users_file};
    findings_add(b->findings, FINDING_ERROR, "unreadable", &place,
                 fail->code == FAIL_NOT_FOUND ? "`postern user add` makes it" : NULL, "%s",
                 fail->text);
}

struct builtin_users *watched_users(struct build *b, const struct config *c,
                                    const struct builtin_users *previous,
                                    const char *previous_digest, char digest[DIGEST_HEX_CHARS + 1],
                                    bool *good_out)
{
    struct fail fail = {0};
    str bytes;
    *good_out = true;
    if (!has_builtin(c))
        return NULL;
    /* password hashes: held to the mode of a key */
    if (!inputs_read(&b->base, c->builtin.users_file, USERS_MAX_BYTES, true, &bytes, &fail)) {
        refuse_users(b, c, &fail);
        *good_out = false;
        return NULL;
    }
    disk_digest(bytes, digest);
    if (previous && strcmp(digest, previous_digest) == 0)
        return builtin_users_ref(previous);
    struct doc_file file = {c->builtin.users_file, bytes};
    struct builtin_users *users = builtin_users_parse(&file, b->findings);
    *good_out = users != NULL;
    return users;
}

/* ---- names ---- */

static void note_app(struct findings *f, const struct snapshot *s, const struct config_issuer *x,
                     size_t app)
{
    if (snapshot_app_by_name(s, x->apps[app]))
        return;
    struct finding_at at = doc_at(x->apps_at->items[app]);
    findings_add(f, FINDING_NOTE, "unknown-app", &at, NULL, "there is no app \"%.*s\"",
                 STR_ARG(x->apps[app]));
}

void watched_check_apps(struct findings *f, const struct snapshot *s)
{
    for (size_t i = 0; s->policy && i < s->config->n_issuers; i++)
        for (size_t k = 0; k < s->config->issuers[i].n_apps; k++)
            note_app(f, s, &s->config->issuers[i], k);
}
