/* curl_load: see curl_load.h. Once per process and never unloaded. */
#include "proxy/net/curl_load.h"

#include <dlfcn.h>
#include <pthread.h>

static struct curl_table table;
static struct fail why_not;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool find(void *library, const char *name, void *slot)
{
    void *found = dlsym(library, name);
    memcpy(slot, &found, sizeof found); /* ISO C has no cast from data to function */
    return found || fail_set(&why_not, FAIL_UNSUPPORTED, "libcurl has no %s", name);
}

static void load(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fail_set(&why_not, FAIL_UNSUPPORTED, "cannot load libcurl: %s", dlerror());
        return;
    }
#define CURL_FIND(name)                                                                            \
    if (!find(library, #name, &table.name))                                                        \
        return;
    CURL_FUNCTIONS(CURL_FIND)
#undef CURL_FIND
    if (table.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail_set(&why_not, FAIL_UNSUPPORTED, "libcurl cannot be initialised");
}

const struct curl_table *curl_load(struct fail *f)
{
    pthread_once(&once, load);
    if (why_not.code == FAIL_NONE)
        return &table;
    if (f)
        *f = why_not;
    return NULL;
}
