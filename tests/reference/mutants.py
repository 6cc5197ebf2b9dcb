#!/usr/bin/python3
"""Whether differential.py would notice: each small fault below is put into a copy of policy/, the
driver is built from it, and a short run must find a difference. On demand, some minutes:

  mutants.py [--only WORD] [--count N] [--test NAME] [--verbose]

The faults are at different layers on purpose: the plain evaluation, the index and the interned
subject, the quick sweep, time, paths, and what explains. A fault whose text is no longer in the
file is reported too, so that the list stays true."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# (file, what is there, what stands there instead, what it means)
MUTANTS = [
    ('eval.h', 'return a == POLICY_TRUE && b == POLICY_TRUE ? POLICY_TRUE : POLICY_UNKNOWN;',
     'return a == POLICY_TRUE || b == POLICY_TRUE ? POLICY_TRUE : POLICY_UNKNOWN;', 'true AND unknown is true'),
    ('eval.c', 'return ignores_missing ? both == POLICY_TRUE : both != POLICY_FALSE;',
     'return both == POLICY_TRUE;', 'a deny needs certainty'),
    ('eval.c', 'return scope != POLICY_FALSE && need != POLICY_TRUE;',
     'return scope != POLICY_FALSE && need == POLICY_FALSE;', 'a require fires on certainty only'),
    ('eval.c', 'return effect == RULE_REQUIRE && scope != POLICY_FALSE;',
     'return effect == RULE_REQUIRE && scope == POLICY_TRUE;', 'terms of a require in doubt do not bind'),
    ('eval.h', 'since_s + limit_s + 1 : INT64_MAX', 'since_s + limit_s : INT64_MAX', 'an age at its limit is too old'),
    ('eval.c', 'eval_until(e, eval_too_old_at(since_s, limit_s));', 'eval_until(e, eval_too_old_at(since_s, limit_s) + 1);',
     'a decision that leans on an age lasts a second too long'),
    ('eval.c', 'if (e->now_s >= expires_s)', 'if (e->now_s > expires_s)', 'a rule lives a second longer, asked plainly'),
    ('eval.c', 'if (want->is_plain)', 'if (true)', 'text in quotes matches a number'),
    ('mail.c', 'if (id->email_verified != POLICY_TRUE && ', 'if (id->email_verified == POLICY_FALSE && ',
     'an address of unknown standing counts'),
    ('mail.c', 'at != str_rfind(id->email, \'@\')', 'at == 0', 'an address may have two @'),
    ('sighting.c', 's->is_contradicted = true;', 's->is_contradicted = false;', 'sources that disagree are believed'),
    ('sighting.c', '    if (e->clause->effect != RULE_DENY)\n        return NULL;\n', '', 'a hint helps an allow'),
    ('atom_device.c', 'version_cmp(&seen, wish->least) >= 0', 'version_cmp(&seen, wish->least) > 0', 'the least version is too old'),
    ('version.c', 'if (a->parts[i] != b->parts[i])', 'if (i < 1 && a->parts[i] != b->parts[i])', 'only the first part of a version counts'),
    ('atom_auth.c', 'tri_and(id->mfa, auth_age(', 'tri_or(id->mfa, auth_age(', 'mfa_within is either of the two'),
    ('atom_context.c', 'str_eq(g->rule_digest, extra->digest) &&', 'true &&', 'a grant outlives the text of its rule'),
    ('atom_context.c', 'if (g->expires_s <= e->now_s)', 'if (g->expires_s < e->now_s)', 'a grant is open at its end'),
    ('atom_to.c', 'r = tri_and(r, tri_of(!globs_match(e, except)));', ';', 'except is not looked at'),
    ('clause.c', '!is_in_networks(q, t->not_networks)', 'is_in_networks(q, t->not_networks)', 'not_networks says the opposite'),
    ('clause.c', 'if (q->knows_devices && !(is_deny && s->has_hint))', 'if (q->knows_devices)', 'an interned subject forgets hints'),
    ('clause.c', 'facts->clock_is_good && q->eval.now_s >= s->made_s && q->eval.now_s < s->until_s;',
     'facts->clock_is_good && q->eval.now_s >= s->made_s;', 'an interned subject never ages'),
    ('subject.c', 'tri_of(has != (wanted.kind == PART_GROUPS_NONE))', 'tri_of(has || wanted.kind == PART_GROUPS_NONE)', 'none of groups is not looked at, interned'),
    ('subject.c', 'return x->has_mail ? tri_of(has_number(wanted, number)) : POLICY_UNKNOWN;',
     'return tri_of(has_number(wanted, number));', 'an unproved address is known to be none, interned'),
    ('key.c', '    key_u64(k, (uint64_t)need->seen_within_s);\n', '', 'needs that differ in seen_within are one'),
    ('key.c', '        key_u32(k, list.items[i].is_plain);\n', '', 'needs that differ in quotes are one'),
    ('key.c', '    key_u64(k, (uint64_t)need->login_within_s);\n', '', 'needs that differ in login_within are one'),
    ('sweep.c', '[RULE_REQUIRE] = {0x3030, 0x1000}', '[RULE_REQUIRE] = {0x3030, 0x3030}', 'on_missing of a require is ignored, in the sweep'),
    ('sweep.c', 'is_over = now_s >= c->expires_s;', 'is_over = now_s > c->expires_s;', 'a rule lives a second longer, in the sweep'),
    ('sweep.c', '[RULE_REQUIRE] = 0xFFF0', '[RULE_REQUIRE] = 0x7770', 'terms of a require that holds do not bind, in the sweep'),
    ('sweep.c', 'if (clause->effect == RULE_DENY && clause->flags & CLAUSE_ANYONE)', 'if (clause->effect == RULE_DENY)',
     'a deny of some people speaks on a public path'),
    ('weigh.c', 'said >= 0 && (so_far < 0 || said < so_far)', 'said >= 0 && (so_far < 0 || said > so_far)', 'the longest session wins'),
    ('weigh.c', 'return so_far == OPINION_NO ? OPINION_NO : said;', 'return said;', 'the last word on a permission wins'),
    ('weigh.c', 'if (c->clauses[w->openers[i]].flags & CLAUSE_AUDIT && !with_audit)', 'if (false)', 'an audited break glass opens'),
    ('weigh.c', '    if (w->asking.compiled->clauses[rule].flags & CLAUSE_AUDIT)\n        e->until_s = until_s;\n', '',
     'audited rules bound a decision'),
    ('decide.c', '    if (ends_s)\n        eval_until(e, ends_s);\n', '', 'a decision outlives the token'),
    ('calendar.c', 'c->edges[n] <= at)', 'c->edges[n] < at)', 'a window opens a second late'),
    ('schedule.c', '&& !is_excepted(s, day)', '', 'except_dates are not excepted'),
    ('prefix.c', 'at = tree->nodes[at].parent;\n    return at;', 'break;\n    return at;', 'of nested networks only the innermost is found'),
    ('path_index.c', 'is_deep = head < glob->n', 'is_deep = false', 'a final ** matches nothing more'),
    ('path_glob.c', '    path = drop_final_slash(path);\n    for (;;) {', '    for (;;) {', 'a trailing slash counts'),
    ('explain.c', 'return note->value != (clause->effect == RULE_DENY ? POLICY_FALSE : POLICY_TRUE);',
     'return note->value != POLICY_TRUE;', 'causes of a deny leave out what is true'),
]

def copy_tree(to):
    listed = subprocess.run(['git', '-C', ROOT, 'ls-files', '-coz', '--exclude-standard'], capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split('\0')):
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(to, name))


def differs(build, test, count):
    """(whether the run found a difference, its words); None: it does not build."""
    driver = os.path.join(build, 'tests/reference/policy_driver')
    made = subprocess.run(['ninja', '-C', build, 'tests/reference/policy_driver'], capture_output=True, text=True)
    if made.returncode:
        return None, made.stdout[-1500:]
    more = ['--count', str(count), '--stop', '1', '--shrink', '0'] if test == 'differential' else []
    more = ['--root', ROOT] if test == 'embedded' else more
    run = subprocess.run([sys.executable, os.path.join(HERE, test + '.py'), '--driver', driver, *more],
                         capture_output=True, text=True)
    words = (run.stdout + run.stderr).split('\n')
    return run.returncode != 0, next((w for w in words if w.startswith('seed ')), words[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--only', default='')
    parser.add_argument('--test', choices=['differential', 'embedded', 'exhaustive', 'properties', 'zones'], default='differential')
    parser.add_argument('--count', type=int, default=40000)
    parser.add_argument('--verbose', action='store_true')
    o = parser.parse_args()
    wanted = [m for m in MUTANTS if o.only in m[0] or o.only in m[3]]
    with tempfile.TemporaryDirectory(prefix='mutants-') as folder:
        tree, build = os.path.join(folder, 'tree'), os.path.join(folder, 'build')
        copy_tree(tree)
        subprocess.run(['meson', 'setup', '-Dwerror=false', build, tree], check=True, stdout=subprocess.DEVNULL)
        found, words = differs(build, o.test, 2000)
        if found is not False:
            sys.exit('without a fault: ' + words)
        caught, bad = 0, 0
        for name, old, new, meaning in wanted:
            path, begin = os.path.join(tree, 'policy', name), time.monotonic()
            with open(path, encoding='utf-8') as f:
                text = f.read()
            if text.count(old) != 1:
                print(f'stale    {name}: {meaning}', flush=True)
                bad += 1
                continue
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text.replace(old, new))
            found, words = differs(build, o.test, o.count)
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
            word = {True: 'caught', False: 'MISSED', None: 'no build'}[found]
            print(f'{word:8} {name}: {meaning} ({time.monotonic() - begin:.0f} s)', flush=True)
            if o.verbose or found is None:
                print('    ' + words)
            caught += found is True
            bad += found is not True
    print(f'{caught} of {len(wanted)} caught')
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
