/* log: structured diagnostics for operators (info and above) and for us (debug).
 *
 * One line per event on stderr: logfmt (`time=... level=... event=... key=value`), or JSON with
 * log_format(LOG_JSON). Every value is escaped, whatever bytes it holds. Not the audit log. Never
 * pass tokens, cookies or secrets. Any thread: each line is one write(2). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_style { LOG_TEXT, LOG_JSON };

void log_level(enum log_level least);
void log_style(enum log_style style);
bool log_enabled(enum log_level level);
void log_fd(int fd); /* default 2 */

/* Fields are name/value pairs of C strings, ended by NULL:
 *   log_event(LOG_LEVEL_WARN, "policy.failed", "the directory is empty", "dir", dir, NULL) */
__attribute__((sentinel)) void log_event(enum log_level level, const char *event,
                                         const char *message, ...);
#define log_debug(event, ...)                                                                      \
    (log_enabled(LOG_LEVEL_DEBUG) ? log_event(LOG_LEVEL_DEBUG, event, __VA_ARGS__, NULL) : (void)0)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__, NULL)
#define log_warn(event, ...) log_event(LOG_LEVEL_WARN, event, __VA_ARGS__, NULL)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__, NULL)
/* Calls a caller-held buffer into a C string for a field: log_num(buf, 42). */
const char *log_num(char buf[24], int64_t n);

#endif
