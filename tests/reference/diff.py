#!/usr/bin/python3
"""`policy diff` is held to its word, by pairs of sets of which the second has one thing changed.

  same      no request found at random is decided otherwise
  narrower  no request found at random gains by the new set
  wider     the witness gains: decided by the C and by the interpreter, with each set
  loses     the same for what the witness loses

What is decided is the effect and, of an allow, the obligations. "undecided" promises nothing and is counted, and how
often a request at random gains there."""

import collections
import copy
import functools
import json
import os
import subprocess
import sys
import tempfile
import time

import generate
import harness
import reference

PER_PAIR = 400
PARTS = ('device', 'auth', 'from', 'when', 'session', 'approval', 'purpose', 'break_glass', 'starts', 'expires',
         'on_missing', 'mode')


def rules_of(files):
    return [(doc['rules'], i) for doc in files.values() for i in range(len(doc.get('rules', ())))]


# ---- one thing changed -------------------------------------------------------------------------

class Change:
    """Each method changes one thing in place; its name is told."""

    def __init__(self, maker, files):
        self.maker, self.r, self.files = maker, maker.r, files
        self.requires = [rules[i]['id'] for rules, i in rules_of(files) if rules[i]['effect'] == 'require']

    def rule(self):
        rules, i = self.r.choice(rules_of(self.files))
        return rules[i]

    def fresh(self, rule):
        return self.maker.rule(rule['id'], rule['effect'], self.requires)

    def part_dropped(self):
        rule = self.rule()
        rule.pop(self.r.choice([k for k in PARTS if k in rule] or ['mode']), None)

    def part_replaced(self):
        rule, key = self.rule(), None
        for _ in range(50):
            other = self.fresh(rule)
            key = self.r.choice([k for k in PARTS + ('who', 'to') if k in other])
            if other.get(key) != rule.get(key):
                break
        rule[key] = other[key]

    def leaf(self):
        rules, i = self.r.choice(rules_of(self.files))
        rules[i] = {**self.maker.twin(rules[i]), 'id': rules[i]['id']}

    def one_less(self):
        """An item of a list, or a key of a mapping, gone."""
        nodes = [n for n in nodes_of(self.rule()) if isinstance(n, (list, dict)) and len(n) > 1]
        node = self.r.choice(nodes)
        del node[self.r.choice(list(node) if isinstance(node, dict) else range(len(node)))]

    def one_more(self):
        nodes = [n for n in nodes_of(self.rule()) if isinstance(n, list) and n and isinstance(n[0], str)]
        if nodes:
            node = self.r.choice(nodes)
            words = next((w for w in (generate.GROUPS + generate.ALIASES, generate.GLOBS, generate.METHODS,
                                      generate.MAILS, generate.DOMAINS, generate.NETWORKS, generate.COUNTRIES, generate.AMR,
                                      generate.WINDOWS, generate.WEEKDAYS, generate.SOURCES, generate.OSES)
                          if node[0] in w), node)
            node.append(self.r.choice([w for w in words if w not in node] or node))

    def rule_gone(self):
        rules, i = self.r.choice(rules_of(self.files))
        del rules[i]

    def rule_added(self):
        rules, _ = self.r.choice(rules_of(self.files))
        rules.append(self.maker.rule('added', self.r.choice(['allow', 'allow', 'require', 'deny']), self.requires))

    def ids_swapped(self):
        """Two rules take each other's name: only what a grant names may follow it."""
        a, b = self.rule(), self.rule()
        a['id'], b['id'] = b['id'], a['id']

    def session(self):
        self.rule_with_terms()['session'] = self.maker.session()

    def rule_with_terms(self):
        found = [rules[i] for rules, i in rules_of(self.files) if rules[i]['effect'] != 'deny']
        return self.r.choice(found or [{}])

    def definition(self):
        define = self.files['00-base.yaml']['define']
        name = self.r.choice(['devices', 'schedules', 'networks', 'groups'])
        define[name] = {'devices': lambda: {'good': self.maker.device(), 'best': define['devices']['best']},
                        'schedules': lambda: {**define['schedules'], 'work': self.maker.schedule()},
                        'networks': lambda: {**define['networks'], 'office': self.maker.some(generate.NETWORKS, 2)},
                        'groups': lambda: {**define['groups'], 'staff': self.maker.some(['g1', 'g2', 'g3'])}}[name]()

    def app(self):
        apps = self.files['00-base.yaml']['apps']
        web, wiki = apps[0], apps[1]
        self.r.choice([
            lambda: wiki.update(path_case=self.r.choice(['sensitive', 'insensitive'])),
            lambda: wiki.update(path_params=self.r.choice(['refuse', 'pass'])),
            lambda: web.update(public_paths=self.maker.some(generate.GLOBS, 2)),
            lambda: web.update(host='y.corp.example'),              # the wildcard takes its host
            lambda: wiki.update(host='web2.corp.example'),
            lambda: web.update(aliases=['x.corp.example']),         # and gives one up
            lambda: apps[2].update(logins=['root', 'admin']),
        ])()

    def nothing(self):
        """Order, names of files and of rules that no grant names."""
        for doc in self.files.values():
            self.r.shuffle(doc.get('rules', []))


