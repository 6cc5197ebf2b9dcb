/* Posture documents that devices post: verified by the source's issuer, taken once, kept in the
 * store so that a restart does not forget them.
 *
 * A document counts when it is younger than the one that is kept; with a `jti` it is also taken
 * only once. So whoever finds an old one cannot put a device back to what it was. */
#include "proxy/devices_impl.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"

enum {
    WAITING_MOST = 256, /* for keys: anybody can name one that nobody knows */
    OPEN_MOST = 256,    /* of the store */
    PUBLISH_MS = 200,
};

struct kept {
    struct device device;
    struct arena arena;
};

struct devices_posted {
    struct map by_id; /* struct kept **: what is newest of a device; keys in `ids` */
    struct arena ids;
};

/* One document on its way. */
struct post {
    struct list_node link; /* devices.waiting or devices.open */
    struct devices *owner;
    struct desk_ask *ask;
    /* By name and issuer: the configuration may change while the store is at it. */
    str source, kept_as;
    struct kept *kept;
    str jti, facts_json;
    int64_t expires_s;
    size_t issuer; /* whose keys it waits for */
    bool has_waited, is_fresh, is_written;
    struct fail fail;
    struct arena arena;
};

static void kept_free(struct kept *k)
{
    if (!k)
        return;
    arena_finish(&k->arena);
    free(k);
}

static struct kept *kept_new(void)
{
    struct kept *k = mem_alloc(sizeof *k);
    arena_init(&k->arena, NULL, 0);
    k->arena.chunk_bytes = 1024;
    return k;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Takes it. An older one that comes late does not put the device back: the store may be at two at
 * once, and after a start documents come before what was kept has been read. */
static void keep(struct devices_posted *p, struct kept *k)
{
    struct kept **slot = map_get(&p->by_id, k->device.id);
    if (slot && (*slot)->device.seen_s > k->device.seen_s) {
        kept_free(k);
        return;
    }
    if (!slot) {
        slot = arena_new(&p->ids, struct kept *);
        map_add(&p->by_id, arena_dup(&p->ids, k->device.id), slot);
    }
    kept_free(*slot);
    *slot = k;
}

static const struct kept *newest(const struct devices_posted *p, str id)
{
    struct kept **slot = map_get(&p->by_id, id);
    return slot ? *slot : NULL;
}

static const struct device *copy(struct arena *a, const struct device *d, str source,
                                 struct device *out)
{
    struct device_fact *facts = arena_array(a, struct device_fact, d->n_facts + 1);
    for (size_t i = 0; i < d->n_facts; i++) {
        facts[i] = d->facts[i];
        facts[i].attribute = arena_dup(a, d->facts[i].attribute);
        facts[i].text = arena_dup(a, d->facts[i].text);
        facts[i].source = source;
    }
    *out = (struct device){arena_dup(a, d->id), facts, d->n_facts, d->seen_s};
    return out;
}

/* Not with each post: many devices may report in the same moment. */
static void publish_soon(struct source *s)
{
    if (!s->due.due_ms)
        deadline_set(s->owner->options.loop, &s->due, PUBLISH_MS);
}

static void publish(struct deadline *due)
{
    struct source *s = list_entry(due, struct source, due);
    struct device_table *t = device_table_create(s->name);
    int64_t now_s = loop_wall_us(s->owner->options.loop) / 1000000;
    str source = device_table_source(t), none = {NULL, 0};
    struct device d;
    for (size_t i = 0; i < s->posted->by_id.n; i++) {
        const struct kept *k = *(struct kept **)s->posted->by_id.entries[i].value;
        if (now_s - k->device.seen_s < DEVICES_POSTED_S)
            device_table_add(t, copy(device_table_arena(t), &k->device, source, &d), none);
    }
    device_table_close(t);
    devices_take(s, t);
}

/* Whose a row of the store is: "NAME ISSUER". A name has no space. */
static bool is_kept_of(const struct source *s, str kept_as)
{
    str name = str_cut(&kept_as, ' ');
    return str_eq(s->name, name) && kept_as.p && str_eq(s->issuer, kept_as);
}

static struct source *source_kept_as(struct devices *d, str kept_as)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->sources[i] && d->sources[i]->posted && is_kept_of(d->sources[i], kept_as))
            return d->sources[i];
    return NULL;
}

/* ---- what was kept before -------------------------------------------------------------------- */

static struct kept *read_facts(const struct store_posture *p)
{
    struct kept *k = kept_new();
    device_facts_read(p->device, p->facts_json, p->seen_s, &k->arena, &k->device);
    return k;
}

struct load {
    struct devices *owner;
    struct arena arena;
    const struct store_posture *rows;
    size_t n;
    int64_t since_s;
};

