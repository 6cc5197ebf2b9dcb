/* dirwatch: tells that something in a directory changed.
 *
 * The trap: a watch holds the inode. When the directory itself is replaced (rename over it, a new
 * symlink), only the parent says so, and the watch must be started again on the new inode. */
#include <stdlib.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

enum { DIRWATCH_SETTLE_MS = 100 };

struct dirwatch {
    struct loop *loop;
    uv_fs_event_t inside, parent;
    struct deadline settle;
    char *dir, *parent_dir;
    const char *base; /* last component, in dir */
    void (*fn)(void *ctx);
    void *ctx;
    int open_handles;
};

static void on_inside(uv_fs_event_t *handle, const char *name, int events, int status);

static int start_inside(struct dirwatch *d)
{
    uv_fs_event_stop(&d->inside);
    return uv_fs_event_start(&d->inside, on_inside, d->dir, 0);
}

static void changed(struct dirwatch *d)
{
    if (!deadline_is_set(&d->settle))
        deadline_set(d->loop, &d->settle, DIRWATCH_SETTLE_MS);
}

static void on_inside(uv_fs_event_t *handle, const char *name, int events, int status)
{
    changed(handle->data);
}

static void on_parent(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct dirwatch *d = handle->data;
    if (name && strcmp(name, d->base) != 0)
        return;
    start_inside(d); /* fails while the directory is away; the parent tells of the next one */
    changed(d);
}

static void on_settled(struct deadline *settle)
{
    struct dirwatch *d = list_entry(settle, struct dirwatch, settle);
    d->fn(d->ctx);
}

static void on_closed(uv_handle_t *handle)
{
    struct dirwatch *d = handle->data;
    if (--d->open_handles > 0)
        return;
    free(d->dir);
    free(d->parent_dir);
    free(d);
}

/* "/etc/postern/policies/" -> "/etc/postern/policies", its parent and its last component. */
static void split_path(struct dirwatch *d, const char *dir)
{
    str path = str_of(dir);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    size_t slash = str_rfind(path, '/');
    d->dir = mem_dup(path);
    bool has_slash = slash < path.n;
    d->base = d->dir + (has_slash ? slash + 1 : 0);
    str parent = !has_slash ? STR(".") : str_upto(path, slash > 0 ? slash : 1);
    d->parent_dir = mem_dup(parent);
}

struct dirwatch *dirwatch_open(struct loop *loop, const char *dir, void (*fn)(void *ctx), void *ctx,
                               struct fail *f)
{
    struct dirwatch *d = mem_alloc(sizeof *d);
    d->loop = loop;
    d->fn = fn;
    d->ctx = ctx;
    d->open_handles = 2;
    split_path(d, dir);
    deadline_init(&d->settle, on_settled);
    uv_fs_event_init(&loop->uv, &d->inside);
    uv_fs_event_init(&loop->uv, &d->parent);
    d->inside.data = d->parent.data = d;
    start_inside(d); /* it may not exist yet */
    int r = uv_fs_event_start(&d->parent, on_parent, d->parent_dir, 0);
    if (r != 0) {
        loop_fail(f, r, "cannot watch directory %s", d->parent_dir);
        dirwatch_close(d);
        return NULL;
    }
    return d;
}

void dirwatch_close(struct dirwatch *d)
{
    if (!d)
        return;
    deadline_clear(d->loop, &d->settle);
    uv_close((uv_handle_t *)&d->inside, on_closed);
    uv_close((uv_handle_t *)&d->parent, on_closed);
}