def nodes_of(node):
    yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes_of(child)


CHANGES = [name for name in vars(Change) if not name.startswith('_') and name not in ('rule', 'fresh', 'rule_with_terms')]


def tidy(files):
    return {name: {k: v for k, v in doc.items() if k != 'rules' or v} for name, doc in files.items()}


# ---- what is told ------------------------------------------------------------------------------

def run_diff(driver, old, new):
    with tempfile.TemporaryDirectory(prefix='policy-') as folder:
        for name, files in (('old', old), ('new', new)):
            os.mkdir(os.path.join(folder, name))
            for file, text in generate.set_texts(files).items():
                with open(os.path.join(folder, name, file), 'w', encoding='utf-8') as out:
                    out.write(text)
        done = subprocess.run([driver, '--diff', '--now', str(harness.NOW), os.path.join(folder, 'old'),
                               os.path.join(folder, 'new')], capture_output=True, text=True)
    if done.returncode == 1 and 'Sanitizer' not in done.stderr:
        raise harness.Refused(done.stderr)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return {line['app']: line for line in map(json.loads, done.stdout.splitlines())}


def looser(new, old):
    """A session that lasts longer, is not recorded or may do more."""
    longer = [k for k in ('max_s', 'idle_s') if old[k] and not 0 < new[k] <= old[k]]
    may = [k for k in ('clipboard', 'file_transfer', 'port_forwarding') if new[k] and not old[k]]
    return longer or may or old['record'] and not new['record']


def gains(old, new):
    return new['effect'] == 'allow' and (old['effect'] != 'allow' or looser(new['obligations'], old['obligations']))


def same(old, new):
    return old['effect'] == new['effect'] and (old['effect'] != 'allow' or old['obligations'] == new['obligations'])


def request_of(witness):
    """The facts of a witness, asked as its request is written."""
    facts = dict(witness['facts'])
    request = {'from': facts.pop('from')}
    if facts.get('country'):
        request['country'] = facts.pop('country')
    kind, rest = witness['request'].split(' ', 1)
    if kind == 'ssh' and '@' in rest and not rest.startswith('https://'):
        login, app = rest.split('@')
        request.update(protocol='ssh', login=login, app=app)
    elif kind == 'rdp' and not rest.startswith('https://'):
        request.update(protocol='rdp', app=rest)
    else:
        host, path = rest[len('https://'):].split('/', 1)
        request.update(method=kind, host=host, target='/' + path)
    return {**facts, 'request': request}


def of_reference(policy, facts):
    v = policy.decide(facts)
    return {'effect': v.effect, 'obligations': v.obligations}


