/* disk: bounded reading of small files, and what tells one state of a file from the next. */
#ifndef PROXY_CONFIG_DISK_H
#define PROXY_CONFIG_DISK_H

#include "proxy/config/settings.h"

#include "base/arena.h"
#include "base/fail.h"

/* Reads a regular file whole. `dir_fd` AT_FDCWD or a directory; at most `max` bytes. FAIL_NOT_FOUND
 * when it is not there. */
bool disk_read_at(int dir_fd, const char *name, size_t max, struct arena *a, str *out,
                  struct fail *fail);
bool disk_read(const char *name, size_t max, struct arena *a, str *out, struct fail *fail);
/* The same for a private key: refused when others may read or write it, or the group write it. */
bool disk_read_secret(const char *name, size_t max, struct arena *a, str *out, struct fail *fail);
/* state/keys must be 0700 and the files in it 0600, all ours; a directory that is not there is
 * fine. */
bool disk_check_keys(const char *state_dir, struct fail *fail);

/* True when the directory that the file is in, or will be in, is there. */
bool disk_has_folder(const char *file);
/* The absolute directory of a file, what relative names in it hang on; "." when that fails. */
str disk_directory(struct arena *a, const char *path);

/* SHA-256 as lower-case hex and NUL. */
void disk_digest(str bytes, char out[DIGEST_HEX_CHARS + 1]);
/* Same name, inode, size and change time: then it was not written in between. */
struct file_stamp {
    uint64_t inode, device, size;
    int64_t change_ns, modify_ns;
};
bool disk_stamp_at(int dir_fd, const char *name, struct file_stamp *out);
bool disk_same(const struct file_stamp *a, const struct file_stamp *b);

#endif
