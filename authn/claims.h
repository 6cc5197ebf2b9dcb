/* claims: what the payload of a token must say. */
#ifndef AUTHN_CLAIMS_H
#define AUTHN_CLAIMS_H

#include "authn/authn.h"
#include "authn/jread.h"

/* RFC 7519, section 4.1, and OpenID Connect Core, section 3.1.3.7, for one issuer at one time. */
enum token_verdict claims_check(const struct issuer *issuer, const struct jnode *payload,
                                enum token_kind kind, int64_t now_s);
/* A NumericDate: a finite number that a double holds to the second; false for all else. */
bool claims_time(const struct jnode *node, double *out);

/* What lies in a decoded token and where its texts are: they all point into [text, text + n_text).
 */
struct claims_source {
    const struct issuer *issuer;
    const struct jnode *payload;
    str kid;
    enum token_alg alg;
    const char *text;
    size_t n_text;
};
/* One heap block; never NULL. The claims have been checked. */
struct identity *identity_build(const struct claims_source *source);

#endif
