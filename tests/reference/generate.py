"""Rule sets and facts at random: every key of the grammar, from vocabularies so small that rules
meet, and facts that are absent, of the wrong type, stale, conflicting or unknown.

All of it is plain data, so that a failure can be shrunk: a set is {file name: document}, facts are
what driver.c reads. to_yaml() writes a document; Bare is a scalar without quotes."""

import copy
import datetime
import json
import random
import re
import zoneinfo

from forms import local, shifts

ZONES = ['UTC', 'Europe/Stockholm', 'America/New_York', 'Asia/Kolkata', 'Africa/Cairo',
         'Australia/Lord_Howe', 'America/Santiago', 'Asia/Beirut', 'Atlantic/Azores']
MAILS = ['kim@acme.example', 'ada@corp.example', 'Bo@Corp.Example', 'eve@sub.acme.example']
DOMAINS = ['acme.example', 'corp.example', 'CORP.example', 'sub.acme.example']
GROUPS = ['g1', 'g2', 'g3', 'G1']
ALIASES = ['staff', 'all-staff']
SERVICES = ['ci', 'bot']
CLAIMS = ['level', 'company', 'roles']
SOURCES = ['mdm', 'edr', 'cert']
METHODS = ['GET', 'POST', 'PUT', 'PROPPATCH']
MANY_METHODS = [f'M-{chr(65 + i)}' for i in range(18)]     # more than an index may have columns for
PATHS = ['/', '/a', '/a/', '/a/b', '/a/b/', '/A/b', '/a/b/c', '/b', '/b/c', '/pub', '/pub/x', '/pub/x/y', '/%C3%A4/x',
         '/x' + 'x' * 40 + 'y/' + 'x' * 60]
TARGETS = ['/a//b', '/%61/b?q=1', '/a/./b', '/a/%2e%2e/b', '/a%2Fb', '/a;v=1/b', '/a/..;x/b', '/a%25%34%31', '',
           '/a/%2525', '/a%00', '/a%5cb', '/%c3%a4/x', '/%C0%AF', '/%E2%80%A4', '/a#f', '/a/b%', '/a%2F..%2Fb',
           '/a/%3B', '/%EF%BC%8E%EF%BC%8E', '?x', '/a/..b', '/a/b/?x=/../', '/...', '/%7ea', '/a%2f%2e/', '/%ED%A0%80']
GLOBS = ['/', '/a', '/a/', '/a/*', '/a/**', '/**', '/*', '/*/b', '/**/b', '/a/**/c', '/b/**', '/pub/**', '/ä/x', '/%61/b',
         '/a/*/c', '/**/x/**']
REGEXES = ['/a/.*', '/a/b', '/[ab](/[a-z]+)*', '/b|/a/b/', '/x(x+x+)+y/(x+x+)+y', '/A.*', '.*b/?', '/pub/\\w+']
ADDRESSES = ['10.0.0.1', '10.0.1.1', '192.0.2.9', '2001:db8::1', '2001:db8:1::1', '::ffff:10.0.0.1', 'unknown']
NETWORKS = ['10.0.0.0/8', '10.0.0.0/24', '192.0.2.9', '2001:db8::/48', '::ffff:10.0.1.0/120', '0.0.0.0/0', '::/0']
COUNTRIES = ['SE', 'NO', 'US']
OSES = ['macos', 'windows', 'linux']
VERSIONS = ['14', '14.0', '14.9', '14.10', '9', '15.1.2']
BROWSERS = ['chrome', 'firefox']
DATES = ['2026-09-01', '2026-10-25', '2026-11-05']
FLAGS = ['managed', 'disk_encrypted', 'firewall', 'compliant', 'screen_lock', 'secure_boot', 'edr_running', 'jailbroken']
AMR = ['pwd', 'otp', 'hwk']
ACR = ['low', 'high']
ISSUERS = ['corp', 'partner']
DURATIONS = ['30s', '15m', '1h', '4h', '1d']
WINDOWS = ['00:00-24:00', '08:00-17:00', '22:00-06:00', '02:00-03:00', '01:30-02:30', '12:00-13:00', '00:00-00:30',
           '23:30-24:00', '17:00-08:00', '02:15-02:45', '13:00-18:00', '23:00-01:00']
