#!/usr/bin/python3
"""Small scope, whole: every kind of atom, true, false and unknown, in a rule of every effect, with
and without on_missing, enforced and audited, alone and beside every atom of the other half.

What must come out is written here a third time, from the table of section 3 alone, and both the C
and the interpreter are held against it. One set has them all: each case has an app of its own."""

import copy
import functools
import itertools
import sys
import time

import generate
import harness
import reference
from generate import Bare

NOW = 1795788000                                    # 2026-11-27 14:00:00Z, a Friday
PERSON = {'issuer_name': 'corp', 'is_machine': False, 'email': 'kim@acme.example', 'email_verified': True,
          'groups': ['g1'], 'claims': {'team': 'x'}, 'amr': ['pwd'], 'acr': 'low', 'mfa': False,
          'auth_time_s': NOW - 100000}
REQUEST = {'method': 'GET', 'path': '/a/b', 'from': '10.0.0.1', 'country': 'SE'}


def person(**changes):
    return lambda f: f['identity'].update({k: v for k, v in changes.items() if v is not ...}) or [
        f['identity'].pop(k, None) for k, v in changes.items() if v is ...]


def request(**changes):
    return lambda f: f['request'].update({k: v for k, v in changes.items() if v is not ...}) or [
        f['request'].pop(k, None) for k, v in changes.items() if v is ...]


def claim(value):
    return lambda f: f['identity']['claims'].update(team=value) if value is not ... else f['identity']['claims'].clear()


def device(**values):
    def change(f):
        facts = [{'attribute': k.replace('__', '.'), 'value': v, 'source': 'mdm', 'seen_s': NOW - 5} for k, v in values.items()]
        f['devices'] = [{'id': 'd', 'facts': facts + [{'attribute': 'other', 'value': 1, 'source': 'mdm', 'seen_s': NOW}]}]
    return change


def device_twice(attribute, values, seen=NOW, hint=False):
    def change(f):
        facts = [{'attribute': attribute, 'value': v, 'source': s, 'seen_s': seen, 'is_hint': hint}
                 for v, s in zip(values, ('mdm', 'edr'))]
        f['devices'] = [{'id': 'd', 'facts': facts + [{'attribute': 'other', 'value': 1, 'source': 'mdm', 'seen_s': NOW}]}]
    return change


def clock(f):
    f['clock_is_good'] = False


def grant(kind, seconds, **more):
    return lambda f: f.update(grants=[{'kind': kind, 'rule': '@', 'expires_s': NOW + seconds, **more}])


def nothing(f):
    pass


def who(node):
    return {'who': node}


