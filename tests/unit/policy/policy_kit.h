/* policy_kit: what tests of the loader share: a known configuration and zones of the system. */
#ifndef TESTS_POLICY_KIT_H
#define TESTS_POLICY_KIT_H

#include "policy/policy.h"

extern const struct policy_known kit_known;

/* Reads /usr/share/zoneinfo. */
str kit_zone(void *ctx, struct arena *a, str name);
/* A whole file into the arena; {NULL, 0} when there is none. */
str kit_read(struct arena *a, const char *path);
/* A text that holds several files is cut at lines "#=== NAME"; what stands before the first such
 * line is the file `name` (left out when empty). Returns the number of files. */
size_t kit_split(str name, str text, struct doc_file *out, size_t most);
/* Loads one text with kit_known, without GeoIP. */
struct policy *kit_load(const char *text, struct findings *f);

#endif
