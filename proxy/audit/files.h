/* files: which files a journal is, and their names.
 *
 *     access.jsonl                                            the live one
 *     access-20261125T093000Z-000000000001-000000048211.jsonl  rotated then, with these records
 *     access-20261125T093000Z-000000000001-000000048211.jsonl.gz */
#ifndef PROXY_AUDIT_FILES_H
#define PROXY_AUDIT_FILES_H

#include "base/fail.h"
#include "base/str.h"

struct journal_file {
    char *path;
    uint64_t first_seq, last_seq; /* from the name; 0 for the live file */
    int64_t wall_s;               /* when it was rotated; 0 for the live file */
    uint64_t bytes;               /* as it lies on the disk */
    bool is_live;
};

struct journal_files {
    struct journal_file *items; /* in the order of the chain, the live one last */
    size_t n;
};

/* The rotated files, and the live one when it exists. */
bool files_list(struct journal_files *list, const char *live, struct fail *f);
void files_finish(struct journal_files *list);
/* Path for a file about to be rotated; the caller frees it. */
char *files_rotated_path(const char *live, int64_t wall_s, uint64_t first_seq, uint64_t last_seq);
/* live + "." + word + "-" + time: for what is kept apart. The caller frees it. */
char *files_apart_path(const char *live, const char *word, int64_t wall_s);
/* Directory of a path, "." when it has none; the caller frees it. */
char *files_folder(const char *path);
/* Removes rotated files older than keep_s. Returns how many. */
unsigned files_expire(const char *live, int64_t now_s, int64_t keep_s);
/* path -> path.gz, whole and on disk before path is removed. Gives up when *stop becomes true. */
bool files_compress(const char *path, const _Atomic(bool) *stop, struct fail *f);

#endif
