#!/usr/bin/python3
"""Each rule of tools/lint.py catches what it is for, and a tree without breaches passes.

Every case writes a small clean tree, spoils it in one way, and expects the named breach and no
others than follow from it.
Prints TAP."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LINT = HERE.parents[1] / 'tools/lint.py'

WORD = 'TO' + 'DO'  # not spelt out, so that lint lets this file pass

CLEAN = {
    'ARCHITECTURE.md': '# A\n\n| floor | room |\n|---|---|\n| 1 | `base/` |\n| 2 | `mqtt/` |\n'
                       '| 2 | `http/` |\n| 2 | `message/` |\n| 3 | `gateway/protocols/` |\n'
                       '| 3 | `net/` |\n',
    'src/base/README.md': '# base\n',
    'src/base/meson.build': "base_lib = static_library('base', 'x.c')\n",
    'src/base/errors/base.def': '/* Errors. */\nX(ERR_ONE, INPUT, 0x80, 400, "one")\n',
    'src/base/x.h': '/* An x. */\nstruct x;\n\n/* The size of `x`; 0 for NULL. */\n'
                    'int x_size(struct x *x);\nint x_count(struct x *x);\n\n'
                    'int x_other(struct x *x); /* owned by the caller */\n',
    'src/base/x.c': '/* An x. */\n#include "base/x.h"\n\n'
                    'int x_size(struct x *x)\n{\n'
                    '    const char *text = "malloc(1) and /* no comment";\n'
                    '    return x && text ? 0 : ERR_ONE;\n}\n',
    'src/mqtt/README.md': '# mqtt\n',
    'src/mqtt/meson.build': '\n',
    'src/mqtt/m.h': '/* An m; free(it) is told, not called. */\n#include "base/x.h"\n',
    'src/mqtt/m_internal.h': '/* Inside. */\n#include "mqtt/m.h"\n',
    'src/http/README.md': '# http\n',
    'src/http/h.h': '/* An h. */\n',
    'src/net/README.md': '# net\n',
    'src/net/n.h': '/* An n. */\n#include "mqtt/m.h"\n',
    'src/gateway/protocols/README.md': '# protocols\n',
    'src/gateway/protocols/meson.build': "'tele.c'\n",
    'src/gateway/protocols/registry.def': '/* Lines. */\nPROTOCOL(protocol_tele)\n',
    'src/gateway/protocols/tele.c': '/* Tele. */\n#include "http/h.h"\n\n'
                                    'const struct protocol protocol_tele = {\n'
                                    '    .name = "tele-x",\n};\n',
    'tests/golden/tele-x/01-login.hex': '00\n',
}

APPEND = 'append'
FUNCTION = 'int x_more(void)\n{\n%s    return 0;\n}\n'


def spoilt_function(body):
    return ('src/base/x.c', APPEND, FUNCTION % body)


# (what, (file, APPEND or None, text), breach that must be reported, how many there are in all: 1
# when not given). A text of None leaves the file out.
CASES = [
    ('an include of a higher floor', ('src/base/x.c', APPEND, '#include "mqtt/m.h"\n'),
     'src/base/x.c:9: includes: base/ (floor 1) may not include mqtt/ (floor 2)'),
    ('an include of a neighbour', ('src/mqtt/m.h', APPEND, '#include "http/h.h"\n'),
     'src/mqtt/m.h:3: includes: mqtt/ (floor 2) may not include http/ (floor 2)'),
    ('a decoder that knows sockets', ('src/gateway/protocols/tele.c', APPEND,
                                      '#include "net/n.h"\n'),
     'src/gateway/protocols/tele.c:7: includes: gateway/protocols/ (floor 3) may not include net/'),
    ('a decoder that knows MQTT', ('src/gateway/protocols/tele.c', APPEND,
                                   '#include "mqtt/m.h"\n'),
     'src/gateway/protocols/tele.c:7: includes: gateway/protocols/ (floor 3) may not include mqtt'),
    ('an internal header abroad', ('src/net/n.h', APPEND, '#include "mqtt/m_internal.h"\n'),
     'src/net/n.h:3: includes: "mqtt/m_internal.h" is internal to mqtt/'),
    ('an include without its room', ('src/mqtt/m.h', APPEND, '#include "m_internal.h"\n'),
     'src/mqtt/m.h:3: includes: "m_internal.h" is not "folder/file.h"'),
    ('an include of no room', ('src/net/n.h', APPEND, '#include "attic/a.h"\n'),
     'src/net/n.h:3: includes: attic/ is no room of the house'),
    ('a room without a floor', ('src/attic/a.h', None, '/* An a. */\n'),
     'src/attic/a.h:1: floors: attic/ has no row in ARCHITECTURE.md', 2),
    ('no table of floors', ('ARCHITECTURE.md', None, '# A\n'),
     'ARCHITECTURE.md:1: floors: no table of floors', 8),
    ('a room without README', ('src/http/README.md', None, None),
     'src/http/README.md:1: readme: every room has a README.md'),
    ('a file outside the build', ('src/mqtt/m.c', None, '/* An m. */\n'),
     'src/mqtt/m.c:1: build: not named in src/mqtt/meson.build'),
    ('a protocol without goldens', ('tests/golden/tele-x/01-login.hex', None, None),
     'src/gateway/protocols/registry.def:2: goldens: protocol tele-x has no tests/golden/tele-x/'),
    ('a protocol that is not there', ('src/gateway/protocols/registry.def', APPEND,
                                      'PROTOCOL(protocol_ghost)\n'),
     'src/gateway/protocols/registry.def:3: goldens: no `const struct protocol protocol_ghost`'),
    ('a function of 101 lines', spoilt_function('    x_size(0);\n' * 100),
     'src/base/x.c:10: function-length: x_more has 101 lines, at most 100'),
    ('a file of 1001 lines', ('src/base/x.c', APPEND, '\n' * 993),
     'src/base/x.c:1000: file-length: 1001 lines, at most 1000'),
    ('malloc', spoilt_function('    void *p = malloc(1);\n'),
     'src/base/x.c:11: banned: malloc: use mem_alloc or arena_alloc'),
    ('strcpy', spoilt_function('    strcpy (a, b);\n'), 'src/base/x.c:11: banned: strcpy'),
    ('sprintf', spoilt_function('    sprintf(a, b);\n'), 'src/base/x.c:11: banned: sprintf'),
    ('atoi', spoilt_function('    n = atoi(b);\n'), 'src/base/x.c:11: banned: atoi'),
    ('strtok', spoilt_function('    strtok(a, b);\n'), 'src/base/x.c:11: banned: strtok'),
    ('alloca', spoilt_function('    alloca(4);\n'), 'src/base/x.c:11: banned: alloca'),
    ('usleep', spoilt_function('    usleep(4);\n'), 'src/base/x.c:11: banned: usleep'),
    ('strcpy in a test', ('tests/unit/t.c', None,
                          '/* T. */\nvoid t(void)\n{\n    strcpy(a, b);\n}\n'),
     'tests/unit/t.c:4: banned: strcpy'),
    ('work left to do', spoilt_function(f'    /* {WORD}: later */\n'),
     f'src/base/x.c:11: unfinished: {WORD}'),
    ('a disabled block', ('src/base/x.c', APPEND, '#if 0\n#endif\n'),
     'src/base/x.c:9: dead-code: #if 0'),
    ('a conditional inside a function', spoilt_function('#ifdef LINUX\n    x_size(0);\n#endif\n'),
     'src/base/x.c:11: ifdef: conditional inside x_more'),
    ('a typedef with _t', ('src/base/x.h', APPEND, '\ntypedef struct x x_t;\n'),
     'src/base/x.h:10: typedef: x_t'),
    ('a typedef of a function with _t', ('src/base/x.h', APPEND, '\ntypedef int (*call_t)(int);\n'),
     'src/base/x.h:10: typedef: call_t'),
    ('a typedef of a body with _t', ('src/base/x.h', APPEND,
                                     '\ntypedef struct {\n    int a;\n} y_t;\n'),
     'src/base/x.h:12: typedef: y_t'),
    ('no head comment', ('src/base/y.h', None, 'struct y;\n'),
     'src/base/y.h:1: head-comment: the file does not say what it is'),
    ('a declaration without comment', ('src/base/x.h', APPEND,
                                       '\nint x_bare(struct x *x,\n           int n);\n'),
     'src/base/x.h:10: declaration-comment: x_bare'),
    ('an error that nobody uses', ('src/base/errors/base.def', APPEND,
                                   'X(ERR_TWO, INPUT, 0x80, 400, "two")\n'),
     'src/base/errors/base.def:3: errors: ERR_TWO is used nowhere'),
    ('an error without row', spoilt_function('    return ERR_THREE;\n'),
     'src/base/x.c:11: errors: ERR_THREE has no row'),
    ('an error with two rows', ('src/base/errors/base.def', APPEND,
                                'X(ERR_ONE, INPUT, 0x80, 400, "one again")\n'),
     'src/base/errors/base.def:3: errors: ERR_ONE has two rows'),
    ('a line too long', ('src/base/x.h', APPEND, '/* ' + 'x' * 98 + ' */\n'),
     'src/base/x.h:9: line-length: 104 columns, at most 100'),
    ('a tab', ('tools/a.py', None, '"""A."""\n\tpass\n'), 'tools/a.py:2: text: a tab'),
    ('blanks at the end', ('docs/a.md', None, '# A \n'), 'docs/a.md:1: text: blanks at the end'),
    ('no newline at the end', ('docs/a.md', None, '# A'), 'docs/a.md:1: text: no newline'),
    ('an exception that excuses nothing', ('src/base/mem.c', None, '/* The heap. */\n'),
     'tools/lint.py:1: exceptions: banned in src/base/mem.c excuses nothing', 2),
]

# Things that look like breaches and are none.
ALLOWED = [
    ('a table inside a function is not counted', spoilt_function(
        '    static const int table[] = {\n' + '        1,\n' * 120 + '    };\n')),
    ('a member called free', spoilt_function('    x->free(x);\n    y.free(y);\n')),
    ('a word that contains a banned one', spoilt_function('    x_free(x);\n    nosleep(1);\n')),
    ('the heap in a test', ('tests/unit/t.c', None,
                            '/* T. */\nvoid t(void)\n{\n    free(malloc(1));\n}\n')),
    ('a row of a table may be long', ('src/base/errors/base.def', APPEND,
                                      '/* ' + 'x' * 120 + ' */\n')),
    ('a conditional between functions', ('src/base/x.h', APPEND, '#ifndef A\n#endif\n')),
    ('OpenSSL\'s ERR_ names', spoilt_function('    x_size(ERR_GET_REASON(e));\n')),
]


def write_tree(root, change):
    tree = dict(CLEAN)
    if change:
        name, mode, text = change
        tree[name] = tree.get(name, '') + text if mode is APPEND else text
    for name, text in tree.items():
        if text is None:
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')


def lint(change):
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder), change)
        done = subprocess.run([sys.executable, str(LINT), '--root', folder], text=True,
                              capture_output=True)
        breaches = [line for line in done.stdout.splitlines()
                    if not line.startswith(('note: ', 'lint: '))]
        return done.returncode, breaches, done.stderr


def headers_alone(text):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'a.h').write_text(text, encoding='utf-8')
        return subprocess.run([sys.executable, str(HERE / 'headers_alone.py'), folder],
                              capture_output=True).returncode


def results():
    yield 'a clean tree passes', lint(None) == (0, [], ''), lint(None)
    for what, change, expected, *count in CASES:
        status, breaches, errors = lint(change)
        good = (status == 1 and len(breaches) == (count[0] if count else 1)
                and any(breach.startswith(expected) for breach in breaches))
        yield f'caught: {what}', good, (breaches, errors)
    for what, change in ALLOWED:
        outcome = lint(change)
        yield f'allowed: {what}', outcome == (0, [], ''), outcome
    for what, text, status in [('a whole header passes', '/* A. */\n', 0),
                               ('a header that needs another fails', 'uint8_t a(void);\n', 1),
                               ('a header without guard fails', 'enum a { A };\n', 1)]:
        yield f'headers_alone: {what}', headers_alone(text) == status, text


def main():
    failed = number = 0
    for number, (what, good, detail) in enumerate(results(), 1):
        print(f'{"ok" if good else "not ok"} {number} - {what}', flush=True)
        if not good:
            failed += 1
            print(f'# got: {detail}')
    print(f'1..{number}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
