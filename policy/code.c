#include "policy/code.h"

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

static const char *const causes[] = {
    "who.users",
    "who.domains",
    "who.groups",
    "who.services",
    "who.kind",
    "to.method",
    "to.path",
    "to.login",
    "device:missing",
    "device:stale",
    "device:conflict",
    "auth.mfa",
    "auth.mfa_within",
    "auth.methods",
    "auth.acr",
    "auth.login_within",
    "auth.issuers",
    "from.network",
    "from.country",
    "when",
    "rule:expired",
    "rule:not-started",
    "approval:required",
    "approval:expired",
    "purpose:required",
    "break-glass:closed",
    "type-error",
    "regex-limit",
    "clock",
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
        if (str_eq(code, str_of(causes[i])))
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
