/* Counts what each thread asks of the allocator. Loaded with LD_PRELOAD before postern; writes into
 * the file named by COUNT_ALLOC, which the test has made (COUNT_SLOTS slots of zeros) and reads
 * meanwhile. The callers are the last addresses that asked, for a test that has to say where. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COUNT_SLOTS = 64, COUNT_CALLERS = 11 };

/* tests/e2e/harness/allocs.py reads it: sixteen words of eight bytes. */
struct count_slot {
    _Atomic uint64_t tid;
    _Atomic uint64_t mallocs, callocs, reallocs, frees;
    _Atomic uint64_t callers[COUNT_CALLERS];
};

static struct count_slot *slots;
static atomic_uint used;
/* Initial-exec: another model would allocate the variable itself at its first use. */
static __thread struct count_slot *mine __attribute__((tls_model("initial-exec")));

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

__attribute__((constructor)) static void count_open(void)
{
    const char *path = getenv("COUNT_ALLOC");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = mmap(NULL, COUNT_SLOTS * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        slots = at;
}

/* One thread writes a slot, so a plain add is enough; the reader is another process. */
static void add(_Atomic uint64_t *n)
{
    uint64_t now = atomic_load_explicit(n, memory_order_relaxed);
    atomic_store_explicit(n, now + 1, memory_order_relaxed);
}

static struct count_slot *slot(void)
{
    if (mine || !slots)
        return mine;
    unsigned at = atomic_fetch_add(&used, 1);
    if (at >= COUNT_SLOTS)
        abort();
    mine = &slots[at];
    atomic_store(&mine->tid, (uint64_t)syscall(SYS_gettid));
    return mine;
}

static void count(size_t which, void *caller)
{
    int saved = errno;
    struct count_slot *s = slot();
    errno = saved;
    if (!s)
        return;
    _Atomic uint64_t *counters[] = {&s->mallocs, &s->callocs, &s->reallocs, &s->frees};
    uint64_t all = s->mallocs + s->callocs + s->reallocs + s->frees;
    atomic_store_explicit(&s->callers[all % COUNT_CALLERS], (uint64_t)(uintptr_t)caller,
                          memory_order_relaxed);
    add(counters[which]);
}

#define EXPORT __attribute__((visibility("default")))
#define COUNT(which) count(which, __builtin_return_address(0))

EXPORT void *malloc(size_t size)
{
    COUNT(0);
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
    COUNT(1);
    return __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t size)
{
    COUNT(2);
    return __libc_realloc(p, size);
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
    size_t all;
    COUNT(2);
    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, all);
}

EXPORT void free(void *p)
{
    if (!p)
        return;
    COUNT(3);
    __libc_free(p);
}

EXPORT void *memalign(size_t align, size_t size)
{
    COUNT(0);
    return __libc_memalign(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    COUNT(0);
    return __libc_memalign(align, size);
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    COUNT(0);
    void *p = __libc_memalign(align, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
