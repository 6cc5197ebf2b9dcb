/* agent: a User-Agent field as people say it: browser and system. A guess for a list, never a fact
 * to decide on. */
#ifndef PROXY_PORTAL_AGENT_H
#define PROXY_PORTAL_AGENT_H

#include "base/str.h"

struct agent {
    str browser, system; /* absent: not known */
    bool is_hand_held;
};
struct agent agent_of(str user_agent);

#endif
