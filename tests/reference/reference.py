#!/usr/bin/python3
"""The policy language, read slowly: an interpreter that says what a decision must be, written from the language page.
differential.py holds policy/ in C against it. Nothing is fast or indexed: every rule of the app is evaluated whole, in
three values, True, False and None (unknown). Which sets load is the C's to say and tested elsewhere: what comes here is
taken as good. README.md lists the choices taken where the page has two readings; forms.py has what texts mean.

A rule is a tree of functions of the facts. Each gives its value and the causes that it would name (Rule.atom), and
notes the moments at which it may change by itself (Facts.edge)."""

import re

import yaml

from forms import Schedule, address, day_number, glob, moment, network, normalise, regex, seconds, version

TERMS = 'max idle record clipboard file_transfer port_forwarding'.split()
FLAGS = 'managed compliant disk_encrypted firewall screen_lock secure_boot edr_running jailbroken'.split()


def tri_and(values):
    values = set(values)
    return False if False in values else None if None in values else True


def tri_not(value):
    return None if value is None else not value


def tri_or(values):
    return tri_not(tri_and(tri_not(v) for v in values))


class Text(str):
    """A scalar of a file; `plain` is whether it stood there without quotes."""


class Number(str):
    """A number of the facts, as it was written."""


def read_value(raw):
    if isinstance(raw, list):
        return [read_value(item) for item in raw]
    if isinstance(raw, dict) and 'number' in raw:
        return Number(raw['number'])
    return Number(raw) if type(raw) is int else raw


def matches(value, wants):
    """Text of equal bytes; for a plain scalar also the number or boolean written so; any of a list."""
    if isinstance(value, list):
        return tri_or(None if isinstance(item, list) else matches(item, wants) for item in value)
    if type(value) in (Number, bool):
        return tri_or(str(value).lower() == w if w.plain else None for w in wants)
    return value in wants if type(value) is str else None


def agree(attribute, a, b):
    """Whether two sources say the same."""
    if type(a) is not type(b) or a is None or isinstance(a, dict):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(agree('', x, y) for x, y in zip(a, b))
    if attribute.endswith('version') and None not in (version(a), version(b)):
        return version(a) == version(b)
    return a == b


def known(test, value):
    return None if value is None else test(value)


def because(value, *codes):
    """Codes of its own for a value that is unknown."""
    return (None, codes) if value is None else value


def in_set(wants, has):
    """any, all and none of a set, of which a bare list is any; has() is asked for one of a list."""
    wants = {'any': wants} if isinstance(wants, list) else wants
    return tri_and([has(wants['any']) if 'any' in wants else True, *(has([w]) for w in wants.get('all', [])),
                    tri_not(has(wants['none'])) if 'none' in wants else True])


class Facts:
    """One question, as the driver reads it too (driver.c says what its members are)."""

    def __init__(self, raw, policy):
        request = raw.get('request', {})
        self.policy, self.raw, self.edges = policy, raw, set()
        self.id, self.clock = raw.get('identity'), raw.get('clock_is_good', True)
        self.now = raw['now_us'] // 1000000 if 'now_us' in raw else raw.get('now_s', 0)
        self.app = policy.find(request['host']) if 'host' in request else policy.apps.get(request.get('app'))
        self.protocol, self.method, self.login = request.get('protocol', 'http'), request.get('method'), request.get('login')
        is_raw = 'target' in request and self.app
        self.path = normalise(request['target'], *self.app.passes) if is_raw else request.get('path')
        self.address, self.country = address(request.get('from') or '-'), request.get('country')
        self.reports = [{'source': None, 'seen_s': 0, 'is_hint': False, **r, 'value': read_value(r.get('value'))}
                        for d in raw.get('devices', ()) for r in d.get('facts', ())]
        self.is_machine = self.id is not None and self.id.get('is_machine', False)

    def edge(self, *moments):
        self.edges.update(t for t in moments if t is not None and t > self.now)

    def young(self, since, limit, is_hint=False):
        """Within a limit, which is inside; unknown without a good clock."""
        if since + limit >= self.now:
            self.edges.add(since + limit + 1)
        return self.now - since <= limit if self.clock or is_hint else None

    def told(self, member, test=lambda value: value):
        """What the identity says, if there is one and it does."""
        return known(test, (self.id or {}).get(member))

    def mail(self, test):
        """A machine has no address; one that nobody vouches for, or with two @, is unknown."""
        mail, vouched = self.id.get('email'), self.id.get('email_verified') or self.id.get('issuer_is_trusted')
        if self.is_machine:
            return False
        return test(mail.lower()) if mail and vouched and mail.count('@') == 1 else None

    def is_from(self, names):
        nets = [n for name in names for n in self.policy.networks.get(name) or [network(name)]]
        return known(lambda address: any(address in net for net in nets), self.address)

    def fits(self, kind, texts):
        return tri_or(kind(text).matches(self) for text in texts)

    def login_within(self, limit, code, other=True):
        since = self.told('auth_time_s')
        value = tri_and([self.young(since, seconds(limit)) if since else None, other])
        return (value, ('clock', code)) if since and not self.clock else value

    def granted(self, kind, rule, absent, expired):
        ends = [g['expires_s'] for g in self.raw.get('grants', ())
                if (g['kind'], g['rule']) == (kind, rule) and 'rule_digest' not in g]    # one of another text is dead
        if self.raw.get('grants_unknown') or not ends:
            return None if self.raw.get('grants_unknown') else False, (absent,)
        if not self.clock:
            return None, ('clock', absent)
        self.edge(max(ends))
        return (True, (absent,)) if max(ends) > self.now else (False, (expired,))


