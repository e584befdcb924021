"""Connections that mean no good, in numbers: storms of attempts, fixed headers that promise
256 MiB, CONNECT byte by byte. A pair of steady clients must not notice, nor must memory.

TRACKWIRE_STORM=50000 makes the storm that large, and the other crowds as large as the system has
descriptors."""

import errno
import os
import re
import resource
import select
import socket
import struct
import time

import mqttwire
from harness import check_equal, is_sanitized, wait_until
from mqttwire import V311, V5
from scenario import sign_in

STORM = int(os.environ.get('TRACKWIRE_STORM', 5000))
CROWD = 10000 if 'TRACKWIRE_STORM' in os.environ else 1000
CONNECT_SECONDS = 8 if CROWD < 5000 else 30
RESET = struct.pack('ii', 1, 0)
# Several, so that the system has ports enough.
SOURCES = [f'127.0.0.{i}' for i in range(2, 22)]


def begin(server, number):
    """A connection under way."""
    s = socket.socket()
    s.setblocking(False)
    s.bind((SOURCES[number % len(SOURCES)], 0))
    if s.connect_ex(('127.0.0.1', server.mqtt_port)) not in (0, errno.EINPROGRESS):
        raise AssertionError('the kernel refuses a connection')
    return s


def wait_writable(s):
    poll = select.poll()
    poll.register(s, select.POLLOUT)
    poll.poll(10000)


