/* conf: the configuration that a subcommand works beside. Main thread. */
#ifndef PROXY_COMMAND_CONF_H
#define PROXY_COMMAND_CONF_H

#include "proxy/config/config.h"

/* `path` NULL: the usual one. NULL after a word on standard error, which begins with
 * "postern COMMAND". The caller's: config_unref. */
const struct config *conf_open(const char *command, const char *path);

#endif