def pair(driver, seed):
    """(what was told, how often; or a failure)."""
    maker = generate.Maker(seed)
    old = maker.policy_set(1, 6)
    new = copy.deepcopy(old)
    name = maker.r.choice(CHANGES)
    try:
        getattr(Change(maker, new), name)()
    except (IndexError, KeyError):
        return collections.Counter(), None, None
    new = tidy(new)
    try:
        told = run_diff(driver, old, new)
    except harness.Refused:
        return collections.Counter(refused=1), None, None
    texts = [generate.set_texts(files) for files in (old, new)]
    counts = collections.Counter(app['change'] for app in told.values())
    fails = witness_fails(driver, texts, told) or random_fails(driver, maker, (old, new), texts, told, counts)
    counts.update(f'undecided by {name}' for app in told.values() if app['change'] == 'undecided')
    return counts, fails and f'seed {seed}, {name}: {fails}', (old, new)


def witness_fails(driver, texts, told):
    asked = [(app['app'], way, request_of(app[way])) for app in told.values() for way in ('gains', 'loses') if app[way]]
    facts = [f for _, _, f in asked]
    said = [harness.run_driver(driver, t, facts) for t in texts] if facts else [[], []]
    policies = [reference.Policy(t) for t in texts]
    for (app, way, f), *c in zip(asked, *said):
        for before, after in (c, [of_reference(p, f) for p in policies]):
            if not (gains(before, after) if way == 'gains' else gains(after, before)):
                return f'the witness of {app} does not show who {way}: {json.dumps(f)}\n  before {before}\n  after {after}'
    for app in told.values():
        if (app['change'] == 'wider') != bool(app['gains']):
            return f'{app["app"]} is {app["change"]} with gains {app["gains"]}'
    return None


def random_fails(driver, maker, sets, texts, told, counts):
    missed = set()
    both = {f'{i}-{name}': doc for i, files in enumerate(sets) for name, doc in files.items()}
    facts = [maker.facts(both) for _ in range(PER_PAIR)]
    for f, before, after in zip(facts, *[harness.run_driver(driver, t, facts) for t in texts]):
        app = f['request'].get('app')
        changes = {told[app]['change']} if app else {a['change'] for a in told.values()}
        if changes == {'same'} and not same(before, after):
            return f'"same", but {json.dumps(f)}\n  before {before}\n  after {after}'
        if changes <= {'same', 'narrower'} and gains(before, after):
            return f'"narrower", but {json.dumps(f)}\n  before {before}\n  after {after}'
        if changes == {'undecided'} and gains(before, after):
            missed.add(app)
    counts['missed'] += len(missed)
    return None


def one(driver, seed):
    counts, failure, sets = pair(driver, seed)
    if failure:
        failure += '\n' + '\n'.join(f'--- {which}/{name}\n{text}' for which, files in zip(('old', 'new'), sets)
                                    for name, text in generate.set_texts(files).items())
    return counts, failure


def main():
    o = harness.options(__doc__, pairs=400, seed=3)
    begin, counts, failures = time.monotonic(), collections.Counter(), []
    for counted, failure in harness.spread(functools.partial(one, o.driver),
                                           [o.seed * 1000000 + i for i in range(o.pairs)], o.jobs):
        counts += counted
        failures += [failure] if failure else []
    told = ', '.join(f'{counts[k]} {k}' for k in ('same', 'narrower', 'wider', 'undecided'))
    why = ', '.join(f'{v} {k[len("undecided "):]}' for k, v in counts.most_common() if ' by ' in k)
    harness.finish(failures, f'{o.pairs} pairs: {told} apps (where a request at random gains, {counts["missed"]}; {why}); '
                   f'{counts["refused"]} refused, {time.monotonic() - begin:.0f} s; {len(failures)} broken')


if __name__ == '__main__':
    sys.exit(main())
