/* io: the calls that a disk can fail. Tests put their own here where a real disk cannot be made to
 * misbehave (EIO); everything else is tested on the real thing. */
#ifndef PROXY_AUDIT_IO_H
#define PROXY_AUDIT_IO_H

#include <sys/types.h>

struct audit_io {
    ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
    int (*fdatasync)(int fd);
};

#endif
