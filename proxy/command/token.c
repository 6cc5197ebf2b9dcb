/* postern token check: one token against one file of keys, or against a configuration, offline, so
 * that public test vectors and an operator's own tokens can be held against exactly the code that
 * guards the door. */
#include "proxy/command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "authn/authn.h"
#include "proxy/command/token_config.h"
#include "proxy/command/token_tell.h"
#include "proxy/command/option.h"
#include "proxy/command/usage.h"

static const char usage_text[] =
    "usage: postern token check --config FILE [--jwks FILE]\n"
    "       postern token check --jwks FILE (--issuer I --audience A | --signature-only)\n"
    "                           [--alg A,B]\n"
    "\n"
    "Reads one compact JWS from standard input. With --config it is checked against the issuer\n"
    "of that postern.yaml that it names, and told whom it proves: a human, or a machine by which\n"
    "entry of services, with which mail address and groups, and until when. Else it is checked\n"
    "with the keys and the names that are given.\n"
    "\n"
    "  --config FILE      a postern.yaml; nothing is fetched\n"
    "  --jwks FILE        a JWK set (RFC 7517); beside --config the keys of an issuer that has\n"
    "                     no jwks_file\n"
    "  --issuer I         what iss must be\n"
    "  --audience A       what aud must contain\n"
    "  --signature-only   check form, header and signature; the payload may be any bytes\n"
    "  --alg A,B          algorithms that are accepted (default: RS256,ES256); of RS256 RS384\n"
    "                     RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 good, 1 bad (the reason is on standard error), 2 usage or no such\n"
    "configuration.\n";

struct options {
    const char *config, *jwks, *issuer, *audience, *algs;
    bool signature_only;
};

static int tell_usage(const char *what)
{
    return usage_tell("token", what, usage_text);
}

/* NULL, or what is wrong. */
static const char *read_options(int argc, char **argv, struct options *o)
{
    const struct option_row rows[] = {{"config", .text = &o->config},
                                      {"jwks", .text = &o->jwks},
                                      {"issuer", .text = &o->issuer},
                                      {"audience", .text = &o->audience},
                                      {"alg", .text = &o->algs},
                                      {"signature-only", .flag = &o->signature_only},
                                      {0}};

    return option_read_alone(rows, argc, argv,
                             "too many arguments: the token comes from standard input");
}

static const char *check_options(const struct options *o)
{
    if (o->config)
        return o->issuer || o->audience || o->algs || o->signature_only
                   ? "--config says what is accepted: beside it only --jwks may stand"
                   : NULL;
    if (!o->jwks)
        return "give --config, or --jwks";
    if (o->signature_only)
        return o->issuer || o->audience ? "--signature-only looks at no claims: leave out --issuer "
                                          "and --audience"
                                        : NULL;
    return o->issuer && o->audience ? NULL : "give --issuer and --audience, or --signature-only";
}

/* False when a name is none of ours. */
static bool read_algs(const char *list, unsigned *mask)
{
    enum token_alg alg;
    *mask = 0;
    for (str rest = str_of(list); rest.p;) {
        if (!alg_from_name(str_cut(&rest, ','), &alg))
            return false;
        *mask |= ALG_BIT(alg);
    }
    return true;
}

/* At most `most` bytes and one more, by which the checks behind tell that it is too long. The text
 * is on the heap and the caller's. */
static bool read_all(FILE *in, size_t most, str *out)
{
    char *bytes = mem_alloc(most + 1);
    size_t n = fread(bytes, 1, most + 1, in);
    *out = (str){bytes, n};
    return !ferror(in);
}

struct keyset *token_keys_read(const char *path)
{
    struct fail fail = {0};
    struct keyset *keys = NULL;
    str json = {NULL, 0};
    FILE *in = fopen(path, "re");
    if (!in || !read_all(in, KEYSET_MAX_BYTES, &json))
        fail_errno(&fail, "cannot read %s", path);
    else
        keys = keyset_parse(json, &fail);
    if (!keys)
        fprintf(stderr, "postern token: %s\n", fail.text);
    if (in)
        fclose(in);
    free((char *)json.p);
    return keys;
}

static str without_newline(str s)
{
    if (str_ends(s, STR("\n")))
        s.n--;
    if (str_ends(s, STR("\r")))
        s.n--;
    return s;
}

static enum token_verdict check(const struct options *o, unsigned algs, const struct keyset *keys,
                                str token)
{
    if (o->signature_only)
        return token_verify_signature(algs, keys, token);
    str audience = str_of(o->audience);
    struct issuer issuer = {.name = STR("token"),
                            .issuer = str_of(o->issuer),
                            .audiences = &audience,
                            .n_audiences = 1,
                            .algs = algs};
    struct identity *id;
    enum token_verdict verdict =
        token_verify(&issuer, keys, token, TOKEN_KIND_ACCESS, time(NULL), &id);
    identity_unref(&id);
    return verdict;
}

static int run_given(const struct options *o, unsigned algs, str token)
{
    struct keyset *keys = token_keys_read(o->jwks);
    if (!keys)
        return EXIT_ERRORS;
    enum token_verdict verdict = check(o, algs, keys, token);
    if (verdict == TOKEN_OK)
        puts("good");
    else
        token_tell_bad(verdict, NULL, token);
    keyset_unref(&keys);
    return verdict == TOKEN_OK ? EXIT_GOOD : EXIT_ERRORS;
}

static int run(const struct options *o, unsigned algs)
{
    str text = {NULL, 0};
    int status = EXIT_ERRORS;
    /* Two more, for the end of its line. */
    if (!read_all(stdin, TOKEN_MAX_BYTES + 2, &text))
        fprintf(stderr, "postern token: cannot read standard input\n");
    else if (o->config)
        status = token_config_check(o->config, o->jwks, without_newline(text));
    else
        status = run_given(o, algs, without_newline(text));
    free((char *)text.p);
    return status;
}

int command_token(int argc, char **argv)
{
    struct options o = {0};
    unsigned algs = ALG_DEFAULT;
    if (usage_asks_help(argc, argv))
        return tell_usage(usage_help);
    if (argc < 2 || strcmp(argv[1], "check") != 0)
        return tell_usage("the one thing to do with a token is `check`");
    const char *wrong = read_options(argc - 1, argv + 1, &o);
    if (!wrong)
        wrong = check_options(&o);
    if (!wrong && o.algs && !read_algs(o.algs, &algs))
        wrong = "--alg names an algorithm that is not accepted here";
    return wrong ? tell_usage(wrong) : run(&o, algs);
}
