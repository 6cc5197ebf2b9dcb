#!/usr/bin/python3
"""The tests that stand in policy files, put to the interpreter: those of the language page, sentence by sentence, and
those of the examples. What they state as facts is read here a second time, and the C must decide alike on those facts.

  embedded.py --driver DRIVER --root CHECKOUT"""

import glob
import os
import re
import sys

import harness
import reference
from forms import moment, seconds
from reference import as_list

OWN = 'id', 'seen', 'source'
STRONG = {'mfa', 'hwk', 'otp', 'fido'}


def fact(node):
    """A plain scalar as JSON has it; text otherwise."""
    if isinstance(node, list):
        return [fact(item) for item in node]
    if isinstance(node, dict):
        return {k: fact(v) for k, v in node.items()}
    if node.plain and node in ('true', 'false'):
        return node == 'true'
    return {'number': str(node)} if node.plain and re.fullmatch(r'-?(0|[1-9]\d*)(\.\d+)?', node) else str(node)


def without(node, paths, prefix=''):
    return {k: without(v, paths, prefix + k + '.') if isinstance(v, dict) else
            [without(x, paths, prefix + k + '.') if isinstance(x, dict) else x for x in v] if isinstance(v, list) else v
            for k, v in node.items() if prefix + k not in paths}


def effective(test, named):
    while 'like' in test:
        test = {**named[test['like']], **{k: v for k, v in test.items() if k != 'like'}}
    return test


def identity(who, at):
    auth, machine = who.get('auth', {}), 'service' in who
    claims = {k: fact(v) for k, v in who.get('claims', {}).items()}
    mfa = auth['mfa'] == 'true' if 'mfa' in auth else bool(STRONG & set(auth['methods'])) if 'methods' in auth else None
    out = {'issuer': 'test', 'subject': who.get('service', who.get('user')), 'is_machine': machine,
           'issuer_name': who.get('issuer'), 'service': who.get('service'), 'email': who.get('user'),
           'email_verified': claims.get('email_verified', True) in (True, 'true'), 'claims': claims,
           'groups': who.get('groups', [] if machine else None), 'amr': auth.get('methods'), 'acr': auth.get('acr'),
           'mfa': mfa, 'auth_time_s': at - seconds(auth['age']) if 'age' in auth else None}
    return {k: v for k, v in out.items() if v is not None}


def device(node, at):
    facts = [{'attribute': k, 'value': fact(v), 'source': node.get('source'), 'seen_s': at - seconds(node.get('seen', '0s'))}
             for k, v in node.items() if k not in OWN]
    return {'facts': [{k: v for k, v in f.items() if v is not None} for f in facts]}


def request(text, policy):
    method, rest = text.split(' ', 1)
    if method == 'ssh':
        login, _, app = rest.rpartition('@')
        return {'app': app, 'protocol': 'ssh', 'login': login}
    if method == 'rdp':
        return {'app': rest, 'protocol': 'rdp'}
    host, target = re.fullmatch(r'(?:https?|wss?)://([^/?#]*)(.*)', rest.strip()).groups()
    app = policy.find(re.sub(r':\d+$', '', host).lower())
    return {'app': app.name, 'protocol': 'http', 'method': method, 'target': target if target[:1] == '/' else '/' + target}


def questions(test, policy):
    """The facts of each of its requests."""
    at = moment(test['at'], 'UTC', 0)
    base = {'now_s': at}
    if 'as' in test:
        who = without(test['as'], set(test.get('without', ())))
        base.update(identity=identity(who, at), devices=[device(d, at) for d in as_list(who.get('device', []))],
                    grants=[{'kind': kind, 'rule': str(rule), 'expires_s': at + 3600}
                            for rule in who.get('approved', ()) for kind in ('approval', 'break_glass')])
        if 'purpose' in who:
            base['purpose'] = str(who['purpose'])
    for text in as_list(test['do']):
        asked = {**base, 'request': request(text, policy)}
        if 'from' in test:
            asked['request']['from'] = str(test['from'])
        yield text, asked


def holds(verdict, expect):
    if expect == 'allow':
        return verdict.effect == 'allow'
    return verdict.effect == 'deny' and expect[5:] in {verdict.reason, *verdict.causes}


def sets(root):
    for path in sorted(glob.glob(os.path.join(root, 'tests/unit/policy/page/*.yaml'))):
        yield [path]
    yield sorted(glob.glob(os.path.join(root, 'policies/*.yaml')))


def main():
    o = harness.options(__doc__, root='.')
    tests, failures = 0, []
    for paths in sets(o.root):
        texts = {os.path.basename(p): open(p, encoding='utf-8').read() for p in paths}
        policy, asked = reference.Policy(texts), []
        for name, text in texts.items():
            own = reference.read_yaml(text).get('tests', [])
            named = {t['name']: t for t in own}
            for test in own:
                tests += 1
                for what, facts in questions(effective(test, named), policy):
                    verdict = policy.decide(facts)
                    asked += [facts, {**facts, 'subject_age_s': 0}]     # and with the identity interned
                    if not holds(verdict, test['expect']):
                        failures.append(f'{name}: "{test["name"]}": {what} gives {verdict.reason} {sorted(verdict.causes)}, '
                                        f'expected {test["expect"]}')
        for facts, answer in zip(asked, harness.run_driver(o.driver, texts, asked)):
            found = harness.difference(policy, facts, answer)
            failures += [f'{found}\n{facts}'] if found else []
    harness.finish(failures, f'{tests} tests of policy files hold in the interpreter; {len(failures)} do not')


if __name__ == '__main__':
    sys.exit(main())
