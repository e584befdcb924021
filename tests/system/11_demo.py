"""`make run`: the demo shows messages within seconds, and leaves nothing behind."""

import json
import os
import re
import signal
import tempfile
import time
from pathlib import Path

from harness import BINARY, ROOT, Process, check_equal

READY_TO_MESSAGES_SECONDS = 5


class Demo:
    """tools/demo in a folder of its own and a session of its own, as a terminal would have it."""

    def __init__(self, data, **env):
        self.process = Process(['setsid', ROOT / 'tools/demo'],
                               {'TRACKWIRE_BIN': str(BINARY), 'DEMO_DATA': str(data),
                                'TRACKWIRE_MASTER_TOKEN': None, **env})

    def messages(self):
        return [json.loads(line) for line in self.process.out.lines if line.startswith('{')]


def programs():
    """The hubs, trackers and listeners that now run: {pid: command line}."""
    found = {}
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            words = path.read_bytes().decode(errors='replace').split('\0')
        except OSError:
            continue  # it has just ended
        if str(BINARY) in words or 'mosquitto_sub' in words:
            found[int(path.parent.name)] = words
    return found


def banner_of(text):
    lines = text.splitlines()
    ready = next(i for i, line in enumerate(lines) if line.startswith('trackwire ready'))
    assert ready <= 12, f'{ready} lines before ready:\n{text}'
    return '\n'.join(lines[:ready])


def test_shows_messages_and_ends():
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'demo'
        demo = Demo(data, DEMO_MESSAGES='10')
        try:
            assert demo.process.out.wait('^trackwire ready', 20), demo.process.err.text
            start = time.monotonic()
            assert demo.process.out.wait(r'^\{', READY_TO_MESSAGES_SECONDS), demo.process.err.text
            assert time.monotonic() - start < READY_TO_MESSAGES_SECONDS
            check_equal(demo.process.wait(20), 0, demo.process.err.text)
        finally:
            demo.process.kill()
        messages = demo.messages()
        check_equal(len(messages), 10)
        check_equal({m['device.id'] for m in messages}, {1, 2, 3})
        assert all('position.latitude' in m for m in messages)
        banner = banner_of(demo.process.out.text)
        token = re.search(r'\b[A-Za-z0-9]{64}\b', banner)
        assert token, f'no token in:\n{banner}'
        assert 'mosquitto_sub' in banner and str(data) in banner, banner
        check_equal((data / 'token').read_text().strip(), token[0], 'kept for later runs')
        check_equal((data / 'token').stat().st_mode & 0o077, 0, 'rights of others')


def test_runs_again_with_what_it_made():
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'demo'
        for _ in range(2):
            demo = Demo(data, DEMO_MESSAGES='3')
            try:
                check_equal(demo.process.wait(30), 0, demo.process.err.text)
            finally:
                demo.process.kill()
            assert {m['device.id'] for m in demo.messages()} <= {1, 2, 3}
        token = (data / 'token').read_text().strip()
        assert token not in demo.process.out.text, 'the token is printed once only'


def interrupt(by):
    with tempfile.TemporaryDirectory() as folder:
        before = set(programs())
        demo = Demo(Path(folder) / 'demo')
        try:
            assert demo.process.out.wait(r'^\{', 30), demo.process.err.text
            started = set(programs()) - before
            assert len(started) >= 3, f'hub, listener, trackers: {started}'
            by(demo)
            check_equal(demo.process.wait(6), 0, demo.process.err.text)
        finally:
            demo.process.kill()
        left = {pid: words for pid, words in programs().items() if pid in started}
        check_equal(left, {}, 'left behind')


def test_ctrl_c_ends_all_of_it():
    interrupt(lambda demo: os.killpg(demo.process.pid, signal.SIGINT))


def test_sigterm_ends_all_of_it():
    interrupt(lambda demo: os.kill(demo.process.pid, signal.SIGTERM))
