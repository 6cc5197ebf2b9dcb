/* schema_tables: the grammar of the language as tables, one a mapping.
 *
 * The loader checks against them and the published JSON Schema is printed from them, so that the
 * two cannot differ. What needs more than one place to judge (two keys that exclude each other,
 * a name that nobody defined) is in decode_*.c and check.c. */
#ifndef POLICY_SCHEMA_TABLES_H
#define POLICY_SCHEMA_TABLES_H

#include "base/schema.h"

extern const struct schema_type policy_file_type, policy_define_type, policy_app_type,
    policy_rule_type, policy_test_type;

/* Shared scalars. */
extern const struct schema_type slug_type, slugs_type, name_type, names_type, line_type, lines_type,
    value_type, values_type, seconds_type, zone_type, globs_type, logins_type, date_type,
    dict_of_texts_type, true_type, methods_type, texts_type;

#endif
