/* Fuzz target: any bytes as one policy file. Neither crash nor leak, and a refusal says why. */
#include "fuzz.h"

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct doc_file file = {STR("fuzz.yaml"), {(const char *)data, n}};
    struct policy_load_in in = {
        .files = &file, .n_files = 1, .has_geoip = true, .now_s = 1795600000};
    struct findings f;
    findings_init(&f);
    struct policy *p = policy_load(&in, &f);
    MUST((p != NULL) == (f.errors == 0));
    if (p) {
        struct policy_test_totals totals;
        policy_test_run(p, &f, &totals);
        policy_app_find(p, STR("wiki.corp.example"));
    }
    policy_unref(&p);
    findings_finish(&f);
    return 0;
}
