/* keyring: see keyring.h. A file is
 *
 *     postern-key seal 1
 *     made 1790000000
 *     5d41...                     64 hex digits, or a PEM block
 *     made 1780000000
 *     ...
 *
 * the newest first. It is replaced whole by a rename, so a reader sees the one or the other. */
#include "proxy/config/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/secret.h"

enum { FILE_BYTES = 8192, FORMAT = 1, PATH_BYTES = 4200 };

/* In secret memory as a whole; `pems` point into `text`. */
struct keyring_file {
    struct keyring ring; /* first: whoever has it has the file */
    atomic_uint refs;
    size_t n_text;
    char text[FILE_BYTES];
};

static const struct {
    const char *word;
    bool is_pem;
} NAMES[KEYRING_COUNT] = {
    {"assertion", true}, {"issuer", true}, {"seal", false}, {"cookie", false}};

const char *keyring_word(enum keyring_name name)
{
    return name < KEYRING_COUNT ? NAMES[name].word : "unknown";
}

/* ---- the folder ---- */

struct folder {
    char path[PATH_BYTES];
    int fd;
    uid_t owner;
};

/* Ours: of the user that we run as, or of whom a command of root's leaves it to. */
static bool check_owner(const struct stat *st, const char *what, struct fail *f)
{
    if (st->st_uid == geteuid() || geteuid() == 0)
        return true;
    return fail_set(f, FAIL_INPUT, "%s belongs to user %u and must belong to us (%u)", what,
                    (unsigned)st->st_uid, (unsigned)geteuid());
}

static bool check_mode(const struct stat *st, const char *what, unsigned wanted, struct fail *f)
{
    unsigned mode = (unsigned)st->st_mode & 07777;
    return mode == wanted ||
           fail_set(f, FAIL_INPUT, "%s has mode %04o and must have %04o", what, mode, wanted);
}

static bool folder_open(struct folder *d, const char *state_dir, struct fail *f)
{
    struct stat st;
    int n = snprintf(d->path, sizeof d->path, "%s/keys", state_dir);
    if (n < 0 || (size_t)n >= sizeof d->path)
        return fail_set(f, FAIL_LIMIT, "the name of the state folder is too long");
    if (mkdir(d->path, 0700) != 0 && errno != EEXIST)
        return fail_errno(f, "cannot make the folder %s", d->path);
    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (d->fd < 0)
        return fail_errno(f, "cannot open the folder %s", d->path);
    bool ok = fstat(d->fd, &st) == 0 || fail_errno(f, "cannot look at %s", d->path);
    d->owner = ok ? st.st_uid : 0;
    ok = ok && check_mode(&st, d->path, 0700, f) && check_owner(&st, d->path, f);
    if (!ok)
        close(d->fd);
    return ok;
}

/* ---- reading ---- */

static bool read_fd(int fd, struct keyring_file *k, const char *path, struct fail *f)
{
    while (k->n_text < sizeof k->text) {
        ssize_t n = read(fd, k->text + k->n_text, sizeof k->text - k->n_text);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return fail_errno(f, "cannot read the key file %s", path);
        k->n_text += n > 0 ? (size_t)n : 0;
    }
    return fail_set(f, FAIL_LIMIT, "the key file %s is larger than %d bytes", path, FILE_BYTES - 1);
}

/* FAIL_NOT_FOUND when there is none. */
static bool read_file(const struct folder *d, enum keyring_name name, struct keyring_file *k,
                      struct fail *f)
{
    char path[PATH_BYTES + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", d->path, NAMES[name].word);
    int fd = openat(d->fd, NAMES[name].word, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? fail_set(f, FAIL_NOT_FOUND, "there is no key file %s", path)
                               : fail_errno(f, "cannot open the key file %s", path);
    bool ok = fstat(fd, &st) == 0 || fail_errno(f, "cannot look at %s", path);
    if (ok && !S_ISREG(st.st_mode))
        ok = fail_set(f, FAIL_INPUT, "the key file %s is not a regular file", path);
    ok = ok && check_mode(&st, path, 0600, f) && check_owner(&st, path, f) &&
         read_fd(fd, k, path, f);
    close(fd);
    return ok;
}

static str line_of(str *rest)
{
    return str_cut(rest, '\n');
}

static bool parse_head(str line, enum keyring_name name)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "postern-key %s %d", NAMES[name].word, FORMAT);
    return str_eq(line, str_of(wanted));
}

static bool parse_secret(str *rest, unsigned char out[KEYRING_SECRET_BYTES])
{
    str line = line_of(rest);
    return line.n == 2 * (size_t)KEYRING_SECRET_BYTES && hex_decode(line, out);
}

