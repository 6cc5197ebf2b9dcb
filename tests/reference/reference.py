#!/usr/bin/python3
"""The policy language, read slowly: a loader and an interpreter that say what a decision must be.
What its texts mean by themselves stands in forms.py.

Written from the language page, and held against policy/ in C by differential.py. Nothing is fast
or indexed: every rule of the app is evaluated whole, in three values, True, False and None
(unknown). README.md lists the choices taken where the page has two readings.

A rule is a tree of And, Or and Atom. An atom is a function of the facts that gives its value, or
the value with the codes that name it when they are not the usual ones; it also notes the moments
at which it may change by itself (Facts.edge)."""

import re

import yaml

from forms import (Glob, LoadError, Regex, Schedule, Text, address, day_number, demand, instant, network, normalise,
                   seconds, version, zone)

FLAGS = 'managed compliant disk_encrypted firewall screen_lock secure_boot edr_running jailbroken'.split()

# The keys of each place; ! is mandatory.
KEYS = {place: keys.split() for place, keys in {
    'file': 'version! defaults define apps rules tests',
    'defaults': 'timezone',
    'define': 'groups networks schedules devices',
    'schedule': 'days! hours! timezone except_dates',
    'app': 'name! title description icon owner labels host! aliases upstream! protocol start public_paths cross_site_post '
           'identity rewrite_host path_case encoded_slash path_params websocket cors timeouts max_body health balance '
           'shared_cache tls host_key logins',
    'rule': 'id! effect! title owner ticket mode starts expires who! to! device auth from when approval purpose '
            'break_glass session on_missing',
    'who': 'kind users domains groups claims services any all',
    'to': 'apps labels protocols methods paths except paths_regex logins',
    'device': ' '.join(FLAGS) + ' os min_os_version min_browser_version min_patch_level ownership key_protection '
              'max_risk seen_within sources attributes',
    'auth': 'mfa mfa_within methods acr login_within issuers',
    'from': 'networks not_networks countries not_countries',
    'approval': 'by! count valid_for! reason_required',
    'purpose': 'required! prompt',
    'break_glass': 'skips! reason_required! notify!',
    'session': 'max idle record clipboard file_transfer port_forwarding',
    'set': 'any all none'}.items()}
# The effects that a key is for; elsewhere it is a load error.
FOR = {'approval': 'allow require', 'purpose': 'allow require', 'session': 'allow require', 'break_glass': 'allow',
       'on_missing': 'require deny'}

# ---- three values --------------------------------------------------------------------------------

def tri_and(values):
    values = set(values)
    return False if False in values else None if None in values else True


def tri_not(value):
    return None if value is None else not value


def tri_or(values):
    return tri_not(tri_and(tri_not(v) for v in values))


class Atom:
    def __init__(self, ask, *codes):
        self.ask, self.codes = ask, codes

    def answer(self, f):
        answer = self.ask(f)
        return answer if type(answer) is tuple else (answer, self.codes)

    def value(self, f):
        return self.answer(f)[0]

    def causes(self, f, is_deny):
        """The codes of the atoms that make a deny fire, or keep an allow or a require from holding."""
        value, codes = self.answer(f)
        return set() if value is not None and value is not is_deny else set(codes)


class And:
    join, picks = staticmethod(tri_and), False

    def __init__(self, parts):
        self.parts = parts

    def value(self, f):
        return self.join([p.value(f) for p in self.parts])      # all of them: each notes its edges

    def causes(self, f, is_deny):
        value = self.value(f)
        if value is not None and value is not is_deny:
            return set()
        return set().union(*(p.causes(f, is_deny) for p in self.parts
                             if not (self.picks and is_deny) or p.value(f) is value))


class Or(And):
    """Of a deny those parts speak that have its value."""
    join, picks = staticmethod(tri_or), True

# ---- files and their rules -----------------------------------------------------------------------

def check(node, place):
    demand(isinstance(node, dict) and node, f'{place} must be a mapping that is not empty')
    unknown = set(node) - {k.rstrip('!') for k in KEYS[place]}
    missing = [k for k in KEYS[place] if k.endswith('!') and k[:-1] not in node]
    demand(not unknown and not missing, f'{place}: unknown {unknown}, missing {missing}')
    return node


