#!/usr/bin/python3
"""Schedules and dates in all zones of the system, against Python's own reading of the same files: the answer and the second
at which it changes, at each change of the clocks from 2020 to 2040, the second before it and moments at random. Each
set is compiled for the year that is asked about, or for another, as by a proxy that nobody reloads.

  zones.py --driver DRIVER [--part N] [--seed N]

One in --part of the zones and years is looked at; 1 is all of them, in some minutes."""

import datetime
import functools
import itertools
import random
import sys
import time
import zoneinfo

import harness
from forms import DAY, EPOCH, WEEKDAYS

YEARS = [*range(2020, 2041), 2068, 2100]      # the last two past every table
GROUP = 12                  # zones in a set: few enough to be compiled for a year
NEAR = 8 * DAY              # SCHEDULE_NEAR_DAYS
HOURS = ['00:00-24:00', '22:00-06:00', '02:00-03:00', '01:30-02:30', '23:30-00:30', '00:00-01:00', '02:15-02:45', '03:00-02:00',
         '09:00-17:00', '23:00-24:00', '00:30-00:00']


def offset(zone, t):
    return int(datetime.datetime.fromtimestamp(t, zone).utcoffset().total_seconds())


@functools.cache
def changes(zone, first_day, last_day):
    """When the offset of a zone changes: days apart are looked at, and what lies between is halved."""
    found = []
    for day in range(first_day, last_day):
        low, high = day * DAY, (day + 1) * DAY
        if offset(zone, low) == offset(zone, high):
            continue
        while high - low > 1:
            mid = (low + high) // 2
            low, high = (mid, high) if offset(zone, mid) == offset(zone, low) else (low, mid)
        found.append(high)
    return found


