#include "proxy/command/token_config.h"

#include <stdio.h>
#include <time.h>

#include "proxy/command/command.h"
#include "proxy/command/policy_command.h"
#include "proxy/command/token_tell.h"
#include "proxy/config/config.h"

enum { ISSUERS_TOLD = 8 };

/* One token is put to one issuer: the one that it names. */
static const struct config_issuer *find_issuer(const struct config *c, str iss)
{
    for (size_t i = 0; i < c->n_issuers; i++)
        if (str_eq(c->issuers[i].issuer->issuer, iss))
            return &c->issuers[i];
    return NULL;
}

static int unknown_issuer(const struct config *c, str iss)
{
    fprintf(stderr, "bad: %s: no issuer of %.*s is \"", token_verdict_code(TOKEN_ISSUER),
            STR_ARG(c->path));
    policy_print_safe(stderr, iss);
    fputs("\"\n", stderr);
    for (size_t i = 0; i < c->n_issuers && i < ISSUERS_TOLD; i++)
        fprintf(stderr, "       = issuer %.*s is \"%.*s\"\n", STR_ARG(c->issuers[i].name),
                STR_ARG(c->issuers[i].issuer->issuer));
    return EXIT_ERRORS;
}

static struct keyset *open_keys(const struct config_issuer *c, const char *jwks)
{
    if (jwks || c->keys == KEYS_FILE)
        return token_keys_read(jwks ? jwks : c->file.p);
    fprintf(stderr,
            "postern token: the keys of issuer %.*s are fetched (%.*s): save them to a file and "
            "give it with --jwks\n",
            STR_ARG(c->name), STR_ARG(c->url));
    return NULL;
}

static int check_with(const struct config *c, const struct config_issuer *issuer,
                      const struct keyset *keys, str token)
{
    struct identity *id = NULL;
    enum token_verdict verdict =
        token_verify(issuer->issuer, keys, token, TOKEN_KIND_ACCESS, time(NULL), &id);
    if (verdict != TOKEN_OK) {
        token_tell_bad(verdict, issuer->issuer, token);
        return EXIT_ERRORS;
    }
    identity_match_services(id, c->services, c->n_services);
    token_tell_good(issuer->issuer, id);
    identity_unref(&id);
    return EXIT_GOOD;
}

static int check(const struct config *c, const char *jwks, str token)
{
    static char scratch[TOKEN_PEEK_BYTES];
    struct token_peek peek;
    bool is_long = token.n > TOKEN_MAX_BYTES;
    if (is_long || !token_peek(token, scratch, &peek) || !peek.issuer.p) {
        token_tell_bad(is_long ? TOKEN_TOO_LONG : TOKEN_MALFORMED, NULL, token);
        return EXIT_ERRORS;
    }
    const struct config_issuer *issuer = find_issuer(c, peek.issuer);
    if (!issuer)
        return unknown_issuer(c, peek.issuer);
    struct keyset *keys = open_keys(issuer, jwks);
    int status = keys ? check_with(c, issuer, keys, token) : EXIT_ERRORS;
    keyset_unref(&keys);
    return status;
}

int token_config_check(const char *config, const char *jwks, str token)
{
    const struct config *c = NULL;
    struct findings f;
    findings_init(&f);
    enum config_read read = config_open(config, &c, &f);
    int status = read == CONFIG_ABSENT ? EXIT_USAGE : EXIT_ERRORS;
    if (read == CONFIG_GOOD)
        status = check(c, jwks, token);
    else
        findings_print(&f, stderr);
    config_unref(&c);
    findings_finish(&f);
    return status;
}