def read_yaml(text):
    def plain(node):
        if isinstance(node, yaml.ScalarNode):
            scalar = Text(node.value)
            scalar.plain = not node.style
            return scalar
        if isinstance(node, yaml.SequenceNode):
            return [plain(item) for item in node.value]
        pairs = [(plain(k), plain(v)) for k, v in node.value]
        demand(len(dict(pairs)) == len(pairs), 'duplicate key')
        return dict(pairs)
    return plain(yaml.compose(text, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader)))


def as_list(node):
    return node if isinstance(node, list) else [node]


class App:
    def __init__(self, node):
        check(node, 'app')
        scheme = as_list(node['upstream'])[0].split(':')[0]
        self.name, self.labels, self.logins = node['name'], node.get('labels', {}), node.get('logins', [])
        self.hosts = [h.lower() for h in [node['host'], *node.get('aliases', [])]]
        self.protocol = node.get('protocol', scheme if scheme in ('ssh', 'rdp') else 'http')
        self.public = [Glob(g) for g in node.get('public_paths', [])]
        self.ignores_case = node.get('path_case') == 'insensitive'
        self.passes = node.get('encoded_slash') == 'pass', node.get('path_params') == 'pass'


class Rule:
    """Lifetime AND scope AND need. The methods named need_... and who_... make the atoms of the keys."""

    def __init__(self, node, policy, default_zone):
        check(node, 'rule')
        self.id, self.effect, self.policy, self.zone = node['id'], node['effect'], policy, default_zone
        for key in node:
            demand(self.effect in FOR.get(key, self.effect), f'{key} in a rule that is {self.effect}')
        self.is_audit, self.on_certainty = node.get('mode') == 'audit', 'on_missing' in node
        self.is_for_anyone, self.target = node['who'] == 'anyone', node['to']
        self.starts, self.expires = self.moment(node.get('starts'), 0), self.moment(node.get('expires'), 1)
        self.session = check(node['session'], 'session') if 'session' in node else {}
        self.skips = check(node['break_glass'], 'break_glass')['skips'] if 'break_glass' in node else []
        check(node.get('purpose', {'required': 'true'}), 'purpose')
        needs = [k for k in node if k in ('device', 'auth', 'from', 'when', 'approval', 'purpose', 'break_glass')]
        demand(needs or self.effect != 'require', 'a require with no need')
        self.life, self.who, self.to = Atom(self.lives), self.make_who(node['who']), self.make_to(node['to'])
        self.need = And([getattr(self, 'need_' + k)(node[k]) for k in needs])
        self.all = And([self.life, self.who, self.to, self.need])

    def moment(self, text, days_later):
        if text is None:
            return None
        if day_number(text) is not None:
            return zone(self.zone).midnight(day_number(text) + days_later)
        return instant(text)

    def lives(self, f):
        if self.starts is None and self.expires is None:
            return True, ()
        if not f.clock:
            return None, ('clock',)
        f.edge(self.starts, self.expires)
        if self.starts is not None and f.now < self.starts:
            return False, ('rule:not-started',)
        return (False, ('rule:expired',)) if self.expires is not None and f.now >= self.expires else (True, ())

    def concerns(self, app):
        """The parts of `to` that look at the app alone."""
        to = self.target
        return to == 'everything' or (
            ('apps' not in to or app.name in to['apps']) and ('protocols' not in to or app.protocol in to['protocols']) and
            all(app.labels.get(k) in as_list(v) for k, v in to.get('labels', {}).items()))

    # -- who --

    def make_who(self, node):
        if node == 'anyone':
            return And([])
        check(node, 'who')
        demand(sum(k in node for k in ('users', 'domains', 'groups', 'services')) < 2, 'two of users, domains, groups, services')
        return And([getattr(self, 'who_' + k)(v) for k, v in node.items()])

    def who_any(self, nodes, join=Or):
        return join([self.make_who(n) for n in nodes])

    def who_all(self, nodes):
        return self.who_any(nodes, And)

    def who_kind(self, kind):
        return Atom(lambda f: f.is_machine == (kind == 'machine'), 'who.kind')

    def who_users(self, users):
        return Atom(lambda f: f.mail(lambda mail: mail in map(str.lower, users)), 'who.users')

    def who_domains(self, domains):
        return Atom(lambda f: f.mail(lambda mail: mail.split('@')[1] in map(str.lower, domains)), 'who.domains')

    def who_services(self, services):
        return Atom(lambda f: f.is_machine and f.id.get('service') in services, 'who.services')

    def who_groups(self, node):
        wanted = {k: [self.policy.group(g) for g in v] for k, v in self.set(node).items()}

        def ask(f):
            if f.id.get('groups') is None:
                return None
            has = {k: [bool(g & set(f.id['groups'])) for g in v] for k, v in wanted.items()}
            return any(has.get('any', [True])) and all(has.get('all', [])) and not any(has.get('none', []))
        return Atom(ask, 'who.groups')

    def who_claims(self, node):
        return And([self.claim(name, self.set(wants)) for name, wants in node.items()])

    def claim(self, name, wants):
        code = 'who.claims.' + name

        def ask(f):
            if name not in f.id.get('claims', {}):
                return None
            value = f.id['claims'][name]
            result = tri_and([*(matches(value, wants[k]) for k in wants if k == 'any'),
                              *(matches(value, [w]) for w in wants.get('all', [])),
                              *(tri_not(matches(value, wants[k])) for k in wants if k == 'none')])
            return (None, ('type-error', code)) if result is None else result
        return Atom(ask, code)

    @staticmethod
    def set(node):
        return {'any': node} if isinstance(node, list) else check(node, 'set')

    # -- to --

    def make_to(self, node):
        if node == 'everything':
            return And([])
        check(node, 'to')
        demand({'apps', 'labels'} & set(node) or self.effect != 'allow' and 'protocols' in node, 'apps, labels or protocols')
        demand('paths' not in node or 'paths_regex' not in node, 'paths beside paths_regex')
        demand(set(node.get('apps', [])) <= set(self.policy.apps), f'unknown app in {node}')
        demand({(k, v) for k, vs in node.get('labels', {}).items() for v in as_list(vs)} <= self.policy.labels, 'unknown label')
        globs = {k: [Glob(g) for g in node.get(k, [])] for k in ('paths', 'except')}
        regexes = [Regex(r) for r in node.get('paths_regex', [])]

        def path(f):
            result = tri_and([f.protocol == 'http', not globs['paths'] or any(g.matches(f) for g in globs['paths']),
                              not any(g.matches(f) for g in globs['except']),
                              not regexes or tri_or(r.matches(f) for r in regexes)]) if f.protocol == 'http' else False
            return (None, ('regex-limit', 'to.path')) if result is None else result
        atoms = {
            'logins': Atom(lambda f: f.protocol == 'ssh' and f.login in node['logins'], 'to.login'),
            'methods': Atom(lambda f: f.protocol == 'http' and f.method in node['methods'], 'to.method'),
            **{k: Atom(path, 'to.path') for k in ('paths', 'except', 'paths_regex')}}
        return And([atoms[k] for k in node if k in atoms])

    # -- need --

    def need_device(self, node):
        if isinstance(node, str):
            demand(node in self.policy.devices, f'unknown device {node}')
            node = self.policy.devices[node]
        return DeviceNeed(check(node, 'device'), self.effect == 'deny').tree()

    def need_auth(self, node):
        asks = {'mfa': lambda i, w: i.get('mfa'),
                'methods': lambda i, w: None if i.get('amr') is None else bool(set(w) & set(i['amr'])),
                'acr': lambda i, w: None if i.get('acr') is None else i['acr'] in w,
                'issuers': lambda i, w: i.get('issuer_name') in w}

        def atom(key, want):
            code = 'auth.' + key

            def timed(f):
                if not f.id or not f.id.get('auth_time_s'):
                    return tri_and([None, key == 'login_within' or (f.id or {}).get('mfa')])
                value = tri_and([f.young(f.id['auth_time_s'], seconds(want)), key == 'login_within' or f.id.get('mfa')])
                return value if f.clock else (value, ('clock', code))
            return Atom(timed if key.endswith('within') else
                        lambda f: None if f.id is None else asks[key](f.id, want), code)
        return And([atom(key, want) for key, want in check(node, 'auth').items()])

    def need_from(self, node):
        def atom(key, wants):
            nets = [n for w in wants for n in self.policy.networks.get(w) or [network(w)]] if 'networks' in key else []

            def inside(f):
                if nets:
                    return f.address and any((first[0], first[1] >> bits) == (f.address[0], f.address[1] >> bits)
                                             for first, bits in nets)
                return None if f.country is None else f.country in wants
            return Atom((lambda f: tri_not(inside(f))) if key.startswith('not_') else inside,
                        'from.network' if nets else 'from.country')
        return And([atom(key, wants) for key, wants in check(node, 'from').items()])

    def need_when(self, node):
        demand(isinstance(node, dict) or set(as_list(node)) <= set(self.policy.schedules), f'unknown schedule in {node}')
        schedules = ([Schedule(check(node, 'schedule'), self.zone)] if isinstance(node, dict) else
                     [self.policy.schedules[name] for name in as_list(node)])
        return Atom(lambda f: tri_or(s.is_open(f) for s in schedules) if f.clock else (None, ('clock', 'when')), 'when')

    def need_approval(self, node):
        self.make_who(check(node, 'approval')['by'])
        return Atom(lambda f: f.granted('approval', self.id, 'approval:required', 'approval:expired'))

    def need_break_glass(self, node):
        return Atom(lambda f: f.granted('break_glass', self.id, 'break-glass:closed', 'break-glass:closed'))

    def need_purpose(self, node):
        return Atom(lambda f: bool((f.raw.get('purpose') or '').strip(' \t\r\n')), 'purpose:required')


