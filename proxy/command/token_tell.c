/* token_tell: see token_tell.h. Of a token that failed nothing is proved: its texts are shown and
 * used for nothing. */
#include "proxy/command/token_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/doc.h"
#include "base/encode.h"
#include "proxy/command/policy_command.h"

static void print_quoted(FILE *out, str s)
{
    fputc('"', out);
    policy_print_safe(out, s);
    fputc('"', out);
}

static void print_list(FILE *out, const str *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", out);
        print_quoted(out, items[i]);
    }
}

/* ---- a good one ------------------------------------------------------------------------------ */

static void tell_email(const struct identity *id)
{
    if (!id->email.p) {
        puts("  email: none");
        return;
    }
    fputs("  email: ", stdout);
    print_quoted(stdout, id->email);
    puts(id->email_counts ? "" : ", which does not count: not verified, or no address");
}

static void tell_groups(const struct issuer *issuer, const struct identity *id)
{
    str claim = issuer->groups_claim.p ? issuer->groups_claim : STR("groups");
    fputs("  groups: ", stdout);
    switch (id->groups_state) {
    case GROUPS_KNOWN:
        print_list(stdout, id->groups, id->n_groups);
        puts(id->n_groups ? "" : "none");
        break;
    case GROUPS_ABSENT:
        printf("unknown: there is no claim %.*s\n", STR_ARG(claim));
        break;
    case GROUPS_OVERAGE:
        puts("unknown: they are too many for the token, which names another place for them");
        break;
    case GROUPS_MALFORMED:
        printf("unknown: the claim %.*s is not a list of texts\n", STR_ARG(claim));
        break;
    }
}

void token_tell_good(const struct issuer *issuer, const struct identity *id)
{
    printf("good: issuer ");
    policy_print_safe(stdout, id->issuer_name);
    printf(", subject ");
    print_quoted(stdout, id->subject);
    if (id->is_machine)
        printf(", machine by service %.*s\n", STR_ARG(id->service));
    else
        puts(", human: no entry of services matches");
    tell_email(id);
    tell_groups(issuer, id);
    policy_print_time(stdout, "  ends: ", id->exp_s);
}

/* ---- a bad one ------------------------------------------------------------------------------- */

/* The header (0) or the payload (1) as a tree; NULL when it cannot be read. */
static const struct doc_node *part_read(struct arena *a, str token, int which)
{
    struct findings quiet;
    struct doc_file *file = arena_new(a, struct doc_file);
    str part = str_cut(&token, '.');
    if (which)
        part = str_cut(&token, '.');
    char *bytes = arena_text(a, part.n + 1);
    if (!base64url_decode(part, (unsigned char *)bytes, &file->bytes.n))
        return NULL;
    file->bytes.p = bytes;
    findings_init(&quiet);
    const struct doc_node *node = doc_parse(a, file, &quiet);
    findings_finish(&quiet);
    return node;
}

static void print_member(const struct doc_node *map, const char *name)
{
    const struct doc_node *it = map ? doc_get(map, name) : NULL;
    fprintf(stderr, "       = %s is ", name);
    if (!it)
        fputs("missing", stderr);
    else if (it->kind == DOC_SCALAR)
        print_quoted(stderr, it->text);
    for (size_t i = 0; it && it->kind == DOC_LIST && i < it->n; i++) {
        fputs(i ? ", " : "", stderr);
        print_quoted(stderr, it->items[i]->text);
    }
}

static void tell_algs(const struct issuer *issuer)
{
    const char *between = "";
    for (int alg = 0; alg < ALG_COUNT; alg++) {
        if (!(issuer->algs & ALG_BIT(alg)))
            continue;
        fprintf(stderr, "%s%.*s", between, STR_ARG(alg_name((enum token_alg)alg)));
        between = ", ";
    }
}

/* A time that no calendar holds is not shown; the verdict stands without it. */
static void tell_times(const struct doc_node *claims)
{
    static const char *const names[] = {"iat", "nbf", "exp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        str text = claims ? doc_text(claims, names[i]) : (str){NULL, 0};
        double at = text.p ? strtod(text.p, NULL) : -1;
        if (!(at >= 0 && at < 253402300800.0)) /* the year 10000 */
            continue;
        fprintf(stderr, "       = %s", names[i]);
        policy_print_time(stderr, " is ", (int64_t)at);
    }
    policy_print_time(stderr, "       = now is ", time(NULL));
}

static void tell_form(str token)
{
    if (token.n == 0)
        fputs("       = nothing came on standard input\n", stderr);
    else if (str_find(token, ' ') < token.n)
        fputs("       = give the token alone, without Bearer and without spaces\n", stderr);
}

static void tell_wanted(enum token_verdict verdict, const struct issuer *issuer, str token,
                        struct arena *a)
{
    switch (verdict) {
    case TOKEN_AUDIENCE:
        print_member(part_read(a, token, 1), "aud");
        fprintf(stderr, "; issuer %.*s wants ", STR_ARG(issuer->name));
        print_list(stderr, issuer->audiences, issuer->n_audiences);
        break;
    case TOKEN_ALG:
        print_member(part_read(a, token, 0), "alg");
        fprintf(stderr, "; algs of issuer %.*s are ", STR_ARG(issuer->name));
        tell_algs(issuer);
        break;
    case TOKEN_TYP:
        print_member(part_read(a, token, 0), "typ");
        break;
    case TOKEN_UNKNOWN_KID:
        print_member(part_read(a, token, 0), "kid");
        break;
    default:
        return;
    }
    fputc('\n', stderr);
}

void token_tell_bad(enum token_verdict verdict, const struct issuer *issuer, str token)
{
    struct arena a;
    arena_init(&a, NULL, 0);
    fprintf(stderr, "bad: %s: %s\n", token_verdict_code(verdict), token_verdict_text(verdict));
    if (verdict == TOKEN_MALFORMED)
        tell_form(token);
    else if (verdict == TOKEN_EXPIRED || verdict == TOKEN_NOT_YET)
        tell_times(part_read(&a, token, 1));
    else if (issuer)
        tell_wanted(verdict, issuer, token, &a);
    arena_finish(&a);
}
