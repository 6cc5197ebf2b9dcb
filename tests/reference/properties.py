#!/usr/bin/python3
"""What the language promises of every set, asked of the C and of the interpreter alike:

  dropped   dropping facts never turns a deny into an allow (rules with on_missing: ignore aside)
  order     the order of rules, files, facts and lists never matters
  audit     rules of mode: audit change nothing
  wins      a firing deny always wins
  merge     obligations do not depend on the order in which rules state them
"""

import copy
import functools
import itertools
import sys
import time

import generate
import harness
import reference

PER_SET = 60


def rules_of(files):
    return [r for doc in files.values() for r in doc.get('rules', ())]


def without_rules(files, gone):
    out = {}
    for name, doc in files.items():
        out[name] = {**doc, 'rules': [r for r in doc.get('rules', ()) if not gone(r)]}
        if not out[name]['rules']:
            del out[name]['rules']
    return out


def both(driver, files, facts):
    """[(of the C, of the interpreter)] in one form."""
    texts = generate.set_texts(files)
    policy = reference.Policy(texts)
    out = []
    for f, c in zip(facts, harness.run_driver(driver, texts, facts)):
        v = policy.decide(f)
        out.append((
            {k: c[k] for k in ('effect', 'reason', 'n_rules', 'causes', 'obligations', 'valid_until', 'would')},
            {'effect': v.effect, 'reason': v.reason, 'n_rules': len(v.rules), 'causes': sorted(v.causes),
             'obligations': v.obligations, 'edges': v.edges, 'would': v.would and v.would.reason}))
    return out


# ---- dropped -----------------------------------------------------------------------------------

def drop(r, facts):
    """A copy that knows less. A hint is no fact, and of two reports that disagree neither may go alone; what a
    request aims at is always known."""
    f = copy.deepcopy(facts)
    who, devices = f.get('identity'), f.get('devices', [])
    ways = [lambda: f.pop('grants', None), lambda: f.pop('purpose', None), lambda: f.update(clock_is_good=False),
            lambda: f['request'].pop('from', None), lambda: f['request'].pop('country', None),
            lambda: f.update(grants_unknown=True)]
    if who is not None:
        ways += [functools.partial(who.pop, k, None) for k in
                 ('email', 'email_verified', 'issuer_is_trusted', 'amr', 'acr', 'mfa', 'auth_time_s')]
        ways += [lambda: who.update(groups=None)] * 2
        ways += [functools.partial(who.get('claims', {}).pop, c, None) for c in generate.CLAIMS]
    attributes = sorted({x['attribute'] for d in devices for x in d['facts']})

    def forget(attribute):
        for d in devices:
            d['facts'] = [x for x in d['facts'] if x['attribute'] != attribute or x.get('is_hint')]
    ways += [functools.partial(forget, a) for a in attributes]
    for way in r.sample(ways, r.choice([1, 1, 2, 5])):
        way()
    return f


def dropped(driver, seed):
    maker = generate.Maker(seed)
    files = maker.policy_set()
    for rule in rules_of(files):
        rule.pop('on_missing', None)
    before = [maker.facts(files) for _ in range(PER_SET * 2)]
    after = [drop(maker.r, f) for f in before]
    said = both(driver, files, before + after)
    for i, f in enumerate(before):
        for a, b in zip(said[i], said[i + len(before)]):
            if a['effect'] == 'deny' and b['effect'] == 'allow':
                yield f'{f}\n  was denied ({a["reason"]}), and allowed with less:\n{after[i]}', files
    yield len(before), None


# ---- order -------------------------------------------------------------------------------------

def shuffled(r, node):
    """Lists in another order, but for those whose order has a meaning, which are none."""
    if isinstance(node, dict):
        return {k: shuffled(r, node[k]) for k in r.sample(list(node), len(node))}
    if isinstance(node, list):
        return [shuffled(r, n) for n in r.sample(node, len(node))]
    return node


def order(driver, seed):
    maker = generate.Maker(seed)
    files = maker.policy_set()
    for doc in files.values():
        doc['defaults'] = {'timezone': maker.zones[0]}      # so that a rule may move to another file
    facts = [maker.facts(files) for _ in range(PER_SET)]
    moved = without_rules(files, lambda rule: True)
    names = list(moved)
    renamed = dict(zip(names, maker.r.sample([f'{i}.yaml' for i in range(9)], len(names))))
    for rule in maker.r.sample(rules_of(files), len(rules_of(files))):
        moved[maker.r.choice(names)].setdefault('rules', []).append(shuffled(maker.r, rule))
    moved = {renamed[n]: shuffled(maker.r, doc) for n, doc in moved.items()}
    for a, b, f in zip(both(driver, files, facts), both(driver, moved, [shuffled(maker.r, f) for f in facts]), facts):
        if a != b:
            yield f'{f}\n  {a}\n  in another order {b}', moved
    yield len(facts), None