static void run_load(struct store_db *db, void *ctx)
{
    struct load *l = ctx;
    struct fail f = {0};
    if (!store_postures_list(db, l->since_s, &l->arena, &l->rows, &l->n, &f))
        log_error("device.store", f.text);
}

static void take_rows(struct source *s, const struct load *l)
{
    bool is_any = false;
    for (size_t i = 0; i < l->n; i++) {
        if (!is_kept_of(s, l->rows[i].source))
            continue;
        keep(s->posted, read_facts(&l->rows[i]));
        is_any = true;
    }
    if (is_any)
        publish_soon(s);
}

static void on_loaded(void *ctx, void *arg)
{
    struct load *l = arg;
    for (size_t i = 0; i < l->owner->n; i++)
        if (l->owner->sources[i] && l->owner->sources[i]->posted)
            take_rows(l->owner->sources[i], l);
    arena_finish(&l->arena);
    free(l);
}

static void done_load(void *ctx)
{
    struct load *l = ctx;
    if (mailbox_post(l->owner->options.mailbox, on_loaded, l))
        return;
    arena_finish(&l->arena);
    free(l);
}

void posted_begin(struct source *s)
{
    struct devices *d = s->owner;
    s->posted = mem_alloc(sizeof *s->posted);
    map_init(&s->posted->by_id);
    arena_init(&s->posted->ids, NULL, 0);
    deadline_init(&s->due, publish);
    if (!d->options.store || d->is_store_gone)
        return;
    struct load *l = mem_alloc(sizeof *l);
    l->owner = d;
    l->since_s = loop_wall_us(d->options.loop) / 1000000 - DEVICES_POSTED_S;
    arena_init(&l->arena, NULL, 0);
    if (!store_post(d->options.store, run_load, done_load, l)) {
        arena_finish(&l->arena);
        free(l);
    }
}

void posted_finish(struct source *s)
{
    if (!s->posted)
        return;
    for (size_t i = 0; i < s->posted->by_id.n; i++)
        kept_free(*(struct kept **)s->posted->by_id.entries[i].value);
    map_finish(&s->posted->by_id);
    arena_finish(&s->posted->ids);
    free(s->posted);
    s->posted = NULL;
}

/* ---- a post ---------------------------------------------------------------------------------- */

static void post_free(struct post *p)
{
    list_remove(&p->link);
    kept_free(p->kept);
    arena_finish(&p->arena);
    free(p);
}

static void refuse(struct post *p, const char *reason)
{
    desk_refuse(p->ask, reason, STR("The posture document was not accepted."));
    post_free(p);
}

static void on_written(void *ctx, void *arg)
{
    struct post *p = arg;
    struct source *s = source_kept_as(p->owner, p->kept_as);
    if (!p->is_written) {
        log_error("device.store", p->fail.text);
        desk_answer(p->ask, DESK_FAILED);
        post_free(p);
        return;
    }
    if (!p->is_fresh) {
        refuse(p, "posture.replayed");
        return;
    }
    if (s) {
        keep(s->posted, p->kept);
        p->kept = NULL;
        publish_soon(s);
    }
    desk_answer(p->ask, DESK_DONE);
    post_free(p);
}

static void run_write(struct store_db *db, void *ctx)
{
    struct post *p = ctx;
    str what = arena_printf(&p->arena, "posture:%.*s", STR_ARG(p->source));
    p->is_fresh = true;
    if (p->jti.p && !store_once(db, what, p->jti, p->expires_s, &p->is_fresh, &p->fail))
        return;
    p->is_written =
        !p->is_fresh || store_posture_put(db, p->kept->device.id, p->kept_as, p->facts_json,
                                          p->kept->device.seen_s, &p->fail);
}

static void done_write(void *ctx)
{
    struct post *p = ctx;
    (void)!mailbox_post(p->owner->options.mailbox, on_written, p); /* closed: dropped at the end */
}

static void write_down(struct post *p)
{
    struct devices *d = p->owner;
    list_remove(&p->link);
    list_append(&d->open, &p->link);
    if (d->is_store_gone || !d->options.store ||
        !store_post(d->options.store, run_write, done_write, p)) {
        desk_answer(p->ask, DESK_FAILED);
        post_free(p);
    }
}

static void take(struct post *p, struct source *s, const struct identity *id)
{
    int64_t now_s = loop_wall_us(p->owner->options.loop) / 1000000;
    const struct kept *old;
    p->kept = kept_new();
    if (!posture_read(id, s->name, s->config->max_age_s, now_s, &p->kept->arena,
                      &p->kept->device)) {
        refuse(p, "posture.stale");
        return;
    }
    old = newest(s->posted, p->kept->device.id);
    if (old && old->device.seen_s >= p->kept->device.seen_s) {
        refuse(p, "posture.replayed");
        return;
    }
    if (!old && s->posted->by_id.n >= DEVICES_POSTED_MOST) {
        refuse(p, "posture.full");
        return;
    }
    p->source = arena_dup(&p->arena, s->name);
    p->kept_as = arena_printf(&p->arena, "%.*s %.*s", STR_ARG(s->name), STR_ARG(s->issuer));
    p->jti = id->jti.p ? arena_dup(&p->arena, id->jti) : id->jti;
    p->expires_s = id->exp_s;
    p->facts_json = device_facts_write(&p->kept->device, &p->arena);
    write_down(p);
}

