#include "proxy/audit/note.h"

#include "base/encode.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ED25519_ALG = 0x01, ED25519_BYTES = 32, SIGNATURE_BYTES = 64 };
#define SIGNER_PREFIX "PRIVATE+KEY+"
#define DASH "\xe2\x80\x94 " /* em dash and space head a signature line */

/* The first four bytes of SHA-256(name, newline, algorithm, public key). */
static void key_id(const char *name, const unsigned char pub[ED25519_BYTES], unsigned char id[4])
{
    unsigned char text[NOTE_NAME_MAX + 2 + ED25519_BYTES], digest[HASH_BYTES];
    size_t n = strlen(name);
    memcpy(text, name, n);
    text[n++] = '\n';
    text[n++] = ED25519_ALG;
    memcpy(text + n, pub, ED25519_BYTES);
    n += ED25519_BYTES;
    if (!EVP_Digest(text, n, digest, NULL, EVP_sha256(), NULL))
        abort();
    memcpy(id, digest, 4);
}

/* prefix name+hash+base64(01 key); returns the length, with a NUL after it. */
static size_t key_text(const struct note_key *k, const char *prefix,
                       const unsigned char key[ED25519_BYTES], char out[NOTE_KEY_TEXT_MAX])
{
    unsigned char tagged[1 + ED25519_BYTES] = {ED25519_ALG};
    char hex[9] = {0};
    hex_encode(k->id, 4, hex);
    memcpy(tagged + 1, key, ED25519_BYTES);
    size_t n = (size_t)snprintf(out, NOTE_KEY_TEXT_MAX, "%s%s+%s+", prefix, k->name, hex), b64;
    base64_encode((str){(const char *)tagged, sizeof tagged}, out + n, &b64);
    out[n + b64] = '\0';
    secret_wipe(tagged, sizeof tagged);
    return n + b64;
}

/* Takes "name+hash+base64" apart. */
static bool text_split(str text, struct note_key *k, unsigned char key[ED25519_BYTES],
                       unsigned char id[4])
{
    unsigned char raw[64];
    size_t n;
    str name = str_cut(&text, '+'), hash = str_cut(&text, '+');
    if (name.n == 0 || name.n > NOTE_NAME_MAX || hash.n != 8 || text.n != 44 ||
        !hex_decode(hash, id) || !base64_decode(text, raw, &n) || n != 1 + ED25519_BYTES ||
        raw[0] != ED25519_ALG)
        return false;
    memcpy(k->name, name.p, name.n);
    k->name[name.n] = '\0';
    memcpy(key, raw + 1, ED25519_BYTES);
    secret_wipe(raw, sizeof raw);
    return true;
}

static bool key_set_private(struct note_key *k, const unsigned char seed[ED25519_BYTES])
{
    unsigned char pub[ED25519_BYTES];
    size_t n = sizeof pub;
    k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_BYTES);
    if (!k->pkey || !EVP_PKEY_get_raw_public_key(k->pkey, pub, &n))
        return false;
    key_id(k->name, pub, k->id);
    key_text(k, "", pub, k->verifier);
    return true;
}

bool note_key_parse(struct note_key *k, str verifier, struct fail *f)
{
    unsigned char pub[ED25519_BYTES], id[4];
    memset(k, 0, sizeof *k);
    verifier = str_trim(verifier, " \r\n\t");
    if (!text_split(verifier, k, pub, id))
        return fail_set(f, FAIL_INPUT, "the verifier key is not of the form name+hash+base64");
    key_id(k->name, pub, k->id);
    if (memcmp(id, k->id, 4) != 0)
        return fail_set(f, FAIL_INPUT, "the verifier key of %s does not fit its own hash", k->name);
    k->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, sizeof pub);
    if (!k->pkey)
        return fail_set(f, FAIL_CRYPTO, "the verifier key of %s is no Ed25519 key", k->name);
    key_text(k, "", pub, k->verifier);
    return true;
}

static bool write_file(const char *path, const char *text, size_t n, mode_t mode, struct fail *f)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return fail_errno(f, "cannot create %s", path);
    bool ok = write(fd, text, n) == (ssize_t)n && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    if (!ok)
        fail_errno(f, "cannot write %s", path);
    close(fd);
    return ok;
}

/* Spaces and plus signs have a meaning in notes. */
static void key_name(struct note_key *k, const char *node)
{
    snprintf(k->name, sizeof k->name, "postern/audit/%s", node && *node ? node : "local");
    for (char *p = k->name; *p; p++)
        if (*p <= ' ' || *p == '+' || (unsigned char)*p >= 0x7f)
            *p = '-';
}

static bool key_make(struct note_key *k, const char *file, const char *node, struct fail *f)
{
    unsigned char seed[ED25519_BYTES];
    char text[NOTE_KEY_TEXT_MAX], pub_file[4096], *folder = strdup(file);
    random_fill(seed, sizeof seed);
    key_name(k, node);
    if (folder)
        mkdir(dirname(folder), 0700);
    free(folder);
    bool ok = key_set_private(k, seed);
    if (!ok)
        fail_set(f, FAIL_CRYPTO, "cannot make an Ed25519 key");
    size_t n = ok ? key_text(k, SIGNER_PREFIX, seed, text) : 0;
    snprintf(pub_file, sizeof pub_file, "%s.pub", file);
    if (ok)
        unlink(pub_file); /* of a signer that is gone */
    ok = ok && write_file(pub_file, k->verifier, strlen(k->verifier), 0600, f) &&
         write_file(file, text, n, 0600, f);
    secret_wipe(seed, sizeof seed);
    secret_wipe(text, sizeof text);
    return ok;
}

