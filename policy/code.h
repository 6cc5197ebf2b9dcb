/* code: the reasons and causes that a decision can have, as texts. Any thread. */
#ifndef POLICY_CODE_H
#define POLICY_CODE_H

#include "base/str.h"

/* True for a reason ("default-deny") and for a cause ("device.os_version", "who.claims.company",
 * "auth.mfa:missing"). */
bool code_is_known(str code);
/* The nearest of them, or {NULL, 0}. */
str code_nearest(str code);
/* The attributes that a device may have in facts and tests, NULL-ended; others are provider.name.
 */
extern const char *const device_attribute_names[];
bool device_attribute_is_known(str name);

#endif
