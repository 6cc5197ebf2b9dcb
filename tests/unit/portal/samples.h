/* samples: one of every page that people see, with what is likely in it: for the tests, and to be
 * looked at (draw_pages). */
#ifndef TESTS_UNIT_PORTAL_SAMPLES_H
#define TESTS_UNIT_PORTAL_SAMPLES_H

#include "proxy/portal/pages.h"

struct sample {
    const char *name;
    struct page (*make)(struct arena *a, const struct page_env *env);
};
extern const struct sample samples[];
extern const size_t n_samples;

/* The environment of the samples. */
struct page_env sample_env(enum page_language language);
/* The text that stands for everything that came from outside; NULL: likely ones. */
extern const char *sample_evil;

#endif