static bool is_private(int fd, const char *file, struct fail *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(f, "cannot look at %s", file);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
        return fail_set(f, FAIL_INPUT, "%s must be a file of mode 0600, it has mode %04o", file,
                        (unsigned)(st.st_mode & 07777));
    return true;
}

static bool key_read(struct note_key *k, int fd, const char *file, struct fail *f)
{
    unsigned char seed[ED25519_BYTES], id[4];
    char text[NOTE_KEY_TEXT_MAX];
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0)
        return fail_errno(f, "cannot read %s", file);
    str s = str_trim((str){text, (size_t)n}, " \r\n\t");
    bool ok = str_starts(s, STR(SIGNER_PREFIX)) &&
              text_split(str_from(s, sizeof SIGNER_PREFIX - 1), k, seed, id) &&
              key_set_private(k, seed) && memcmp(id, k->id, 4) == 0;
    secret_wipe(text, sizeof text);
    secret_wipe(seed, sizeof seed);
    return ok || fail_set(f, FAIL_INPUT, "%s is not a checkpoint key (%s...)", file, SIGNER_PREFIX);
}

bool note_key_open(struct note_key *k, const char *file, const char *node, struct fail *f)
{
    memset(k, 0, sizeof *k);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return key_make(k, file, node, f);
    if (fd < 0)
        return fail_errno(f, "cannot open %s", file);
    bool ok = is_private(fd, file, f) && key_read(k, fd, file, f);
    close(fd);
    if (!ok)
        note_key_finish(k);
    return ok;
}

void note_key_finish(struct note_key *k)
{
    EVP_PKEY_free(k->pkey);
    memset(k, 0, sizeof *k);
}

size_t note_sign(const struct note_key *k, uint64_t size, const struct hash *root, char *out)
{
    unsigned char blob[4 + SIGNATURE_BYTES];
    size_t n, b64, sig_n = SIGNATURE_BYTES;
    n = (size_t)snprintf(out, NOTE_MAX, "%s\n%llu\n", k->name, (unsigned long long)size);
    base64_encode((str){(const char *)root->b, HASH_BYTES}, out + n, &b64);
    n += b64;
    out[n++] = '\n';

    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    memcpy(blob, k->id, 4);
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
        EVP_DigestSign(ctx, blob + 4, &sig_n, (const unsigned char *)out, n) != 1)
        abort();
    EVP_MD_CTX_free(ctx);

    n += (size_t)snprintf(out + n, NOTE_MAX - n, "\n" DASH "%s ", k->name);
    base64_encode((str){(const char *)blob, sizeof blob}, out + n, &b64);
    n += b64;
    out[n++] = '\n';
    return n;
}

/* The signed text is all up to and with the newline before the empty line. */
static bool note_split(str note, str *body, str *signatures)
{
    const char *gap = note.n ? memmem(note.p, note.n, "\n\n", 2) : NULL;
    if (!gap || note.p[note.n - 1] != '\n')
        return false;
    *body = str_upto(note, (size_t)(gap - note.p) + 1);
    *signatures = str_from(note, body->n + 1);
    return true;
}

bool checkpoint_parse(str note, struct checkpoint *out)
{
    str body, signatures;
    unsigned char root[HASH_BYTES + 4];
    size_t n;
    if (!note_split(note, &body, &signatures))
        return false;
    out->origin = str_cut(&body, '\n');
    str size = str_cut(&body, '\n'), hash = str_cut(&body, '\n');
    if (out->origin.n == 0 || !str_to_u64(size, UINT64_MAX >> 1, &out->size) || hash.n != 44 ||
        !base64_decode(hash, root, &n) || n != HASH_BYTES)
        return false;
    memcpy(out->root.b, root, HASH_BYTES);
    return true;
}

static bool signature_fits(const struct note_key *k, str body, str line)
{
    unsigned char blob[96];
    size_t n;
    if (!str_starts(line, STR(DASH)))
        return false;
    line = str_from(line, sizeof DASH - 1);
    str name = str_cut(&line, ' ');
    if (!str_eq(name, str_of(k->name)) || line.n > 120 || !base64_decode(line, blob, &n) ||
        n != 4 + SIGNATURE_BYTES || memcmp(blob, k->id, 4) != 0)
        return false;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
              EVP_DigestVerify(ctx, blob + 4, SIGNATURE_BYTES, (const unsigned char *)body.p,
                               body.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool note_verify(const struct note_key *k, str note)
{
    str body, rest;
    if (!k->pkey || !note_split(note, &body, &rest))
        return false;
    while (rest.p)
        if (signature_fits(k, body, str_cut(&rest, '\n')))
            return true;
    return false;
}
