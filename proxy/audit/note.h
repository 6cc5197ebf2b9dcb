/* note: signed checkpoints (C2SP signed-note and tlog-checkpoint, Ed25519).
 *
 *     <origin>\n<size>\n<root, base64>\n\n— <key name> <base64 of 4 bytes key id and signature>\n
 *
 * The origin is the key's name. Key files hold one line in the signed-note encoding: the signer
 * "PRIVATE+KEY+name+hash+base64(01 seed)", and beside it FILE.pub with "name+hash+base64(01 pub)",
 * which is what an auditor keeps elsewhere. */
#ifndef PROXY_AUDIT_NOTE_H
#define PROXY_AUDIT_NOTE_H

#include "base/fail.h"
#include "proxy/audit/chain.h"

enum { NOTE_NAME_MAX = 128, NOTE_MAX = 512, NOTE_KEY_TEXT_MAX = 256 };

struct note_key {
    char name[NOTE_NAME_MAX + 1];
    unsigned char id[4];
    void *pkey;                       /* EVP_PKEY */
    char verifier[NOTE_KEY_TEXT_MAX]; /* public text form */
};

struct checkpoint {
    str origin;
    uint64_t size;
    struct hash root;
};

/* Reads the signer; makes it, named after `node`, when the file is missing. Refused: a file or
 * folder that others may read. */
bool note_key_open(struct note_key *k, const char *file, const char *node, struct fail *f);
/* A verifier from its text form. */
bool note_key_parse(struct note_key *k, str verifier, struct fail *f);
void note_key_finish(struct note_key *k);

/* The signed note for a tree; returns its length (out has NOTE_MAX). */
size_t note_sign(const struct note_key *k, uint64_t size, const struct hash *root, char *out);
/* The body of a note, signatures unseen. Points into `note`. */
bool checkpoint_parse(str note, struct checkpoint *out);
/* One of its signatures is this key's and fits. */
bool note_verify(const struct note_key *k, str note);

#endif
