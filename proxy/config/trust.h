/* trust: of a configuration what decides who a token proves. Equal digests read every token alike;
 * where keys come from is not in it. */
#ifndef PROXY_CONFIG_TRUST_H
#define PROXY_CONFIG_TRUST_H

#include "proxy/config/settings.h"

void trust_of_issuer(const struct issuer *issuer, char out[DIGEST_HEX_CHARS + 1]);
void trust_of_services(const struct service_match *services, size_t n,
                       char out[DIGEST_HEX_CHARS + 1]);

#endif