def as_list(node):
    return node if isinstance(node, list) else [node]


# What the keys of a rule ask, with the usual code.
WHO = {
    'kind': ('who.kind', lambda f, kind: f.is_machine == (kind == 'machine')),
    'users': ('who.users', lambda f, users: f.mail(lambda mail: mail in map(str.lower, users))),
    'domains': ('who.domains', lambda f, domains: f.mail(lambda mail: mail.split('@')[1] in map(str.lower, domains))),
    'services': ('who.services', lambda f, services: f.is_machine and f.id.get('service') in services),
    'groups': ('who.groups', lambda f, wants: f.told('groups', lambda has: in_set(
        wants, lambda names: not f.policy.meant(names).isdisjoint(has))))}
TO = {
    'logins': ('to.login', lambda f, logins: f.protocol == 'ssh' and f.login in logins),
    'methods': ('to.method', lambda f, methods: f.protocol == 'http' and f.method in methods),
    'paths': ('to.path', lambda f, globs: f.protocol == 'http' and f.fits(glob, globs)),
    'except': ('to.path', lambda f, globs: f.protocol == 'http' and not f.fits(glob, globs)),
    'paths_regex': ('to.path', lambda f, regexes: f.protocol == 'http' and
                    because(f.fits(regex, regexes), 'regex-limit', 'to.path'))}
AUTH = {
    'mfa': ('auth.mfa', lambda f, _: f.told('mfa')),
    'methods': ('auth.methods', lambda f, methods: f.told('amr', lambda amr: bool(set(methods) & set(amr)))),
    'acr': ('auth.acr', lambda f, classes: f.told('acr', lambda acr: acr in classes)),
    'issuers': ('auth.issuers', lambda f, issuers: known(lambda who: who.get('issuer_name') in issuers, f.id)),
    'login_within': ('auth.login_within', lambda f, limit: f.login_within(limit, 'auth.login_within')),
    'mfa_within': ('auth.mfa_within', lambda f, limit: f.login_within(limit, 'auth.mfa_within', f.told('mfa')))}
FROM = {
    'networks': ('from.network', lambda f, names: f.is_from(names)),
    'not_networks': ('from.network', lambda f, names: tri_not(f.is_from(names))),
    'countries': ('from.country', lambda f, countries: known(lambda c: c in countries, f.country)),
    'not_countries': ('from.country', lambda f, countries: known(lambda c: c not in countries, f.country))}
GRANTS = {'approval': ('approval:required', 'approval:expired'), 'break_glass': ('break-glass:closed', 'break-glass:closed')}


