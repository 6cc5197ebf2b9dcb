#include "policy/code.h"

#include "policy/policy.h"
#include "policy/rule.h"

const char *const device_attribute_names[] = {
    "managed",     "compliant",   "disk_encrypted", "firewall",
    "screen_lock", "secure_boot", "edr_running",    "jailbroken",
    "os",          "os_version",  "browser",        "browser_version",
    "patch_level", "ownership",   "key_protection", "risk",
    NULL,
};

bool device_attribute_is_known(str name)
{
    size_t dot = str_find(name, '.');
    if (dot > 0 && dot + 1 < name.n)
        return true;
    for (size_t i = 0; device_attribute_names[i]; i++) {
        if (str_eq(name, str_of(device_attribute_names[i])))
            return true;
    }
    return false;
}

/* With the words for what is not so, and for what is not known where that is something else. */
static const struct {
    const char *code, *text, *doubt;
} causes[] = {
    {"who.users", "the person is none of its users", "no verified mail address is known"},
    {"who.domains", "the mail address is in none of its domains",
     "no verified mail address is known"},
    {"who.groups", "the groups do not fit", "the groups are unknown"},
    {"who.services", "the service is none of its services"},
    {"who.kind", "the visitor is of the other kind (human, machine)"},
    {"to.method", "the method is none of its methods"},
    {"to.path", "the path is none of its paths"},
    {"to.login", "the login is none of its logins"},
    {"device:missing", "nothing is known of the device"},
    {"device:stale", "what is known of the device is too old"},
    {"device:conflict", "what is known of the device contradicts itself"},
    {"auth.mfa", "more than one factor was not used",
     "whether more than one factor was used is unknown"},
    {"auth.mfa_within", "more than one factor was not used within its time",
     "when more than one factor was used is unknown"},
    {"auth.methods", "the methods of the log-in do not fit",
     "the methods of the log-in are unknown"},
    {"auth.acr", "the class of the log-in does not fit", "the class of the log-in is unknown"},
    {"auth.login_within", "the log-in is not within its time", "the time of the log-in is unknown"},
    {"auth.issuers", "the issuer is none of its issuers", "the issuer is unknown"},
    {"from.network", "the address does not fit its networks", "the address is unknown"},
    {"from.country", "the country does not fit its countries", "the country is unknown"},
    {"when", "it is outside its hours", "the time is unknown"},
    {"rule:expired", "it has expired"},
    {"rule:not-started", "it has not started"},
    {"approval:required", "there is no approval", "whether there is an approval cannot be told"},
    {"approval:expired", "the approval has expired"},
    {"purpose:required", "no purpose is stated"},
    {"break-glass:closed", "its break glass is closed",
     "whether its break glass is open cannot be told"},
    {"type-error", "a claim has a type that nothing matches"},
    {"regex-limit", "its expression was given up at the match limit"},
    {"clock", "the clock cannot be trusted"},
};

static bool is_reason(str code)
{
    for (int i = 0; i < POLICY_REASON_COUNT; i++) {
        bool is_refusal = i != POLICY_REASON_ALLOW && i != POLICY_REASON_PUBLIC_PATH;
        if (is_refusal && str_eq(code, str_of(policy_reason_code((enum policy_reason)i))))
            return true;
    }
    return false;
}

static bool is_cause(str code)
{
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        if (str_eq(code, str_of(causes[i].code)))
            return true;
    }
    if (str_starts(code, STR("device.")))
        return device_attribute_is_known(str_from(code, 7)) || str_eq(code, STR("device.source"));
    return str_starts(code, STR("who.claims.")) && code.n > 11;
}

/* An atom that was unknown is named with what made it so. */
static str without_doubt(str code)
{
    static const char *const doubts[] = {":missing", ":stale", ":conflict"};
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
        if (str_ends(code, str_of(doubts[i])))
            return str_upto(code, code.n - strlen(doubts[i]));
    }
    return code;
}

bool code_is_known(str code)
{
    return is_reason(code) || is_cause(code) || is_cause(without_doubt(code));
}

str code_nearest(str code)
{
    enum { N_CAUSES = sizeof causes / sizeof *causes };
    str names[N_CAUSES + POLICY_REASON_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < N_CAUSES; i++)
        names[n++] = str_of(causes[i].code);
    for (int i = 0; i < POLICY_REASON_COUNT; i++) {
        str reason = str_of(policy_reason_code((enum policy_reason)i));
        if (is_reason(reason))
            names[n++] = reason;
    }
    return findings_nearest(code, names, n);
}

/* "device.firewall:stale" and the like: what is unknown of an attribute, and why. */
static str attribute_text(str name, enum policy_tri value, struct arena *a)
{
    static const struct {
        str end;
        const char *text;
    } doubts[] = {{STR(":missing"), "is not known"},
                  {STR(":stale"), "was reported too long ago"},
                  {STR(":conflict"), "is contradicted by another report"}};

    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++)
        if (str_ends(name, doubts[i].end))
            return arena_printf(a, "the device's %.*s %s",
                                STR_ARG(str_upto(name, name.n - doubts[i].end.n)), doubts[i].text);
    return arena_printf(a, "the device's %.*s %s", STR_ARG(name),
                        value == POLICY_UNKNOWN ? "cannot be compared" : "does not fit");
}

str policy_cause_text(str code, enum policy_tri value, struct arena *a)
{
    static const str claim = STR("who.claims."), device = STR("device.");

    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (str_eq(code, str_of(causes[i].code)))
            return str_of(value == POLICY_UNKNOWN && causes[i].doubt ? causes[i].doubt
                                                                     : causes[i].text);
    if (str_starts(code, claim))
        return arena_printf(a, "the claim %.*s %s", STR_ARG(str_from(code, claim.n)),
                            value == POLICY_UNKNOWN ? "is unknown" : "does not fit");
    return str_starts(code, device) ? attribute_text(str_from(code, device.n), value, a) : code;
}
