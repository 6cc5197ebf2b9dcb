/* disk: see disk.h. */
#include "proxy/config/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/encode.h"

static void stamp_of(const struct stat *st, struct file_stamp *out)
{
    *out = (struct file_stamp){
        .inode = st->st_ino,
        .device = st->st_dev,
        .size = (uint64_t)st->st_size,
        .change_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec,
        .modify_ns = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
    };
}

bool disk_stamp_at(int dir_fd, const char *name, struct file_stamp *out)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, 0) != 0)
        return false;
    stamp_of(&st, out);
    return true;
}

bool disk_same(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->inode == b->inode && a->device == b->device && a->size == b->size &&
           a->change_ns == b->change_ns && a->modify_ns == b->modify_ns;
}

static bool open_failed(struct fail *fail, const char *name)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return fail_set(fail, FAIL_NOT_FOUND, "%s does not exist", name);
    return fail_errno(fail, "cannot open %s", name);
}

static bool read_all(int fd, const char *name, size_t max, struct arena *a, str *out,
                     struct fail *fail)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(fail, "cannot look at %s", name);
    if (!S_ISREG(st.st_mode))
        return fail_set(fail, FAIL_INPUT, "%s is not a regular file", name);
    if ((uint64_t)st.st_size > max)
        return fail_set(fail, FAIL_LIMIT, "%s is larger than %zu bytes", name, max);
    size_t room = (size_t)st.st_size + 1, n = 0; /* one more, to notice that it grew */
    char *p = arena_text(a, room + 1);
    while (n < room) {
        ssize_t got = read(fd, p + n, room - n);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return fail_errno(fail, "cannot read %s", name);
        n += got > 0 ? (size_t)got : 0;
    }
    if (n == room)
        return fail_set(fail, FAIL_BUSY, "%s grew while it was read", name);
    p[n] = '\0';
    *out = (str){p, n};
    return true;
}

bool disk_read_at(int dir_fd, const char *name, size_t max, struct arena *a, str *out,
                  struct fail *fail)
{
    /* non-blocking: a FIFO in the directory must not hang the control thread */
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return open_failed(fail, name);
    bool good = read_all(fd, name, max, a, out, fail);
    close(fd);
    return good;
}

bool disk_read(const char *name, size_t max, struct arena *a, str *out, struct fail *fail)
{
    return disk_read_at(AT_FDCWD, name, max, a, out, fail);
}

bool disk_read_secret(const char *name, size_t max, struct arena *a, str *out, struct fail *fail)
{
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return open_failed(fail, name);
    bool good = fstat(fd, &st) == 0 || fail_errno(fail, "cannot look at %s", name);
    if (good && (st.st_mode & (S_IRWXO | S_IWGRP)))
        good = fail_set(fail, FAIL_INPUT,
                        "%s holds secrets and has mode %04o: others may read it or the group may "
                        "write it (chmod 0600)",
                        name, (unsigned)st.st_mode & 07777);
    good = good && read_all(fd, name, max, a, out, fail);
    close(fd);
    return good;
}

static bool check_mode(const struct stat *st, const char *dir, const char *name, unsigned wanted,
                       struct fail *fail)
{
    unsigned mode = (unsigned)st->st_mode & 07777;
    if (mode != wanted)
        return fail_set(fail, FAIL_INPUT, "%s%s%s has mode %04o and must have %04o", dir,
                        *name ? "/" : "", name, mode, wanted);
    if (st->st_uid != geteuid())
        return fail_set(fail, FAIL_INPUT, "%s%s%s belongs to user %u, not to us", dir,
                        *name ? "/" : "", name, (unsigned)st->st_uid);
    return true;
}

bool disk_has_folder(const char *file)
{
    char path[4200];
    struct stat st;
    const char *slash = strrchr(file, '/');
    int n = slash ? snprintf(path, sizeof path, "%.*s/", (int)(slash - file), file)
                  : snprintf(path, sizeof path, ".");
    return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool disk_check_keys(const char *state_dir, struct fail *fail)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s/keys", state_dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || fail_errno(fail, "cannot open %s", path);
    bool good = fstat(fd, &st) == 0 || fail_errno(fail, "cannot look at %s", path);
    good = good && check_mode(&st, path, "", 0700, fail);
    DIR *dir = good ? fdopendir(fd) : NULL;
    if (!dir) {
        close(fd);
        return good ? fail_errno(fail, "cannot read %s", path) : false;
    }
    for (struct dirent *e; good && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        good = fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
               fail_errno(fail, "cannot look at %s/%s", path, e->d_name);
        good = good && check_mode(&st, path, e->d_name, 0600, fail);
    }
    closedir(dir);
    return good;
}

void disk_digest(str bytes, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    /* without SHA-256 every digest is empty, which equals no digest of a policy */
    out[0] = '\0';
    if (EVP_Digest(bytes.p ? bytes.p : "", bytes.n, hash, &n, EVP_sha256(), NULL) != 1 || n != 32)
        return;
    hex_encode(hash, n, out);
    out[DIGEST_HEX_CHARS] = '\0';
}

/* What relative names hang on; "." when even that cannot be told. */
str disk_directory(struct arena *a, const char *path)
{
    char full[PATH_MAX];
    if (!realpath(path, full))
        return STR(".");
    str s = str_of(full);
    return arena_dup(a, str_upto(s, str_rfind(s, '/') ? str_rfind(s, '/') : 1));
}