def reset(s):
    """Closes without leaving a port behind that nobody may use for a minute."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s.close()


def allow_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Pair:
    """A message from one steady client to another, and how long the slowest took."""

    def __init__(self, server):
        self.subscriber, _ = sign_in(server, 'steady subscriber', V5)
        self.subscriber.subscribe('steady', qos=1)
        self.publisher, _ = sign_in(server, 'steady publisher', V5)
        self.slowest = self.count = 0

    def beat(self):
        start = time.monotonic()
        self.publisher.publish('steady', str(self.count), 1)
        check_equal(self.subscriber.recv().payload, b'%d' % self.count)
        self.slowest = max(self.slowest, time.monotonic() - start)
        self.count += 1

    def check(self, seconds):
        assert self.slowest < (5 if is_sanitized() else 1) * seconds, \
            f'one of {self.count} messages took {self.slowest:.3f} s'


def attempt(s, number, server):
    """What one of the storm does once it is connected."""
    said = (b'', b'\0' * 100, b'GET / HTTP/1.1\r\n\r\n', b'\x10\xff\xff\xff\x7f',
            mqttwire.connect_packet(f'storm {number}', V311, username='wrong'),
            mqttwire.connect_packet(f'storm {number % 10}', V311, username=server.token),
            mqttwire.connect_packet(f'storm {number}', V5, username=server.token)[:-1])
    try:
        s.send(said[number % len(said)])
    except OSError:
        pass  # it was closed already
    reset(s)


def test_storm(server):
    allow_descriptors()
    pair = Pair(server)
    before = server.rss_bytes()
    start = time.monotonic()
    for first in range(0, STORM, 250):
        group = [begin(server, first + i) for i in range(min(250, STORM - first))]
        for i, s in enumerate(group):
            wait_writable(s)
            attempt(s, first + i, server)
        pair.beat()
    seconds = time.monotonic() - start
    grown = server.rss_bytes() - before
    accepted = figure(server, 'trackwire_mqtt_connections_total')
    print(f'# {STORM} attempts in {seconds:.1f} s, {accepted} accepted; slowest of {pair.count} '
          f'messages meanwhile {pair.slowest * 1000:.1f} ms; {grown / 1e6:.2f} MB more')
    pair.check(1)
    # All is given back.
    wait_until(lambda: open_connections(server) == 2, 'only the pair is left')
    assert grown < 30e6 or is_sanitized(), f'{grown / 1e6:.1f} MB more'


def figure(server, name):
    text = server.rest('GET', '/metrics').text
    return int(re.search(rf'^{re.escape(name)} (\d+)', text, re.M)[1])


def open_connections(server):
    return figure(server, 'trackwire_mqtt_connections')


def net_bytes(server):
    return figure(server, 'trackwire_memory_bytes{purpose="net"}')


def is_ended(s, seconds=10):
    s.settimeout(seconds)
    try:
        while s.recv(4096):
            pass
        return True
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def test_headers_that_promise_256_mib(server):
    """The fixed header is enough to end the connection (CVE-2023-0809, CVE-2017-7651)."""
    allow_descriptors()
    pair = Pair(server)
    before, largest = server.rss_bytes(), 0
    for first in range(0, CROWD, 500):
        group = [begin(server, first + i) for i in range(500)]
        for i, s in enumerate(group):
            wait_writable(s)
            kind = (0x10, 0x30, 0x32, 0xF0, 0x82)[i % 5]
            s.send(bytes([kind]) + b'\xff\xff\xff\x7f')
        pair.beat()
        for s in group:
            assert is_ended(s), 'the hub waits for 256 MiB'
        largest = max(largest, server.rss_bytes() - before)
        for s in group:
            s.close()
    print(f'# {CROWD} sockets; {largest / 1e6:.2f} MB more at most')
    assert largest < 4e6 or is_sanitized(), f'{largest / 1e6:.1f} MB more'
    pair.check(1)


def test_connect_byte_by_byte(server):
    """All of them at once, each with most of a CONNECT of 1,000 bytes (slow loris)."""
    hard = allow_descriptors()
    crowd = min(CROWD, hard - 500)
    pair = Pair(server)
    packet = mqttwire.connect_packet('x' * 900, V311, username='u' * 64)
    before, net_before = server.rss_bytes(), net_bytes(server)
    sockets = []
    for first in range(0, crowd, 250):
        group = [begin(server, first + i) for i in range(min(250, crowd - first))]
        for s in group:
            wait_writable(s)
            s.send(packet[:400])
        sockets += group
        pair.beat()
    for n in range(400, len(packet) - 1, 100):
        for s in sockets:
            s.send(packet[n:min(n + 100, len(packet) - 1)])
        pair.beat()
    check_equal(open_connections(server), crowd + 2)
    resident = (server.rss_bytes() - before) / crowd
    each = (net_bytes(server) - net_before) / crowd
    print(f'# {crowd} sockets at once: {each:.0f} bytes each, {resident:.0f} of resident memory')
    # Two structures of 208 and about 230 bytes, and what came of CONNECT.
    assert each < 460 + 1024 or is_sanitized(), f'{each:.0f} bytes each'
    assert resident < 2200 or is_sanitized(), f'{resident:.0f} bytes of resident memory each'
    pair.check(1)
    # Their time ends, and they are closed and forgotten.
    wait_until(lambda: open_connections(server) == 2, 'CONNECT is waited for no longer',
               CONNECT_SECONDS + 10)
    for s in sockets:
        s.close()


test_connect_byte_by_byte.arguments = ('--connect-timeout', str(CONNECT_SECONDS))


def test_one_client_id_for_all(server):
    """Take-over at full speed (CVE-2025-59946, CVE-2026-22040): one owner, and it works."""
    pair = Pair(server)
    packet = mqttwire.connect_packet('same', V5, clean=False, username=server.token,
                                     properties={'session_expiry': 60})
    subscribe = mqttwire.subscribe_packet(V5, 1, [('same/#', 1)])
    sockets = []
    for i in range(300):
        s = begin(server, i)
        wait_writable(s)
        s.send(packet + subscribe + mqttwire.publish_packet(V5, 'same/t', b'x', 1, packet_id=2))
        sockets.append(s)
        if i % 50 == 0:
            pair.beat()
    # On several shards they are served in any order; the last is to be the last.
    wait_until(lambda: figure(server, 'trackwire_mqtt_connects_total') == 302, 'all were let in')
    last, connack = sign_in(server, 'same', V5, clean=False,
                            properties={'session_expiry': 60})
    check_equal((connack.code, connack.session_present), (0, True))
    for s in sockets:
        assert is_ended(s), 'two own one session'
        s.close()
    last.ping()
    last.inbox.clear()
    pair.publisher.publish('same/t', 'for the last', 1)
    check_equal(last.recv().payload, b'for the last')
    pair.check(1)
