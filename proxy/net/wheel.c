/* wheel: see wheel.h. The trap: a slot is spliced off before its callbacks run, because they may
 * link into the same slot again or clear a neighbour. */
#include "proxy/net/wheel.h"

#include <assert.h>

static size_t slot_of(int64_t tick)
{
    return (size_t)tick % WHEEL_SLOTS;
}

void wheel_init(struct wheel *w, int64_t now_ms)
{
    memset(w, 0, sizeof *w);
    w->tick = now_ms / WHEEL_TICK_MS;
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
}

void deadline_init(struct deadline *d, void (*fn)(struct deadline *d))
{
    *d = (struct deadline){.fn = fn};
    list_init(&d->link);
}

/* Rounded up, so that a deadline is never early; at least the next tick, at most the horizon. */
static int64_t tick_for(const struct wheel *w, int64_t due_ms)
{
    int64_t tick = (due_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
    if (tick <= w->tick)
        return w->tick + 1;
    return tick < w->tick + WHEEL_SLOTS ? tick : w->tick + WHEEL_SLOTS - 1;
}

static void link_at(struct wheel *w, struct deadline *d, int64_t tick)
{
    size_t slot = slot_of(tick);
    d->slot_tick = tick;
    list_append(&w->slots[slot], &d->link);
    w->occupied[slot / 64] |= UINT64_C(1) << (slot % 64);
    w->n++;
}

static void unlink_from(struct wheel *w, struct deadline *d)
{
    list_remove(&d->link);
    w->n--;
    size_t slot = slot_of(d->slot_tick);
    if (list_empty(&w->slots[slot]))
        w->occupied[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

bool wheel_set(struct wheel *w, struct deadline *d, int64_t now_ms, int64_t delay_ms)
{
    int64_t due_ms = now_ms + (delay_ms > 0 ? delay_ms : 0);
    bool is_linked = !list_empty(&d->link);
    d->due_ms = due_ms > 0 ? due_ms : 1;
    /* Later than its slot: stay, the slot looks again when it fires. */
    if (is_linked && d->slot_tick * WHEEL_TICK_MS <= due_ms)
        return false;
    if (w->n == 0)
        w->tick = now_ms / WHEEL_TICK_MS; /* nothing was linked, so nothing advanced it */
    if (is_linked)
        unlink_from(w, d);
    link_at(w, d, tick_for(w, due_ms));
    return true;
}

void wheel_clear(struct wheel *w, struct deadline *d)
{
    d->due_ms = 0;
    if (!list_empty(&d->link))
        unlink_from(w, d);
}

static void fire_slot(struct wheel *w, size_t slot, int64_t now_ms)
{
    struct list_node due;
    list_init(&due);
    while (!list_empty(&w->slots[slot])) {
        struct list_node *node = w->slots[slot].next;
        list_remove(node);
        list_append(&due, node);
    }
    w->occupied[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    while (!list_empty(&due)) {
        struct deadline *d = list_entry(due.next, struct deadline, link);
        list_remove(&d->link);
        w->n--;
        if (d->due_ms > now_ms) { /* it was put off since */
            link_at(w, d, tick_for(w, d->due_ms));
            continue;
        }
        d->due_ms = 0;
        d->fn(d); /* may free d */
    }
}

void wheel_advance(struct wheel *w, int64_t now_ms)
{
    int64_t last = now_ms / WHEEL_TICK_MS;
    /* After a long sleep one turn of the wheel visits every slot. */
    if (last - w->tick > WHEEL_SLOTS)
        w->tick = last - WHEEL_SLOTS;
    while (w->tick < last && w->n > 0) {
        w->tick++;
        fire_slot(w, slot_of(w->tick), now_ms);
    }
    if (w->tick < last)
        w->tick = last;
}

int64_t wheel_next_ms(const struct wheel *w)
{
    if (w->n == 0)
        return -1;
    for (int64_t tick = w->tick + 1; tick <= w->tick + WHEEL_SLOTS;) {
        size_t slot = slot_of(tick);
        uint64_t rest = w->occupied[slot / 64] >> (slot % 64);
        if (rest)
            return (tick + __builtin_ctzll(rest)) * WHEEL_TICK_MS;
        tick += 64 - (int64_t)(slot % 64);
    }
    assert(!"a linked deadline is in an occupied slot");
    return -1;
}
