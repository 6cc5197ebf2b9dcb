/* A browser that is sent to one place again and again will not get there: somewhere a cookie is not
 * kept, or two parts disagree. The third time within two minutes is the last. */
#include "proxy/desk/desk_impl.h"

static uint64_t what_of(const unsigned char browser[SHA256_BYTES], str to)
{
    return str_hash((str){(const char *)browser, SHA256_BYTES}) * 31 + str_hash(to);
}

bool loops_found(struct loops *l, const unsigned char browser[SHA256_BYTES], str to, int64_t now_ms)
{
    size_t most = sizeof l->marks / sizeof *l->marks, found = 0;
    uint64_t what = what_of(browser, to);
    for (size_t i = 0; i < most; i++)
        found += l->marks[i].what == what && l->marks[i].at_ms &&
                 now_ms - l->marks[i].at_ms < LOOP_WITHIN_MS;
    if (found >= LOOP_MOST)
        return true;
    l->marks[l->next] = (struct loop_mark){what, now_ms ? now_ms : 1};
    l->next = (l->next + 1) % most;
    return false;
}
