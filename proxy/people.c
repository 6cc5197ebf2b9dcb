/* Keys, store and desk. See people.h. */
#include "proxy/people.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

struct people {
    struct people_options options;
    struct keyring *keys[KEYRING_COUNT];
    bool is_unreadable[KEYRING_COUNT]; /* told once */
    bool owes_seal_keys;               /* to the store */
    char *state_dir;
    struct store *store;
    struct desk *desk;
};

/* ---- changes, from the store's thread to ours ---------------------------------------------------
 */

struct told {
    struct people *people;
    struct store_change change;
    char text[]; /* its texts */
};

static void on_changed(void *ctx, void *arg)
{
    struct told *t = arg;
    struct people *p = t->people;
    if (p->desk)
        desk_store_changed(p->desk, &t->change);
    free(t);
}

static str keep(char **to, str s)
{
    char *at = *to;
    if (!s.n)
        return (str){NULL, 0};
    memcpy(at, s.p, s.n);
    *to += s.n;
    return (str){at, s.n};
}

/* On the store's thread, which also answers the workers: what it tells and what it answers reach a
 * worker in its own order. The control thread may be at a large inventory just then, and a session
 * that ended must not wait for that. */
static void changed(void *ctx, const struct store_change *change)
{
    struct people *p = ctx;
    p->options.changed(p->options.ctx, change);
    struct told *t = mem_alloc(sizeof *t + change->issuer.n + change->subject.n + change->handle.n);
    char *to = t->text;
    t->people = p;
    t->change = *change;
    t->change.issuer = keep(&to, change->issuer);
    t->change.subject = keep(&to, change->subject);
    t->change.handle = keep(&to, change->handle);
    if (!mailbox_post(p->options.mailbox, on_changed, t))
        free(t);
}

/* ---- opening
 * ------------------------------------------------------------------------------------- */

static bool open_keys(struct people *p, struct fail *f)
{
    int64_t now_s = loop_wall_us(p->options.loop) / 1000000;
    for (int i = 0; i < KEYRING_COUNT; i++)
        if (!(p->keys[i] = keyring_open(p->state_dir, (enum keyring_name)i, now_s, f)))
            return false;
    return true;
}

static bool open_store(struct people *p, struct fail *f)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/postern.db", p->state_dir);
    struct store_options o = {
        .path = path,
        .seal_keys = (const unsigned char(*)[32])p->keys[KEYRING_SEAL]->secrets,
        .n_seal_keys = p->keys[KEYRING_SEAL]->n,
        .changed = changed,
        .ctx = p,
    };
    p->store = store_open(&o, f);
    return p->store != NULL;
}

static bool open_desk(struct people *p, struct fail *f)
{
    struct desk_options o = {
        .loop = p->options.loop,
        .mailbox = p->options.mailbox,
        .store = p->store,
        .audit = p->options.audit,
        .node = p->options.node,
        .boot = p->options.boot,
        .cookie_keys = p->keys[KEYRING_COOKIE],
        .issuer_keys = p->keys[KEYRING_ISSUER],
        .need_keys = p->options.need_keys,
        .mail = p->options.mail,
        .notify = p->options.notify,
        .posture = p->options.posture,
        .ctx = p->options.ctx,
    };
    p->desk = desk_create(&o, f);
    return p->desk != NULL;
}

struct people *people_open(const struct people_options *o, struct fail *f)
{
    struct people *p = mem_alloc(sizeof *p);
    p->options = *o;
    p->state_dir = mem_dup(o->snapshot->config->state_dir);
    if (open_keys(p, f) && open_store(p, f) && open_desk(p, f)) {
        people_configure(p, o->snapshot);
        return p;
    }
    people_close_store(p);
    people_close(p);
    return NULL;
}

void people_configure(struct people *p, struct snapshot *snapshot)
{
    desk_configure(p->desk, snapshot);
}

struct desk *people_desk(struct people *p)
{
    return p ? p->desk : NULL;
}

struct store *people_store(struct people *p)
{
    return p ? p->store : NULL;
}

const struct keyring *people_keys(struct people *p, enum keyring_name name)
{
    return p ? p->keys[name] : NULL;
}

/* ---- rotation ---- */

static void give_seal_keys(struct store_db *db, void *ctx)
{
    struct keyring *k = ctx;
    struct fail f = {0};
    if (!store_seal_keys(db, (const unsigned char(*)[32])k->secrets, k->n, &f))
        log_error("keys.failed", f.text);
    keyring_close(&k);
}

/* What is queued before it is sealed by the older key, which stays known. */
static void tell_store(struct people *p)
{
    struct keyring *k = keyring_ref(p->keys[KEYRING_SEAL]);
    p->owes_seal_keys = !p->store || !store_post(p->store, give_seal_keys, NULL, k);
    if (p->owes_seal_keys)
        keyring_close(&k);
}

static void note_read(struct people *p, enum keyring_name name, const struct fail *f)
{
    if (f && !p->is_unreadable[name])
        log_error("keys.failed", f->text, "keys", keyring_word(name));
    p->is_unreadable[name] = f != NULL;
}

static bool look_at(struct people *p, enum keyring_name name)
{
    struct fail f = {0};
    char number[24];
    struct keyring *now = keyring_read(p->state_dir, name, &f);
    note_read(p, name, now ? NULL : &f);
    if (!now || keyring_same(now, p->keys[name])) {
        keyring_close(&now);
        return false;
    }
    keyring_close(&p->keys[name]); /* the desk is given the new one before it looks again */
    p->keys[name] = now;
    log_info("keys.taken", "a secret key was rotated", "keys", keyring_word(name), "generations",
             log_num(number, now->n));
    return true;
}

bool people_look_at_keys(struct people *p)
{
    bool has_new = false;
    for (int i = 0; i < KEYRING_COUNT; i++) {
        if (!look_at(p, (enum keyring_name)i))
            continue;
        has_new = true;
        p->owes_seal_keys |= i == KEYRING_SEAL;
    }
    if (p->owes_seal_keys) /* again, when too much was queued */
        tell_store(p);
    if (has_new)
        desk_set_keys(p->desk, p->keys[KEYRING_COOKIE], p->keys[KEYRING_ISSUER]);
    return has_new;
}

struct keyset *people_issuer_keys(struct people *p)
{
    struct arena a;
    struct fail f = {0};
    struct keyset *keys = NULL;
    arena_init(&a, NULL, 0);
    str json = desk_builtin_keys(p->desk, &a);
    if (json.n && !(keys = keyset_parse(json, &f)))
        log_error("builtin.keys", f.text);
    arena_finish(&a);
    return keys;
}

void people_close_store(struct people *p)
{
    if (!p)
        return;
    store_close(p->store);
    p->store = NULL;
    if (p->desk)
        desk_store_gone(p->desk);
}

void people_close(struct people *p)
{
    if (!p)
        return;
    desk_destroy(p->desk);
    for (int i = 0; i < KEYRING_COUNT; i++)
        keyring_close(&p->keys[i]);
    free(p->state_dir);
    free(p);
}