class Rule:
    """Lifetime AND scope AND need."""

    def __init__(self, node, policy, default_zone):
        self.id, self.effect, self.policy, self.zone = node['id'], node['effect'], policy, default_zone
        self.is_deny, self.on_certainty, self.is_audit = self.effect == 'deny', 'on_missing' in node, node.get('mode') == 'audit'
        self.is_for_anyone, self.target = node['who'] == 'anyone', {} if node['to'] == 'everything' else node['to']
        self.starts = moment(node['starts'], default_zone, 0) if 'starts' in node else None
        self.expires = moment(node['expires'], default_zone, 1) if 'expires' in node else None
        self.session, self.skips = node.get('session', {}), node.get('break_glass', {}).get('skips', [])
        self.life, self.who = self.atom(self.lives), self.make_who({} if self.is_for_anyone else node['who'])
        self.to = self.join(tri_and, self.atoms(TO, self.target, 'apps', 'labels', 'protocols'))
        self.need = self.make_need(node)
        self.all = self.join(tri_and, [self.life, self.who, self.to, self.need])

    def atom(self, ask, *codes):
        """ask gives a value, or the value and other codes than the usual ones. Named is what makes a deny fire, or
        keeps an allow or a require from holding."""
        def node(f):
            answer = ask(f)
            value, said = answer if type(answer) is tuple else (answer, codes)
            return value, set(said) if value in (None, self.is_deny) else set()
        return node

    def atoms(self, table, node, *others):
        """One for each key; what stands at the others is not asked here."""
        return [self.atom(lambda f, ask=table[key][1], want=want: ask(f, want), table[key][0])
                for key, want in node.items() if key not in others]

    def join(self, tri, parts):
        """Of an OR in a deny, those parts speak that have its value."""
        parts = list(parts)

        def node(f):
            answers = [part(f) for part in parts]               # all of them: each notes its edges
            value = tri(v for v, _ in answers)
            said = [codes for v, codes in answers if v is value or tri is tri_and or not self.is_deny]
            return value, set().union(*said) if value in (None, self.is_deny) else set()
        return node

    def lives(self, f):
        if not f.clock and (self.starts, self.expires) != (None, None):
            return None, ('clock',)
        f.edge(self.starts, self.expires)
        if self.starts is not None and f.now < self.starts:
            return False, ('rule:not-started',)
        return (False, ('rule:expired',)) if self.expires is not None and f.now >= self.expires else True

    def fires(self, live, need):
        """Of an allow: applies. live is lifetime AND scope."""
        if self.effect == 'require':
            return live is True and need is False if self.on_certainty else live is not False and need is not True
        return tri_and([live, need]) in ((True, None) if self.is_deny and not self.on_certainty else (True,))

    def make_who(self, node):
        parts = self.atoms(WHO, node, 'any', 'all', 'claims')
        parts += [self.claim(name, wants) for name, wants in node.get('claims', {}).items()]
        parts += [self.join(tri, map(self.make_who, node[k])) for k, tri in (('any', tri_or), ('all', tri_and)) if k in node]
        return self.join(tri_and, parts)

    def claim(self, name, wants):
        def ask(f):
            claims = f.id.get('claims', {})
            return because(in_set(wants, lambda some: matches(read_value(claims[name]), some)),
                           'type-error', 'who.claims.' + name) if name in claims else None
        return self.atom(ask, 'who.claims.' + name)

    def concerns(self, app):
        """The parts of `to` that look at the app alone."""
        to = self.target
        return (app.name in to.get('apps', [app.name]) and app.protocol in to.get('protocols', [app.protocol]) and
                all(app.labels.get(k) in as_list(v) for k, v in to.get('labels', {}).items()))

    def make_need(self, node):
        parts = self.atoms(AUTH, node.get('auth', {})) + self.atoms(FROM, node.get('from', {}))
        parts += [self.atom(lambda f, kind=k: f.granted(kind, self.id, *GRANTS[kind])) for k in GRANTS if k in node]
        if 'purpose' in node:
            parts.append(self.atom(lambda f: bool((f.raw.get('purpose') or '').strip(' \t\r\n')), 'purpose:required'))
        if 'device' in node:
            need = node['device']
            parts += Device(self, self.policy.devices[need] if isinstance(need, str) else need).atoms()
        if 'when' in node:
            schedules = ([Schedule(node['when'], self.zone)] if isinstance(node['when'], dict) else
                         [self.policy.schedules[name] for name in as_list(node['when'])])
            parts.append(self.atom(lambda f: tri_or(s.is_open(f) for s in schedules) if f.clock else (None, ('clock', 'when')),
                                   'when'))
        return self.join(tri_and, parts)


