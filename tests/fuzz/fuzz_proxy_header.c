/* PROXY headers: any cut of the bytes gives the same verdict, and no byte behind it is taken. */
#include "fuzz.h"

#include <string.h>

#include "proxy/net/proxy_header.h"

static enum proxy_header_result push(str bytes, size_t step, struct proxy_header *h, size_t *all)
{
    enum proxy_header_result r = PROXY_HEADER_MORE;
    *h = (struct proxy_header){0};
    *all = 0;
    for (size_t used; r == PROXY_HEADER_MORE && *all < bytes.n; *all += used) {
        str piece = str_upto(str_from(bytes, *all), step);
        r = proxy_header_push(h, piece, &used);
        MUST(used > 0 && used <= piece.n);
        MUST(r != PROXY_HEADER_MORE || used == piece.n);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    str bytes = {(const char *)data, n};
    struct proxy_header whole, cut;
    size_t used, used_cut;
    enum proxy_header_result r = push(bytes, n ? n : 1, &whole, &used);
    MUST(push(bytes, 1, &cut, &used_cut) == r && used == used_cut);
    MUST(push(bytes, 7, &cut, &used_cut) == r && used == used_cut);
    MUST(addr_eq(&whole.addr, &cut.addr) && whole.port == cut.port);
    MUST(used <= PROXY_HEADER_V2_MAX);
    if (r != PROXY_HEADER_DONE)
        return 0;
    MUST(whole.addr.family == 0 || !whole.is_local);
    /* the bytes before the last one were no header yet */
    MUST(push(str_upto(bytes, used - 1), n, &cut, &used_cut) == PROXY_HEADER_MORE);
    return 0;
}
