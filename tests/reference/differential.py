#!/usr/bin/python3
"""policy/ in C against the reference interpreter: rule sets and facts at random, fixed seeds.

  differential.py --driver BUILD/tests/reference/policy_driver [--count N] [--seed N]

A difference is shrunk and printed as a set and a line of facts that the driver takes."""

import functools
import sys
import time

import generate
import harness
import reference

PER_SET = 200
# Some sets have so many rules on an app that the C keeps them otherwise, and few have still more.
WIDE_EVERY, WIDE_RULES = 50, 140
VERY_WIDE_EVERY, VERY_WIDE_RULES, VERY_WIDE_FACTS = 100, 1000, 20


def facts_of(seed):
    return VERY_WIDE_FACTS if seed % VERY_WIDE_EVERY == 0 else PER_SET


def seeds_for(seed, count):
    """As many sets as have at least that many decisions."""
    last = first = seed * 1000000
    while count > 0:
        count -= facts_of(last)
        last += 1
    return range(first, last)


def one_set(driver, shrink, seed):
    """(decisions compared, how many of each reason, failures)"""
    maker = generate.Maker(seed)
    is_very_wide = seed % VERY_WIDE_EVERY == 0
    if is_very_wide:
        maker.path_share = .8
        maker.effects = maker.effects if seed % (2 * VERY_WIDE_EVERY) else ['allow']    # or all is denied
        files = maker.policy_set(VERY_WIDE_RULES, VERY_WIDE_RULES)
    else:
        files = maker.policy_set(WIDE_RULES, 2 * WIDE_RULES) if seed % WIDE_EVERY == 0 else maker.policy_set()
    texts = generate.set_texts(files)
    facts = [maker.facts(files) for _ in range(facts_of(seed))]
    policy = reference.Policy(texts)
    reasons, failures = {}, []
    try:
        answers = harness.run_driver(driver, texts, facts)
    except (harness.Refused, RuntimeError) as e:
        return 0, {}, [f'seed {seed}: {e}']
    for asked, answer in zip(facts, answers):
        reasons[answer['reason']] = reasons.get(answer['reason'], 0) + 1
        if not failures and harness.difference(policy, asked, answer):
            failures.append(f'seed {seed}: ' + harness.reproduction(driver, files, asked, shrink))
    return len(answers), reasons, failures


def main():
    o = harness.options(__doc__, count=200000, seed=1, stop=3, shrink=20)
    begin, total, reasons, failures = time.monotonic(), 0, {}, []
    sets = functools.partial(one_set, o.driver, o.shrink)
    for n, said, failed in harness.spread(sets, seeds_for(o.seed, o.count), o.jobs):
        total += n
        failures += failed
        for reason, k in said.items():
            reasons[reason] = reasons.get(reason, 0) + k
        if len(failures) >= o.stop:
            break
    shares = ', '.join(f'{r} {k}' for r, k in sorted(reasons.items(), key=lambda x: -x[1]))
    harness.finish(failures, f'{total} decisions compared in {time.monotonic() - begin:.0f} s ({shares}); '
                             f'{len(failures)} sets with a difference')


if __name__ == '__main__':
    sys.exit(main())
