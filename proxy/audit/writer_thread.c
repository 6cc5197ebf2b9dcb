/* When the writer's thread works, naps and sleeps. A nap is short and needs no wake-up: a worker
 * under load makes no system call. The order in `rest` is what makes it safe to sleep: the state is
 * announced first, and then looked once more whether anything came. */
#include "proxy/audit/writer.h"

#include "base/log.h"

#include <unistd.h>

enum {
    NAP_US = 5 * 1000,
    NAPS_BEFORE_SLEEP = 4, /* empty turns until the writer sleeps instead of napping */
    SLEEP_MAX_US = 60 * 1000 * 1000,
    CLOSE_US = 2 * 1000 * 1000,
};

static bool has_records(const struct audit *a)
{
    if (atomic_load(&a->appended.is_filled))
        return true;
    for (unsigned i = 0; i < audit_ring_count(a); i++)
        if (atomic_load(&a->rings[i]->committed) != a->rings[i]->taken ||
            atomic_load(&a->rings[i]->overflow.is_filled))
            return true;
    return false;
}

static int64_t at_least_zero(int64_t us)
{
    return us > 0 ? us : 0;
}

int64_t writer_sleep_us(const struct audit *a, struct journal_now t)
{
    if (!atomic_load(&a->shared.is_writable))
        return at_least_zero(a->retry_us - t.mono_us);
    if (a->journal.is_syncing)
        return NAP_US;
    if (journal_has_unsynced(&a->journal))
        return at_least_zero(a->synced_us + WRITER_SYNC_US - t.mono_us);
    int64_t checkpoint_us = journal_checkpoint_in_us(&a->journal, t);
    return checkpoint_us < SLEEP_MAX_US ? checkpoint_us : SLEEP_MAX_US;
}

static void rest(struct audit *a)
{
    struct journal_now t = writer_now(a);
    bool is_writable = atomic_load(&a->shared.is_writable);
    bool naps = is_writable && a->empty_turns < NAPS_BEFORE_SLEEP;
    enum wake_state state = naps || !is_writable ? WAKE_NAPPING : WAKE_SLEEPING;
    wake_announce(&a->shared.wake, state);
    bool has_work = atomic_load(&a->is_stopping) || (is_writable && writer_is_wanted(a)) ||
                    (state == WAKE_SLEEPING && has_records(a));
    int64_t us = naps ? NAP_US : writer_sleep_us(a, t);
    if (has_work || us == 0)
        wake_announce(&a->shared.wake, WAKE_AWAKE);
    else
        wake_wait(&a->shared.wake, state, us);
}

void *writer_run(void *arg)
{
    struct audit *a = arg;
    while (!atomic_load(&a->is_stopping)) {
        writer_turn(a, writer_now(a));
        rest(a);
    }
    return NULL;
}

/* A sync that fails here is a failed turn like any other: tried again blindly it would succeed, for
 * the kernel tells once what it lost. */
static bool finish_turn(struct audit *a, struct journal_now t)
{
    struct fail f = {0};
    writer_turn(a, t);
    if (!atomic_load(&a->shared.is_writable))
        return false;
    journal_checkpoint(&a->journal, t);
    if (has_records(a))
        return false;
    if (!journal_sync(&a->journal, &f)) {
        writer_fail(a, t, &f);
        return false;
    }
    writer_mark_taken(a);
    writer_tell_durable(a);
    return true;
}

void writer_finish(struct audit *a)
{
    int64_t end_us = writer_now(a).mono_us + CLOSE_US;
    for (struct journal_now t; t = writer_now(a), !finish_turn(a, t);) {
        if (a->options.is_manual || t.mono_us >= end_us) {
            log_error("journal.failed", "records could not be written before the end", "file",
                      a->file);
            break;
        }
        usleep(WRITER_RETRY_US / 4);
    }
    writer_publish(a);
}
