/* rotate: one live file after another, the chain running through. */
#ifndef PROXY_AUDIT_ROTATE_H
#define PROXY_AUDIT_ROTATE_H

#include "proxy/audit/journal.h"

enum { ROTATE_RETRY_US = 10 * 1000 * 1000 };

/* Opens for reading and writing and takes the lock that keeps a second writer out; -1. */
int rotate_open(const char *path, int flags, struct fail *f);
bool rotate_sync_folder(const char *path, struct fail *f);

#endif
