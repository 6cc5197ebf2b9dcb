/* fuzz: the entry of a fuzz target. libFuzzer calls it, or replay.c for every corpus file. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A property that must hold whatever the input is. */
#define MUST(property) ((property) ? (void)0 : abort())

#endif
