/* inputs: a running digest over every file that goes into a snapshot, and the list of places to
 * watch. Two builds with equal digests read the same bytes, or failed to read the same files. */
#ifndef PROXY_CONFIG_INPUTS_H
#define PROXY_CONFIG_INPUTS_H

#include "proxy/config/disk.h"

struct inputs {
    struct arena *arena; /* bytes and names live here */
    void *hash;
    str *paths; /* of what was read or sought: files and directories */
    size_t n_paths, cap_paths;
};

void inputs_init(struct inputs *in, struct arena *arena);
/* Reads a file whole; a key is held to its mode. The outcome is part of the digest. */
bool inputs_read(struct inputs *in, str path, size_t max, bool is_key, str *out, struct fail *fail);
/* Something read otherwise. */
void inputs_add(struct inputs *in, str path, str content);
/* Ends the digest; the paths stay until the arena goes. */
void inputs_finish(struct inputs *in, char out[DIGEST_HEX_CHARS + 1]);

#endif
