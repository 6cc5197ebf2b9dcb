/* device_hints: what a browser says of itself, which anybody can make up. Frozen values are left
 * out: a browser that calls every macOS "10_15_7" would have a deny rule fire on everyone. */
#include "authn/device_words.h"

#include "base/findings.h"

struct hints {
    struct device_fact facts[4];
    size_t n;
    int64_t now_s;
};

static void hint(struct hints *h, str attribute, str text)
{
    struct device_fact fact = {
        .attribute = attribute, .source = STR("client"), .seen_s = h->now_s, .is_hint = true};
    const char *why;
    if (text.n && device_word_read(device_word_find(attribute), text, &fact, &why))
        h->facts[h->n++] = fact;
}

/* A version as text has it: digits and dots (or underscores, which iOS writes). */
static str version_at(struct arena *a, str s)
{
    size_t n = 0;
    while (n < s.n && n < 32 &&
           ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.' || s.p[n] == '_'))
        n++;
    str v = arena_dup(a, str_trim(str_upto(s, n), "._"));
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] == '_')
            ((char *)v.p)[i] = '.';
    return v;
}

/* What follows `word` in the text; absent when it is not there. */
static str after(str text, str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++)
        if (memcmp(text.p + i, word.p, word.n) == 0)
            return str_from(text, i + word.n);
    return (str){NULL, 0};
}

static str unquote(str s)
{
    s = str_trim(s, " \t");
    bool is_quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return is_quoted ? (str){s.p + 1, s.n - 2} : s;
}

/* ---- client hints ---------------------------------------------------------------------------- */

struct known {
    str theirs, ours;
};

static str ours_of(const struct known *table, size_t n, str theirs)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(table[i].theirs, theirs))
            return table[i].ours;
    return (str){NULL, 0};
}

static str os_of_hint(str platform)
{
    static const struct known table[] = {
        {STR("macOS"), STR("macos")},
        {STR("Windows"), STR("windows")},
        {STR("Linux"), STR("linux")},
        {STR("Android"), STR("android")},
        {STR("iOS"), STR("ios")},
        {STR("Chrome OS"), STR("chromeos")},
        {STR("Chromium OS"), STR("chromeos")},
    };
    return ours_of(table, sizeof table / sizeof *table, platform);
}

/* Of Windows the hint counts feature versions: 13 and later are Windows 11, 1 to 10 are 10. */
static str windows_version(str v)
{
    uint64_t major;
    if (!str_to_u64(str_upto(v, str_find(v, '.')), 1000, &major) || major == 0)
        return (str){NULL, 0};
    return major >= 13 ? STR("11") : major <= 10 ? STR("10") : (str){NULL, 0};
}

static str browser_of_brand(str brand)
{
    static const struct known table[] = {
        {STR("Google Chrome"), STR("chrome")},
        {STR("Microsoft Edge"), STR("edge")},
        {STR("Opera"), STR("opera")},
        {STR("Brave"), STR("brave")},
        {STR("Samsung Internet"), STR("samsung")},
    };
    return ours_of(table, sizeof table / sizeof *table, brand);
}

/* "Chromium";v="131", "Google Chrome";v="131", "Not_A Brand";v="24": the brand that is one. */
static bool read_brands(struct hints *h, struct arena *a, str brands)
{
    while (brands.p) {
        str one = str_cut(&brands, ','), v = after(one, STR("v=\""));
        str browser = browser_of_brand(unquote(str_upto(one, str_find(one, ';'))));
        if (!browser.p || !v.p)
            continue;
        hint(h, STR("browser"), browser);
        hint(h, STR("browser_version"), version_at(a, v));
        return true;
    }
    return false;
}

/* ---- User-Agent ------------------------------------------------------------------------------ */

static void read_agent_browser(struct hints *h, struct arena *a, str agent)
{
    /* In this order: Edge and Opera call themselves Chrome, and Chrome calls itself Safari. */
    static const struct known table[] = {
        {STR("Edg/"), STR("edge")},        {STR("EdgA/"), STR("edge")},
        {STR("EdgiOS/"), STR("edge")},     {STR("OPR/"), STR("opera")},
        {STR("Firefox/"), STR("firefox")}, {STR("FxiOS/"), STR("firefox")},
        {STR("CriOS/"), STR("chrome")},    {STR("Chrome/"), STR("chrome")},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        str v = after(agent, table[i].theirs);
        if (!v.p)
            continue;
        hint(h, STR("browser"), table[i].ours);
        hint(h, STR("browser_version"), version_at(a, v));
        return;
    }
    str v = after(agent, STR(" Version/"));
    if (v.p && str_contains(agent, STR("Safari/"))) {
        hint(h, STR("browser"), STR("safari"));
        hint(h, STR("browser_version"), version_at(a, v));
    }
}

static str agent_os(struct arena *a, str agent, str *version_out)
{
    str v;
    if ((v = after(agent, STR("iPhone OS "))).p || (v = after(agent, STR("CPU OS "))).p) {
        *version_out = version_at(a, v);
        return STR("ios");
    }
    if ((v = after(agent, STR("Android "))).p) {
        str version = version_at(a, v);
        if (!str_eq(version, STR("10"))) /* what reduced agents say of every Android */
            *version_out = version;
        return STR("android");
    }
    if (str_contains(agent, STR("Windows NT")))
        return STR("windows");
    if (str_contains(agent, STR("Mac OS X")))
        return STR("macos");
    if (str_contains(agent, STR("CrOS ")))
        return STR("chromeos");
    return str_contains(agent, STR("Linux")) ? STR("linux") : (str){NULL, 0};
}

bool hints_read(str user_agent, str sec_ch_ua, str sec_ch_ua_platform,
                str sec_ch_ua_platform_version, int64_t now_s, struct arena *a, struct device *out)
{
    struct hints h = {.now_s = now_s};
    str version = {NULL, 0}, agent = str_upto(user_agent, 512);
    str os = os_of_hint(unquote(sec_ch_ua_platform));
    if (os.p)
        version = version_at(a, unquote(sec_ch_ua_platform_version));
    else
        os = agent_os(a, agent, &version);
    if (sec_ch_ua_platform.p && str_eq(os, STR("windows")))
        version = windows_version(version);
    hint(&h, STR("os"), os);
    hint(&h, STR("os_version"), version);
    if (!read_brands(&h, a, str_upto(sec_ch_ua, 512)))
        read_agent_browser(&h, a, agent);
    struct device_fact *facts = arena_array(a, struct device_fact, 4);
    memcpy(facts, h.facts, h.n * sizeof *facts);
    *out = (struct device){.facts = facts, .n_facts = h.n, .seen_s = now_s};
    return h.n > 0;
}