class DeviceNeed:
    """The atoms of a device. A client hint may make an atom of a deny true and counts nowhere else."""

    def __init__(self, node, is_deny):
        self.node, self.is_deny, self.within = node, is_deny, seconds(node.get('seen_within', '24h'))

    def tree(self):
        parts = []
        for key, want in self.node.items():
            if key in FLAGS:
                parts.append(self.atom(key, lambda v, w=want == 'true': v == w if isinstance(v, bool) else None))
            elif key in ('os', 'ownership', 'key_protection'):
                parts.append(self.atom(key, lambda v, w=want: v in w if isinstance(v, str) else None))
            elif key in ('min_os_version', 'min_browser_version'):
                parts.append(self.version_atom(key[4:-8], {k: version(v) for k, v in want.items()}))
            elif key == 'min_patch_level':
                parts.append(self.atom('patch_level', lambda v, w=day_number(want): at_least(day_number(v), w)))
            elif key == 'max_risk':
                parts.append(self.atom('risk', lambda v, w=int(want): at_least(number(v), -w, -1)))
            elif key == 'attributes':
                parts += [self.atom(a, lambda v, w=as_list(w): matches(v, w)) for a, w in want.items()]
        return And(parts or [Atom(lambda f: self.doubt(f) or True)])

    def reports(self, f, attribute=None, hints=False):
        return [r for r in f.reports if r[4] is hints and attribute in (None, r[0]) and
                ('sources' not in self.node or r[2] in self.node['sources'])]

    def doubt(self, f):
        """(None, codes) when nothing is known of the device as a whole."""
        reports = self.reports(f)
        if not reports or not f.clock:
            return None, ('clock' if reports else 'device:missing',)
        return None if any([f.young(r[3], self.within) for r in reports]) else (None, ('device:stale',))

    def seek(self, f, attribute):
        """([the value], ()), or ([], codes) of what is wrong."""
        if self.doubt(f):
            return [], self.doubt(f)[1]
        reports = self.reports(f, attribute)
        fresh = [r[1] for r in reports if f.young(r[3], self.within)]
        if not fresh:
            return [], ('device:stale' if reports else f'device.{attribute}:missing',)
        conflict = any(not agree(attribute, fresh[0], v) for v in fresh[1:])
        return ([], ('device:conflict',)) if conflict else (fresh[:1], ())

    def hints(self, f, attribute):
        return [r[1] for r in self.reports(f, attribute, True) if self.is_deny and f.young(r[3], self.within, True)]

    def atom(self, attribute, test):
        def ask(f):
            found, codes = self.seek(f, attribute)
            value = test(found[0]) if found else None
            if True in [test(h) for h in self.hints(f, attribute)]:
                return True
            return value if value is not None else (None, codes or ('type-error', 'device.' + attribute))
        return Atom(ask, 'device.' + attribute)

    def version_atom(self, name, least):
        """An OS or browser that is not listed gives false, whatever its version."""
        code, name_code = f'device.{name}_version', f'device.{name}'

        def compare(n, v):
            if not isinstance(n, str):
                return None, ('type-error', name_code, code)
            if n not in least:
                return False
            seen = version(number_text(v) or v)
            return (None, ('type-error', code)) if seen is None else seen >= least[n]

        def ask(f):
            (names, doubt), (versions, doubt2) = self.seek(f, name), self.seek(f, name + '_version')
            if True in [compare(n, v) for n in names + self.hints(f, name) for v in versions + self.hints(f, name + '_version')]:
                return True
            if not names:
                return None, (*doubt, *(d.replace(name_code + ':', code + ':') for d in doubt))
            is_listed = isinstance(names[0], str) and names[0] in least
            return (None, doubt2) if is_listed and not versions else compare(names[0], versions[0] if versions else None)
        return Atom(ask, code)