class Device:
    """The atoms of a device. A client hint may make an atom of a deny true and counts nowhere else."""

    TESTS = {
        **dict.fromkeys(FLAGS, lambda v, want: v == (want == 'true') if type(v) is bool else None),
        **dict.fromkeys(('os', 'ownership', 'key_protection'), lambda v, want: v in want if type(v) is str else None),
        'min_patch_level': lambda v, want: known(lambda day: day >= day_number(want), day_number(v)) if type(v) is str else None,
        'max_risk': lambda v, want: float(v) <= int(want) if type(v) is Number and re.fullmatch(r'\d+(\.\d+)?', v) else None}

    def __init__(self, rule, node):
        self.rule, self.node, self.within = rule, node, seconds(node.get('seen_within', '24h'))

    def atoms(self):
        parts = [self.atom(key.removeprefix('min_').removeprefix('max_'), self.TESTS[key], want)
                 for key, want in self.node.items() if key in self.TESTS]
        parts += [self.version_atom(key[4:-8], {k: version(v) for k, v in self.node[key].items()})
                  for key in ('min_os_version', 'min_browser_version') if key in self.node]
        parts += [self.atom(name, matches, as_list(want)) for name, want in self.node.get('attributes', {}).items()]
        return parts or [self.rule.atom(lambda f: (None, (self.doubt(f),)) if self.doubt(f) else True)]

    def reports(self, f, attribute=None, hints=False):
        """[(value, whether it is fresh)]"""
        return [(r['value'], f.young(r['seen_s'], self.within, hints)) for r in f.reports
                if r['is_hint'] is hints and attribute in (None, r['attribute']) and
                r['source'] in self.node.get('sources', [r['source']])]

    def doubt(self, f):
        """The code of what is wrong with the device as a whole, if anything is."""
        reports = self.reports(f)
        if not reports or not f.clock:
            return 'clock' if reports else 'device:missing'
        return None if any(is_fresh for _, is_fresh in reports) else 'device:stale'

    def seek(self, f, attribute):
        """([the value], ()), or ([], codes) of what is wrong."""
        if self.doubt(f):
            return [], (self.doubt(f),)
        reports = self.reports(f, attribute)
        fresh = [value for value, is_fresh in reports if is_fresh]
        if not fresh:
            return [], ('device:stale' if reports else f'device.{attribute}:missing',)
        return (fresh[:1], ()) if all(agree(attribute, fresh[0], v) for v in fresh[1:]) else ([], ('device:conflict',))

    def hints(self, f, attribute):
        return [value for value, is_fresh in self.reports(f, attribute, True) if is_fresh and self.rule.is_deny]

    def atom(self, attribute, test, want):
        def ask(f):
            found, codes = self.seek(f, attribute)
            value = test(found[0], want) if found else None
            if True in [test(h, want) for h in self.hints(f, attribute)]:
                return True
            return because(value, *(codes or ('type-error', 'device.' + attribute)))
        return self.rule.atom(ask, 'device.' + attribute)

    def version_atom(self, name, least):
        """An OS or browser that is not listed gives false, whatever its version."""
        code, name_code = f'device.{name}_version', f'device.{name}'

        def is_enough(n, v):
            return type(n) is str and n in least and (version(v) or ()) >= least[n]

        def ask(f):
            (names, doubt), (versions, doubt2) = self.seek(f, name), self.seek(f, name + '_version')
            if any(is_enough(n, v) for n in names + self.hints(f, name) for v in versions + self.hints(f, name + '_version')):
                return True
            if not names:
                return None, (*doubt, *(d.replace(name_code + ':', code + ':') for d in doubt))
            if type(names[0]) is not str:
                return None, ('type-error', name_code, code)
            if names[0] not in least:
                return False
            return (None, doubt2 or ('type-error', code)) if not versions or version(versions[0]) is None else False
        return self.rule.atom(ask, code)


def read_yaml(text):
    def plain(node):
        if isinstance(node, yaml.ScalarNode):
            scalar = Text(node.value)
            scalar.plain = not node.style
            return scalar
        if isinstance(node, yaml.SequenceNode):
            return [plain(item) for item in node.value]
        return {plain(k): plain(v) for k, v in node.value}
    return plain(yaml.compose(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader)))


class App:
    def __init__(self, node):
        scheme = as_list(node['upstream'])[0].split(':')[0]
        self.name, self.labels, self.logins = node['name'], node.get('labels', {}), node.get('logins', [])
        self.hosts = [h.lower() for h in [node['host'], *node.get('aliases', [])]]
        self.protocol = node.get('protocol', scheme if scheme in ('ssh', 'rdp') else 'http')
        self.public = [glob(g) for g in node.get('public_paths', [])]
        self.ignores_case = node.get('path_case') == 'insensitive'
        self.passes = node.get('encoded_slash') == 'pass', node.get('path_params') == 'pass'


