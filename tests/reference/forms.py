"""What a text of the language means by itself: durations, dates, versions, addresses, windows of time, paths."""

import datetime
import functools
import ipaddress
import re
import urllib.parse
import zoneinfo

DAY, EPOCH = 86400, 719163         # EPOCH: the ordinal of 1970-01-01
WEEKDAYS = 'mon tue wed thu fri sat sun'.split()


def seconds(text):
    return int(text[:-1]) * {'s': 1, 'm': 60, 'h': 3600, 'd': DAY}[text[-1]]


def day_number(text):
    """Days since 1970, None when it is no date."""
    try:
        return datetime.date.fromisoformat(text).toordinal() - EPOCH
    except ValueError:
        return None


def version(text):
    """A tuple in which 14 and 14.0 are equal, None when it is no version."""
    if not isinstance(text, str) or not re.fullmatch(r'[0-9]+(\.[0-9]+)*', text):
        return None
    return tuple(int(part) for part in re.sub(r'(\.0+)+$', '', text).split('.'))


@functools.cache
def network(text):
    net = ipaddress.ip_network(text)
    mapped = getattr(net.network_address, 'ipv4_mapped', None)
    return ipaddress.ip_network((mapped, net.prefixlen - 96)) if mapped else net


def address(text):
    """None when it is none; a mapped one counts as v4."""
    try:
        ip = ipaddress.ip_address(text)
        return getattr(ip, 'ipv4_mapped', None) or ip
    except ValueError:
        return None


def local(zone, day, second=0, fold=0):
    """When the clocks of a zone show this; of an hour that is repeated, the first time or (fold) the second."""
    time = datetime.datetime.fromordinal(day + EPOCH) + datetime.timedelta(seconds=second)
    return int(time.replace(tzinfo=zone, fold=fold).timestamp())


def moment(text, zone_name, days_later):
    """When a date begins, or that many days later, in a zone; an instant is told as such."""
    day = day_number(text)
    at = int(datetime.datetime.fromisoformat(text).timestamp())
    return at if day is None else local(zoneinfo.ZoneInfo(zone_name), day + days_later)


@functools.cache
def shifts(zone, day):
    """When the clocks of a zone are changed, during a day of UTC: at a quarter of an hour, if at all."""
    def offset(t):
        return datetime.datetime.fromtimestamp(t, zone).utcoffset()
    return [t for t in range(day * DAY, (day + 1) * DAY, 900) if offset(t - 1) != offset(t)]


class Schedule:
    """Windows of the wall clock: an hour that is skipped is in none, one that is repeated counts both times."""

    def __init__(self, node, default_zone):
        self.zone = zoneinfo.ZoneInfo(node.get('timezone', default_zone))
        self.days = {WEEKDAYS.index(d) for d in node['days']}
        self.excepted = {day_number(d) for d in node.get('except_dates', [])}
        self.windows = []
        for text in node['hours']:
            start, end = (int(t[:2]) * 3600 + int(t[3:]) * 60 for t in text.split('-'))
            self.windows.append((start, end if end > start else end + DAY))     # belongs to its start day

    def has_day(self, day):
        return (day + 3) % 7 in self.days and day not in self.excepted          # 1970-01-01 was a Thursday

    @functools.lru_cache(10000)
    def edges(self, today):
        """Whenever it may open or close, in the days around."""
        days = range(today - 3, today + 10)
        return {*(t for day in days for t in shifts(self.zone, day)),
                *(local(self.zone, day, bound, fold) for day in days if self.has_day(day)
                  for bound in sum(self.windows, ()) for fold in (0, 1))}

    def is_open(self, f):
        today, now = f.now // DAY, datetime.datetime.fromtimestamp(f.now, self.zone)
        f.edge(*self.edges(today))
        day, second = now.toordinal() - EPOCH, now.hour * 3600 + now.minute * 60 + now.second
        return any(self.has_day(day - back) and start <= second + back * DAY < end
                   for start, end in self.windows for back in (0, 1))


LOOKALIKES = set('\u2024\u2025\ufe52\uff0e\uff0f\uff3c')


def normalise(raw, passes_slash=False, passes_params=False):
    """The normal form, None for 400."""
    path = raw.split('?')[0] or '/'
    if '#' in raw or path[0] != '/' or re.search(r'[\x00-\x20\x7f-\xff\\]|%(?![0-9A-Fa-f]{2})', path):
        return None

    def unescape(m):
        char = chr(int(m[1], 16))
        return char if re.match('[A-Za-z0-9._~-]', char) else m[0].upper()
    path = re.sub('%(..)', unescape, path)
    if (re.search('%[01].|%7F|%5C|%25[0-9A-Fa-f]{2}', path) or '%2F' in path and not passes_slash or
            re.search(';|%3B', path) and not passes_params or
            any(re.split(';|%3B', s)[0] in ('.', '..') for s in re.split('/|%2F', path))):
        return None
    try:
        text = urllib.parse.unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return None
    return None if LOOKALIKES & set(text) else re.sub('/+', '/', path)


class Regex:                                                # over the path as the app reads it: with case or without
    def __init__(self, text):
        self.patterns = [re.compile(f'(?:{text})', flags) for flags in (re.A, re.A | re.I)]
        self.is_evil = re.search(r'x[+]\)[+]', text)        # stands for what reaches the match limit

    def matches(self, f):
        if self.is_evil and len(f.path) > 64:
            return None
        return self.patterns[f.app.ignores_case].fullmatch(f.path) is not None


class Glob(Regex):
    def __init__(self, text):
        raw = ''.join(c if c < '\x7f' else ''.join(f'%{b:02X}' for b in c.encode()) for c in text)
        path = normalise(raw.replace('*', '%2A'), True, True).replace('%2A', '*')
        stars = {'*': '/[^/]+', '**': '(?:/[^/]+)*'}
        super().__init__(''.join(stars.get(s, '/' + re.escape(s)) for s in path.rstrip('/').split('/')[1:]) + '/?')


glob, regex = functools.cache(Glob), functools.cache(Regex)
