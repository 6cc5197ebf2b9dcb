/* discovery: the one way to open an issuer's discovery document. */
#ifndef AUTHN_DISCOVERY_H
#define AUTHN_DISCOVERY_H

#include "authn/jread.h"
#include "base/fail.h"

/* The document's object, which lives in the scratch, or NULL: too long, no strict JSON, or of
 * another issuer. */
const struct jnode *discovery_open(struct arena *scratch, str json, str issuer, struct fail *fail);

#endif
