/* policy_bench: how long a decision takes.
 *
 *   policy_bench [RULES APPS]          loads each set, decides, and prints a line a figure
 *   policy_bench load RULES APPS       loads alone, for a profiler
 *   policy_bench write RULES APPS N DIR    writes the rules and N visits (DIR/facts.jsonl for the
 *                                      driver of the reference interpreter, DIR/cedar/) instead
 *
 * Each decision is timed alone by the cycle counter, less what reading the counter costs. The
 * request is fresh in the cache, as a codec leaves it; the credentials are many and are not. */
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "policy/compiled.h"
#include "rulegen.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
    VISITS = 1024,
    DECISIONS = 1000000,
    DECISIONS_A_TURN = 1 << 16,
    RUNS = 5,
    ZONE_BYTES = 1 << 16
};

/* Every allocation of the program passes here (--wrap). */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_realloc(void *p, size_t n);

static size_t n_allocations;

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t m)
{
    n_allocations++;
    return __real_calloc(n, m);
}

void *__wrap_realloc(void *p, size_t n)
{
    n_allocations++;
    return __real_realloc(p, n);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Fenced: what is timed neither begins before nor ends after. */
static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned cpu;
    uint64_t t = __rdtscp(&cpu);
    _mm_lfence();
    return t;
#else
    return (uint64_t)(now_us() * 1e3);
#endif
}

static double ticks_per_us(void)
{
    double start = now_us();
    uint64_t first = ticks();

    while (now_us() - start < 50000)
        ;
    return (double)(ticks() - first) / (now_us() - start);
}