# name: (keys of the rule, {value: changes of the facts, any of which gives it})
SCOPE = {
    'anyone': (who('anyone'), {True: [nothing]}),
    'kind human': (who({'kind': 'human'}), {True: [nothing], False: [person(is_machine=True)]}),
    'kind machine': (who({'kind': 'machine'}), {False: [nothing], True: [person(is_machine=True)]}),
    'users': (who({'users': ['Kim@acme.example']}), {
        True: [nothing, person(email='KIM@acme.example'), person(email_verified=None, issuer_is_trusted=True)],
        False: [person(email='ada@acme.example'), person(is_machine=True)],
        None: [person(email=...), person(email_verified=False), person(email_verified=None), person(email='a@b@acme.example')]}),
    'domains': (who({'domains': ['acme.example']}), {
        True: [nothing, person(email='x@ACME.example')],
        False: [person(email='x@sub.acme.example'), person(email='x@notacme.example'), person(is_machine=True)],
        None: [person(email=...), person(email_verified=False), person(email='kim')]}),
    'groups': (who({'groups': ['g1', 'g9']}), {
        True: [nothing], False: [person(groups=[]), person(groups=['G1'])], None: [person(groups=None), person(groups=...)]}),
    'groups alias': (who({'groups': ['staff']}), {
        True: [nothing, person(groups=['g2'])], False: [person(groups=['staff'])], None: [person(groups=None)]}),
    'groups all none': (who({'groups': {'all': ['g1', 'staff'], 'none': ['g3']}}), {
        True: [nothing], False: [person(groups=['g1', 'g3']), person(groups=['g2'])], None: [person(groups=None)]}),
    'claims': (who({'claims': {'team': ['x', '7']}}), {
        True: [nothing, claim('7'), claim(['y', 'x']), claim([7, 'x'])],
        False: [claim('y'), claim([]), claim('X')],
        None: [claim(...), claim(None), claim({'x': 1}), claim(7), claim(['y', None]), claim([['x']])]}),
    'claims plain': (who({'claims': {'team': [Bare('7'), Bare('true')]}}), {
        True: [claim(7), claim('7'), claim(True), claim('true')], False: [claim(8), claim('x'), claim({'number': '7.0'}), claim(False)],
        None: [claim(...), claim({})]}),
    'claims none': (who({'claims': {'team': {'none': ['Y']}}}), {
        True: [nothing, claim([])], False: [claim('Y'), claim([None, 'Y'])], None: [claim(...), claim(5), claim(['x', 5])]}),
    'services': (who({'services': ['ci']}), {
        True: [person(is_machine=True, service='ci')], False: [nothing, person(is_machine=True, service='cd'), person(service='ci')]}),
    'any': (who({'any': [{'users': ['kim@acme.example']}, {'groups': ['g7']}]}), {
        True: [nothing, person(groups=None), person(email=..., groups=['g7'])], False: [person(email='a@b.example')],
        None: [person(email=...), person(email='a@b.example', groups=None), person(email=..., groups=None)]}),
    'all': (who({'all': [{'domains': ['acme.example']}, {'groups': ['g1']}]}), {
        True: [nothing], False: [person(groups=[]), person(email=..., groups=[])], None: [person(email=...), person(groups=None)]}),
    'methods': ({'to': {'methods': ['GET', 'PUT']}}, {True: [nothing], False: [request(method='get'), request(method='POST')]}),
    'paths': ({'to': {'paths': ['/a/*', '/c/**']}}, {
        True: [nothing, request(path='/a/b/'), request(path='/c')], False: [request(path='/a'), request(path='/a/b/c'), request(path='/A/b')]}),
    'except': ({'to': {'except': ['/b/**']}}, {True: [nothing], False: [request(path='/b'), request(path='/b/c/d')]}),
    'paths_regex': ({'to': {'paths_regex': ['/a/.', '/(x+x+)+y']}}, {
        True: [nothing], False: [request(path='/a/b/')], None: [request(path='/' + 'x' * 80 + 'yz')]}),
    'logins': ({'to': {'logins': ['root']}, 'ssh': True}, {
        True: [request(login='root')], False: [request(login='me')]}),
    'methods of ssh': ({'to': {'methods': ['GET']}, 'ssh': True}, {False: [request(login='root')]}),
    'except of ssh': ({'to': {'except': ['/b']}, 'ssh': True}, {False: [request(login='root')]}),
}


def flag(name):
    return ({'device': {name: True}}, {
        True: [device(**{name: True}), device_twice(name, [True, True])], False: [device(**{name: False})],
        None: [nothing, device(), device(**{name: 'true'}), device_twice(name, [True, False]),
               device_twice(name, [True], NOW - 86401), device_twice(name, [None])]})


def one_of(name, good, bad):
    return ({'device': {name: [good]}}, {
        True: [device(**{name: good})], False: [device(**{name: bad})],
        None: [nothing, device(), device(**{name: 5}), device_twice(name, [good, bad]), device_twice(name, [good], NOW - 86401)]})


