#!/usr/bin/python3
"""Checks the rules of CONTRIBUTING.md that a compiler does not.

Reads the tree, prints one `file:line: rule: text` for each breach and a summary, and exits 1 when
there was one. Knows C only as far as the house style makes it regular: a function's braces stand
in column one, so bodies are found without a parser. Needs nothing but Python's standard library.
"""

import argparse
import fnmatch
import re
import sys
from pathlib import Path

LINE_MAX = 100
FUNCTION_AIM = 40
FUNCTION_MAX = 100
FILE_MAX = 1000

# Breaches that stay, each with the reason: (rule, file pattern, pattern in the text, reason).
# An entry that excuses nothing is itself a breach, so the list cannot rot.
EXCEPTIONS = [
    ('banned', 'src/base/mem.c', r'malloc|calloc|realloc|free', 'this file is the counted heap'),
]

# Calls that src/ may not make, and what to use.
BANNED = {
    'malloc': 'mem_alloc or arena_alloc', 'calloc': 'mem_zalloc', 'realloc': 'mem_realloc',
    'free': 'mem_free', 'strdup': 'mem_strdup', 'strndup': 'arena_copy', 'asprintf': 'buf_addf',
    'strcpy': 'spans and buf', 'strcat': 'buf_add_str', 'strncpy': 'spans and buf',
    'strncat': 'buf_add_span', 'stpcpy': 'spans and buf', 'sprintf': 'snprintf or buf_addf',
    'vsprintf': 'vsnprintf', 'gets': 'a reader', 'atoi': 'a checked parser',
    'atol': 'a checked parser', 'atof': 'a checked parser', 'strtok': 'span_find',
    'alloca': 'arena_alloc', 'sleep': 'a timer', 'usleep': 'a timer', 'nanosleep': 'a timer',
}
# Tests and tools may use the heap and may wait; careless string calls are banned there too.
HEAP_AND_SLEEP = {'malloc', 'calloc', 'realloc', 'free', 'strdup', 'strndup', 'asprintf', 'alloca',
                  'sleep', 'usleep', 'nanosleep'}

# What may be included besides lower floors: a decoder that rides on HTTP, say.
EXTRA_INCLUDES = {'gateway/protocols': {'base', 'message', 'http'}}

UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')  # lint: these words name the rule
LINT_WORDS = 'lint: these words name the rule'
IF_ZERO = re.compile(r'^\s*#\s*if\s+0\b')
CONDITIONAL = re.compile(r'^\s*#\s*(if|ifdef|ifndef)\b')
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
TYPEDEF = re.compile(r'\btypedef\b[^;{]*?\b(\w+_t)\s*(\)\s*\([^;]*)?;|^}\s*(\w+_t)\s*;', re.M)
FUNCTION_NAME = re.compile(r'(\w+)\s*\(')
ERR_ROW = re.compile(r'^X\((ERR_\w+)\s*,', re.M)
ERR_USE = re.compile(r'\bERR_[A-Z0-9_]+\b')
ERR_NOT_ROWS = re.compile(r'ERR_(NONE|UNKNOWN)$|ERR_(CLASS|INDEX)_|ERR_\w+_INDEX$'
                          r'|ERR_(GET|LIB|R|REASON)_')  # the last ones are OpenSSL's
ERR_RAISED = re.compile(r'(?:return\b[^;]*?|err_raise\(\s*)\b(ERR_[A-Z0-9_]+)\b')
PROTOCOL_ROW = re.compile(r'^PROTOCOL\((\w+)\)', re.M)
FLOOR_ROW = re.compile(r'^\|\s*(\d+)\s*\|(.*?)\|', re.M)