static bool parse_pem(str *rest, str *out)
{
    static const char BEGIN[] = "-----BEGIN PRIVATE KEY-----\n",
                      END[] = "-----END PRIVATE KEY-----\n";
    if (!str_starts(*rest, str_of(BEGIN)))
        return false;
    for (size_t i = 0; i + sizeof END - 1 <= rest->n; i++) {
        if (memcmp(rest->p + i, END, sizeof END - 1) != 0)
            continue;
        *out = str_upto(*rest, i + sizeof END - 1);
        *rest = str_from(*rest, out->n);
        return true;
    }
    return false;
}

/* P-256 and nothing else: what is announced is ES256. */
static bool is_p256(str pem)
{
    char group[32] = "";
    size_t n = 0;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    bool ok = key && EVP_PKEY_is_a(key, "EC") &&
              EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
              strcmp(group, "prime256v1") == 0;
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return ok;
}

static bool parse_generation(struct keyring *r, enum keyring_name name, str *rest)
{
    uint64_t made;
    str line = line_of(rest);
    if (r->n == KEYRING_GENERATIONS || !str_starts(line, STR("made ")) ||
        !str_to_u64(str_from(line, 5), INT64_MAX, &made))
        return false;
    r->made_s[r->n] = (int64_t)made;
    bool ok = NAMES[name].is_pem ? parse_pem(rest, &r->pems[r->n]) && is_p256(r->pems[r->n])
                                 : parse_secret(rest, r->secrets[r->n]);
    r->n += ok;
    return ok;
}

static bool parse(struct keyring_file *k, const struct folder *d, enum keyring_name name,
                  struct fail *f)
{
    str rest = {k->text, k->n_text};
    str head = line_of(&rest);
    bool ok = parse_head(head, name);
    if (!ok && str_starts(head, STR("postern-key ")))
        return fail_set(f, FAIL_UNSUPPORTED,
                        "the key file %s/%s is of another kind or of a newer format than %d",
                        d->path, NAMES[name].word, FORMAT);
    k->ring.n = 0;
    while (ok && rest.n)
        ok = parse_generation(&k->ring, name, &rest);
    if (!ok || !k->ring.n)
        return fail_set(f, FAIL_INPUT,
                        "the key file %s/%s is damaged: generation %zu cannot be read", d->path,
                        NAMES[name].word, k->ring.n + 1);
    return true;
}

/* ---- writing ---- */

static void put(struct keyring_file *k, str text)
{
    size_t room = sizeof k->text - k->n_text;
    if (text.n <= room)
        memcpy(k->text + k->n_text, text.p, text.n);
    k->n_text += text.n <= room ? text.n : room; /* full: refused at the end of compose */
}