NEED = {
    **{name: flag(name) for name in generate.FLAGS},
    'flag is false': ({'device': {'jailbroken': False}}, {True: [device(jailbroken=False)], False: [device(jailbroken=True)], None: [device()]}),
    'hint': ({'device': {'firewall': True}, 'hinted': True}, {None: [device_twice('firewall', [True], hint=True)]}),
    'os': one_of('os', 'macos', 'linux'),
    'ownership': one_of('ownership', 'company', 'personal'),
    'key_protection': one_of('key_protection', 'hardware', 'software'),
    'min_os_version': ({'device': {'min_os_version': {'macos': '14.10'}}}, {
        True: [device(os='macos', os_version='14.10.0'), device(os='macos', os_version='15')],
        False: [device(os='macos', os_version='14.9'), device(os='linux', os_version='99'), device(os='linux')],
        None: [nothing, device(os='macos'), device(os_version='15'), device(os='macos', os_version='new')]}),
    'min_browser_version': ({'device': {'min_browser_version': {'chrome': '14'}}}, {
        True: [device(browser='chrome', browser_version='14.0')], False: [device(browser='chrome', browser_version='13.99')],
        None: [device(browser='chrome'), device(browser=1, browser_version='14')]}),
    'min_patch_level': ({'device': {'min_patch_level': Bare('2026-10-01')}}, {
        True: [device(patch_level='2026-10-01')], False: [device(patch_level='2026-09-30')], None: [device(), device(patch_level='old')]}),
    'max_risk': ({'device': {'max_risk': 12}}, {
        True: [device(risk=12)], False: [device(risk=13), device(risk={'number': '12.5'})], None: [device(), device(risk='12')]}),
    'attributes': ({'device': {'attributes': {'mdm.x': [Bare('5')]}}}, {
        True: [device(mdm__x=5), device(mdm__x=['a', '5'])], False: [device(mdm__x='6')], None: [device(), device(mdm__x=None)]}),
    'seen_within': ({'device': {'firewall': True, 'seen_within': '1h'}}, {
        True: [device_twice('firewall', [True], NOW - 3600)], None: [device_twice('firewall', [True], NOW - 3601)]}),
    'sources': ({'device': {'firewall': True, 'sources': ['edr']}}, {
        True: [device_twice('firewall', [False, True])], False: [device_twice('firewall', [True, False])], None: [device(firewall=True)]}),
    'mfa': ({'auth': {'mfa': True}}, {True: [person(mfa=True)], False: [nothing], None: [person(mfa=...)]}),
    'mfa_within': ({'auth': {'mfa_within': '1h'}}, {
        True: [person(mfa=True, auth_time_s=NOW - 3600)], False: [nothing, person(mfa=True, auth_time_s=NOW - 3601), person(mfa=..., auth_time_s=NOW - 3601)],
        None: [person(mfa=..., auth_time_s=NOW), person(mfa=True, auth_time_s=...)]}),
    'methods': ({'auth': {'methods': ['otp', 'pwd']}}, {True: [nothing], False: [person(amr=[]), person(amr=['hwk'])], None: [person(amr=...)]}),
    'acr': ({'auth': {'acr': ['low']}}, {True: [nothing], False: [person(acr='LOW')], None: [person(acr=...)]}),
    'login_within': ({'auth': {'login_within': '2d'}}, {
        True: [nothing], False: [person(auth_time_s=NOW - 172801)], None: [person(auth_time_s=...), clock]}),
    'issuers': ({'auth': {'issuers': ['corp']}}, {True: [nothing], False: [person(issuer_name='partner')]}),
    'networks': ({'from': {'networks': ['10.0.0.0/24', 'home']}}, {
        True: [nothing, request(**{'from': '::ffff:10.0.0.9'}), request(**{'from': '192.0.2.1'})], False: [request(**{'from': '10.0.1.0'})],
        None: [request(**{'from': ...}), request(**{'from': 'x'})]}),
    'not_networks': ({'from': {'not_networks': ['home']}}, {True: [nothing], False: [request(**{'from': '192.0.2.1'})], None: [request(**{'from': ...})]}),
    'countries': ({'from': {'countries': ['SE']}}, {True: [nothing], False: [request(country='NO')], None: [request(country=...)]}),
    'not_countries': ({'from': {'not_countries': ['NO']}}, {True: [nothing], False: [request(country='NO')], None: [request(country=...)]}),
    'when': ({'when': {'days': ['fri'], 'hours': ['14:00-15:00']}}, {True: [nothing], None: [clock]}),
    'when not': ({'when': ['closed']}, {False: [nothing], None: [clock]}),
    'approval': ({'approval': {'by': {'groups': ['g1']}, 'valid_for': '1h'}}, {
        True: [grant('approval', 1)], False: [nothing, grant('approval', 0), grant('break_glass', 1), grant('approval', 1, rule_digest='0')],
        None: [lambda f: f.update(grants_unknown=True)]}),
    'purpose': ({'purpose': {'required': True}}, {True: [lambda f: f.update(purpose='why')], False: [nothing, lambda f: f.update(purpose=' ')]}),
    'break_glass': ({'break_glass': {'skips': ['skipped'], 'reason_required': True, 'notify': ['ops']}}, {
        True: [grant('break_glass', 1)], False: [nothing, grant('break_glass', 0)], None: [lambda f: f.update(grants_unknown=True)]}),
    'starts': ({'starts': Bare('2026-11-27T14:00:00Z')}, {True: [nothing], None: [clock]}),
    'not started': ({'starts': Bare('2026-11-27T14:00:01Z')}, {False: [nothing], None: [clock]}),
    'expires': ({'expires': Bare('2026-11-27')}, {True: [nothing], None: [clock]}),
    'expired': ({'expires': Bare('2026-11-27T14:00:00Z')}, {False: [nothing], None: [clock]}),
    'no need': ({}, {True: [nothing]}),
}
LIFETIME = ('starts', 'not started', 'expires', 'expired')
VARIANTS = [(e, m, a) for e in ('allow', 'require', 'deny') for m in (False, True) for a in (False, True)
            if not (e == 'allow' and m)]


