/* conf: see conf.h. */
#include "proxy/command/conf.h"

const struct config *conf_open(const char *command, const char *path)
{
    const struct config *c = NULL;
    struct findings found;
    if (!path)
        path = config_default_path();
    findings_init(&found);
    enum config_read read = config_open(path, &c, &found);
    if (read == CONFIG_ABSENT)
        fprintf(stderr, "postern %s: there is no configuration %s; give --config\n", command, path);
    else if (read != CONFIG_GOOD)
        findings_print(&found, stderr);
    findings_finish(&found);
    return read == CONFIG_GOOD ? c : NULL;
}