FAR = 26100                                                 # 2041-06-17: the rule at a zone's end holds
WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']


class Bare(str):
    """A scalar that is written without quotes."""


def to_yaml(node):
    if isinstance(node, dict):
        return '{' + ', '.join(f'{to_yaml(k)}: {to_yaml(v)}' for k, v in node.items()) + '}'
    if isinstance(node, list):
        return '[' + ', '.join(map(to_yaml, node)) + ']'
    if isinstance(node, Bare) or isinstance(node, str) and re.fullmatch(r'[a-z][a-z_.-]*', node) and \
            node not in ('true', 'false'):
        return str(node)
    return json.dumps(node, ensure_ascii=False)


def file_text(doc):
    lines = []
    for key, value in doc.items():
        if isinstance(value, list):
            lines += [f'{key}:'] + [f'  - {to_yaml(item)}' for item in value]
        else:
            lines.append(f'{key}: {to_yaml(value)}')
    return '\n'.join(lines) + '\n'


def leaves(node, key):
    """(container, key) of every scalar below node[key]."""
    if isinstance(node.get(key) if isinstance(node, dict) else node[key], (dict, list)):
        below = node[key]
        for k in (below if isinstance(below, dict) else range(len(below))):
            yield from leaves(below, k)
    elif isinstance(node, list) or key in node:
        yield node, key


