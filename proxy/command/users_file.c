/* users_file: see users_file.h. The lock is the directory's: a file that is replaced by a rename
 * takes its own lock away with it. */
#include "proxy/command/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "proxy/command/users_edit.h"

static const char empty_text[] =
    "# People who sign in at postern itself; `postern user` writes here.\n"
    "version: 1\n"
    "users: {}\n";

static bool told(const char *what, const char *path)
{
    fprintf(stderr, "postern user: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

/* ---- opening ---- */

/* The file that a symbolic link stands for is replaced, not the link. */
static char *resolve(const char *path)
{
    char *whole = realpath(path, NULL);

    return whole ? whole : mem_dup(str_of(path));
}

static bool open_dir(struct users_file *f, bool may_change)
{
    char *copy = mem_dup(str_of(f->path));

    f->dir_fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (f->dir_fd < 0)
        return told("open the directory of", f->path);
    while (may_change && flock(f->dir_fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return told("lock the directory of", f->path);
    return true;
}

static bool read_whole(struct users_file *f, int fd, size_t size)
{
    char *text = arena_text(&f->arena, size + 1);
    size_t n = 0;

    for (ssize_t got; n < size && (got = read(fd, text + n, size - n)) != 0;) {
        if (got < 0 && errno != EINTR)
            return told("read", f->path);
        n += got > 0 ? (size_t)got : 0;
    }
    f->text = (str){text, n};
    return true;
}

static bool check_mode(const struct users_file *f, const struct stat *st)
{
    if (!S_ISREG(st->st_mode) || st->st_size > USERS_FILE_MAX) {
        fprintf(stderr, "postern user: %s is no file of at most %d bytes\n", f->path,
                USERS_FILE_MAX);
        return false;
    }
    if (st->st_mode & (S_IRWXO | S_IWGRP)) {
        fprintf(stderr,
                "postern user: %s holds password hashes and others may read or write it "
                "(chmod 0600)\n",
                f->path);
        return false;
    }
    return true;
}

static bool read_file(struct users_file *f, bool may_be_absent)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ENOENT && may_be_absent) {
        f->text = str_of(empty_text);
        return true;
    }
    if (fd < 0)
        return told("open", f->path);
    f->is_there = true;
    bool is_good = fstat(fd, &st) == 0 || told("look at", f->path);
    is_good = is_good && check_mode(f, &st) && read_whole(f, fd, (size_t)st.st_size);
    close(fd);
    return is_good;
}

static struct builtin_users *parse(const struct users_file *f, str text)
{
    struct doc_file file = {str_of(f->path), text};
    struct findings found;

    findings_init(&found);
    struct builtin_users *users = builtin_users_parse(&file, &found);
    if (!users)
        findings_print(&found, stderr);
    findings_finish(&found);
    return users;
}

bool users_file_open(struct users_file *f, const char *path, bool may_change, bool may_be_absent)
{
    *f = (struct users_file){.path = resolve(path), .dir_fd = -1};
    arena_init(&f->arena, NULL, 0);
    if (open_dir(f, may_change) && read_file(f, may_be_absent))
        f->users = parse(f, f->text);
    if (!f->users)
        users_file_close(f);
    return f->users != NULL;
}

void users_file_close(struct users_file *f)
{
    if (f->is_there)
        secret_wipe((char *)f->text.p, f->text.n);
    builtin_users_unref(&f->users);
    if (f->dir_fd >= 0)
        close(f->dir_fd); /* and with it the lock */
    arena_finish(&f->arena);
    free(f->path);
    *f = (struct users_file){.dir_fd = -1};
}

/* ---- replacing ---- */

static bool write_whole(int fd, str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return false;
        text = str_from(text, n > 0 ? (size_t)n : 0);
    }
    return true;
}

/* Whom the old one belonged to may still read it; nobody else. */
static bool keep_owner(const struct users_file *f, int fd)
{
    struct stat old, now;

    if (!f->is_there)
        return true;
    if (stat(f->path, &old) != 0 || fstat(fd, &now) != 0)
        return false;
    bool is_same = old.st_uid == now.st_uid && old.st_gid == now.st_gid;
    return (is_same || fchown(fd, old.st_uid, old.st_gid) == 0) &&
           fchmod(fd, old.st_mode & (S_IRUSR | S_IWUSR | S_IRGRP)) == 0;
}

static bool put_in_place(const struct users_file *f, str text)
{
    char name[PATH_MAX];

    if (snprintf(name, sizeof name, "%s.XXXXXX", f->path) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return told("write beside", f->path);
    }
    int fd = mkostemp(name, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return told("write beside", f->path);
    bool is_good = keep_owner(f, fd) && write_whole(fd, text) && fsync(fd) == 0;
    is_good = close(fd) == 0 && is_good && rename(name, f->path) == 0;
    if (!is_good) {
        told("replace", f->path);
        unlink(name);
        return false;
    }
    fsync(f->dir_fd); /* the name too survives a power cut; the file is good either way */
    return true;
}

bool users_file_replace(struct users_file *f, str text, str email)
{
    struct builtin_users *users = parse(f, text);

    if (!users)
        return false;
    const char *who = users_differ(f->users, users, email, &f->arena);
    builtin_users_unref(&users);
    if (who) {
        fprintf(stderr,
                "postern user: %s is written in a way that would change %s too; edit it by hand\n",
                f->path, who);
        return false;
    }
    return put_in_place(f, text);
}
