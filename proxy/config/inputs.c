/* inputs: see inputs.h. Lengths are hashed too, so that no two lists of files run together. */
#include "proxy/config/inputs.h"

#include <openssl/evp.h>

#include "base/encode.h"

static void absorb(struct inputs *in, str s)
{
    uint64_t n = s.n;
    EVP_DigestUpdate(in->hash, &n, sizeof n);
    EVP_DigestUpdate(in->hash, s.p ? s.p : "", s.n);
}

static void remember(struct inputs *in, str path)
{
    for (size_t i = 0; i < in->n_paths; i++)
        if (str_eq(in->paths[i], path))
            return;
    if (in->n_paths == in->cap_paths) {
        size_t cap = in->cap_paths ? 2 * in->cap_paths : 16;
        str *paths = arena_array(in->arena, str, cap);
        if (in->n_paths)
            memcpy(paths, in->paths, in->n_paths * sizeof *paths);
        in->paths = paths;
        in->cap_paths = cap;
    }
    in->paths[in->n_paths++] = arena_dup(in->arena, path);
}

void inputs_init(struct inputs *in, struct arena *arena)
{
    *in = (struct inputs){.arena = arena, .hash = EVP_MD_CTX_new()};
    EVP_DigestInit_ex(in->hash, EVP_sha256(), NULL);
}

bool inputs_read(struct inputs *in, str path, size_t max, bool is_key, str *out, struct fail *fail)
{
    struct fail why = {0};
    str name = arena_dup(in->arena, path);
    bool good = is_key ? disk_read_secret(name.p, max, in->arena, out, &why)
                       : disk_read(name.p, max, in->arena, out, &why);
    inputs_add(in, name, good ? *out : str_of(why.text));
    if (!good && fail)
        *fail = why;
    return good;
}

void inputs_add(struct inputs *in, str path, str content)
{
    remember(in, path);
    absorb(in, path);
    absorb(in, content);
}

void inputs_finish(struct inputs *in, char out[DIGEST_HEX_CHARS + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    out[0] = '\0';
    if (in->hash && EVP_DigestFinal_ex(in->hash, hash, &n) == 1 && n == 32) {
        hex_encode(hash, n, out);
        out[DIGEST_HEX_CHARS] = '\0';
    }
    EVP_MD_CTX_free(in->hash);
    in->hash = NULL;
}
