#!/usr/bin/env python3
"""Writes seeds for fuzz_protocols into a folder: one for each golden, strict and lenient.

usage: seed_protocols.py FOLDER
"""
import json
import pathlib
import re
import sys

FLAG_LENIENT, FLAG_UDP = 1, 2


def protocol_names(root):
    """Names in the order of the registry, whose index is the first byte of an input."""
    folder = root / 'src/gateway/protocols'
    code = '\n'.join(p.read_text(encoding='utf-8') for p in sorted(folder.glob('*.c')))
    symbols = re.findall(r'^PROTOCOL\((\w+)\)', (folder / 'registry.def').read_text('utf-8'), re.M)
    found = [re.search(rf'const struct protocol {s}\s*=\s*\{{.*?\.name\s*=\s*"([^"]+)"', code, re.S)
             for s in symbols]
    return [f.group(1) for f in found]


def inputs_of(golden):
    """The datagrams of a UDP golden, or the one stream of another."""
    text = golden.read_text(encoding='ascii')
    is_udp = json.loads(golden.with_suffix('.json').read_text('utf-8')).get('transport') == 'udp'
    pieces = text.splitlines() if is_udp else [text]
    return FLAG_UDP if is_udp else 0, [bytes.fromhex(''.join(p.split())) for p in pieces]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(__file__).resolve().parents[2]
    count = 0
    for index, name in enumerate(protocol_names(root)):
        for golden in sorted((root / 'tests/golden' / name).glob('*.hex')):
            transport, pieces = inputs_of(golden)
            for piece in pieces:
                for flags in (transport, transport | FLAG_LENIENT):
                    (out / f'{name}-{golden.stem}-{count}').write_bytes(
                        bytes([index, flags]) + piece)
                    count += 1
    print(f'{count} seeds in {out}')


if __name__ == '__main__':
    main()
