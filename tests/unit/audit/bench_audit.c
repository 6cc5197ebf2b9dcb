/* What the journal costs: records of about 1.2 KB through a ring and the writer. Prints records a
 * second through the writer alone on one core (turned by hand, so that nothing else runs), and the
 * CPU time of producer and writer for each record at a paced load with the real thread. */
#include "proxy/audit/audit.h"

#include "base/jout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 1050, ROOM = 2500 };

static char record[RECORD];

static double seconds(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void make_record(void)
{
    memset(record, 'x', sizeof record);
    memcpy(record, "{\"kind\":\"decision\",\"path\":\"", 26);
    memcpy(record + sizeof record - 2, "\"}", 2);
}

static void put(struct audit_ring *r)
{
    if (!audit_reserve(r, ROOM)) {
        fprintf(stderr, "no room\n");
        exit(1);
    }
    memcpy(audit_begin(r, ROOM), record, sizeof record);
    audit_commit(r, sizeof record, ROOM);
}

static struct audit *open_at(const char *file, bool is_manual)
{
    struct fail f = {0};
    struct audit_options o = {.file = file, .node = "bench", .boot = "0", .is_manual = is_manual};
    struct audit *a = audit_open(&o, &f);
    if (!a) {
        fprintf(stderr, "%s\n", f.text);
        exit(1);
    }
    return a;
}

static void writer_alone(const char *file)
{
    unlink(file);
    struct audit *a = open_at(file, true);
    struct audit_ring *r = audit_ring_create(a, NULL, NULL);
    double spent = 0, wall = 0;
    enum { ROUNDS = 200, BATCH = 1000 };
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BATCH; i++)
            put(r);
        double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), start = seconds(CLOCK_MONOTONIC);
        audit_turn(a);
        spent += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        wall += seconds(CLOCK_MONOTONIC) - start;
    }
    audit_close(a);
    printf("writer alone: %.0f records/s of CPU, %.0f of wall clock, %.2f us CPU a record\n",
           ROUNDS * BATCH / spent, ROUNDS * BATCH / wall, spent * 1e6 / (ROUNDS * BATCH));
}

static void paced(const char *file, unsigned per_ms, unsigned ms)
{
    unlink(file);
    struct audit *a = open_at(file, false);
    struct audit_ring *r = audit_ring_create(a, NULL, NULL);
    struct audit_counts c;
    struct rusage before, after;
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    getrusage(RUSAGE_SELF, &before);
    for (unsigned i = 0; i < ms; i++) {
        for (unsigned k = 0; k < per_ms; k++)
            put(r);
        nanosleep(&(struct timespec){0, 900000}, NULL);
    }
    audit_counts(a, &c);
    audit_close(a);
    getrusage(RUSAGE_SELF, &after);
    double all = (double)per_ms * ms;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("paced %u/ms: %.2f us CPU a record (with %.2f us of pacing), %.4f writes, %.4f syncs, "
           "%.4f wakes a record\n",
           per_ms, cpu * 1e6 / all, ms * 5.0 / all, (double)c.writes / all, (double)c.syncs / all,
           (double)c.wakes / all);
}

int main(int argc, char **argv)
{
    const char *file = argc > 1 ? argv[1] : "bench-audit.jsonl";
    make_record();
    writer_alone(file);
    paced(file, 5, 400);
    paced(file, 50, 2000);
    unlink(file);
    return 0;
}