class Maker:
    def __init__(self, seed):
        self.r, self.visits = random.Random(seed), []
        self.path_share, self.effects = .25, ['allow'] * 5 + ['require'] * 3 + ['deny'] * 2
        self.zones = self.r.sample(ZONES, 2)
        first = FAR if self.chance(.08) else 20400          # 2025-11-08, or past the tables of zones
        self.day = self.r.randrange(first, first + 500)
        if self.chance(.6):                                 # near a change of the clocks
            changes = [d for d in range(first + 1, first + 500) if shifts(zoneinfo.ZoneInfo(self.zones[0]), d)]
            self.day = self.r.choice(changes or [self.day])
        self.odd_methods = MANY_METHODS if self.chance(.1) else []
        self.moments = [self.day * 86400 + 3600 * 12]

    def chance(self, p):
        return self.r.random() < p

    def one(self, items):
        return items[int(self.r.random() * len(items))]

    def some(self, items, most=3):
        return self.r.sample(items, self.r.randint(1, min(most, len(items))))

    def date(self, spread=3):
        day = self.day + self.r.randint(-spread, spread)
        for z in self.zones:
            self.moments.append(local(zoneinfo.ZoneInfo(z), day))
        return Bare(date_text(day))

    # ---- the set -------------------------------------------------------------------------------

    def policy_set(self, least=1, most=9):
        """{file name: document}; the first file has the apps and the names."""
        self.define = {
            'groups': {'staff': self.one(['g1', ['g1', 'g2'], ['g2', 'g3']]), 'all-staff': ['staff', 'G1']},
            'networks': {'office': self.some(NETWORKS, 2), 'home': ['192.0.2.0/24']},
            'schedules': {'work': self.schedule(), 'night': self.schedule()},
            'devices': {'good': self.device(), 'best': self.device()},
        }
        doc = {'version': 1, 'defaults': {'timezone': self.zones[0]}, 'define': self.define, 'apps': self.apps()}
        files = {'00-base.yaml': doc}
        for i in range(self.r.randint(0, 2)):
            files[f'{i + 1}0-more.yaml'] = {'version': 1}
            if self.chance(.7):
                files[f'{i + 1}0-more.yaml']['defaults'] = {'timezone': self.zones[1]}
        ids = [f'r{i}' for i in range(self.r.randint(least, most))]
        effects = {i: self.one(self.effects) for i in ids}
        requires = [i for i in ids if effects[i] == 'require']
        for i in ids:
            name = self.one(sorted(files))
            files[name].setdefault('rules', []).append(self.rule(i, effects[i], requires))
            if self.chance(.15):
                files[name]['rules'].append(self.twin(files[name]['rules'][-1]))
        return files

    def twin(self, rule):
        """A rule that differs in one small thing: needs that are nearly equal must not be taken for one."""
        twin = copy.deepcopy(rule)
        twin['id'] += '-twin'
        places = [p for k in ('who', 'device', 'auth', 'from', 'when', 'session') for p in leaves(twin, k)]
        if places:
            node, key = self.one(places)
            was = node[key]
            node[key] = (was if key == 'mfa' else not was if isinstance(was, bool) else
                         self.date(1) if isinstance(was, Bare) and was.startswith('20') else
                         str(was) if isinstance(was, Bare) else self.one(NETWORKS) if was in NETWORKS else
                         Bare(was) if was in ('5', 'true', 'x', 'y') else self.one(DURATIONS) if was in DURATIONS else
                         self.one(WINDOWS) if was in WINDOWS else self.one(VERSIONS) if was in VERSIONS else was)
        return twin

    def apps(self):
        web = {'name': 'web', 'host': 'web.corp.example', 'upstream': 'http://10.0.0.9:80', 'labels': {'env': 'prod', 'team': 'a'}}
        wiki = {'name': 'wiki', 'host': '*.corp.example', 'aliases': ['w.example'], 'upstream': 'https://10.0.0.8',
                'labels': {'env': 'dev'}, 'path_case': self.one(['sensitive', 'insensitive']),
                'encoded_slash': self.one(['refuse', 'pass']), 'path_params': self.one(['refuse', 'pass'])}
        for app in (web, wiki):
            if self.chance(.3):
                app['public_paths'] = self.some(GLOBS, 2)
        return [web, wiki,
                {'name': 'box', 'host': 'box.example', 'upstream': 'ssh://10.0.0.7:22', 'labels': {'env': 'prod', 'team': 'b'},
                 'logins': ['root', 'me']},
                {'name': 'desk', 'host': 'desk.example', 'upstream': 'rdp://10.0.0.6', 'labels': {'team': 'a'}}]

    def rule(self, rule_id, effect, requires):
        rule = {'id': rule_id, 'effect': effect, 'who': self.who(0, effect), 'to': self.to(effect)}
        needs = {k: .45 if effect == 'deny' else .25 for k in ('device', 'auth', 'from', 'when')}
        if effect != 'deny':
            needs.update(approval=.12, purpose=.12)
        if effect == 'allow' and requires:
            needs['break_glass'] = .3
        # Few needs at a time, or nothing would ever be allowed.
        chosen = [k for k in needs if self.chance(needs[k])]
        if effect == 'require' and not chosen:
            chosen = [self.one(['device', 'auth', 'from', 'when', 'purpose'])]
        for key in chosen[:3]:
            rule[key] = {'device': lambda: self.one(['good', 'best']) if self.chance(.3) else self.device(),
                         'auth': self.auth, 'from': self.source, 'when': self.when,
                         'approval': lambda: {'by': {'groups': ['g1']}, 'valid_for': '1h'},
                         'purpose': lambda: {'required': True},
                         'break_glass': lambda: {'skips': self.some(requires, 2), 'reason_required': True,
                                                 'notify': ['alerts']}}[key]()
        if effect != 'deny' and self.chance(.35):
            rule['session'] = self.session()
        if effect != 'allow' and self.chance(.25):
            rule['on_missing'] = 'ignore'
        if self.chance(.15):
            rule['mode'] = 'audit'
        elif self.chance(.05):
            rule['mode'] = 'enforce'
        if self.chance(.1):
            rule['starts'] = self.date() if self.chance(.5) else self.instant()
        if self.chance(.1):
            rule['expires'] = self.date() if self.chance(.5) else self.instant()
        return rule

    def instant(self):
        t = self.day * 86400 + self.r.randrange(0, 86400 * 2)
        self.moments.append(t)
        return Bare(date_text(t // 86400) + f'T{t % 86400 // 3600:02}:{t % 3600 // 60:02}:{t % 60:02}Z')

    def who(self, depth, effect):
        if depth == 0 and self.chance(.3 if effect == 'deny' else .45):
            return 'anyone'
        who = {}
        key = self.one(['users', 'domains', 'groups', 'groups', 'services', 'kind', 'claims', 'nest'])
        if key == 'nest':
            if depth < 2:
                return {self.one(['any', 'all']): [self.who(depth + 1, effect) for _ in range(self.r.randint(1, 3))]}
            key = 'groups'
        if key in ('kind', 'claims') or self.chance(.2):
            if self.chance(.5):
                who['kind'] = self.one(['human', 'human', 'machine'])
            if key == 'claims' or self.chance(.3):
                who['claims'] = {c: self.value_set() for c in self.some(CLAIMS, 2)}
        if key in ('kind', 'claims'):
            return who or {'kind': 'human'}
        who[key] = {'users': lambda: self.some(MAILS, 2), 'domains': lambda: self.some(DOMAINS, 2),
                    'services': lambda: self.some(SERVICES), 'groups': lambda: self.some_set(GROUPS + ALIASES)}[key]()
        return who

    def some_set(self, items):
        if self.chance(.6):
            return self.some(items)
        return {k: self.some(items, 2) for k in self.some(['any', 'all', 'none'], 2)}

    def value_set(self):
        return self.some_set([Bare('5'), '5', Bare('true'), 'true', 'x', 'y', Bare('1.0'), Bare('false')])

    def to(self, effect):
        if self.chance(.35):
            return 'everything'
        to = {}
        kind = self.one(['apps', 'apps', 'labels', 'protocols'])
        if kind == 'apps' or effect == 'allow' and kind == 'protocols':
            to['apps'] = self.some(['web', 'wiki', 'box', 'desk'])
        if kind == 'labels':
            to['labels'] = self.one([{'env': 'prod'}, {'env': ['prod', 'dev']}, {'team': 'a'}, {'team': ['a', 'b'], 'env': 'prod'}])
        if kind == 'protocols' or self.chance(.1):
            to['protocols'] = self.some(['http', 'ssh', 'rdp'], 2)
        if self.chance(.2):
            to['methods'] = self.some(METHODS + self.odd_methods)
        if self.chance(self.path_share):
            to['paths'] = self.some(GLOBS)
        elif self.chance(.15):
            to['paths_regex'] = self.some(REGEXES, 2)
        if self.chance(.1):
            to['except'] = self.some(GLOBS, 2)
        if self.chance(.08):
            to['logins'] = self.some(['root', 'me'])
        return to

    def device(self):
        need = {}
        for key in self.some(['flag', 'flag', 'os', 'min_os_version', 'min_browser_version', 'min_patch_level', 'ownership',
                              'key_protection', 'max_risk', 'seen_within', 'sources', 'attributes'], 3):
            if key == 'flag':
                need[self.one(FLAGS)] = self.chance(.8)
                continue
            need[key] = {
                'os': lambda: self.some(OSES, 2), 'min_os_version': lambda: {o: self.one(VERSIONS) for o in self.some(OSES, 2)},
                'min_browser_version': lambda: {b: self.one(VERSIONS) for b in self.some(BROWSERS, 2)},
                'min_patch_level': lambda: Bare(self.one(DATES)), 'ownership': lambda: self.some(['company', 'personal'], 1),
                'key_protection': lambda: self.some(['hardware', 'software'], 1), 'max_risk': lambda: self.one([0, 12, 50, 100]),
                'seen_within': lambda: self.one(DURATIONS), 'sources': lambda: self.some(SOURCES, 2),
                'attributes': lambda: {a: self.one([Bare('5'), 'x', Bare('true'), ['x', Bare('5')]])
                                       for a in self.some(['mdm.level', 'edr.state'], 2)}}[key]()
        return need

    def auth(self):
        return {k: {'mfa': True, 'mfa_within': self.one(DURATIONS), 'methods': self.some(AMR, 2), 'acr': self.some(ACR, 1),
                    'login_within': self.one(DURATIONS), 'issuers': self.some(ISSUERS, 1)}[k]
                for k in self.some(['mfa', 'mfa', 'mfa_within', 'methods', 'acr', 'login_within', 'issuers'], 2)}

    def source(self):
        return {k: self.some(NETWORKS + ['office', 'home'] if k.endswith('networks') else COUNTRIES, 2)
                for k in self.some(['networks', 'networks', 'not_networks', 'countries', 'not_countries'], 2)}

    def when(self):
        return self.one([self.schedule, lambda: 'work', lambda: ['work', 'night'], lambda: ['night']])()

    def schedule(self):
        s = {'days': self.some(WEEKDAYS, 7), 'hours': self.some(WINDOWS, 2)}
        if self.chance(.5):
            s['timezone'] = self.one(self.zones)
        if self.chance(.3):
            s['except_dates'] = [self.date(1) for _ in range(self.r.randint(1, 2))]
        where = zoneinfo.ZoneInfo(s.get('timezone', self.zones[0]))
        self.moments += shifts(where, self.day)
        for window in s['hours']:
            for text in window.split('-'):
                second = int(text[:2]) * 3600 + int(text[3:]) * 60
                day = self.day + self.r.randint(-1, 1)
                self.moments += {local(where, day, second, fold) for fold in (0, 1)}
        return s

    def session(self):
        keys = self.some(['max', 'idle', 'record', 'clipboard', 'file_transfer', 'port_forwarding'], 3)
        return {k: self.one(DURATIONS) if k in ('max', 'idle') else self.chance(.5) for k in keys}

    # ---- facts ---------------------------------------------------------------------------------

    def facts(self, files):
        """Put together from a few moments, persons and reports of this set: making each anew takes longer than
        deciding."""
        if not self.visits:
            for now in [self.now() for _ in range(16)]:
                self.visits.append((now, [self.identity(now) for _ in range(6)], [self.report(now) for _ in range(4)]))
        rules = [r['id'] for doc in files.values() for r in doc.get('rules', ())]
        now, persons, reports = self.one(self.visits)
        out = {'request': self.request()}
        if self.chance(.8):
            out['now_s'] = now
        else:
            out['now_us'] = now * 1000000 + self.one([0, 1, 999999])
        if self.chance(.5):
            out['subject_age_s'] = self.one([0, 0, 1, 30, 900, 5000, 86400, -1])
        if self.chance(.95):
            out['identity'] = self.one(persons)
        if self.chance(.7):
            out['devices'] = self.r.sample(reports, self.one([1, 1, 1, 2]))
        if self.chance(.06):
            out['clock_is_good'] = False
        if self.chance(.6):
            out['grants'] = [self.grant(now, i) for i in rules if self.chance(.5)]
        if self.chance(.03):
            out['grants_unknown'] = True
        if self.chance(.4):
            out['purpose'] = self.one(['to fix it', ' \t', ''])
        return out

    def now(self):
        if self.chance(.6):
            return self.one(self.moments) + self.one([-1, 0, 0, 1])
        return self.day * 86400 + self.r.randint(-86400, 2 * 86400)

    def since(self, now):
        """A moment at or beside a limit of age."""
        limit = self.one([30, 900, 3600, 4 * 3600, 86400])
        return now - limit + self.one([-1, 0, 1, limit // 2, limit // 2, -limit, limit])

    def request(self):
        app = self.one(['web', 'web', 'web', 'wiki', 'wiki', 'box', 'desk'])
        request = {'app': app, 'from': self.one(ADDRESSES)}
        if self.chance(.1):
            del request['from']
        if self.chance(.7):
            request['country'] = self.one(COUNTRIES)
        if app == 'box':
            return {**request, 'protocol': 'ssh', 'login': self.one(['root', 'me', 'me', 'admin'])}
        if app == 'desk':
            return {**request, 'protocol': 'rdp'}
        if self.chance(.1):
            del request['app']
            request['host'] = self.one(['web.corp.example', 'x.corp.example', 'a.b.corp.example', 'w.example', 'corp.example'])
        request['method'] = self.one(METHODS + ['GET', 'GET', 'get'] + self.odd_methods[:2])
        if self.chance(.06):
            request['target'] = self.one(TARGETS)
        else:
            request['path'] = self.one(PATHS)
        return request

    def identity(self, now):
        machine = self.chance(.2)
        out = {'issuer': 'https://corp.example', 'subject': 's1', 'issuer_name': self.one(ISSUERS), 'is_machine': machine}
        if machine:
            out['service'] = self.one(SERVICES)
            out['groups'] = [] if self.chance(.7) else self.some(GROUPS)
        else:
            if self.chance(.85):
                out['email'] = self.one(MAILS + ['KIM@acme.example', 'a@b@corp.example', 'nobody'])
            if self.chance(.9):
                out['email_verified'] = self.one([True, True, True, False, None])
            if self.chance(.1):
                out['issuer_is_trusted'] = True
            if self.chance(.85):
                out['groups'] = self.r.sample(GROUPS, self.r.randint(0, 3))
        out['claims'] = {c: self.claim_value() for c in CLAIMS if self.chance(.75)}
        if self.chance(.8):
            out['amr'] = self.r.sample(AMR, self.r.randint(0, 2))
        if self.chance(.7):
            out['acr'] = self.one(ACR)
        if self.chance(.85):
            out['mfa'] = self.one([True, True, False])
        if self.chance(.85):
            out['auth_time_s'] = self.since(now)
        if self.chance(.5):
            out['login_s'] = self.since(now)
        if self.chance(.5):
            out['expires_s'] = now + self.one([1, 600, 3600, 100000])
        return out

    def claim_value(self, depth=0):
        if depth == 0 and self.chance(.25):
            return [self.claim_value(1) for _ in range(self.r.randint(0, 3))]
        if depth == 1 and self.chance(.05):
            return ['x']
        return self.one(['x', 'y', 'z', '5', 'true', 5, 7, True, False, {'number': '1.0'}, {'number': '1'}, None, {'a': 1},
                         'x', 'y'])

    def report(self, now):
        good = {'os': lambda: self.one(OSES), 'os_version': lambda: self.one(VERSIONS + [14, {'number': '14.10'}]),
                'browser': lambda: self.one(BROWSERS), 'browser_version': lambda: self.one(VERSIONS),
                'patch_level': lambda: self.one(DATES), 'ownership': lambda: self.one(['company', 'personal']),
                'key_protection': lambda: self.one(['hardware', 'software']),
                'risk': lambda: self.one([0, 12, 13, 50, 51, {'number': '12.5'}]),
                'mdm.level': lambda: self.one([5, '5', 'x', ['x', 7]]), 'edr.state': lambda: self.one(['x', 'y', True])}
        bad = [None, {}, 'odd', 7, True, ['x'], '']
        facts = []
        for attribute in FLAGS + list(good):
            for _ in range(self.one([0, 1, 1, 1, 2] if self.chance(.5) else [0, 1, 1, 1])):
                value = self.chance(.75) if attribute in FLAGS else good[attribute]()
                facts.append({'attribute': attribute, 'value': self.one(bad) if self.chance(.05) else value,
                              'source': self.one(SOURCES + ['mdm', 'mdm']), 'seen_s': self.since(now) if self.chance(.25) else now - 5})
                if self.chance(.08):
                    facts[-1]['is_hint'] = True
        return {'id': 'd1', 'facts': self.r.sample(facts, self.r.randint(0, 3)) if self.chance(.2) else facts}

    def grant(self, now, rule):
        grant = {'kind': self.one(['approval', 'break_glass']), 'rule': rule, 'expires_s': now + self.one([-1, 0, 1, 600, 3600])}
        if self.chance(.1):
            grant['rule_digest'] = '0' * 64                  # of another text of the rule
        return grant


def date_text(day):
    return datetime.date.fromordinal(day + 719163).isoformat()


def set_texts(files):
    return {name: file_text(doc) for name, doc in files.items()}
