#!/usr/bin/python3
"""Compiles each header under src/ on its own: a header includes what it needs, and may be included
twice. Prints TAP, one line for each header and compiler."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FLAGS = ['-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
         '-x', 'c', '-']
JOBS = 2


def compile_alone(compiler, src, header):
    name = header.relative_to(src).as_posix()
    program = f'#include "{name}"\n#include "{name}"\n'
    done = subprocess.run([compiler, '-I', str(src), *FLAGS], input=program, text=True,
                          capture_output=True)
    return compiler, name, done.returncode, done.stderr


def main():
    src = Path(sys.argv[1] if len(sys.argv) > 1 else
               Path(__file__).resolve().parents[2] / 'src').resolve()
    headers = sorted(src.rglob('*.h'))
    compilers = [c for c in ('gcc', 'clang') if shutil.which(c)]
    if not headers or not compilers:
        print(f'Bail out! {len(headers)} headers in {src}, compilers: {compilers}')
        return 1
    with ThreadPoolExecutor(JOBS) as pool:
        runs = [pool.submit(compile_alone, c, src, h) for h in headers for c in compilers]
        print(f'1..{len(runs)}', flush=True)
        failed = 0
        for number, run in enumerate(runs, 1):
            compiler, name, status, errors = run.result()
            failed += status != 0
            print(f'{"not ok" if status else "ok"} {number} - {compiler} {name}')
            for line in errors.splitlines():
                print(f'# {line}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
