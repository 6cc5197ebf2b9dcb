"""What the tests of this folder share: the driver, the comparison, shrinking and the two cores."""

import argparse
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

import generate
import reference

MAX_REPORTED = 8            # POLICY_MAX_REPORTED
NOW = 20600 * 86400         # when the sets are loaded, among the moments of generate.py
NEAR = 7 * 86400            # a decision may be asked for again this early, whatever its facts


class Refused(Exception):
    pass


def options(description, **defaults):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--driver', default=os.environ.get('POLICY_DRIVER'), required='POLICY_DRIVER' not in os.environ)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    for name, value in defaults.items():
        parser.add_argument('--' + name, type=type(value), default=value)
    return parser.parse_args()


def run_driver(driver, texts, facts, now=NOW):
    """The decisions of the C for files {name: text} and a list of facts; Refused when it does not load them."""
    with tempfile.TemporaryDirectory(prefix='policy-') as folder:
        for name, text in texts.items():
            with open(os.path.join(folder, name), 'w', encoding='utf-8') as out:
                out.write(text)
        lines = '\n'.join(json.dumps(f) for f in facts) + '\n' if facts else ''
        done = subprocess.run([driver, '--now', str(now), folder], input=lines, capture_output=True, text=True)
    if done.returncode == 1 and 'Sanitizer' not in done.stderr:
        raise Refused('\n'.join(line for line in done.stderr.split('\n') if ': error: ' in line) or done.stderr)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(answers) != len(facts):
        raise RuntimeError(f'the driver ended with {done.returncode} after {len(answers)} of {len(facts)}: {done.stderr[-3000:]}')
    return answers


def same(a, b):
    return (a.effect, a.reason, a.rules, a.obligations) == (b.effect, b.reason, b.rules, b.obligations)


def at(facts, t):
    moved = {k: v for k, v in facts.items() if k != 'now_us'}
    return {**moved, 'now_s': t}


def rules_differ(listed, total, wanted):
    if total != len(wanted):
        return True
    return set(listed) != wanted if total <= MAX_REPORTED else not (len(listed) == MAX_REPORTED and set(listed) <= wanted)


def until_differs(policy, facts, verdict, until):
    """The order in which facts are looked at is free, and so is which of two false atoms refuses: any of the
    edges will do, as long as nothing changes before it. 0 is never."""
    now = facts['now_us'] // 1000000 if 'now_us' in facts else facts['now_s']
    if until and until not in verdict.edges and until - now < NEAR:
        return f'valid_until {until} is no edge of {verdict.edges}'
    if verdict.effect == 'allow' and verdict.bounds and not 0 < until <= min(verdict.bounds):
        return f'valid_until {until} is past the end of the visit {min(verdict.bounds)}'
    for edge in verdict.edges:
        if (not until or edge < until) and not same(policy.decide(at(facts, edge)), verdict):
            return f'valid_until {until}, but at {edge} the decision is another'
    return None


def difference(policy, facts, c):
    """What the C says otherwise, or None."""
    v = policy.decide(facts)
    said = []
    for key in ('effect', 'reason', 'obligations'):
        if c[key] != getattr(v, key):
            said.append(f'{key}: reference {getattr(v, key)}, C {c[key]}')
    if rules_differ(c['rules'], c['n_rules'], v.rules):
        said.append(f'rules: reference {sorted(v.rules)}, C {c["rules"]}')
    if set(c['causes']) != v.causes:
        said.append(f'causes: reference {sorted(v.causes)}, C {sorted(c["causes"])}')
    would = c['would']
    if bool(would) != bool(v.would) or would and ((would['effect'], would['reason']) != (v.would.effect, v.would.reason) or
                                                  rules_differ(would['rules'], min(len(v.would.rules), MAX_REPORTED),
                                                               v.would.rules) and len(v.would.rules) <= MAX_REPORTED):
        said.append(f'would: reference {v.would and (v.would.effect, v.would.reason, sorted(v.would.rules))}, C {would}')
    if not said:
        until = until_differs(policy, facts, v, c['valid_until'])
        said += [until] if until else []
    return '; '.join(said) or None


# ---- shrinking ---------------------------------------------------------------------------------

def smaller(node):
    """Every copy of a tree with one thing left out."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        rest = copy.copy(node)
        del rest[key]
        yield rest
    for key in keys:
        for child in smaller(node[key]):
            rest = copy.copy(node)
            rest[key] = child
            yield rest


def differs(driver, files, facts):
    try:
        texts = generate.set_texts(files)
        policy = reference.Policy(texts)
        return difference(policy, facts, run_driver(driver, texts, [facts])[0])
    except (Refused, RuntimeError, LookupError, ValueError, TypeError, AttributeError):
        return None


def shrink(driver, files, facts, seconds):
    """The smallest set and facts at which the two still differ; for a while."""
    end, shrunk = time.monotonic() + seconds, True
    kind = differs(driver, files, facts).split(':')[0]
    while shrunk and time.monotonic() < end:
        shrunk = False
        for candidate in [(s, facts) for s in smaller(files)] + [(files, s) for s in smaller(facts)]:
            if time.monotonic() > end:
                break
            if (differs(driver, *candidate) or '').split(':')[0] == kind:
                (files, facts), shrunk = candidate, True
                break
    return files, facts


def reproduction(driver, files, facts, seconds):
    files, facts = shrink(driver, files, facts, seconds)
    out = [f'{differs(driver, files, facts)}']
    out += [f'--- {name}\n{text}' for name, text in generate.set_texts(files).items()]
    return '\n'.join(out + ['--- facts', json.dumps(facts)])


# ---- cores -------------------------------------------------------------------------------------

def spread(work, items, jobs):
    """The results of work(item), in any order."""
    if jobs <= 1:
        yield from map(work, items)
        return
    with multiprocessing.Pool(jobs) as pool:
        yield from pool.imap_unordered(work, items)


def finish(failures, line):
    print(line)
    for failure in failures[:5]:
        print('\n' + failure)
    sys.exit(1 if failures else 0)
