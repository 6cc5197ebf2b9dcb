"""What a text of the language means by itself: durations, dates, versions, addresses, time zones,
and the normal form of paths with the globs and expressions over it."""

import datetime
import functools
import ipaddress
import re
import zoneinfo

DAY = 86400
WEEKDAYS = 'mon tue wed thu fri sat sun'.split()


class LoadError(Exception):
    pass


def demand(good, why):
    if not good:
        raise LoadError(why)


class Text(str):
    """The raw text of a scalar; `plain` is whether it stood there without quotes."""


def seconds(text):
    m = re.fullmatch(r'(\d+)([smhd])', text)
    demand(m, f'no duration: {text}')
    return int(m[1]) * {'s': 1, 'm': 60, 'h': 3600, 'd': DAY}[m[2]]


def day_number(text):
    """Days since 1970, None when it is no date."""
    try:
        return datetime.date.fromisoformat(text).toordinal() - 719163
    except (TypeError, ValueError):
        return None


def instant(text):
    t = datetime.datetime.fromisoformat(text)
    demand(t.tzinfo, f'an instant without its offset: {text}')
    return int(t.timestamp())


def version(text):
    """A tuple in which 14 and 14.0 are equal, None when it is no version."""
    if not isinstance(text, str) or not re.fullmatch(r'[0-9]+(\.[0-9]+)*', text):
        return None
    return tuple(int(part) for part in re.sub(r'(\.0+)+$', '', text).split('.'))


def number_of(address):
    """(family, number); a mapped address counts as v4."""
    address = getattr(address, 'ipv4_mapped', None) or address
    return address.version, int(address)


def network(text):
    """(first address, bits of host)."""
    net = ipaddress.ip_network(text)
    return number_of(net.network_address), net.max_prefixlen - net.prefixlen


def address(text):
    try:
        return number_of(ipaddress.ip_address(text))
    except ValueError:
        return None


class Zone:
    """A time zone as pieces (start, end, offset) of one offset each, over the years that matter."""
    FIRST, LAST = 1262304000, 2208988800

    def __init__(self, name):
        self.zone, self.pieces, at = zoneinfo.ZoneInfo(name), [], self.FIRST
        for t in range(self.FIRST, self.LAST, DAY):
            if self.offset(t) != self.offset(t + DAY):
                low, high = t, t + DAY
                while high - low > 1:
                    mid = (low + high) // 2
                    low, high = (mid, high) if self.offset(mid) == self.offset(t) else (low, mid)
                self.pieces.append((at, high, self.offset(t)))
                at = high
        self.pieces.append((at, 1 << 60, self.offset(at)))

    def offset(self, t):
        return int(datetime.datetime.fromtimestamp(t, self.zone).utcoffset().total_seconds())

    def midnight(self, day):
        """The first instant whose local date is that day or later."""
        return next(max(start, day * DAY - offset) for start, end, offset in self.pieces if day * DAY - offset < end)

    def spans(self, start, end):
        """The UTC intervals during which the wall clock is in [start, end): none in an hour that is skipped, two
        in one that is repeated."""
        for a, b, offset in self.pieces:
            if a - DAY < end and b + DAY > start and max(a, start - offset) < min(b, end - offset):
                yield max(a, start - offset), min(b, end - offset)


zone = functools.cache(Zone)


class Schedule:
    def __init__(self, node, default_zone):
        self.zone = zone(node.get('timezone', default_zone))
        self.days = {WEEKDAYS.index(d) for d in node['days']}
        self.excepted = {day_number(d) for d in node.get('except_dates', [])}
        self.windows, self.around = [], {}
        for text in node['hours']:
            start, end = (int(t[:2]) * 3600 + int(t[3:]) * 60 for t in text.split('-'))
            self.windows.append((start, end if end > start else end + DAY))     # belongs to its start day

    def spans(self, day):
        if (day + 3) % 7 in self.days and day not in self.excepted:             # 1970-01-01 was a Thursday
            for start, end in self.windows:
                yield from self.zone.spans(day * DAY + start, day * DAY + end)

    def is_open(self, f):
        today = f.now // DAY
        if today not in self.around:
            self.around[today] = [s for day in range(today - 3, today + 10) for s in self.spans(day)]
        for span in self.around[today]:
            f.edge(*span)
        return any(start <= f.now < end for start, end in self.around[today])


UNRESERVED = re.compile('[A-Za-z0-9._~-]')
LOOKALIKES = set('\u2024\u2025\ufe52\uff0e\uff0f\uff3c')


def normalise(raw, passes_slash=False, passes_params=False):
    """The normal form, None for 400."""
    path = raw.split('?')[0] or '/'
    if '#' in raw or path[0] != '/' or re.search(r'[\x00-\x20\x7f-\xff\\]|%(?![0-9A-Fa-f]{2})', path):
        return None

    def decode(m):
        char = chr(int(m[1], 16))
        return char if UNRESERVED.match(char) else m[0].upper()
    path = re.sub('%(..)', decode, path)
    if (re.search('%[01].|%7F|%5C|%25[0-9A-Fa-f]{2}', path) or '%2F' in path and not passes_slash or
            re.search(';|%3B', path) and not passes_params or
            any(re.split(';|%3B', s)[0] in ('.', '..') for s in re.split('/|%2F', path))):
        return None
    try:
        text = re.sub('%(..)', lambda m: chr(int(m[1], 16)), path).encode('latin-1').decode('utf-8')
    except UnicodeDecodeError:
        return None
    return None if LOOKALIKES & set(text) else re.sub('/+', '/', path)


class Glob:
    def __init__(self, text):
        raw = ''.join(c if c < '\x7f' else ''.join(f'%{b:02X}' for b in c.encode()) for c in text)
        path = normalise(raw.replace('*', '%2A'), True, True)
        demand(raw[:1] == '/' and '?' not in raw and path and not (path + '/').startswith('/.postern/'), f'no glob: {text}')
        pattern = ''
        for segment in path.replace('%2A', '*').rstrip('/').split('/')[1:]:
            demand('*' not in segment or segment in ('*', '**'), f'no glob: {text}')
            pattern += {'*': '/[^/]+', '**': '(?:/[^/]+)*'}.get(segment) or '/' + re.escape(segment)
        self.patterns = [re.compile(pattern + '/?', flags) for flags in (re.A, re.A | re.I)]

    def matches(self, f):
        return self.patterns[f.app.ignores_case].fullmatch(f.path) is not None


class Regex:
    def __init__(self, text):
        self.patterns = [re.compile(f'(?:{text})', flags) for flags in (re.A, re.A | re.I)]
        self.is_evil = re.search(r'x[+]\)[+]', text)        # stands for what reaches the match limit

    def matches(self, f):
        if self.is_evil and len(f.path) > 64:
            return None
        return self.patterns[f.app.ignores_case].fullmatch(f.path) is not None
