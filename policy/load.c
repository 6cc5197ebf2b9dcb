/* load: bytes of all files in, one immutable policy or all that is wrong with them out. */
#include "policy/load.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/encode.h"
#include "policy/compiled.h"

/* ---- lifetime -------------------------------------------------------------------------------- */

static void destroy(struct policy *p)
{
    for (size_t i = 0; i < p->n_regex_codes; i++)
        pcre2_code_free(p->regex_codes[i]);
    free(p->regex_codes);
    map_finish(&p->apps_by_host);
    map_finish(&p->apps_by_wild);
    map_finish(&p->apps_by_name);
    compiled_finish(p->compiled);
    arena_finish(&p->source);
    arena_finish(&p->arena);
    free(p);
}

static struct policy *create(void)
{
    struct policy *p = mem_alloc(sizeof *p);
    atomic_init(&p->refs, 1);
    arena_init(&p->arena, NULL, 0);
    arena_init(&p->source, NULL, 0);
    p->arena.chunk_bytes = p->source.chunk_bytes = POLICY_CHUNK_BYTES;
    p->has_source = true;
    map_init(&p->apps_by_host);
    map_init(&p->apps_by_wild);
    map_init(&p->apps_by_name);
    return p;
}

struct policy *policy_ref(struct policy *p)
{
    if (p)
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void policy_unref(struct policy **pp)
{
    struct policy *p = *pp;
    *pp = NULL;
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        destroy(p);
}

void policy_drop_source(struct policy *p)
{
    struct app *apps = p ? (struct app *)(uintptr_t)p->apps : NULL;

    if (!p || !p->has_source)
        return;
    for (size_t i = 0; i < p->n_apps; i++)
        apps[i].face.node = NULL;
    p->rules = NULL;
    p->tests = NULL;
    p->n_tests = 0;
    p->has_source = false;
    arena_finish(&p->source);
}

bool policy_has_source(const struct policy *p)
{
    return p && p->has_source;
}

str policy_digest(const struct policy *p)
{
    return p ? (str){p->digest_hex, sizeof p->digest_hex} : (str){NULL, 0};
}

size_t policy_rule_count(const struct policy *p)
{
    return p ? p->n_rules : 0;
}

/* ---- digest ---------------------------------------------------------------------------------- */

static void digest_part(EVP_MD_CTX *md, str s)
{
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)s.n >> (8 * i));
    EVP_DigestUpdate(md, length, sizeof length);
    EVP_DigestUpdate(md, s.p ? s.p : "", s.n);
}

/* Lengths stand before the bytes: moving a line from one file to the next changes the digest. */
static void digest_set(const struct load *l, char out[64])
{
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
        abort();
    for (size_t i = 0; i < l->n_files; i++) {
        digest_part(md, l->files[i].file.name);
        digest_part(md, l->files[i].file.bytes);
    }
    digest_part(md, l->in->tzdata_version);
    EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    hex_encode(digest, 32, out);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct load_file *)a)->file.name,
                   ((const struct load_file *)b)->file.name);
}

/* Copies: the trees point into the bytes and live as long as the source. */
static void take_files(struct load *l)
{
    size_t bytes = 0;
    l->n_files = l->in->n_files;
    for (size_t i = 0; i < l->n_files; i++)
        bytes += l->in->files[i].bytes.n;
    if (bytes > LOAD_MAPPED_BYTES) {
        l->a->is_mapped = true;
        l->a->chunk_bytes = LOAD_SPREAD * bytes;
    }
    l->files = arena_array(l->a, struct load_file, l->n_files);
    for (size_t i = 0; i < l->n_files; i++) {
        l->files[i].file.name = arena_dup(l->a, l->in->files[i].name);
        l->files[i].file.bytes = arena_dup(l->a, l->in->files[i].bytes);
    }
    if (l->n_files > 0)
        qsort(l->files, l->n_files, sizeof *l->files, by_name);
}

static void parse_files(struct load *l)
{
    for (size_t i = 0; i < l->n_files; i++) {
        struct load_file *file = &l->files[i];
        file->root = doc_parse(l->a, &file->file, l->f);
        file->has_form = file->root && schema_check(&policy_file_type, file->root, l->f);
        load_names(l, file); /* its tree is still near */
    }
}

static void decode(struct load *l)
{
    decode_defines(l);
    decode_apps(l);
    decode_rules(l);
    decode_tests(l);
}

static void load_init(struct load *l)
{
    for (int i = 0; i < DEF_KINDS; i++)
        map_init(&l->defs[i]);
    map_init(&l->zones);
    map_init(&l->labels);
}

static void load_finish(struct load *l)
{
    for (int i = 0; i < DEF_KINDS; i++)
        map_finish(&l->defs[i]);
    map_finish(&l->zones);
    map_finish(&l->labels);
}

struct policy *policy_load(const struct policy_load_in *in, struct findings *findings)
{
    size_t errors_before = findings->errors;
    struct load l = {.in = in, .f = findings, .p = create()};
    l.a = &l.p->source;
    load_init(&l);
    if (in->n_files == 0)
        findings_add(findings, FINDING_ERROR, "no-files", NULL, "add a *.yaml file",
                     "there are no policy files");
    take_files(&l);
    parse_files(&l);
    decode(&l);
    check_set(&l);
    if (findings->errors == errors_before) {
        bucket_fill(&l);
        digest_set(&l, l.p->digest_hex);
        compile_policy(l.p, in->now_s);
    } else {
        policy_unref(&l.p);
    }
    load_finish(&l);
    findings_sort(findings);
    return l.p;
}

void policy_schema_print(FILE *out)
{
    schema_print_json(&policy_file_type, "policy.v1.json", "postern policy file, version 1", out);
}
