/* builtin_kit: a built-in issuer for tests, and the steps of a browser and a relying party. */
#ifndef TESTS_UNIT_AUTHN_BUILTIN_KIT_H
#define TESTS_UNIT_AUTHN_BUILTIN_KIT_H

#include "check.h"

#include "authn/builtin.h"

#define KIT_ISSUER "https://access.corp.example/.postern/issuer"
#define KIT_CALLBACK "https://access.corp.example/.postern/callback"
#define KIT_VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, appendix B */
#define KIT_CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define KIT_QUERY                                                                                  \
    "client_id=postern&redirect_uri=https%3A%2F%2Faccess.corp.example%2F.postern%2Fcallback"       \
    "&response_type=code&scope=openid%20email&state=s-1&nonce=n-1&code_challenge=" KIT_CHALLENGE   \
    "&code_challenge_method=S256"
#define KIT_HASH                                                                                   \
    "$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define KIT_USERS                                                                                  \
    "version: 1\n"                                                                                 \
    "users:\n"                                                                                     \
    "  kim@acme.example:\n"                                                                        \
    "    password: \"" KIT_HASH "\"\n"                                                             \
    "    pin: true\n"                                                                              \
    "    name: Kim Lee\n"                                                                          \
    "    groups: [contractors]\n"                                                                  \
    "    claims: {company: \"Acme \\\"x\\\"\", level: 3, ratio: 1.10, ok: true, list: [a, 2]}\n"   \
    "  eva@corp.example: {password: \"" KIT_HASH "\"}\n"                                           \
    "  out@corp.example: {password: \"" KIT_HASH "\", pin: true, disabled: true}\n"                \
    "  pin@corp.example: {pin: true}\n"

extern struct arena kit_arena;
extern struct addr kit_here, kit_there;

/* Ready, with KIT_USERS and one key; `kit_pem(i)` names further ones. */
struct builtin *kit_issuer(void);
struct builtin *kit_issuer_with(size_t first_key, size_t n_keys);
void kit_set_users(struct builtin *b, const char *yaml);
/* A ticket of KIT_QUERY. */
str kit_ticket(struct builtin *b, int64_t now_s);
/* Signs in with the password, right or wrong: attempt, then grant or failed. */
enum builtin_verdict kit_sign_in(struct builtin *b, str ticket, const char *email, bool is_right,
                                 int64_t now_s, str *url_out);
/* The value of a parameter of a URL, decoded. */
str kit_parameter(str url, const char *name);
/* POST to the token endpoint. */
struct builtin_answer kit_token(struct builtin *b, str body, int64_t now_s);
struct builtin_answer kit_redeem(struct builtin *b, str code, int64_t now_s);
struct builtin_answer kit_refresh(struct builtin *b, str refresh_token, int64_t now_s);
/* A member of a JSON answer. */
str kit_member(str json, const char *name);
/* Verified as our relying party would. */
enum token_verdict kit_verify(struct builtin *b, str token, enum token_kind kind, int64_t now_s,
                              struct identity **out);

#endif
