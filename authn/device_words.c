/* device_words: see device_words.h. The names are those of the policy language. */
#include "authn/device_words.h"

#include <time.h>

#include "base/encode.h"
#include "base/findings.h"

static const struct {
    str name;
    enum device_word word;
} words[] = {
    {STR("managed"), WORD_FLAG},
    {STR("compliant"), WORD_FLAG},
    {STR("disk_encrypted"), WORD_FLAG},
    {STR("firewall"), WORD_FLAG},
    {STR("screen_lock"), WORD_FLAG},
    {STR("secure_boot"), WORD_FLAG},
    {STR("edr_running"), WORD_FLAG},
    {STR("jailbroken"), WORD_FLAG},
    {STR("os"), WORD_NAME},
    {STR("os_version"), WORD_VERSION},
    {STR("browser"), WORD_NAME},
    {STR("browser_version"), WORD_VERSION},
    {STR("patch_level"), WORD_DATE},
    {STR("ownership"), WORD_TEXT},
    {STR("key_protection"), WORD_TEXT},
    {STR("risk"), WORD_RISK},
};
enum { N_WORDS = sizeof words / sizeof *words };

static bool has_control(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return true;
    return false;
}

static bool is_line(str s, size_t most)
{
    return s.n > 0 && s.n <= most && !has_control(s) && utf8_valid(s);
}

bool device_id_is_good(str id)
{
    return is_line(id, DEVICE_ID_MAX);
}

enum device_word device_word_find(str attribute)
{
    for (size_t i = 0; i < N_WORDS; i++)
        if (str_eq(attribute, words[i].name))
            return words[i].word;
    size_t dot = str_find(attribute, '.');
    bool is_free = dot > 0 && dot + 1 < attribute.n && is_line(attribute, DEVICE_WORD_MAX);
    return is_free ? WORD_FREE : WORD_NONE;
}

str device_word_nearest(str attribute)
{
    str names[N_WORDS];
    for (size_t i = 0; i < N_WORDS; i++)
        names[i] = words[i].name;
    return findings_nearest(attribute, names, N_WORDS);
}

static bool is_flag(str s)
{
    return str_eq(s, STR("true")) || str_eq(s, STR("false"));
}

static bool is_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return s.n > 0 && s.n <= 32;
}

static bool is_version(str s)
{
    uint64_t v;
    while (s.p) {
        str part = str_cut(&s, '.');
        if (part.n == 0 || part.n > 9 || !str_to_u64(part, 999999999, &v))
            return false;
    }
    return true;
}

static bool is_date(str s)
{
    int64_t at;
    char whole[] = "0000-00-00T00:00:00Z";
    if (s.n != 10)
        return false;
    memcpy(whole, s.p, 10);
    return device_instant(str_of(whole), &at);
}

static bool is_risk(str s)
{
    uint64_t v;
    bool is_json = s.n == 1 || (s.n && s.p[0] != '0'); /* records write it as it is */
    return is_json && str_to_u64(s, 100, &v);
}

static bool fits(enum device_word word, str s, const char **why)
{
    switch (word) {
    case WORD_FLAG:
        *why = "must be true or false";
        return is_flag(s);
    case WORD_NAME:
        *why = "must be a name in lower case, such as macos or chrome";
        return is_name(s);
    case WORD_VERSION:
        *why = "must be numbers with dots, such as 14.10";
        return s.n <= 64 && is_version(s);
    case WORD_DATE:
        *why = "must be a date, such as 2026-11-01";
        return is_date(s);
    case WORD_RISK:
        *why = "must be a whole number from 0 to 100";
        return is_risk(s);
    case WORD_TEXT:
    case WORD_FREE:
        *why = "must be one line of at most 256 bytes";
        return is_line(s, DEVICE_VALUE_MAX);
    case WORD_NONE:
        break;
    }
    *why = "is no attribute of a device";
    return false;
}

static enum claim_kind kind_of(enum device_word word)
{
    return word == WORD_FLAG ? CLAIM_BOOL : word == WORD_RISK ? CLAIM_NUMBER : CLAIM_STRING;
}

bool device_word_read(enum device_word word, str text, struct device_fact *out,
                      const char **why_out)
{
    if (!fits(word, text, why_out))
        return false;
    out->kind = kind_of(word);
    out->text = text;
    return true;
}

bool device_word_take(enum device_word word, enum claim_kind kind, str text,
                      struct device_fact *out)
{
    const char *why;
    bool is_scalar = kind == CLAIM_STRING || kind == CLAIM_NUMBER || kind == CLAIM_BOOL;
    if (word == WORD_NONE || !is_scalar || !is_line(text, DEVICE_VALUE_MAX))
        return false;
    /* Providers write "true" where they mean true. */
    if (kind == CLAIM_STRING && word != WORD_FREE && fits(word, text, &why))
        kind = kind_of(word);
    out->kind = kind;
    out->text = text;
    return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool digits(str *s, size_t n, char after, int *out)
{
    uint64_t v;
    if (s->n < n + (after != 0) || !str_to_u64(str_upto(*s, n), 9999, &v) ||
        (after && s->p[n] != after))
        return false;
    *s = str_from(*s, n + (after != 0));
    *out = (int)v;
    return true;
}

static bool offset(str s, int *out_s)
{
    int hours, minutes;
    char sign = s.n ? s.p[0] : 0;
    *out_s = 0;
    if (s.n == 1 && (sign == 'Z' || sign == 'z'))
        return true;
    s = str_from(s, 1);
    if ((sign != '+' && sign != '-') || !digits(&s, 2, ':', &hours) ||
        !digits(&s, 2, 0, &minutes) || s.n || hours > 23 || minutes > 59)
        return false;
    *out_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

bool device_instant(str s, int64_t *out_s)
{
    struct tm tm = {0};
    int year, month, east_s;
    if (!digits(&s, 4, '-', &year) || !digits(&s, 2, '-', &month) ||
        !digits(&s, 2, 'T', &tm.tm_mday) || !digits(&s, 2, ':', &tm.tm_hour) ||
        !digits(&s, 2, ':', &tm.tm_min) || !digits(&s, 2, 0, &tm.tm_sec))
        return false;
    if (s.n && s.p[0] == '.')
        for (s = str_from(s, 1); s.n && s.p[0] >= '0' && s.p[0] <= '9';)
            s = str_from(s, 1);
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    struct tm wanted = tm;
    int64_t at = timegm(&tm);
    /* timegm takes the 31st of June for the 1st of July. */
    bool is_real = tm.tm_mday == wanted.tm_mday && tm.tm_mon == wanted.tm_mon &&
                   tm.tm_hour == wanted.tm_hour && tm.tm_min == wanted.tm_min;
    if (!is_real || !offset(s, &east_s))
        return false;
    *out_s = at - east_s;
    return true;
}
