/* users_file: the users file on disk, for one change at a time. Main thread. */
#ifndef PROXY_COMMAND_USERS_FILE_H
#define PROXY_COMMAND_USERS_FILE_H

#include "authn/authn.h"

enum { USERS_FILE_MAX = DOC_MAX_BYTES };

struct users_file {
    struct arena arena;
    char *path; /* without symbolic links; heap */
    int dir_fd; /* its directory; locked, when it is to be changed */
    bool is_there;
    str text;
    struct builtin_users *users;
};

/* Opens it; `may_change` waits for the lock that keeps two from changing it at once. With
 * `may_be_absent` one that is not there is empty. False after a word on standard error. */
bool users_file_open(struct users_file *f, const char *path, bool may_change, bool may_be_absent);
void users_file_close(struct users_file *f); /* wipes */
/* Reads the new text as the proxy would, makes sure that nobody but `email` is another by it, and
 * puts it in the place of the old at once. False after a word on standard error; the file is as it
 * was then. */
bool users_file_replace(struct users_file *f, str text, str email);

#endif
