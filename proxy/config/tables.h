/* tables: the schema of postern.yaml. The loader, its suggestions and the reference page all come
 * from these tables. */
#ifndef PROXY_CONFIG_TABLES_H
#define PROXY_CONFIG_TABLES_H

#include "base/schema.h"

extern const struct schema_type config_type;

#endif
