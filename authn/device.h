/* device: what is known of a device, from where and how old. No I/O; constant tables after
 * building. Facts go into rules by way of the gate; words as in policy-language: managed,
 * disk_encrypted, os, os_version, risk ... */
#ifndef AUTHN_DEVICE_H
#define AUTHN_DEVICE_H

#include "authn/authn.h"
#include "base/doc.h"

enum { DEVICE_ID_MAX = 128, DEVICE_FACTS_MAX = 64 };

struct device_fact {
    str attribute;        /* "disk_encrypted", "os_version", "provider.name" */
    enum claim_kind kind; /* CLAIM_STRING, CLAIM_NUMBER or CLAIM_BOOL */
    str text;
    str source;     /* name of the source in the configuration */
    int64_t seen_s; /* when the source saw it so */
    bool is_hint;   /* said by the client itself */
};

struct device {
    str id;
    const struct device_fact *facts;
    size_t n_facts;
    int64_t seen_s; /* newest */
};

/* All devices of one source, immutable; atomic count. */
struct device_table;
struct device_table *device_table_ref(const struct device_table *t);
void device_table_unref(struct device_table **t);
size_t device_table_count(const struct device_table *t);
/* By id, or by serial number; NULL: unknown. */
const struct device *device_table_find(const struct device_table *t, str id);
/* How many are not found by their own id, as it is also another's, or another's serial number. */
size_t device_table_twins(const struct device_table *t);
const struct device *
device_table_first_twin(const struct device_table *t); /* NULL: there is none */
const struct device *device_table_at(const struct device_table *t, size_t i);

/* An inventory file: YAML (`devices:` a mapping of id -> attributes) or CSV (header line, `id`
 * first). `seen_s` of a row without its own: when the file was written. NULL: findings say why. */
struct device_table *inventory_parse(const struct doc_file *file, str source, int64_t written_s,
                                     struct findings *f);

/* A Fleet server's answer to GET /api/v1/fleet/hosts?page=N&per_page=..&populate_policies=true. */
struct fleet_reader;
struct fleet_reader *fleet_reader_create(str source, int64_t now_s);
/* False: not what Fleet answers. *more_out: another page is to be fetched. */
bool fleet_reader_page(struct fleet_reader *r, str json, bool *more_out, struct fail *fail);
struct device_table *fleet_reader_finish(struct fleet_reader **r);
void fleet_reader_destroy(struct fleet_reader **r);

/* A verified posture document (a JWS of an MDM or agent server): claims `device_id`, `iat`, and
 * attributes as claims or below `posture`. Texts in the arena. False: no device id, or not fresh.
 */
bool posture_read(const struct identity *document, str source, int64_t max_age_s, int64_t now_s,
                  struct arena *a, struct device *out);

/* Client hints and User-Agent: os, os_version, browser, browser_version, all is_hint. */
bool hints_read(str user_agent, str sec_ch_ua, str sec_ch_ua_platform,
                str sec_ch_ua_platform_version, int64_t now_s, struct arena *a, struct device *out);

/* Compliance claims of a token, by the configuration's map. */
struct device_claim_map {
    str attribute, claim;
};
/* One claim as one attribute; kind and text of `out` are set. False: no fact can be made of it. */
bool device_fact_from_claim(str attribute, enum claim_kind kind, str text, struct device_fact *out);
bool device_from_claims(const struct identity *id, const struct device_claim_map *map, size_t n,
                        str source, struct arena *a, struct device *out);

/* Facts as one JSON object, to be kept and read again: attribute, kind and text. What is no fact
 * (any more) is left out; bytes that are no JSON hold none. Texts in the arena. */
str device_facts_write(const struct device *d, struct arena *a);
void device_facts_read(str id, str json, int64_t seen_s, struct arena *a, struct device *out);

/* ---- client certificates ------------------------------------------------------------------------
 */

#define CERT_VERDICTS(X)                                                                           \
    X(CERT_NONE, "cert.none", "no certificate")                                                    \
    X(CERT_OK, "cert.ok", "the certificate is good")                                               \
    X(CERT_MALFORMED, "cert.malformed", "it is not a certificate")                                 \
    X(CERT_UNTRUSTED, "cert.untrusted", "no device CA of ours has issued it")                      \
    X(CERT_EXPIRED, "cert.expired", "it is not valid now")                                         \
    X(CERT_REVOKED, "cert.revoked", "its CA has revoked it")                                       \
    X(CERT_CRL, "cert.crl", "the revocation list is missing, expired or not signed by the CA")     \
    X(CERT_USAGE, "cert.usage", "it is not meant for clients")                                     \
    X(CERT_NO_ID, "cert.no-id", "it names no device")
enum cert_verdict {
#define X(id, code, text) id,
    CERT_VERDICTS(X)
#undef X
        CERT_VERDICT_COUNT
};
const char *cert_verdict_code(enum cert_verdict v);
const char *cert_verdict_text(enum cert_verdict v);

enum cert_id { CERT_ID_SAN_URI = 0, CERT_ID_SAN_DNS, CERT_ID_SERIAL, CERT_ID_CN };

struct cert_store; /* immutable, atomic count */
/* CAs and (may be absent) CRLs, PEM. With a CRL, every CA must have one that is valid. */
struct cert_store *cert_store_create(str ca_pem, str crl_pem, struct fail *fail);
/* When the first of its revocation lists runs out; INT64_MAX without any. */
int64_t cert_store_until_s(const struct cert_store *s);
struct cert_store *cert_store_ref(const struct cert_store *s);
void cert_store_unref(struct cert_store **s);

struct device_cert {
    str id;                        /* of the device */
    unsigned char fingerprint[32]; /* SHA-256 of the DER */
    str issuer, serial;
    int64_t not_after_s;
};
/* Chain, time, EKU clientAuth and revocation. `chain_der`: the leaf first. Texts in the arena. */
enum cert_verdict device_cert_verify(const struct cert_store *s, const str *chain_der,
                                     size_t n_chain, enum cert_id from, int64_t now_s,
                                     struct arena *a, struct device_cert *out);
/* The same from a trusted front's header: PEM, percent-encoded or bare base64. */
bool device_cert_from_header(str value, struct arena *a, str *der_out);

#endif
