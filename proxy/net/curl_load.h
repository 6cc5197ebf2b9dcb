/* libcurl, loaded when the first fetch needs it: it and its thirty libraries take 4.6 MB of
 * resident memory, which a proxy with keys in files never needs. Of this folder only. */
#ifndef PROXY_NET_CURL_LOAD_H
#define PROXY_NET_CURL_LOAD_H

#define CURL_DISABLE_TYPECHECK /* the macros would name the functions that we do not link */
#include <curl/curl.h>

#include "base/fail.h"

/* X(name): every function that fetch calls. */
#define CURL_FUNCTIONS(X)                                                                          \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_header)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_free)                                                                                   \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_assign)                                                                           \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_setopt)                                                                           \
    X(curl_multi_socket_action)                                                                    \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_url)                                                                                    \
    X(curl_url_cleanup)                                                                            \
    X(curl_url_get)                                                                                \
    X(curl_url_set)

/* The members carry the library's own names, so that a grep finds them. */
#define CURL_MEMBER(name) __typeof__(name) *name;
struct curl_table {
    CURL_FUNCTIONS(CURL_MEMBER)
};
#undef CURL_MEMBER

/* NULL and fail when it is not installed. Any thread. */
const struct curl_table *curl_load(struct fail *f);

#endif
