/* tables_impl: what the tables of one section share with those of another. See tables.h. */
#ifndef PROXY_CONFIG_TABLES_IMPL_H
#define PROXY_CONFIG_TABLES_IMPL_H

#include "proxy/config/tables.h"

#define LATER "Not available in this version; refused."

/* `id_type`, a scalar that is one of these words. */
#define CHOICE(id, what, ...)                                                                      \
    static const char *const id##_choices[] = {__VA_ARGS__, NULL};                                 \
    static const struct schema_type id##_type = {                                                  \
        .kind = SCHEMA_SCALAR, .name = what, .choices = id##_choices}

/* tables_types.c */
extern const struct schema_type config_file_type, config_host_type, config_slug_type,
    config_url_type, config_address_type, config_any_type, config_cidrs_type, config_texts_type,
    config_some_texts_type, config_slugs_type, config_hosts_type, config_algs_type,
    config_header_type, config_cookie_type, config_mail_address_type, config_mail_addresses_type,
    config_mail_url_type, config_origin_type;

/* one file for each */
extern const struct schema_type config_listeners_type; /* tables_listeners.c */
extern const struct schema_type config_front_type;     /* tables_fronts.c */
extern const struct schema_type config_issuers_type, config_services_type,
    config_builtin_type;                             /* tables_issuers.c */
extern const struct schema_type config_sources_type; /* tables_devices.c */
extern const struct schema_type config_portal_type, config_sessions_type, config_mail_type,
    config_notify_type; /* tables_people.c */

#endif
