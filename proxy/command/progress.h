/* progress: a line on a terminal's standard error while something takes long. Nothing is shown
 * where nobody looks on, or in the first half second. Main thread. */
#ifndef PROXY_COMMAND_PROGRESS_H
#define PROXY_COMMAND_PROGRESS_H

#include <stddef.h>

/* `what` is counted; `of` may be 0: nobody knows how many there are. Cheap enough for each step of
 * a millisecond. */
void progress_show(const char *what, size_t done, size_t of);
/* Clears the line before anything else is printed. */
void progress_end(void);

#endif