/* The source whose issuer the document names. */
static struct source *source_of(struct devices *d, str token, struct token_peek *peek,
                                char scratch[TOKEN_PEEK_BYTES])
{
    if (!token_peek(token, scratch, peek))
        return NULL;
    for (size_t i = 0; i < d->n; i++) {
        struct source *s = d->sources[i];
        if (s->posted && s->config->issuer < d->snapshot->n_issuers &&
            str_eq(d->snapshot->issuers[s->config->issuer].config->issuer->issuer, peek->issuer))
            return s;
    }
    return NULL;
}

static size_t count(const struct list_node *head)
{
    size_t n = 0;
    for (const struct list_node *l = head->next; l != head; l = l->next)
        n++;
    return n;
}

static void wait_for_keys(struct post *p, struct source *s, str kid)
{
    struct devices *d = p->owner;
    if (count(&d->waiting) >= WAITING_MOST) {
        desk_answer(p->ask, DESK_FAILED);
        post_free(p);
        return;
    }
    p->has_waited = true;
    p->issuer = s->config->issuer;
    list_remove(&p->link);
    list_append(&d->waiting, &p->link);
    d->options.need_keys(d->options.ctx, p->issuer, kid);
}

static void verify(struct post *p)
{
    struct devices *d = p->owner;
    int64_t now_s = loop_wall_us(d->options.loop) / 1000000;
    str token = str_trim(p->ask->form, " \t\r\n");
    struct token_peek peek = {{NULL, 0}, {NULL, 0}};
    struct identity *id = NULL;
    char *scratch = mem_alloc(TOKEN_PEEK_BYTES);
    struct source *s = source_of(d, token, &peek, scratch);
    enum token_verdict verdict = TOKEN_ISSUER;
    if (s) {
        const struct snapshot_issuer *issuer = &d->snapshot->issuers[s->config->issuer];
        verdict = token_verify(issuer->config->issuer, issuer->keys, token, TOKEN_KIND_ACCESS,
                               now_s, &id);
    }
    if (verdict == TOKEN_OK)
        take(p, s, id);
    else if (verdict == TOKEN_UNKNOWN_KID && !p->has_waited)
        wait_for_keys(p, s, peek.kid);
    else
        refuse(p, token_verdict_code(verdict));
    identity_unref(&id);
    free(scratch);
}

void devices_post(struct devices *d, struct desk_ask *ask)
{
    if (count(&d->open) >= OPEN_MOST || !d->snapshot) {
        desk_answer(ask, DESK_FAILED);
        return;
    }
    struct post *p = mem_alloc(sizeof *p);
    list_init(&p->link);
    p->owner = d;
    p->ask = ask;
    p->issuer = SIZE_MAX;
    arena_init(&p->arena, NULL, 0);
    verify(p);
}

void devices_keys_answered(struct devices *d, size_t issuer)
{
    struct list_node todo;
    list_init(&todo);
    for (struct list_node *n = d->waiting.next, *next; n != &d->waiting; n = next) {
        next = n->next;
        if (list_entry(n, struct post, link)->issuer != issuer)
            continue;
        list_remove(n);
        list_append(&todo, n);
    }
    while (!list_empty(&todo))
        verify(list_entry(todo.next, struct post, link));
}

static void judge_again(struct deadline *due)
{
    devices_keys_answered(list_entry(due, struct devices, judge), SIZE_MAX);
}

void posted_init(struct devices *d)
{
    list_init(&d->waiting);
    list_init(&d->open);
    deadline_init(&d->judge, judge_again);
}

/* Issuers may have another number now, or be gone, and no answer would come by the old one. In a
 * moment: whoever fetches keys is told of the configuration after us. */
void posted_renumbered(struct devices *d)
{
    for (struct list_node *n = d->waiting.next; n != &d->waiting; n = n->next) {
        struct post *p = list_entry(n, struct post, link);
        p->has_waited = false;
        p->issuer = SIZE_MAX;
        deadline_set(d->options.loop, &d->judge, 1);
    }
}

static void drop_all(struct list_node *head)
{
    while (!list_empty(head)) {
        struct post *p = list_entry(head->next, struct post, link);
        desk_answer(p->ask, DESK_FAILED);
        post_free(p);
    }
}

void posted_drop_all(struct devices *d)
{
    deadline_clear(d->options.loop, &d->judge);
    drop_all(&d->waiting);
    drop_all(&d->open);
}
