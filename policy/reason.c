/* reason: the stable words of decisions. Audit, pages, metrics and tests name them; they only ever
 * grow. */
#include "policy/policy.h"

const char *policy_reason_code(enum policy_reason reason)
{
    static const char *const codes[] = {
#define X(id, code, text) [id] = code,
        POLICY_REASONS(X)
#undef X
    };
    return codes[reason];
}

const char *policy_reason_text(enum policy_reason reason)
{
    static const char *const texts[] = {
#define X(id, code, text) [id] = text,
        POLICY_REASONS(X)
#undef X
    };
    return texts[reason];
}

const char *policy_remedy_name(enum policy_remedy_kind kind)
{
    static const char *const names[] = {
        [POLICY_REMEDY_NONE] = "none",
        [POLICY_REMEDY_SIGN_IN] = "sign_in",
        [POLICY_REMEDY_STEP_UP] = "step_up",
        [POLICY_REMEDY_REQUEST_APPROVAL] = "request_approval",
        [POLICY_REMEDY_STATE_PURPOSE] = "state_purpose",
        [POLICY_REMEDY_OPEN_BREAK_GLASS] = "open_break_glass",
        [POLICY_REMEDY_FIX_DEVICE] = "fix_device",
        [POLICY_REMEDY_WAIT_UNTIL] = "wait_until",
        [POLICY_REMEDY_CONTACT] = "contact",
    };
    return names[kind];
}

const char *policy_rule_effect_name(enum policy_rule_effect effect)
{
    static const char *const names[] = {
        [POLICY_RULE_ALLOW] = "allow",
        [POLICY_RULE_REQUIRE] = "require",
        [POLICY_RULE_DENY] = "deny",
    };
    return names[effect];
}

const char *policy_part_name(enum policy_part part)
{
    static const char *const names[] = {
        [POLICY_PART_WHO] = "who",
        [POLICY_PART_TO] = "to",
        [POLICY_PART_DEVICE] = "device",
        [POLICY_PART_AUTH] = "auth",
        [POLICY_PART_FROM] = "from",
        [POLICY_PART_WHEN] = "when",
        [POLICY_PART_APPROVAL] = "approval",
        [POLICY_PART_PURPOSE] = "purpose",
        [POLICY_PART_BREAK_GLASS] = "break_glass",
    };
    return names[part];
}