static int by_ticks(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static uint32_t cost_of_ticks(void)
{
    uint32_t best = UINT32_MAX;

    for (int i = 0; i < 10000; i++) {
        uint64_t start = ticks();
        uint32_t t = (uint32_t)(ticks() - start);
        best = t < best ? t : best;
    }
    return best;
}

/* Other programs' turns are no part of a decision: while a figure is taken, for some seconds, they
 * wait. Who may not ask for that does without. */
static void keep_turn(bool keeps)
{
    struct sched_param param = {.sched_priority = keeps};

    (void)sched_setscheduler(0, keeps ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* Of a program that never rests the kernel takes a twentieth of each second: fifty milliseconds in
 * one piece, in the midst of a decision. So it rests by itself, between two. */
static void rest(void)
{
    usleep(6000);
}

/* ---- the set --------------------------------------------------------------------------------- */

struct set {
    struct rulegen gen;
    struct doc_file *files;
    size_t n, bytes;
};

static void set_make(struct set *s, unsigned n_rules, unsigned n_apps)
{
    rulegen_init(&s->gen, n_rules, n_apps);
    s->n = rulegen_files(&s->gen);
    s->bytes = 0;
    s->files = mem_alloc(s->n * sizeof *s->files);
    for (unsigned i = 0; i < s->n; i++) {
        char *text = NULL, name[32];
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        rulegen_write_yaml(&s->gen, i, out);
        fclose(out);
        snprintf(name, sizeof name, "%02u.yaml", i);
        s->files[i] = (struct doc_file){str_of(mem_dup(str_of(name))), {text, length}};
        s->bytes += length;
    }
}

static void set_finish(struct set *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        free((char *)(uintptr_t)s->files[i].name.p);
        free((char *)(uintptr_t)s->files[i].bytes.p);
    }
    free(s->files);
    rulegen_finish(&s->gen);
}

static str read_zone(void *ctx, struct arena *a, str name)
{
    char path[256];
    char *bytes = arena_text(a, ZONE_BYTES);

    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    FILE *file = fopen(path, "rb");
    if (!file)
        return (str){NULL, 0};
    size_t n = fread(bytes, 1, ZONE_BYTES, file);
    fclose(file);
    return (str){bytes, n};
}

static struct policy *set_load(const struct set *s)
{
    struct policy_load_in in = {.files = s->files,
                                .n_files = s->n,
                                .zone = read_zone,
                                .tzdata_version = STR("bench"),
                                .has_geoip = true,
                                .now_s = RULEGEN_NOW_S};
    struct findings f;

    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    if (!p)
        findings_print(&f, stderr);
    findings_finish(&f);
    if (!p)
        exit(1);
    return p;
}

/* ---- figures --------------------------------------------------------------------------------- */

struct tally {
    double mean_us, p99_us;
    size_t allowed, allocations;
};

static struct tally decide_all(const struct policy *p, const struct rulegen_visit *visits,
                               uint32_t *times, uint32_t overhead, double per_us)
{
    struct policy_decision d;
    struct tally t = {0};
    uint64_t sum = 0, pick = 88172645463325252u;

    size_t before = n_allocations;
    for (size_t i = 0; i < DECISIONS; i++) {
        if (i % DECISIONS_A_TURN == 0)
            rest();
        pick ^= pick << 13, pick ^= pick >> 7, pick ^= pick << 17;
        const struct rulegen_visit *v = &visits[pick % VISITS];
        struct policy_facts facts = v->facts;
        struct policy_request request = v->request;
        char path[64];
        memcpy(path, v->path, sizeof path);
        request.path.p = path;
        facts.request = &request;
        uint64_t start = ticks();
        policy_decide(p, &facts, &d);
        uint32_t took = (uint32_t)(ticks() - start);
        times[i] = took > overhead ? took - overhead : 0;
        sum += times[i];
        t.allowed += d.effect == POLICY_ALLOW;
    }
    t.allocations = n_allocations - before;
    qsort(times, DECISIONS, sizeof *times, by_ticks);
    t.mean_us = (double)sum / DECISIONS / per_us;
    t.p99_us = times[DECISIONS / 100 * 99] / per_us;
    return t;
}

static void time_decisions(const struct policy *p, const struct rulegen_visit *visits,
                           const char *what, const struct set *s)
{
    uint32_t *times = mem_alloc(DECISIONS * sizeof *times), overhead = cost_of_ticks();
    double means[RUNS], p99s[RUNS], per_us = ticks_per_us();
    struct tally t = {0};

    keep_turn(true);
    for (int run = 0; run < RUNS; run++) {
        t = decide_all(p, visits, times, overhead, per_us);
        means[run] = t.mean_us;
        p99s[run] = t.p99_us;
    }
    keep_turn(false);
    printf("%s %u/%u: mean %.3f us, p99 %.3f us  (%.1f %% allowed, %zu allocations)\n", what,
           s->gen.n_rules, s->gen.n_apps, median(means, RUNS), median(p99s, RUNS),
           100.0 * (double)t.allowed / DECISIONS, t.allocations);
    fflush(stdout);
    free(times);
}

/* What a running proxy keeps, and what there is until it lets go of the source. */
struct weight {
    size_t kept, loaded;
};

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static struct policy *load_weighed(const struct set *s, struct weight *out)
{
    size_t before = heap_bytes();
    struct policy *p = set_load(s);

    out->loaded = heap_bytes() - before;
    if (p->source.is_mapped) /* no part of the heap */
        out->loaded += p->source.heap_bytes - (size_t)(p->source.end - p->source.next);
    policy_drop_source(p);
    out->kept = heap_bytes() - before;
    return p;
}

static void time_load(const struct set *s, const struct policy *p, struct weight w)
{
    double times[RUNS];

    keep_turn(true);
    for (int run = 0; run < RUNS; run++) {
        double start = now_us();
        struct policy *again = set_load(s);
        times[run] = now_us() - start;
        policy_unref(&again);
    }
    keep_turn(false);
    printf("load %u/%u: %.1f ms for %.2f MB; %zu bytes a rule kept in all (%zu compiled), %zu "
           "until the source is dropped\n",
           s->gen.n_rules, s->gen.n_apps, median(times, RUNS) / 1e3, (double)s->bytes / 1e6,
           w.kept / s->gen.n_rules, p->compiled->bytes / s->gen.n_rules, w.loaded / s->gen.n_rules);
}

static void bench(unsigned n_rules, unsigned n_apps)
{
    struct weight w;
    struct set s;

    set_make(&s, n_rules, n_apps);
    struct policy *p = load_weighed(&s, &w);
    struct rulegen_visit *visits = mem_alloc(VISITS * sizeof *visits);
    for (size_t i = 0; i < VISITS; i++)
        rulegen_visit(&s.gen, p, &visits[i]);

    double start = now_us();
    for (size_t i = 0; i < VISITS; i++)
        visits[i].facts.subject = policy_subject_create(p, &visits[i].identity, &visits[i].device,
                                                        1, RULEGEN_NOW_S * 1000000LL);
    double took = now_us() - start;
    time_decisions(p, visits, "decide", &s);
    printf("intern %u/%u: %.1f us and %zu bytes a credential\n", n_rules, n_apps, took / VISITS,
           policy_subject_bytes(visits[0].facts.subject));
    for (size_t i = 0; i < VISITS; i++)
        policy_subject_destroy((struct policy_subject **)(uintptr_t)&visits[i].facts.subject);
    time_load(&s, p, w);
    free(visits);
    policy_unref(&p);
    set_finish(&s);
}

static void bench_load(unsigned n_rules, unsigned n_apps)
{
    struct weight w;
    struct set s;

    set_make(&s, n_rules, n_apps);
    struct policy *p = load_weighed(&s, &w);
    time_load(&s, p, w);
    policy_unref(&p);
    set_finish(&s);
}

/* ---- files ----------------------------------------------------------------------------------- */

static FILE *create(const char *dir, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "policy_bench: cannot write %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return out;
}

static void write_set(const struct set *s, const char *dir)
{
    char cedar[4096];

    snprintf(cedar, sizeof cedar, "%s/cedar", dir);
    mkdir(dir, 0777);
    mkdir(cedar, 0777);
    for (size_t i = 0; i < s->n; i++) {
        FILE *out = create(dir, s->files[i].name.p);
        fwrite(s->files[i].bytes.p, 1, s->files[i].bytes.n, out);
        fclose(out);
    }
    FILE *out = create(cedar, "policies.cedar");
    rulegen_write_cedar(&s->gen, out);
    fclose(out);
}

static int write_files(unsigned n_rules, unsigned n_apps, unsigned n_visits, const char *dir)
{
    struct rulegen_visit *v = mem_alloc(sizeof *v);
    char cedar[4096];
    struct set s;

    set_make(&s, n_rules, n_apps);
    write_set(&s, dir);
    snprintf(cedar, sizeof cedar, "%s/cedar", dir);
    FILE *facts = create(dir, "facts.jsonl"), *requests = create(cedar, "requests.jsonl");
    for (unsigned i = 0; i < n_visits; i++) {
        rulegen_visit(&s.gen, NULL, v);
        rulegen_visit_json(v, facts);
        rulegen_visit_cedar(v, requests);
    }
    fclose(facts);
    fclose(requests);
    free(v);
    set_finish(&s);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[1], "write"))
        return write_files((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]),
                           (unsigned)atoi(argv[4]), argv[5]);
    if (argc == 4 && !strcmp(argv[1], "load")) {
        bench_load((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
        return 0;
    }
    if (argc == 3) {
        bench((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]));
        return 0;
    }
    if (argc != 1) {
        fprintf(
            stderr,
            "usage: policy_bench [RULES APPS | load RULES APPS | write RULES APPS VISITS DIR]\n");
        return 2;
    }
    bench(10000, 100);
    bench(10000, 1000);
    bench(10000, 1);
    return 0;
}