static bool put_new_pem(struct keyring_file *k)
{
    bool ok = false;
    char *p;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    /* Wiped when freed. */
    BIO *bio = BIO_new(BIO_s_secmem());
    if (key && bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(bio, &p);
        put(k, (str){p, (size_t)n});
        ok = n > 0;
    }
    BIO_free(bio);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

static void put_secret(struct keyring_file *k, const unsigned char secret[KEYRING_SECRET_BYTES])
{
    char hex[2 * KEYRING_SECRET_BYTES + 1];
    hex_encode(secret, KEYRING_SECRET_BYTES, hex);
    hex[sizeof hex - 1] = '\n';
    put(k, (str){hex, sizeof hex});
    secret_wipe(hex, sizeof hex);
}

static bool put_new(struct keyring_file *k, enum keyring_name name)
{
    unsigned char secret[KEYRING_SECRET_BYTES];
    if (NAMES[name].is_pem)
        return put_new_pem(k);
    random_fill(secret, sizeof secret);
    put_secret(k, secret);
    secret_wipe(secret, sizeof secret);
    return true;
}

static void put_made(struct keyring_file *k, int64_t made_s)
{
    char line[48];
    int n = snprintf(line, sizeof line, "made %" PRId64 "\n", made_s);
    put(k, (str){line, (size_t)n});
}

/* A new generation, and of `old` those whose successor is not yet keep_s old: until then what they
 * made may be about. */
static bool compose(struct keyring_file *k, const struct keyring *old, enum keyring_name name,
                    int64_t keep_s, int64_t now_s, struct fail *f)
{
    char head[64];
    int n = snprintf(head, sizeof head, "postern-key %s %d\n", NAMES[name].word, FORMAT);
    put(k, (str){head, (size_t)n});
    put_made(k, now_s);
    if (!put_new(k, name))
        return fail_set(f, FAIL_CRYPTO, "a new %s key cannot be made", NAMES[name].word);
    for (size_t i = 0; old && i < old->n; i++) {
        int64_t replaced_s = i ? old->made_s[i - 1] : now_s;
        if (replaced_s + keep_s <= now_s)
            break;
        if (i + 1 == KEYRING_GENERATIONS)
            return fail_set(
                f, FAIL_LIMIT,
                "the %s key was rotated %d times within the life of what it made: wait, "
                "or drop the old ones",
                NAMES[name].word, KEYRING_GENERATIONS - 1);
        put_made(k, old->made_s[i]);
        if (NAMES[name].is_pem)
            put(k, old->pems[i]);
        else
            put_secret(k, old->secrets[i]);
    }
    return k->n_text < sizeof k->text ||
           fail_set(f, FAIL_LIMIT, "the %s keys do not fit into %d bytes", NAMES[name].word,
                    FILE_BYTES - 1);
}

static bool write_whole(int fd, const struct keyring_file *k)
{
    for (size_t done = 0; done < k->n_text;) {
        ssize_t n = write(fd, k->text + done, k->n_text - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* Whole and on the disk before it has its name. */
static bool write_file(const struct folder *d, enum keyring_name name, const struct keyring_file *k,
                       struct fail *f)
{
    char tmp[48];
    snprintf(tmp, sizeof tmp, ".%s.new", NAMES[name].word);
    unlinkat(d->fd, tmp, 0); /* of one that was killed; we hold the lock */
    int fd = openat(d->fd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && fchmod(fd, 0600) == 0 &&
              (geteuid() != 0 || fchown(fd, d->owner, (gid_t)-1) == 0) && write_whole(fd, k);
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    ok = ok && renameat(d->fd, tmp, d->fd, NAMES[name].word) == 0 && fsync(d->fd) == 0;
    if (ok)
        return true;
    fail_errno(f, "cannot write the key file %s/%s", d->path, NAMES[name].word);
    unlinkat(d->fd, tmp, 0);
    return false;
}

/* ---- the face ---- */

static struct keyring_file *file_new(void)
{
    struct keyring_file *k = secret_alloc(sizeof *k);
    atomic_init(&k->refs, 1);
    return k;
}

static void file_free(struct keyring_file **k)
{
    secret_free(*k, sizeof **k);
    *k = NULL;
}

/* With the folder locked. Reads what is there into *k, or makes it. */
static bool read_or_make(const struct folder *d, enum keyring_name name, int64_t now_s,
                         struct keyring_file *k, struct fail *f)
{
    struct fail first = {0};
    if (read_file(d, name, k, &first))
        return parse(k, d, name, f);
    if (first.code != FAIL_NOT_FOUND) {
        if (f)
            *f = first;
        return false;
    }
    k->n_text = 0;
    return compose(k, NULL, name, 0, now_s, f) && write_file(d, name, k, f) && parse(k, d, name, f);
}

static bool folder_lock(struct folder *d, const char *state_dir, struct fail *f)
{
    if (!folder_open(d, state_dir, f))
        return false;
    if (flock(d->fd, LOCK_EX) == 0)
        return true;
    fail_errno(f, "cannot lock the folder %s", d->path);
    close(d->fd);
    return false;
}

struct keyring *keyring_open(const char *state_dir, enum keyring_name name, int64_t now_s,
                             struct fail *f)
{
    struct folder d;
    if (!folder_lock(&d, state_dir, f))
        return NULL;
    struct keyring_file *k = file_new();
    bool ok = read_or_make(&d, name, now_s, k, f);
    close(d.fd);
    if (!ok)
        file_free(&k);
    return k ? &k->ring : NULL;
}

struct keyring *keyring_read(const char *state_dir, enum keyring_name name, struct fail *f)
{
    struct folder d;
    if (!folder_open(&d, state_dir, f))
        return NULL;
    struct keyring_file *k = file_new();
    bool ok = read_file(&d, name, k, f) && parse(k, &d, name, f);
    close(d.fd);
    if (!ok)
        file_free(&k);
    return k ? &k->ring : NULL;
}

static struct keyring_file *file_of(const struct keyring *k)
{
    return (struct keyring_file *)(uintptr_t)k;
}

struct keyring *keyring_ref(const struct keyring *k)
{
    struct keyring_file *file = file_of(k);
    if (file)
        atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file ? &file->ring : NULL;
}

void keyring_close(struct keyring **k)
{
    struct keyring_file *file = file_of(*k);
    *k = NULL;
    if (file && atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1)
        file_free(&file);
}

/* The file's text says all of it. */
bool keyring_same(const struct keyring *a, const struct keyring *b)
{
    const struct keyring_file *x = file_of(a), *y = file_of(b);
    return secret_eq((str){x->text, x->n_text}, (str){y->text, y->n_text});
}

bool keyring_rotate(const char *state_dir, enum keyring_name name, int64_t keep_s, int64_t now_s,
                    struct fail *f)
{
    struct folder d;
    if (!folder_lock(&d, state_dir, f))
        return false;
    struct keyring_file *old = file_new(), *new = file_new();
    bool ok = read_or_make(&d, name, now_s, old, f) &&
              compose(new, &old->ring, name, keep_s, now_s, f) && write_file(&d, name, new, f);
    close(d.fd);
    file_free(&old);
    file_free(&new);
    return ok;
}