def instants(zone, wall):
    """Candidates for when a clock shows this; around a change two."""
    time = datetime.datetime.fromordinal(wall // DAY + EPOCH) + datetime.timedelta(seconds=wall % DAY)
    return {int(time.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}


def minutes(text):
    return (int(text[:2]) * 60 + int(text[3:])) * 60


class Window:
    """A schedule with its days, and how the language page reads it."""

    def __init__(self, zone, r, days):
        self.zone, self.hours = zone, r.sample(HOURS, r.choice((1, 1, 2)))
        self.days = sorted(r.sample(range(7), r.choice((1, 2, 5, 7))))
        self.excepted = sorted({r.choice(days) for _ in range(r.choice((0, 0, 1)))})
        self.windows = [(minutes(a), minutes(b) + (DAY if minutes(b) <= minutes(a) else 0))
                        for a, b in (h.split('-') for h in self.hours)]

    def yaml(self):
        dates = [str(datetime.date.fromordinal(d + EPOCH)) for d in self.excepted]
        return (f'{{days: [{", ".join(WEEKDAYS[d] for d in self.days)}], hours: {self.hours}'
                f'{", except_dates: [" + ", ".join(dates) + "]" if dates else ""}}}')

    def has_day(self, day):
        return (day + 3) % 7 in self.days and day not in self.excepted

    def is_open(self, t):
        wall = t + offset(self.zone, t)
        return any(self.has_day(wall // DAY - back) and start <= wall % DAY + back * DAY < end
                   for start, end in self.windows for back in (0, 1))

    def until(self, t):
        now, today = self.is_open(t), t // DAY
        edges = {u for day in range(today - 3, today + 11) if self.has_day(day)
                 for bound in itertools.chain(*self.windows) for u in instants(self.zone, day * DAY + bound)}
        edges.update(changes(self.zone, today - 1, today + 10))
        return next((u for u in sorted(edges) if t < u < t + NEAR and self.is_open(u) != now), t + NEAR)


def day_begins(zone, day):
    """The first second at which the clocks show this day or a later one."""
    found = instants(zone, day * DAY) | set(changes(zone, day - 2, day + 2))
    return min(t for t in found if t + offset(zone, t) >= day * DAY)


def ask(path, t):
    return {'now_s': t, 'identity': {'subject': 's'}, 'request': {'app': 'web', 'protocol': 'http', 'method': 'GET', 'path': path}}


def one_zone(name, number, year, r):
    """(text of a file, [(facts, whether it is allowed, valid_until)])"""
    zone, first = zoneinfo.ZoneInfo(name), datetime.date(year, 1, 1).toordinal() - EPOCH
    shifts = changes(zone, first, first + 366)
    days = [t // DAY + d for t in shifts for d in (-1, 0, 1)] or [first + r.randrange(366)]
    window, date = Window(zone, r, days), r.choice([*days, first + r.randrange(366)])
    to = f'effect: allow, who: anyone, to: {{apps: [web], paths: [/{number}/'
    text = (f'version: 1\ndefaults: {{timezone: {name}}}\nrules:\n'
            f'  - {{id: w{number}, {to}w]}}, when: {window.yaml()}}}\n'
            f'  - {{id: e{number}, {to}e]}}, expires: {datetime.date.fromordinal(date + EPOCH)}}}\n'
            f'  - {{id: s{number}, {to}s]}}, starts: {datetime.date.fromordinal(date + EPOCH)}}}\n')
    moments = [t + d for t in shifts for d in (-DAY, -3600, -1, 0, 1, 1800, 3600)]
    moments += [first * DAY + r.randrange(366 * DAY) for _ in range(6)]
    asked = [(ask(f'/{number}/w', t), window.is_open(t), window.until(t)) for t in moments]
    starts, ends = day_begins(zone, date), day_begins(zone, date + 1)
    asked += [(ask(f'/{number}/e', ends - 1), True, ends), (ask(f'/{number}/e', ends), False, 0),
              (ask(f'/{number}/s', starts - 1), False, starts), (ask(f'/{number}/s', starts), True, 0)]
    return text, asked


def one_set(driver, seed, task):
    """(moments compared, failures)"""
    names, year = task
    r = random.Random(f'{seed} {year} {names[0]}')
    texts = {'apps.yaml': 'version: 1\napps: [{name: web, host: web.example, upstream: "http://10.0.0.1"}]\n'}
    asked, failures = [], []
    for number, name in enumerate(names):
        texts[f'z{number}.yaml'], own = one_zone(name, number, year, r)
        asked += own
    loaded = r.choice([datetime.date(year, 1, 2), datetime.date(year, 1, 2), datetime.date(year - 7, 6, 1)])
    now = (loaded.toordinal() - EPOCH) * DAY
    answers = harness.run_driver(driver, texts, [facts for facts, *_ in asked], now)
    for (facts, is_open, until), answer in zip(asked, answers):
        if (answer['effect'] == 'allow', answer['valid_until']) != (is_open, until):
            number = int(facts['request']['path'].split('/')[1])
            failures.append(f"{names[number]}, {facts['request']['path']} at {facts['now_s']}: {answer['effect']} until "
                            f"{answer['valid_until']}, not {is_open} until {until}\n{texts[f'z{number}.yaml']}")
    return len(asked), failures[:1]


def main():
    o = harness.options(__doc__, part=60, seed=1)
    begin, total, failures = time.monotonic(), 0, []
    names = sorted(zoneinfo.available_timezones())
    groups = [names[i:i + GROUP] for i in range(0, len(names), GROUP)]
    tasks = [(group, year) for group in groups for year in YEARS]
    random.Random(o.seed).shuffle(tasks)
    for n, failed in harness.spread(functools.partial(one_set, o.driver, o.seed), tasks[:-(-len(tasks) // o.part)], o.jobs):
        total += n
        failures += failed
    harness.finish(failures[:5], f'{total} moments in {len(names)} zones compared in {time.monotonic() - begin:.0f} s; '
                                 f'{len(failures)} sets with a difference')


if __name__ == '__main__':
    sys.exit(main())