class Policy:
    def __init__(self, files):                  # {name: text}
        docs = [read_yaml(text) for _, text in sorted(files.items())]
        zones = [doc.get('defaults', {}).get('timezone', 'UTC') for doc in docs]

        def defined(kind, make):
            return {k: make(v, z) for doc, z in zip(docs, zones) for k, v in doc.get('define', {}).get(kind, {}).items()}
        self.aliases, self.devices = defined('groups', lambda v, z: as_list(v)), defined('devices', lambda v, z: v)
        self.networks = defined('networks', lambda v, z: [network(n) for n in v])
        self.schedules = defined('schedules', Schedule)
        self.apps = {a['name']: App(a) for doc in docs for a in doc.get('apps', ())}
        self.hosts = {h: app for app in self.apps.values() for h in app.hosts}
        self.rules = {r['id']: Rule(r, self, z) for doc, z in zip(docs, zones) for r in doc.get('rules', ())}
        for app in self.apps.values():
            app.rules = [r for r in self.rules.values() if r.concerns(app)]

    def meant(self, names):
        """A name of define.groups stands for its union everywhere; any other is literal."""
        return set().union(*(self.meant(self.aliases[n]) if n in self.aliases else {str(n)} for n in names))

    def find(self, host):
        """Exact beats wildcard; * is one label."""
        return self.hosts.get(host) or self.hosts.get('*.' + host.partition('.')[2])

    def decide(self, raw):
        f = Facts(raw, self)
        is_http = f.protocol == 'http'
        is_public = f.app and is_http and f.path and any(g.matches(f) for g in f.app.public)
        reason = (not f.app and 'input:host' or is_http and not f.method and 'input:method' or
                  is_http and not f.path and 'input:path' or f.id is None and not is_public and 'auth.none')
        if reason or f.protocol == 'ssh' and f.login not in f.app.logins:
            return Verdict(reason or 'default-deny', causes=() if reason else {'to.login'})
        rules = [r for r in f.app.rules if not is_public or r.is_deny and r.is_for_anyone]
        if is_public:
            f.id, f.is_machine = None, False
        values, edges = evaluate(rules, f)
        enforced = [v for v in values if not v[0].is_audit]
        verdict = judge(enforced, is_public, f)
        would = judge(values, is_public, f) if len(enforced) < len(values) else verdict
        verdict.would = would if (would.effect, would.reason) != (verdict.effect, verdict.reason) else None
        if f.id is not None:
            since, terms = f.id.get('login_s') or f.id.get('auth_time_s'), verdict.obligations
            bounds = (f.id.get('expires_s'), since and terms['max_s'] and since + terms['max_s'],
                      terms['idle_s'] and f.now + terms['idle_s'])
            verdict.bounds = [b for b in bounds if b and b > f.now]
        verdict.edges = sorted(edges | set(verdict.bounds))
        return verdict


class Verdict:
    """rules and causes are sets; edges: the moments at which a fact used may change by itself; bounds: those of
    them that end an allowed visit, whatever the rules say."""

    def __init__(self, reason, rules=(), causes=(), sessions=()):
        self.reason, self.rules, self.causes = reason, set(rules), set(causes)
        self.effect = 'allow' if reason in ('allow', 'public-path') else 'deny'
        self.would, self.edges, self.bounds = None, [], []
        # The strictest of all; who is silent has no opinion; all silent is off.
        said = {key: [s[key] for s in sessions if key in s] for key in TERMS}
        self.obligations = {
            'max_s': min(map(seconds, said['max']), default=0), 'idle_s': min(map(seconds, said['idle']), default=0),
            'record': 'true' in said['record'], **{k: bool(said[k]) and 'false' not in said[k] for k in TERMS[3:]}}


def evaluate(rules, f):
    """[(rule, scope, lifetime AND scope, fires)], and the edges of what is enforced."""
    values, edges = [], set()
    for rule in rules:
        f.edges = set()
        scope = tri_and([rule.to(f)[0], rule.who(f)[0]])
        live = tri_and([rule.life(f)[0], scope]) if scope is not False else False
        values.append((rule, scope, live, rule.fires(live, rule.need(f)[0] if live is not False else False)))
        edges |= set() if rule.is_audit else f.edges
    return values, edges


def judge(values, is_public, f):
    applying = [r for r, *_, does in values if does and r.effect == 'allow']
    skipped = {s for r in applying for s in r.skips}
    refusing = [r for r, *_, does in values if does and r.effect != 'allow' and (r.is_deny or r.id not in skipped)]
    if refusing:
        reason = 'deny-rule' if any(r.is_deny for r in refusing) else 'require-failed'
        return Verdict(reason, [r.id for r in refusing], set().union(*(r.all(f)[1] for r in refusing)))
    if is_public:
        return Verdict('public-path')
    if applying:
        binding = applying + [r for r, _, live, _ in values if r.effect == 'require' and live is not False]
        return Verdict('allow', [r.id for r in applying], (), [r.session for r in binding])
    near = [r for r, scope, *_ in values if r.effect == 'allow' and scope is True]
    return Verdict('default-deny', (), set().union(*(r.all(f)[1] for r in near)))
