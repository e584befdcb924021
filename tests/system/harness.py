"""What the system tests stand on: the real program on free loopback ports, and the clients that use
it. Standard library only.

A test is a function `test_*` of a file NN_what.py. Where it takes a parameter `server` it gets a
fresh hub with an empty data folder, which is stopped and judged afterwards: it must end with status
0 within STOP_SECONDS and must not have upset a sanitizer. See README.md.
"""

import contextlib
import fcntl
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

import mqttwire

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get('TRACKWIRE_BIN') or ROOT / 'build/trackwire').resolve()
READY_SECONDS = 20
STOP_SECONDS = 5
PORTS_PER_SERVER = 20
FIRST_PORT, LAST_PORT = 20000, 31999  # below what the kernel gives to outgoing connections
SANITIZER = re.compile(r'ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: '
                       r'|SUMMARY: \w+Sanitizer')

Reply = namedtuple('Reply', 'status json text headers')


class Skip(Exception):
    """The test cannot run here; the text says why."""


def check_equal(got, expected, what=''):
    if got != expected:
        raise AssertionError(f'{what}: got {got!r}, expected {expected!r}')


def wait_until(claim, what, timeout=10):
    """Polls until `claim()` is true; its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = claim()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {timeout} s: {what}')
        time.sleep(0.01)


def random_token():
    return ''.join(secrets.choice(string.ascii_letters + string.digits) for _ in range(64))


def is_sanitized():
    """Sanitizers change how much memory and time things take."""
    return re.search(rb'__(asan|tsan)_init', BINARY.read_bytes()) is not None


class Ports:
    """A block of ports that no other test run on this machine uses meanwhile: whoever holds the
    lock on the block's file has it. Ports that other programs listen on are passed over."""

    def __init__(self):
        folder = Path(tempfile.gettempdir()) / f'trackwire-ports-{os.getuid()}'
        folder.mkdir(exist_ok=True)
        blocks = range(FIRST_PORT, LAST_PORT - PORTS_PER_SERVER, PORTS_PER_SERVER)
        start = secrets.randbelow(len(blocks))
        for first in (*blocks[start:], *blocks[:start]):
            self.lock = open(folder / str(first), 'w')
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.all = list(range(first, first + PORTS_PER_SERVER))
                if all(map(self._is_free, self.all)):
                    return
            except BlockingIOError:
                pass
            self.lock.close()
        raise AssertionError(f'no {PORTS_PER_SERVER} free ports in {FIRST_PORT}-{LAST_PORT}')

    @staticmethod
    def _is_free(port):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(('127.0.0.1', port))
                except OSError:
                    return False
        return True

    def close(self):
        self.lock.close()


class Lines:
    """A stream of a process, read on a thread of its own."""

    def __init__(self, stream):
        self.lines, self.is_ended = [], False
        self._stream = stream
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._stream:
            with self._changed:
                self.lines.append(line.rstrip('\n'))
                self._changed.notify_all()
        self._stream.close()
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()

    @property
    def text(self):
        with self._changed:
            return '\n'.join(self.lines)

    def wait(self, pattern, timeout=10, start=0):
        """The first match in a line from `start` on; None when the time or the stream ends."""
        deadline, at = time.monotonic() + timeout, start
        with self._changed:
            while True:
                for at in range(at, len(self.lines)):
                    found = re.search(pattern, self.lines[at])
                    if found:
                        return found
                at = max(at, len(self.lines))
                left = deadline - time.monotonic()
                if self.is_ended or left <= 0:
                    return None
                self._changed.wait(left)

    def join(self):
        self._thread.join(5)


