#include "proxy/audit/syncer.h"

#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum state { SYNCER_IDLE = 0, SYNCER_ASKED, SYNCER_OVER, SYNCER_STOPPING };

struct syncer {
    int (*sync)(int fd);
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum state state;
    int fd, error;
};

static void wait_while(struct syncer *s, enum state state)
{
    while (s->state == state)
        pthread_cond_wait(&s->changed, &s->lock);
}

static void set_state(struct syncer *s, enum state state)
{
    s->state = state;
    pthread_cond_broadcast(&s->changed);
}

static void *run(void *arg)
{
    struct syncer *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->state != SYNCER_ASKED && s->state != SYNCER_STOPPING)
            wait_while(s, s->state);
        if (s->state == SYNCER_STOPPING)
            break;
        int fd = s->fd;
        pthread_mutex_unlock(&s->lock);
        int error = s->sync(fd) == 0 ? 0 : errno;
        pthread_mutex_lock(&s->lock);
        s->error = error;
        set_state(s, SYNCER_OVER);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct syncer *syncer_create(int (*sync)(int fd))
{
    struct syncer *s = mem_alloc(sizeof *s);
    *s = (struct syncer){.sync = sync, .fd = -1};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (pthread_create(&s->thread, NULL, run, s) == 0) {
        pthread_setname_np(s->thread, "audit-sync");
        return s;
    }
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

void syncer_destroy(struct syncer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    wait_while(s, SYNCER_ASKED);
    set_state(s, SYNCER_STOPPING);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void syncer_begin(struct syncer *s, int fd)
{
    pthread_mutex_lock(&s->lock);
    assert(s->state == SYNCER_IDLE);
    s->fd = fd;
    set_state(s, SYNCER_ASKED);
    pthread_mutex_unlock(&s->lock);
}

bool syncer_take(struct syncer *s, int *errno_out)
{
    pthread_mutex_lock(&s->lock);
    bool is_over = s->state == SYNCER_OVER;
    if (is_over) {
        *errno_out = s->error;
        s->state = SYNCER_IDLE;
    }
    pthread_mutex_unlock(&s->lock);
    return is_over;
}

int syncer_wait(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    wait_while(s, SYNCER_ASKED);
    assert(s->state == SYNCER_OVER);
    int error = s->error;
    s->state = SYNCER_IDLE;
    pthread_mutex_unlock(&s->lock);
    return error;
}