def cases():
    """(app number, scope name, need name, effect, on_missing, audit)"""
    for scope, need in itertools.product(SCOPE, NEED):
        for effect, ignores, audit in VARIANTS:
            keys = NEED[need][0]
            if effect == 'deny' and {'approval', 'purpose', 'break_glass'} & set(keys) or \
                    effect != 'allow' and 'break_glass' in keys or \
                    effect == 'require' and (need in LIFETIME or need == 'no need'):
                continue
            # Two atoms of one part would be one atom; the second half is enough to see with a few of the first.
            if scope not in ('anyone', 'users', 'groups', 'claims', 'any', 'paths_regex', 'logins') and need not in (
                    'firewall', 'mfa', 'networks', 'when', 'purpose', 'no need', 'starts', 'not started'):
                continue
            yield scope, need, effect, ignores, audit


def rule_of(number, scope, need, effect, ignores, audit):
    app, keys = f'a{number}', {k: v for k, v in NEED[need][0].items() if k != 'hinted'}
    rule = {'id': f'r{number}', 'effect': effect, 'who': SCOPE[scope][0].get('who', 'anyone'),
            'to': {'apps': [app], **SCOPE[scope][0].get('to', {})}, **keys}
    if ignores:
        rule['on_missing'] = 'ignore'
    if audit:
        rule['mode'] = 'audit'
    is_ssh = 'ssh' in SCOPE[scope][0]
    node = {'name': app, 'host': f'{app}.example', 'upstream': 'ssh://10.0.0.1' if is_ssh else 'http://10.0.0.1'}
    if is_ssh:
        node['logins'] = ['root', 'me']
    rules = [rule]
    if effect != 'allow':
        rules.append({'id': f'base{number}', 'effect': 'allow', 'who': 'anyone', 'to': {'apps': [app]}})
    return node, rules


def facts_of(number, scope, need, change_scope, change_need):
    is_ssh = 'ssh' in SCOPE[scope][0]
    f = {'identity': copy.deepcopy(PERSON), 'now_s': NOW,
         'request': {**REQUEST, 'app': f'a{number}'} if not is_ssh else
         {'app': f'a{number}', 'protocol': 'ssh', 'from': '10.0.0.1', 'country': 'SE'}}
    change_need(f)
    change_scope(f)
    for g in f.get('grants', ()):
        g['rule'] = f'r{number}'
    return f


def expected(effect, ignores, audit, scope, need, is_life):
    """(reason, the audited reason or None), from the sentences of section 3."""
    def land(a, b):
        return False if a is False or b is False else None if a is None or b is None else True
    if effect == 'allow':
        reason = 'allow' if scope is True and need is True else 'default-deny'
        base = 'default-deny'
    elif effect == 'deny':
        both = land(scope, need)
        reason = 'deny-rule' if both is True or both is None and not ignores else 'allow'
        base = 'allow'
    else:
        does = (scope is True and need is False) if ignores else (scope is not False and need is not True)
        reason, base = 'require-failed' if does else 'allow', 'allow'
    return (base, reason if reason != base else None) if audit else (reason, None)