class Process:
    """A program with its output captured. `env` is laid over ours; None takes a variable away."""

    def __init__(self, argv, env=None):
        env = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors='replace',
            env={name: value for name, value in env.items() if value is not None})
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    @property
    def pid(self):
        return self.process.pid

    def wait(self, timeout):
        """The exit status; a process that takes longer is killed and the test fails."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f'{self.process.args[0]} did not end in {timeout} s; it said:\n'
                                 f'{self.out.text}\n{self.err.text}') from None
        self.out.join()
        self.err.join()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.join()
        self.err.join()


def run(argv, timeout=20, env=None):
    """Runs a program to its end: (status, standard output, standard error)."""
    process = Process(argv, env)
    status = process.wait(timeout)
    return status, process.out.text, process.err.text


def trackwire(*arguments, timeout=20, env=None):
    return run([BINARY, *arguments], timeout, env)


class Server:
    """A hub. `arguments` are appended to its command line. `data`: an existing data folder, which
    stays; otherwise there is a fresh one, which goes. `tls`: it listens for TLS too."""

    def __init__(self, *arguments, data=None, env=None, tls=False):
        if not BINARY.exists():
            raise AssertionError(f'{BINARY} is not built (TRACKWIRE_BIN names another)')
        self.ports = Ports()
        (self.mqtt_port, self.http_port, self.mqtts_port, self.https_port,
         *self.channel_ports) = self.ports.all
        self.has_tls = tls
        self.token = random_token()
        self.arguments, self.env = arguments, env or {}
        self.own_data = None if data else tempfile.mkdtemp(prefix='trackwire-test-')
        self.data = Path(data or self.own_data)
        self.process = None

    def command(self):
        mqtts, https = (f'127.0.0.1:{port}' if self.has_tls else 'off'
                        for port in (self.mqtts_port, self.https_port))
        return [BINARY, 'serve', '--data', self.data,
                '--mqtt', f'127.0.0.1:{self.mqtt_port}', '--mqtts', mqtts,
                '--http', f'127.0.0.1:{self.http_port}', '--https', https,
                '--channels', f'{self.channel_ports[0]}-{self.channel_ports[-1]}',
                *shard_arguments(), *self.arguments]

    def start(self):
        self.process = Process(self.command(), {'TRACKWIRE_MASTER_TOKEN': self.token,
                                                'NO_COLOR': '1', **self.env})
        if not self.process.out.wait(r'^trackwire ready\b', READY_SECONDS):
            self.process.kill()
            raise AssertionError(f'the hub did not get ready; it said:\n{self.output()}')
        return self

    def stop(self, by=signal.SIGTERM):
        """Asks it to end and judges how it did."""
        process, self.process = self.process, None
        process.process.send_signal(by)
        status = process.wait(STOP_SECONDS)
        said = process.err.text
        if SANITIZER.search(said):
            raise AssertionError(f'a sanitizer found something:\n{said}')
        check_equal(status, 0, f'exit status after {by.name}; the log:\n{said}')

    def restart(self):
        self.stop()
        return self.start()

    def discard(self):
        """Whatever happened: no process, port or folder is left."""
        if self.process:
            self.process.kill()
        self.ports.close()
        if self.own_data:
            shutil.rmtree(self.own_data, ignore_errors=True)

    def output(self):
        return f'{self.process.out.text}\n{self.process.err.text}' if self.process else ''

    @property
    def log(self):
        return self.process.err

    @property
    def certificate(self):
        """The file of the self-signed certificate."""
        return self.data / 'tls/certificate.pem'

    def rss_bytes(self):
        status = Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1)) * 1024

    # ---- clients ----

    def rest(self, method, path, body=None, token='', headers=None):
        """One request. `body`: bytes as they are, else sent as JSON. `token` None: none is sent."""
        connection = http.client.HTTPConnection('127.0.0.1', self.http_port, timeout=10)
        headers = dict(headers or {})
        if token is not None:
            headers.setdefault('Authorization', f'FlespiToken {token or self.token}')
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault('Content-Type', 'application/json')
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            said = answer.read().decode()
        is_json = 'json' in (answer.getheader('Content-Type') or '')
        return Reply(answer.status, json.loads(said) if is_json else None, said, answer.headers)

    def create(self, path, **fields):
        """POSTs one object and returns it as the hub made it."""
        reply = self.rest('POST', path, [fields])
        check_equal(reply.status, 200, f'POST {path} {fields}: {reply.text}')
        check_equal(len(reply.json['result']), 1, reply.text)
        return reply.json['result'][0]

    def create_channel(self, protocol, **configuration):
        configuration.setdefault('port', self.channel_ports[0])
        return self.create('/gw/channels', name=f'{protocol} channel', protocol_name=protocol,
                           configuration=configuration)

    def create_device(self, ident, name='device'):
        return self.create('/gw/devices', name=name, device_type_id=0,
                           configuration={'ident': ident})

    def client(self, client_id='', version=mqttwire.V311, port=None, wrap=None, **options):
        """A connected client of our own; the hub's token is its user name."""
        client = mqttwire.Client(port or self.mqtt_port, version, wrap=wrap)
        options.setdefault('username', self.token)
        connack = client.connect(client_id, **options)
        check_equal(connack.code, 0, f'CONNACK of {client_id!r}')
        return client

    def subscriber(self, version, topic, qos, count, *arguments):
        return MosquittoSub(self, version, topic, qos, count, *arguments)

    def mosquitto_pub(self, version, topic, payload, qos, *arguments):
        """Debian's mosquitto_pub; `arguments` replace the user name. (status, output)"""
        status, out, err = run(['mosquitto_pub', '-h', '127.0.0.1', '-p', self.mqtt_port,
                                '-V', version, '-t', topic, '-q', qos, '-m', payload,
                                *(arguments or ('-u', self.token))])
        return status, out + err