# ---- values of claims and attributes -------------------------------------------------------------

def number_text(value):
    """A number as it was written, None for anything else."""
    if isinstance(value, dict) and isinstance(value.get('number'), str):
        return value['number']
    return str(value) if type(value) is int else None


def number(value):
    text = number_text(value)
    return float(text) if text and re.fullmatch(r'\d+(\.\d+)?', text) else None


def at_least(value, wanted, sign=1):
    return None if value is None else sign * value >= wanted


def matches(value, wants):
    """Text of equal bytes; for a plain scalar also the number or boolean written so; any of a list."""
    if isinstance(value, list):
        return tri_or(None if isinstance(v, list) else matches(v, wants) for v in value)
    if isinstance(value, str):
        return value in wants
    text = str(value).lower() if isinstance(value, bool) else number_text(value)
    return None if text is None else tri_or(text == w if w.plain else None for w in wants)


def agree(attribute, a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(agree('', x, y) for x, y in zip(a, b))
    if (number_text(a) is None) != (number_text(b) is None) or number_text(a) is None and type(a) is not type(b):
        return False
    a, b = number_text(a) or a, number_text(b) or b
    if attribute.endswith('version') and None not in (version(a), version(b)):
        return version(a) == version(b)
    return a == b and a is not None and not isinstance(a, dict)

# ---- facts ---------------------------------------------------------------------------------------

class Facts:
    """One question, as the driver reads it too (driver.c says what its members are)."""

    def __init__(self, raw, policy):
        request = raw.get('request', {})
        self.raw, self.id, self.edges, self.clock = raw, raw.get('identity'), set(), raw.get('clock_is_good', True)
        self.now = raw['now_us'] // 1000000 if 'now_us' in raw else raw.get('now_s', 0)
        self.app = policy.find(request['host']) if 'host' in request else policy.apps.get(request.get('app'))
        self.protocol, self.method, self.login = request.get('protocol', 'http'), request.get('method'), request.get('login')
        self.path = request.get('path')
        if 'target' in request and self.app:
            self.path = normalise(request['target'], *self.app.passes)
        self.address, self.country = address(request.get('from') or '-'), request.get('country')
        self.reports = [(r['attribute'], r.get('value'), r.get('source'), r.get('seen_s', 0), r.get('is_hint', False))
                        for d in raw.get('devices', ()) for r in d.get('facts', ())]
        self.is_machine = self.id is not None and self.id.get('is_machine', False)

    def edge(self, *moments):
        self.edges.update(t for t in moments if t is not None and t > self.now)

    def young(self, since, limit, is_hint=False):
        """Within a limit, which is inside; unknown without a good clock."""
        if since + limit >= self.now:
            self.edges.add(since + limit + 1)
        return self.now - since <= limit if self.clock or is_hint else None

    def mail(self, test):
        """A machine has no address; one that nobody vouches for, or with two @, is unknown."""
        mail, vouched = self.id.get('email'), self.id.get('email_verified') or self.id.get('issuer_is_trusted')
        if self.is_machine:
            return False
        return test(mail.lower()) if mail and vouched and mail.count('@') == 1 else None

    def granted(self, kind, rule, absent, expired):
        ends = [g['expires_s'] for g in self.raw.get('grants', ())
                if (g['kind'], g['rule']) == (kind, rule) and 'rule_digest' not in g]    # one of another text is dead
        if self.raw.get('grants_unknown') or not ends:
            return None if self.raw.get('grants_unknown') else False, (absent,)
        if not self.clock:
            return None, ('clock', absent)
        self.edge(max(ends))
        return (True, (absent,)) if max(ends) > self.now else (False, (expired,))

# ---- the set and its decisions -------------------------------------------------------------------

class Policy:
    def __init__(self, files):                  # {name: text}
        docs = [check(read_yaml(text), 'file') for _, text in sorted(files.items())]
        demand(all(doc['version'] == '1' for doc in docs), 'version must be 1')
        zones = [check(doc.get('defaults', {'timezone': 'UTC'}), 'defaults').get('timezone', 'UTC') for doc in docs]
        defines = [(check(doc['define'], 'define'), z) for doc, z in zip(docs, zones) if 'define' in doc]

        def collect(pairs):
            out = {}
            for key, value in pairs:
                demand(key not in out, f'{key} is defined twice')
                out[key] = value
            return out

        def defined(kind, make):
            return collect((k, make(v, z)) for d, z in defines for k, v in d.get(kind, {}).items())
        self.aliases, self.devices = defined('groups', lambda v, z: as_list(v)), defined('devices', lambda v, z: v)
        self.networks = defined('networks', lambda v, z: [network(n) for n in v])
        self.schedules = defined('schedules', lambda v, z: Schedule(check(v, 'schedule'), z))
        self.apps = collect((a['name'], App(a)) for doc in docs for a in doc.get('apps', ()))
        self.labels = {kv for app in self.apps.values() for kv in app.labels.items()}
        self.hosts = collect((h, app) for app in self.apps.values() for h in app.hosts)
        self.rules = collect((r['id'], Rule(r, self, z)) for doc, z in zip(docs, zones) for r in doc.get('rules', ()))
        for name in self.aliases:
            self.group(name)
        for rule in self.rules.values():
            demand(all(s in self.rules and self.rules[s].effect == 'require' for s in rule.skips), f'{rule.id} skips no require')
        for app in self.apps.values():
            app.rules = [r for r in self.rules.values() if r.concerns(app)]

    def group(self, name, above=()):
        """A name of define.groups stands for its union everywhere; any other is literal."""
        demand(name not in above, f'a cycle of groups at {name}')
        if name not in self.aliases:
            return {str(name)}
        return set().union(*(self.group(n, (*above, name)) for n in self.aliases[name]))

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
        rules = f.app.rules
        if is_public:
            f.id, f.is_machine = None, False
            rules = [r for r in rules if r.effect == 'deny' and r.is_for_anyone]
        values, edges = [], set()
        for rule in rules:
            f.edges = set()
            scope = tri_and([rule.to.value(f), rule.who.value(f)])
            live = tri_and([rule.life.value(f), scope]) if scope is not False else False
            values.append((rule, scope, live, fires(rule, live, rule.need.value(f) if live is not False else False)))
            if not rule.is_audit:
                edges |= f.edges
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
        self.would, self.edges, self.bounds, self.obligations = None, [], [], merge(sessions)


def fires(rule, live, need):                    # an allow: applies; live is lifetime AND scope
    if rule.effect == 'allow':
        return tri_and([live, need]) is True
    if rule.effect == 'deny':
        return tri_and([live, need]) in ((True,) if rule.on_certainty else (True, None))
    return (live is True and need is False) if rule.on_certainty else (live is not False and need is not True)


def merge(sessions):
    """The strictest of all; who is silent has no opinion; all silent is off."""
    said = {key: [s[key] for s in sessions if key in s] for key in KEYS['session']}
    out = {k + '_s': min(map(seconds, said[k]), default=0) for k in ('max', 'idle')}
    permissions = {k: bool(said[k]) and 'false' not in said[k] for k in ('clipboard', 'file_transfer', 'port_forwarding')}
    return {**out, 'record': 'true' in said['record'], **permissions}


def judge(values, is_public, f):
    applying = [r for r, *_, does in values if does and r.effect == 'allow']
    skipped = {s for r in applying for s in r.skips}
    refusing = [r for r, *_, does in values if does and r.effect != 'allow' and (r.effect == 'deny' or r.id not in skipped)]
    if refusing:
        causes = set().union(*(r.all.causes(f, r.effect == 'deny') for r in refusing))
        is_deny = any(r.effect == 'deny' for r in refusing)
        return Verdict('deny-rule' if is_deny else 'require-failed', [r.id for r in refusing], causes)
    if is_public:
        return Verdict('public-path')
    if applying:
        binding = applying + [r for r, _, live, _ in values if r.effect == 'require' and live is not False]
        return Verdict('allow', [r.id for r in applying], (), [r.session for r in binding])
    near = [r for r, scope, *_ in values if r.effect == 'allow' and scope is True]
    return Verdict('default-deny', (), set().union(*(r.all.causes(f, False) for r in near)))
