/* See agent.h. */
#include "proxy/portal/agent.h"

struct sign {
    const char *mark, *name;
};

static str first_of(str text, const struct sign *signs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_contains(text, str_of(signs[i].mark)))
            return str_of(signs[i].name);
    return (str){NULL, 0};
}

struct agent agent_of(str user_agent)
{
    /* Every browser claims to be its forebears: the youngest name first. */
    static const struct sign browsers[] = {
        {"Edg", "Edge"},         {"OPR/", "Opera"},     {"SamsungBrowser/", "Samsung Internet"},
        {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
        {"Chrome/", "Chrome"},   {"Safari/", "Safari"}, {"curl/", "curl"},
    };
    static const struct sign systems[] = {
        {"iPhone", "iOS"},      {"iPad", "iPadOS"},    {"Android", "Android"}, {"CrOS", "ChromeOS"},
        {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
    };
    str head = str_upto(user_agent, 512);
    return (struct agent){
        .browser = first_of(head, browsers, sizeof browsers / sizeof *browsers),
        .system = first_of(head, systems, sizeof systems / sizeof *systems),
        .is_hand_held = str_contains(head, STR("Mobile")) || str_contains(head, STR("Android")),
    };
}
