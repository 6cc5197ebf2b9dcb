/* secret: memory that is wiped when freed, kept out of core dumps, and compared in constant time.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

/* Zeroed; never NULL. Page-backed (mmap, MADV_DONTDUMP, mlock when allowed): for keys, not for
 * many small things. */
void *secret_alloc(size_t bytes);
void secret_free(void *p, size_t bytes); /* wipes; NULL is fine */
void secret_wipe(void *p, size_t bytes);
/* Constant time for equal lengths; different lengths return false at once. */
bool secret_eq(str a, str b);
/* From the system's generator; ends the process if there is none. */
void random_fill(void *p, size_t bytes);

#endif