class MosquittoSub:
    """Debian's mosquitto_sub, subscribed by the time the constructor returns."""

    def __init__(self, server, version, topic, qos, count, *arguments):
        # -d tells about SUBACK; the two kinds of lines are told apart by the format's first word.
        self.process = Process(
            ['stdbuf', '-oL', 'mosquitto_sub', '-h', '127.0.0.1', '-p', server.mqtt_port,
             '-V', version, '-t', topic, '-q', qos, '-C', count, '-d',
             '-F', 'message %q %r %t %p', *(arguments or ('-u', server.token))])
        if not self.process.out.wait(r'^Subscribed \(mid: \d+\): [012]'):
            self.process.kill()
            raise AssertionError(f'mosquitto_sub {version} was not let in: '
                                 f'{self.process.out.text}\n{self.process.err.text}')

    def messages(self, timeout=10):
        """All that came, once `count` of them did: (qos, retain, topic, payload)."""
        status = self.process.wait(timeout)
        check_equal(status, 0, f'mosquitto_sub: {self.process.err.text}')
        out = []
        for line in self.process.out.lines:
            if line.startswith('message '):
                _, qos, retain, topic, payload = line.split(' ', 4)
                out.append((int(qos), int(retain), topic, payload))
        return out


def node():
    """A Node.js that MQTT.js runs on: the one in PATH, else Debian's."""
    for candidate in (shutil.which('node'), '/usr/bin/node'):
        if candidate and os.path.exists(candidate):
            _, out, _ = run([candidate, '--version'])
            if int(re.match(r'v(\d+)', out).group(1)) >= 16:
                return candidate
    raise AssertionError('no Node.js of version 16 or later; `tools/setup test` installs it')


def run_node(script, *arguments, timeout=30):
    """Runs a script of this folder: the JSON objects that it printed, one a line."""
    folder = Path(__file__).parent
    if not (folder / 'node_modules/mqtt').is_dir():
        raise AssertionError('MQTT.js is not here; `tools/setup test` installs it')
    status, out, err = run([node(), folder / script, *arguments], timeout)
    check_equal(status, 0, f'{script}: {out}\n{err}')
    return [json.loads(line) for line in out.splitlines()]


class Tracker:
    """A tracker's TCP connection to a channel."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def address(self):
        return '{}:{}'.format(*self.socket.getsockname())

    def send(self, data):
        """Bytes, or their hex."""
        self.socket.sendall(bytes.fromhex(data) if isinstance(data, str) else data)

    def recv(self, n):
        """Exactly `n` bytes."""
        data = b''
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise AssertionError(f'closed after {data.hex()!r}, {n} bytes were expected')
            data += more
        return data

    def is_closed_within(self, seconds):
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except socket.timeout:
            return False
        except ConnectionError:
            pass
        return True


def send_udp(port, data, timeout=10):
    """One datagram, and the one that answers it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.sendto(bytes.fromhex(data) if isinstance(data, str) else data, ('127.0.0.1', port))
        return s.recv(65536)


def shard_arguments():
    """TRACKWIRE_SHARDS=N runs every hub with N shards: the stories about MQTT must hold for one and
    for several alike, because sessions, subscribers and publishers then live on different ones."""
    count = os.environ.get('TRACKWIRE_SHARDS')
    return ['--shards', count] if count else []