# ---- audit -------------------------------------------------------------------------------------

def audit(driver, seed):
    """A set with audited rules decides as the set without them."""
    maker = generate.Maker(seed)
    files = maker.policy_set(4, 12)
    for rule in rules_of(files):
        if maker.chance(.4):
            rule['mode'] = 'audit'
    used = {s for rule in rules_of(files) if rule.get('mode') != 'audit' and 'break_glass' in rule
            for s in rule['break_glass']['skips']}
    for rule in rules_of(files):
        if rule['id'] in used:
            rule.pop('mode', None)
    bare = without_rules(files, lambda rule: rule.get('mode') == 'audit')
    facts = [maker.facts(files) for _ in range(PER_SET)]
    for a, b, f in zip(both(driver, files, facts), both(driver, bare, facts), facts):
        for x, y in zip(a, b):
            x.pop('would')
            y.pop('would')
        if a != b:
            yield f'{f}\n  {a}\n  without the audited rules {b}', files
    yield len(facts), None


# ---- wins --------------------------------------------------------------------------------------

def wins(driver, seed):
    """Whatever else is in a set, a deny of everybody and everything is final."""
    maker = generate.Maker(seed)
    files = maker.policy_set()
    facts = [maker.facts(files) for _ in range(PER_SET)]
    maker.r.choice(list(files.values())).setdefault('rules', []).append(
        {'id': 'no', 'effect': 'deny', 'who': 'anyone', 'to': 'everything'})
    for said, f in zip(both(driver, files, facts), facts):
        for x in said:
            if x['effect'] != 'deny' or not (x['reason'] == 'deny-rule' or x['reason'] in ('auth.none', 'default-deny') or
                                             x['reason'].startswith('input:')) or x['reason'] == 'default-deny' and \
                    x['causes'] != ['to.login']:
                yield f'{f}\n  {x}', files
    yield len(facts), None


# ---- merge -------------------------------------------------------------------------------------

def merge(driver, seed):
    """Five terms in every order; each is held to the interpreter's merge of them, and that to a fold by pairs."""
    maker = generate.Maker(seed)
    terms = [maker.session() for _ in range(5)]
    effects = ['allow'] + [maker.one(['allow', 'require']) for _ in terms[1:]]
    rules = [{'id': f'm{i}', 'effect': e, 'who': 'anyone', 'to': {'apps': ['web']}, 'session': t,
              **({'from': {'networks': ['10.0.0.0/8']}} if e == 'require' else {})}
             for i, (e, t) in enumerate(zip(effects, terms))]
    base = {'version': 1, 'apps': [{'name': 'web', 'host': 'web.example', 'upstream': 'http://10.0.0.1'}]}
    ask = {'identity': {'issuer_name': 'corp'}, 'request': {'app': 'web', 'method': 'GET', 'path': '/', 'from': '10.0.0.1'},
           'now_s': harness.NOW}
    orders = maker.r.sample(list(itertools.permutations(rules)), 6)
    seen = []
    for rules in orders:
        files = {'a.yaml': {**base, 'rules': list(rules)}}
        for x in both(driver, files, [ask])[0]:
            seen.append(x['obligations'])
            if x['effect'] != 'allow' or x['obligations'] != seen[0]:
                yield f'{x} is not {seen[0]}', files
    yield len(orders), None


def one(driver, work):
    name, seed = work
    total, failures = 0, []
    for found, files in globals()[name](driver, seed):
        if isinstance(found, int):
            total += found
        elif not failures:
            texts = generate.set_texts(files)
            failures.append('\n'.join([f'{name}, seed {seed}: {found}'] + [f'--- {n}\n{t}' for n, t in texts.items()]))
    return name, total, failures


def main():
    o = harness.options(__doc__, sets=60, seed=9)
    begin, counts, failures = time.monotonic(), {}, []
    work = [(name, o.seed * 1000000 + i) for name in ('dropped', 'order', 'audit', 'wins', 'merge') for i in range(o.sets)]
    for name, n, failed in harness.spread(functools.partial(one, o.driver), work, o.jobs):
        counts[name] = counts.get(name, 0) + n
        failures += failed
    harness.finish(failures, ', '.join(f'{k} {v}' for k, v in sorted(counts.items())) +
                   f' cases of {o.sets} sets each in {time.monotonic() - begin:.0f} s; {len(failures)} broken')


if __name__ == '__main__':
    sys.exit(main())
