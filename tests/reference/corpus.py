#!/usr/bin/python3
"""The loaders agree: every good policy file of the project loads in the C and in the interpreter,
and the two decide alike on each, on facts made of its own names.

  corpus.py --driver DRIVER --root CHECKOUT"""

import glob
import os
import re
import sys

import generate
import harness
import reference

PER_SET = 60


def read(path):
    with open(path, encoding='utf-8', newline='') as f:
        return f.read()


def golden(path):
    """The files of a golden case: one, or several after lines "#=== NAME"; None when it is refused."""
    if not read(path[:-5] + '.txt').rstrip().endswith('-- loaded'):
        return None
    pieces = re.split(r'(?m)^#=== (.*)\n', read(path))
    files = dict(zip(pieces[1::2], pieces[2::2]))
    return files or {'a.yaml': pieces[0]}


def sets(root):
    for folder in ('policies', 'tests/demo/policies', 'tests/e2e/policies'):
        found = glob.glob(os.path.join(root, folder, '*.yaml'))
        if found:
            yield folder, {os.path.basename(p): read(p) for p in found}
    for path in sorted(glob.glob(os.path.join(root, 'tests/unit/policy/golden/*.yaml'))):
        files = golden(path)
        if files:
            yield os.path.basename(path), files


def words(node, key=None):
    """{key: every text below it}"""
    out = {}
    if isinstance(node, dict):
        for k, v in node.items():
            for name, found in words(v, k).items():
                out.setdefault(name, set()).update(found)
    elif isinstance(node, list):
        for v in node:
            for name, found in words(v, key).items():
                out.setdefault(name, set()).update(found)
    elif node is not None:
        out[key] = {str(node)}
    return out


def facts_of(policy, files):
    """The usual random facts, with the apps, paths and groups that the set itself names."""
    maker, named = generate.Maker(len(files)), {}
    for text in files.values():
        for key, found in words(reference.read_yaml(text)).items():
            named.setdefault(key, set()).update(found)
    groups = sorted(named.get('groups', set()) | {'g1'})
    mails = sorted(named.get('users', set()) | named.get('user', set()) | {'kim@acme.example'})
    globs = [p for k in ('paths', 'except', 'public_paths') for p in named.get(k, ()) if p.startswith('/')]
    paths = [re.sub(r'\*+', 'x', p) for p in globs]
    rules = {'a.yaml': {'rules': [{'id': r} for r in policy.rules]}}
    for _ in range(PER_SET):
        f = maker.facts(rules)
        app = maker.one(sorted(policy.apps.values(), key=lambda a: a.name))
        request = {k: v for k, v in f['request'].items() if k in ('from', 'country')}
        request.update(app=app.name, protocol=app.protocol)
        if app.protocol == 'http':
            path = reference.normalise(maker.one(sorted(paths) + ['/'])) or '/'
            request.update(method=maker.one(generate.METHODS), path=path)
        if app.protocol == 'ssh':
            request['login'] = maker.one([*app.logins, 'other'])
        f['request'] = request
        if f.get('identity'):
            f['identity'] = {**f['identity'], 'email': maker.one(mails),
                             'groups': [str(g) for g in maker.r.sample(groups, min(2, len(groups)))]}
        yield f


def main():
    o = harness.options(__doc__, root='.')
    loaded, compared, unread, failures = 0, 0, [], []
    for name, files in sets(o.root):
        try:
            policy = reference.Policy(files)
        except (ValueError, LookupError, TypeError, AttributeError) as e:
            failures.append(f'{name}: the interpreter says {type(e).__name__}: {e}')
            continue
        facts = list(facts_of(policy, files)) if policy.apps else []
        try:
            answers = harness.run_driver(o.driver, files, facts)
        except harness.Refused as e:
            failures.append(f'{name}: the C says {e}')
            continue
        loaded += 1
        compared += len(facts)
        for f, c in zip(facts, answers):
            try:
                found = harness.difference(policy, f, c)
            except re.error:                        # PCRE2 has words that Python's expressions do not have
                unread.append(name)
                break
            if found:
                failures.append(f'{name}: {found}\n{f}')
                break
    harness.finish(failures, f'{loaded} sets loaded by both, {compared} decisions compared; {len(failures)} differ; '
                             f'with expressions that Python does not read: {", ".join(unread) or "none"}')


if __name__ == '__main__':
    sys.exit(main())