def scrub(text):
    """`text` with the insides of comments and literals blanked; every line and column stays."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))

    def keep_include(match):
        line_start = text.rfind('\n', 0, match.start()) + 1
        if re.match(r'\s*#\s*include\b', text[line_start:match.start()]):
            return match.group(0)
        return blank(match)

    return re.sub(pattern, keep_include, text, flags=re.S)


class Source:
    """One C file: its text, its code without comments, and its functions."""

    def __init__(self, root, path):
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding='utf-8', errors='replace')
        self.lines = self.text.splitlines()
        self.code = scrub(self.text).splitlines()
        self.functions = list(self._find_functions())

    def is_under(self, folder):
        return self.name.startswith(folder + '/')

    def _find_functions(self):
        """(name, index of the opening brace's line, index of the closing one's)."""
        start = None
        for i, line in enumerate(self.code):
            if line.startswith('{'):
                start = i
            elif line.startswith('}') and start is not None:
                yield self._name_before(start), start, i
                start = None

    def _name_before(self, brace):
        first = brace - 1
        while first > 0 and self.code[first][:1] in (' ', '\t', ')'):
            first -= 1
        head = re.sub(r'__attribute__\s*\(\(.*?\)\)', '', ' '.join(self.code[first:brace]))
        found = FUNCTION_NAME.search(head)
        return found.group(1) if found else '?'

    def function_at(self, index):
        for name, start, end in self.functions:
            if start < index < end:
                return name
        return None


class Lint:
    def __init__(self, root):
        self.root = root
        self.breaches = []
        self.notes = []
        self.used_exceptions = set()
        self.sources = [Source(root, p) for p in self._files('src', '*.[ch]')]
        self.test_sources = [Source(root, p) for top in ('tests', 'tools')
                             for p in self._files(top, '*.[ch]')]
        self.floors = self._read_floors()

    def _files(self, top, pattern):
        folder = self.root / top
        return sorted(p for p in folder.rglob(pattern)
                      if p.is_file() and 'node_modules' not in p.parts)

    def breach(self, name, line, rule, text):
        for i, (a_rule, a_file, a_text, _) in enumerate(EXCEPTIONS):
            if a_rule == rule and fnmatch.fnmatch(name, a_file) and re.search(a_text, text):
                self.used_exceptions.add(i)
                return
        self.breaches.append((name, line, rule, text))

    # ---- the house: floors, READMEs, build lists ----

    def _read_floors(self):
        """Folder under src/ -> floor, from the table in ARCHITECTURE.md (the only place)."""
        path = self.root / 'ARCHITECTURE.md'
        text = path.read_text(encoding='utf-8') if path.is_file() else ''
        floors = {}
        for number, cell in FLOOR_ROW.findall(text):
            for folder in re.findall(r'`([\w/]+)/`', cell):
                floors[folder] = int(number)
        if not floors:
            self.breach('ARCHITECTURE.md', 1, 'floors', 'no table of floors: | floor | `folder/` |')
        return floors

    def check_includes(self):
        for source in self.sources:
            folder = source.path.parent.relative_to(self.root / 'src').as_posix()
            if folder not in self.floors:
                self.breach(source.name, 1, 'floors', f'{folder}/ has no row in ARCHITECTURE.md')
                continue
            for i, line in enumerate(source.code):
                found = INCLUDE.match(line)
                if found:
                    self._check_include(source, folder, i + 1, found.group(1))

    def _check_include(self, source, folder, line, target):
        target_folder, _, file = target.rpartition('/')
        if not target_folder:
            self.breach(source.name, line, 'includes', f'"{target}" is not "folder/file.h"')
            return
        if target_folder == 'base/errors':  # rows of the table, not a room
            target_folder = 'base'
        if target_folder == folder:
            return
        if file.endswith('_internal.h'):
            self.breach(source.name, line, 'includes',
                        f'"{target}" is internal to {target_folder}/')
        if target_folder not in self.floors:
            self.breach(source.name, line, 'includes', f'{target_folder}/ is no room of the house')
            return
        allowed = EXTRA_INCLUDES.get(folder)
        own, other = self.floors[folder], self.floors[target_folder]
        if target_folder not in allowed if allowed else other >= own:
            self.breach(source.name, line, 'includes',
                        f'{folder}/ (floor {own}) may not include {target_folder}/ (floor {other})')

    def check_rooms(self):
        folders = sorted({s.path.parent for s in self.sources})
        for folder in folders:
            name = folder.relative_to(self.root).as_posix()
            if not (folder / 'README.md').is_file():
                self.breach(name + '/README.md', 1, 'readme', 'every room has a README.md')
            build = folder / 'meson.build'
            listed = build.read_text(encoding='utf-8') if build.is_file() else ''
            for source in self.sources:
                if source.path.parent == folder and source.path.suffix == '.c':
                    if f"'{source.path.name}'" not in listed:
                        self.breach(source.name, 1, 'build', f'not named in {name}/meson.build')

    def check_goldens(self):
        registry = self.root / 'src/gateway/protocols/registry.def'
        if not registry.is_file():
            return
        text = scrub(registry.read_text(encoding='utf-8'))
        code = {s.name: s.text for s in self.sources if s.is_under('src/gateway/protocols')}
        for found in PROTOCOL_ROW.finditer(text):
            symbol, line = found.group(1), text.count('\n', 0, found.start()) + 1
            name = self._protocol_name(code, symbol)
            if not name:
                self.breach('src/gateway/protocols/registry.def', line, 'goldens',
                            f'no `const struct protocol {symbol}` with a .name')
            elif not any((self.root / 'tests/golden' / name).glob('*')):
                self.breach('src/gateway/protocols/registry.def', line, 'goldens',
                            f'protocol {name} has no tests/golden/{name}/')

    @staticmethod
    def _protocol_name(code, symbol):
        definition = re.compile(r'const struct protocol ' + re.escape(symbol) +
                                r'\s*=\s*\{.*?\.name\s*=\s*"([^"]+)"', re.S)
        for text in code.values():
            found = definition.search(text)
            if found:
                return found.group(1)
        return None

    # ---- C: sizes, banned things, comments ----

    def check_sizes(self, sources):
        long_functions = 0
        for source in sources:
            if len(source.lines) > FILE_MAX:
                self.breach(source.name, FILE_MAX, 'file-length',
                            f'{len(source.lines)} lines, at most {FILE_MAX}: split by noun')
            for name, start, end in source.functions:
                length = end - start - 1 - self._table_lines(source, start, end)
                long_functions += length > FUNCTION_AIM
                if length > FUNCTION_MAX:
                    self.breach(source.name, start + 1, 'function-length',
                                f'{name} has {length} lines, at most {FUNCTION_MAX}')
        return long_functions

    @staticmethod
    def _table_lines(source, start, end):
        """Lines of initialised tables inside a function: data, not code."""
        lines, opened = 0, None
        for i in range(start + 1, end):
            code = source.code[i].rstrip()
            if opened is None and code.endswith('= {') and 'static const' in code:
                opened = i
            elif opened is not None and code.strip() == '};':
                lines += i - opened + 1
                opened = None
        return lines

    def check_banned(self, sources, names):
        call = re.compile(r'(?<![\w.>])(' + '|'.join(sorted(names)) + r')\s*\(')
        for source in sources:
            for i, line in enumerate(source.code):
                for found in call.finditer(line):
                    name = found.group(1)
                    self.breach(source.name, i + 1, 'banned', f'{name}: use {BANNED[name]}')

    def check_preprocessor(self, sources):
        for source in sources:
            for i, line in enumerate(source.code):
                if IF_ZERO.match(line):
                    self.breach(source.name, i + 1, 'dead-code', '#if 0')
                elif CONDITIONAL.match(line) and source.function_at(i):
                    self.breach(source.name, i + 1, 'ifdef', 'conditional inside '
                                f'{source.function_at(i)}: use a file of its own')

    def check_typedefs(self, sources):
        for source in sources:
            code = '\n'.join(source.code)
            for found in TYPEDEF.finditer(code):
                name = found.group(1) or found.group(3)
                line = code.count('\n', 0, found.start(1 if found.group(1) else 3)) + 1
                self.breach(source.name, line, 'typedef', f'{name}: _t is reserved by POSIX')

    def check_comments(self, sources):
        for source in sources:
            if not source.text.startswith('/*'):
                self.breach(source.name, 1, 'head-comment', 'the file does not say what it is')
            if source.path.suffix == '.h' and source.is_under('src'):
                self._check_declarations(source)

    def _check_declarations(self, source):
        """A function declaration, or the group of lines it stands in, begins with a comment."""
        commented, depth, i = False, 0, 0
        while i < len(source.code):
            raw, code = source.lines[i], source.code[i]
            if not raw.strip():
                commented = False
            commented = commented or raw != code and not INCLUDE.match(code)
            if depth == 0 and re.match(r'[A-Za-z_].*\(', code) and not code.startswith('typedef'):
                first, statement = i, code
                while not re.search(r'[;{]', statement) and i + 1 < len(source.code):
                    i += 1
                    statement += ' ' + source.code[i]
                is_remarked = commented or source.lines[i] != source.code[i]
                if statement.rstrip().endswith(';') and '{' not in statement and not is_remarked:
                    name = FUNCTION_NAME.search(statement).group(1)
                    self.breach(source.name, first + 1, 'declaration-comment',
                                f'{name}: what does it give, who owns it?')
            depth += source.code[i].count('{') - source.code[i].count('}')
            i += 1

    # ---- the table of errors ----

    def check_errors(self):
        rows, used, raised = {}, set(), {}
        for path in self._files('src/base/errors', '*.def'):
            name = path.relative_to(self.root).as_posix()
            text = path.read_text(encoding='utf-8')
            for found in ERR_ROW.finditer(text):
                line = text.count('\n', 0, found.start()) + 1
                if found.group(1) in rows:
                    self.breach(name, line, 'errors', f'{found.group(1)} has two rows')
                rows[found.group(1)] = (name, line)
        for source in self.sources:
            for i, line in enumerate(source.code):
                for code in ERR_USE.findall(line):
                    used.add(code)
                    if code not in rows and not ERR_NOT_ROWS.match(code):
                        self.breach(source.name, i + 1, 'errors', f'{code} has no row')
                for code in ERR_RAISED.findall(line):
                    raised.setdefault(code, set()).add((source.name, source.function_at(i)))
        for code, (name, line) in sorted(rows.items()):
            if code not in used:
                self.breach(name, line, 'errors', f'{code} is used nowhere')
        shared = sorted(code for code, places in raised.items() if len(places) > 1)
        if shared:
            self.notes.append(f'{len(shared)} codes are returned by more than one function: '
                              + ', '.join(shared))

    # ---- text of every kind ----

    def check_text(self):
        patterns = ['*.[ch]', '*.def', '*.py', '*.sh', '*.mjs', 'meson.build', '*.md', 'Makefile',
                    'run', 'test', 'setup', 'demo', 'bench', 'fuzz', 'packages', '.clang-format',
                    '.editorconfig']
        tops = ['src', 'tests', 'tools', 'docs', 'changes', '.ci']
        paths = {p for top in tops for pattern in patterns for p in self._files(top, pattern)}
        paths |= {p for pattern in patterns for p in self.root.glob(pattern) if p.is_file()}
        for path in sorted(paths):
            name = path.relative_to(self.root).as_posix()
            self._check_text_file(name, path.read_text(encoding='utf-8', errors='replace'))
        return len(paths)

    def _check_text_file(self, name, text):
        is_prose, is_table = name.endswith('.md'), name.endswith('.def')
        if text and not text.endswith('\n'):
            self.breach(name, text.count('\n') + 1, 'text', 'no newline at the end')
        for i, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_MAX and not is_prose and not is_table:
                self.breach(name, i, 'line-length', f'{len(line)} columns, at most {LINE_MAX}')
            if '\t' in line and not name.endswith('Makefile'):
                self.breach(name, i, 'text', 'a tab')
            if line != line.rstrip():
                self.breach(name, i, 'text', 'blanks at the end')
            word = UNFINISHED.search(line)
            if word and not is_prose and LINT_WORDS not in line:
                self.breach(name, i, 'unfinished', f'{word.group(1)}: do it or file an issue')

    def run(self):
        sources = self.sources + self.test_sources
        self.check_includes()
        self.check_rooms()
        self.check_goldens()
        long_functions = self.check_sizes(sources)
        self.check_banned(self.sources, set(BANNED))
        self.check_banned(self.test_sources, set(BANNED) - HEAP_AND_SLEEP)
        self.check_preprocessor(sources)
        self.check_typedefs(sources)
        self.check_comments(sources)
        self.check_errors()
        files = self.check_text()
        for i, (rule, file, _, _) in enumerate(EXCEPTIONS):
            if i not in self.used_exceptions and (self.root / file).exists():
                self.breach('tools/lint.py', 1, 'exceptions', f'{rule} in {file} excuses nothing')
        functions = sum(len(s.functions) for s in sources)
        self.notes.append(f'{long_functions} of {functions} functions are longer than '
                          f'{FUNCTION_AIM} lines (an aim, not a breach)')
        return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--root', type=Path, default=Path(__file__).resolve().parent.parent,
                        help='the tree to read (default: the one this file is in)')
    lint = Lint(parser.parse_args().root.resolve())
    files = lint.run()
    for name, line, rule, text in sorted(lint.breaches):
        print(f'{name}:{line}: {rule}: {text}')
    for note in lint.notes:
        print(f'note: {note}')
    print(f'lint: {files} files, {len(lint.breaches)} breaches')
    return 1 if lint.breaches else 0


if __name__ == '__main__':
    sys.exit(main())