def remedy_of(need, value):
    """(what the person may be told to do, what he must be told or None) by the table of section 4."""
    keys = NEED[need][0]
    kind = ('fix_device' if 'device' in keys else 'sign_in' if need == 'issuers' else 'step_up' if 'auth' in keys else
            'request_approval' if 'approval' in keys else 'state_purpose' if 'purpose' in keys else
            'open_break_glass' if 'break_glass' in keys else 'wait_until' if 'when' in keys or need == 'not started' else 'contact')
    return {kind, 'contact'} if value is None else {kind}, kind if value is False else None


def remedies_wrong(effect, audit, reason, scope, need, value, remedies):
    """Remedies are of rules whose scope is true, and of no others: what a person is told must not name them."""
    kinds = {r.split(' ')[0] for r in remedies}
    if audit or scope is not True or reason in ('allow', 'public-path'):
        return bool(kinds)
    if effect == 'deny':
        return kinds != {'contact'}
    may, must = remedy_of(need, value)
    return not kinds or not kinds <= may or must is not None and must not in kinds


def one_batch(driver, batch):
    # What the break glass skips stands elsewhere.
    apps, asked = [{'name': 'spare', 'host': 'spare.example', 'upstream': 'http://10.0.0.1'}], []
    rules = [{'id': 'skipped', 'effect': 'require', 'who': 'anyone', 'to': {'apps': ['spare']}, 'purpose': {'required': True}}]
    for number, case in batch:
        scope, need, effect, ignores, audit = case
        app, own = rule_of(number, *case)
        apps.append(app)
        rules += own
        for (s, schanges), (n, nchanges) in itertools.product(SCOPE[scope][1].items(), NEED[need][1].items()):
            for sc, nc in {(i, 0) for i in range(len(schanges))} | {(0, i) for i in range(len(nchanges))}:
                # A hint makes an atom of a deny true and is no fact elsewhere.
                want = True if 'hinted' in NEED[need][0] and effect == 'deny' else n
                asked.append((case, s, n, facts_of(number, scope, need, schanges[sc], nchanges[nc]),
                              expected(effect, ignores, audit, s, want, need in LIFETIME)))
    texts = generate.set_texts({'a.yaml': {'version': 1, 'define': {
        'groups': {'staff': ['g1', 'g2']}, 'networks': {'home': ['192.0.2.0/24']},
        'schedules': {'closed': {'days': ['sat'], 'hours': ['00:00-24:00']}}}, 'apps': apps, 'rules': rules}})
    policy, failures = reference.Policy(texts), []
    answers = harness.run_driver(driver, texts, [a[3] for a in asked])
    for (case, s, n, f, (reason, would)), c in zip(asked, answers):
        v = policy.decide(f)
        said = {'reference': (v.reason, v.would and v.would.reason), 'C': (c['reason'], c['would'] and c['would']['reason'])}
        wrong = {who: what for who, what in said.items() if what != (reason, would)}
        also = harness.difference(policy, f, c)
        if remedies_wrong(case[2], case[4], c['reason'], s, case[1], n, c['remedies']):
            wrong['remedies'] = c['remedies']
        if wrong or also:
            failures.append(f'{case}, scope {s}, need {n}: expected {reason, would}, but {wrong}; {also}\n{f}')
    return len(asked), failures


def main():
    o = harness.options(__doc__)
    begin, total, failures = time.monotonic(), 0, []
    numbered = list(enumerate(cases()))
    batches = [numbered[i:i + 500] for i in range(0, len(numbered), 500)]
    for n, failed in harness.spread(functools.partial(one_batch, o.driver), batches, o.jobs):
        total += n
        failures += failed
    harness.finish(failures, f'{len(SCOPE)} kinds of scope and {len(NEED)} of need, {len(numbered)} rules, {total} decisions '
                             f'in {time.monotonic() - begin:.0f} s; {len(failures)} wrong')


if __name__ == '__main__':
    sys.exit(main())
