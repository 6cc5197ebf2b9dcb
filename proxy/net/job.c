/* job: blocking work on libuv's thread pool. */
#include <stdlib.h>

#include "base/arena.h"
#include "proxy/net/loop_impl.h"

struct job {
    uv_work_t work;
    void (*run)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

static void on_run(uv_work_t *work)
{
    struct job *job = work->data;
    job->run(job->ctx);
}

static void on_done(uv_work_t *work, int status)
{
    struct job *job = work->data;
    job->done(job->ctx);
    free(job);
}

bool job_start(struct loop *loop, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx,
               struct fail *f)
{
    struct job *job = mem_alloc(sizeof *job);
    *job = (struct job){.run = run, .done = done, .ctx = ctx};
    job->work.data = job;
    int r = uv_queue_work(&loop->uv, &job->work, on_run, on_done);
    if (r == 0)
        return true;
    free(job);
    return loop_fail(f, r, "cannot start a job");
}
