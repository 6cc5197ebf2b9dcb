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

# (file, what is there, what stands there instead, what it means, and the test that must find it when not differential)
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
    # The compiled path.
    ('compile.c', 'if (!is_pathful && app_summary_words(index))', 'if (is_pathful && app_summary_words(index))',
     'of a very wide app the words that no path keeps out are forgotten'),
    ('compile.c', '!to->methods.n && column <= x->out->n_methods', '!to->methods.n && column < x->out->n_methods',
     'a rule of any method is not one of a method that no rule names'),
    ('compile.c', 'return true;\n    return false;\n}\n\nstatic bool has_inexact_glob', 'return false;\n    return false;\n}\n\nstatic bool has_inexact_glob',
     'methods without a column are all alike'),
    ('compiled.h', '            return i;\n    return c->n_methods;', '            return i;\n    return 0;', 'a method without a column is the first one'),
    ('path_index.c', '        bits.some[places[i] >> 12] |= (uint64_t)1 << (places[i] >> 6 & 63);\n', '', 'of a very wide app what a path opens is not looked at'),
    ('path_index.c', 'h = stir(h, (unsigned char)str_lower_char(s.p[i]));', 'h = stir(h, (unsigned char)s.p[i]);', 'the index knows no other case'),
    ('path_index.c', 'if (node->star && path->segments[depth].n)', 'if (node->star && !child)', 'a literal segment hides a * beside it'),
    ('subject.c', 'open[word] = (some & refusing) | (all & ~refusing);', 'open[word] = all;', 'in a row who is in doubt refuses nobody'),
    ('subject.c', 'row[0] |= (some & ~all & refusing) != 0;', '', 'in a row who is in doubt is certain'),
    ('subject.c', 'return code_value(branch.kind == PART_ANY ? any : all);', 'return code_value(any);', 'all of a who is any of it, interned'),
    ('sweep.c', '(place < sweep->app->n_refusing ? CODE_FALSE : CODE_UNKNOWN)', 'CODE_UNKNOWN', 'who is in doubt refuses nobody, without a row'),
    ('sweep.c', '    soonest = earlier(soonest, until_if(counts, when));\n', '', 'a schedule bounds nothing, in the sweep'),
    ('sweep.c', '    scope &= (is_early | is_over) ? CODE_FALSE : CODE_TRUE;\n', '    scope &= is_over ? CODE_FALSE : CODE_TRUE;\n', 'a rule lives before it starts, in the sweep'),
    ('clause.c', '    eval_until(&q->eval, value_until_s(value));\n', '', 'what was found once bounds no more'),
    ('clause.c', '    if (is_public)\n        q->eval.identity = NULL;\n    else if', '    if (is_public)\n        ;\n    else if', 'on a public path it matters who comes'),
    ('predicate.c', '    key_u32(&ps->key, test.not_networks);\n', '', 'needs that differ in not_networks are one'),
    ('predicate.c', 'key_head(ps, PART_MACHINE, 0, who->kind == WHO_MACHINE);', 'key_head(ps, PART_HUMAN, 0, who->kind == WHO_MACHINE);',
     'a machine is a human'),
    ('key.c', '    key_bytes(k, s->except_days, s->n_except_days * sizeof *s->except_days);\n', '', 'schedules that differ in except_dates are one'),
    ('key.c', '    key_u64(k, (uint64_t)terms->idle_s);\n', '', 'terms that differ in idle are one'),
    ('../base/addr.c', '        bits -= 96;\n', '', 'a mapped network is as long as it was written'),
    # What is made of it.
    ('weigh.c', 'm->record |= s->record == OPINION_YES;', 'm->record = s->record == OPINION_YES;', 'the last word on recording wins'),
    ('weigh.c', 'if (!is_audit && !(is_require && skips(w, rule, false)))', 'if (!(is_require && skips(w, rule, false)))', 'audited rules are in force'),
    ('decide.c', '.clipboard = m->clipboard == OPINION_YES,', '.clipboard = m->clipboard != OPINION_NO,', 'silence opens the clipboard'),
    ('decide.c', '        eval_until(e, login_s + o->max_s);\n', '        ;\n', 'a decision outlives the longest session'),
    ('decide.c', '    if (out->reason == POLICY_REASON_PUBLIC_PATH &&\n', '    if (false &&\n', 'a public path would be refused by audited rules that are silent'),
    ('decide.c', 'if (is_public && out->reason == POLICY_REASON_DEFAULT_DENY)', 'if (is_public)', 'a public path is open to whom a deny refuses'),
    ('decide.c', '    if (pan->has_deny)\n        return POLICY_REASON_DENY_RULE;\n    if (pan->has_require)\n        return POLICY_REASON_REQUIRE_FAILED;\n',
     '    if (pan->has_require)\n        return POLICY_REASON_REQUIRE_FAILED;\n    if (pan->has_deny)\n        return POLICY_REASON_DENY_RULE;\n',
     'a failed require comes before a deny'),
    # Time.
    ('calendar.c', 'add_span(out, later(start, wall_start) - offset_s,', 'add_span(out, start - offset_s,', 'a window begins before the clocks are changed'),
    ('schedule.c', 'for (int32_t day = today - 1; day <= today; day++)', 'for (int32_t day = today; day <= today; day++)', 'a window ends at midnight, asked plainly'),
    ('zone.c', 'if (z->times[mid] <= at_s)', 'if (z->times[mid] < at_s)', 'the clocks are changed a second late'),
    ('zone_rule.c', 'to_summer ? rule->standard_s : rule->summer_s;', 'rule->standard_s;', 'summer ends by the clock of winter, in the years after the table'),
    ('zone_rule.c', 'return day >= next_first ? day - 7 : day;', 'return day;', 'the last Sunday of a month lies in the next'),
    # The loader.
    ('decode_rule.c', 'moment(expires, zone, 1)', 'moment(expires, zone, 0)', 'a rule ends when its last day begins'),
    ('decode_rule.c', 'rule->ignores_missing = doc_get(node, "on_missing") != NULL;', 'rule->ignores_missing = false;', 'on_missing is not read'),
    ('names.c', '        file->zone = load_zone(l, zone);\n', '        (void)load_zone(l, zone);\n', 'defaults.timezone is not read'),
    ('decode_to.c', 'if (!value.p || !is_in(labels->items[i], value))', 'if (value.p && !is_in(labels->items[i], value))', 'an app without a label has every value of it'),
    ('decode_to.c', 'return !protocols || is_in(', 'return protocols || is_in(', 'protocols are not looked at'),
    ('decode_who.c', '    for (size_t i = 0; i < members->n; i++)\n        union_add(l, u, members->items[i]);\n', '    if (members->n)\n        union_add(l, u, members->items[0]);\n',
     'an alias stands for its first member'),
    ('path_glob.c', 'return ignores_case ? str_eq_nocase(wanted, text) : str_eq(wanted, text);', 'return str_eq(wanted, text);',
     'globs that are matched one by one know no other case'),
    # What a person is told.
    ('remedy.c', '    if (e->clause->effect == RULE_DENY) {', '    if (false) {', 'who is denied is told how to fit the rule that denies', 'exhaustive'),
    ('remedy.c', '    if (str_starts(code, STR("auth.")))', '    if (false)', 'a step up is told as a contact', 'exhaustive'),
    ('remedy.c', '        if (e->trace->notes[i].value == POLICY_TRUE)\n            continue;\n', '', 'what is in order is told too', 'exhaustive'),
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
        for name, old, new, meaning, *test in wanted:
            path, begin = os.path.join(tree, 'policy', name), time.monotonic()
            with open(path, encoding='utf-8') as f:
                text = f.read()
            if text.count(old) != 1:
                print(f'stale    {name}: {meaning}', flush=True)
                bad += 1
                continue
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text.replace(old, new))
            found, words = differs(build, test[0] if test else o.test, o.count)
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
