/* posture: the device of a visit, joined from all that is told of it.
 *
 * Which device it is says, in this order: the client's certificate, a posture document, the session
 * that was bound to one, a claim of the token. What is known of it then comes from the sources'
 * tables under that id. Sources that disagree about a fact are the rules' matter; who disagrees
 * about the device itself is left out, because nobody can say which one it is. */
#ifndef PROXY_GATE_POSTURE_H
#define PROXY_GATE_POSTURE_H

#include "proxy/gate/gate_impl.h"

/* While it is joined; everything in `arena`. */
struct join {
    struct visit *visit;
    const struct snapshot *snapshot;
    struct arena *arena;
    struct policy_device *reports;
    size_t n, cap;
    int64_t now_s;
    str id;
    const char *by;    /* "certificate", "posture", "session", "claims"; NULL: no id */
    const char *cause; /* why something that came does not count, of the record; or NULL */
};

/* Texts are copied: a table may be replaced while the visit waits. Empty devices are left out. */
void posture_add(struct join *j, const struct device *d);

/* A session that was opened with a certificate comes without it. Whoever carries a cookie away
 * takes what else the browser sends along: nothing of that says which device this is, or how it is.
 */
bool posture_is_elsewhere(const struct join *j);

/* posture_document.c: documents that came with the request. PERMITTED, or waiting for keys. */
enum visit_outcome posture_documents(struct join *j);

#endif
