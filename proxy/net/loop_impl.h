/* The inside of a loop; of this folder only. */
#ifndef PROXY_NET_LOOP_IMPL_H
#define PROXY_NET_LOOP_IMPL_H

#include <uv.h>

#include "proxy/net/loop.h"
#include "proxy/net/wheel.h"

struct dial_cache;
struct tls_scratch;

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_wait; /* both forget the wall time; the first keeps the loop alive */
    uv_check_t after_wait;
    void (*turn_fn)(void *ctx);
    void *turn_ctx;
    int64_t wall_us; /* 0 = not read yet in this turn */
    struct wheel wheel;
    uv_timer_t wheel_timer;
    int64_t wheel_timer_ms;          /* when it fires, -1 = not running */
    struct tls_scratch *tls_scratch; /* made by the first TLS connection */
    struct dial_cache *dial_cache;   /* made by the first name */
};

/* A libuv error as a sentence. */
__attribute__((format(printf, 3, 4))) bool loop_fail(struct fail *f, int uv_error, const char *fmt,
                                                     ...);
/* Freed by loop_destroy. */
void tls_scratch_destroy(struct tls_scratch *s);
void dial_cache_destroy(struct dial_cache *c);

#endif
