/* What a test cannot ask of a kernel: a disk that fails, and a clock that jumps. Preloaded into
 * postern; the file named by POSTERN_FAULTS says what is wrong now, in words that may change while
 * it runs:
 *
 *     eio      writes and syncs of files that end in .jsonl fail with EIO
 *     slow     every sync of such a file takes two seconds
 *     clock=N  the wall clock is N seconds off (the monotonic one goes on)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* By system calls alone, so that nothing here meets itself. */
static const char *words(char buf[256])
{
    const char *path = getenv("POSTERN_FAULTS");
    buf[0] = 0;
    if (!path)
        return buf;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return buf;
    long n = syscall(SYS_read, fd, buf, 255);
    syscall(SYS_close, fd);
    buf[n > 0 ? n : 0] = 0;
    return buf;
}

static int is_journal(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    return n > 6 && memcmp(path + n - 6, ".jsonl", 6) == 0;
}

static int fails(int fd)
{
    char buf[256];
    if (!is_journal(fd) || !strstr(words(buf), "eio"))
        return 0;
    errno = EIO;
    return 1;
}

static void linger(int fd)
{
    char buf[256];
    if (is_journal(fd) && strstr(words(buf), "slow"))
        sleep(2);
}

ssize_t write(int fd, const void *p, size_t n)
{
    return fails(fd) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    return fails(fd) ? -1 : syscall(SYS_writev, fd, v, n);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return fails(fd) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

int fdatasync(int fd)
{
    linger(fd);
    return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

static long offset_s(void)
{
    char buf[256];
    const char *at = strstr(words(buf), "clock=");
    return at ? atol(at + 6) : 0;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int status = (int)syscall(SYS_clock_gettime, id, t);
    if (status == 0 && id == CLOCK_REALTIME)
        t->tv_sec += offset_s();
    return status;
}

time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return 0;
}
