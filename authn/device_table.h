/* device_table: building the devices of one source; from then on the table is constant. */
#ifndef AUTHN_DEVICE_TABLE_H
#define AUTHN_DEVICE_TABLE_H

#include "authn/device.h"

struct device;

enum { DEVICE_TABLE_MAX = 250 * 1000 };

/* With one reference. `source` is copied. */
struct device_table *device_table_create(str source);
struct arena *device_table_arena(struct device_table *t);
str device_table_source(const struct device_table *t);
/* Texts of `d` must be in the table's arena; facts are taken as they are. False: it is full. */
bool device_table_add(struct device_table *t, const struct device *d, str serial);
/* Closes the table. Two devices that share an id, or one whose id is the other's serial number, are
 * neither of them found, and a serial number that two share finds none: nobody can say which one is
 * meant. Returns how many devices are not found by their own id. */
size_t device_table_close(struct device_table *t);

#endif
