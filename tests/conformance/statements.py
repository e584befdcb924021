"""The list of all numbered statements, and the check that each has a case or a reason for none; the
same for the collection of vulnerabilities.

`statements.csv` names every statement of MQTT 3.1.1 and 5.0: version, id, and why there is no case;
empty where there is one. Where the list that ours was made from is at hand, the two are compared.
"""

import collections
import csv
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
VULNERABILITIES = range(1, 49)
SOURCE = HERE.parents[2] / 'shared/conformance/normative.csv'


def read(path):
    with open(path, newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def names(rows):
    return [f'{row["version"]} {row["id"]}' for row in rows]


def listing(title, statements):
    """A problem's text, or None when there is no such statement."""
    statements = sorted(statements)
    return f'{title}: {", ".join(statements)}' if statements else None


def twice(statements):
    return [s for s, count in collections.Counter(statements).items() if count > 1]


def vulnerability_checks(cases, not_here):
    """Numbers of the collection stand in the names of cases, or in `not_here` with a reason."""
    found = [re.match(r'cve_(\d\d)_', case.name) for case in cases]
    numbers = [int(match.group(1)) for match in found if match] + list(not_here)
    yield 'no vulnerability is there twice', listing('twice', map(str, twice(numbers)))
    yield ('every vulnerability has a case or a reason',
           listing('different', map(str, set(VULNERABILITIES) ^ set(numbers))))


def checks(cases, not_here):
    """Pairs: what is claimed, and what contradicts it or None."""
    rows = read(HERE / 'statements.csv')
    ours, covered = names(rows), [s for case in cases for s in case.statements]
    excused = names(row for row in rows if row['why_no_case'])
    yield 'no statement is listed twice', listing('twice', twice(ours))
    yield 'no statement has two cases', listing('twice', twice(covered))
    yield ('every statement has a case or a reason',
           listing('neither', set(ours) - set(covered) - set(excused)))
    yield 'no statement has a case and a reason for none', listing(
        'both', set(covered) & set(excused))
    yield 'cases name statements that there are', listing('unknown', set(covered) - set(ours))
    yield 'no two cases have one name', listing('twice', twice(case.name for case in cases))
    yield from vulnerability_checks(cases, not_here)
    if SOURCE.is_file():
        yield ('the list is the one it was made from',
               listing('different', set(names(read(SOURCE))) ^ set(ours)))
