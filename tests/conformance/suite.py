"""What the conformance cases are made of: the table they enter themselves in, and the trial that
each run of a case gets.

A case is a function with the statements of the standard that it shows:

    @case('3.1.1 MQTT-3.12.4-1', '5.0 MQTT-3.12.4-1')
    def ping_is_answered(t):
        t.client().ping()

It runs once for each version that it has statements of, MQTT 3.1 along with 3.1.1, over whatever
transport the run is about. All cases share one hub and run side by side, so they use the names that
the trial gives them and nothing else.
"""

import itertools
import socket
import threading
from collections import namedtuple

import mqttwire
import transports
from harness import check_equal
from mqttwire import CONNACK, DISCONNECT, V31, V311, V5, Cursor

NAMES = {V31: '3.1', V311: '3.1.1', V5: '5.0'}
ALL = (V31, V311, V5)
CLOSE_SECONDS = 5

# `is_slow`: waits for time to pass; such cases start first. `transports`: None for all.
Case = namedtuple('Case', 'name function statements versions is_slow transports')

CASES = []


def versions_of(statements):
    found = {statement.split()[0] for statement in statements}
    assert found <= {'3.1.1', '5.0'}, statements
    return ((V31, V311) if '3.1.1' in found else ()) + ((V5,) if '5.0' in found else ())


def case(*statements, versions=None, is_slow=False, transports=None):
    """Enters a function in the table. `versions`: where not all that the statements name."""
    def enter(function):
        CASES.append(Case(function.__name__, function, statements,
                          versions or versions_of(statements), is_slow, transports))
        return function
    return enter


def add_case(name, function, versions, is_slow=False, transports=None):
    """A case made by a table; it stands for no statement of its own."""
    CASES.append(Case(name, function, (), versions, is_slow, transports))


class Trial:
    """One run of a case: a hub, a transport, a version, and names that no other run has."""

    _numbers = itertools.count(1)
    _of_thread = threading.local()

    def __init__(self, server, transport, version):
        self.server, self.transport, self.version = server, transport, version
        self.name = f'c{next(self._numbers)}'
        self.clients = []

    @property
    def is_5(self):
        return self.version == V5

    def topic(self, rest='t'):
        return f'{self.name}/{rest}'

    def id(self, rest='a'):
        return f'{self.name}{rest}'

    def open(self, version=None, auto_ack=True):
        """A connection that has said nothing yet."""
        stream = self.transport.open(self.server)
        client = transports.Client(stream, version or self.version, auto_ack)
        self.clients.append(client)
        return client

    def sign_in(self, name='a', auto_ack=True, version=None, **options):
        """A client and its CONNACK, whatever that says. None for a name is the empty client id."""
        client = self.open(version, auto_ack)
        options.setdefault('username', self.server.token)
        return client, client.connect('' if name is None else self.id(name), **options)

    def client(self, name='a', **options):
        """A client that is let in."""
        client, connack = self.sign_in(name, **options)
        check_equal(connack.code, 0, f'CONNACK of {name!r}')
        return client

    def watch(self, *filters, qos=2, name='watcher', **options):
        """A client with subscriptions of this trial's, and one by which `drain` knows the end."""
        client = self.client(name, **options)
        client.subscribe(*[f if isinstance(f, tuple) else (f, qos) for f in filters],
                         (self.topic('$end'), 0))
        return client

    def drain(self, publisher, watcher):
        """What `watcher` got of all that was published from `publisher`'s shard up to now."""
        mark = str(next(self._numbers)).encode()
        publisher.publish(self.topic('$end'), mark)
        got = []
        while not got or (got[-1].topic, got[-1].payload) != (self.topic('$end'), mark):
            got.append(watcher.recv())
        return [message for message in got if message.topic != self.topic('$end')]

    def lasting(self, seconds=3600):
        """Options of a CONNECT whose session outlives the connection; not a clean start."""
        if self.is_5:
            return {'clean': False, 'properties': {'session_expiry': seconds}}
        return {'clean': False}

    def check_present(self, connack, expected):
        """Session Present; MQTT 3.1 does not know it, its byte stays 0."""
        check_equal(connack.session_present, expected and self.version != V31, 'session present')

    def connect_bytes(self, name='a', **options):
        options.setdefault('username', self.server.token)
        return mqttwire.connect_packet(self.id(name), self.version, **options)

    def check_others(self):
        """The broker check: somebody else, who was there before, goes on publishing and
        receiving. One for each thread of the run."""
        mine, key = self._of_thread, (self.server, self.transport.name)
        if getattr(mine, 'key', None) != key:
            mine.key, mine.topic = key, f'bystander{next(self._numbers)}'
            mine.client = transports.Client(self.transport.open(self.server), V5)
            check_equal(mine.client.connect(mine.topic, username=self.server.token).code, 0)
            mine.client.subscribe(mine.topic, qos=1)
        mark = str(next(self._numbers)).encode()
        try:
            mine.client.publish(mine.topic, mark, 1)
            check_equal(mine.client.recv().payload, mark, 'the bystander')
        except BaseException:
            mine.key = None
            raise

    def close(self):
        for client in self.clients:
            client.close()


def expect_closed(client, seconds=CLOSE_SECONDS):
    assert client.is_closed_within(seconds), 'the server left the connection open'
    client.close()


def expect_silent_end(client):
    """Closed without a byte."""
    expect_closed(client)
    check_equal((client.data, client.pending, client.inbox), (b'', [], []), 'it said something')


def expect_end(client, code, seconds=CLOSE_SECONDS):
    """The server ends a connection that is up: with DISCONNECT and `code` in 5.0 (one of several
    where the standard leaves the choice), without a word before."""
    if client.version == V5:
        got = client.wait(DISCONNECT, timeout=seconds)
        said, wanted = got.body[0] if got.body else 0, code if isinstance(code, tuple) else (code,)
        assert said in wanted, f'DISCONNECT {said:#04x}, expected {list(map(hex, wanted))}'
    expect_closed(client, seconds)
    check_equal((client.data, client.pending), (b'', []), 'after the end')


def expect_refusal(client, code, code_3=None):
    """The server ends a connection that is not up: CONNACK with `code` in 5.0, `code_3` in 3.x,
    where None is no CONNACK at all. No session, nothing behind it."""
    wanted = code if client.version == V5 else code_3
    if wanted is None:
        expect_silent_end(client)
        return
    cursor = Cursor(client.wait(CONNACK, timeout=CLOSE_SECONDS).body)
    check_equal(cursor.number(1), 0, 'session present')
    said, wanted = cursor.number(1), wanted if isinstance(wanted, tuple) else (wanted,)
    assert said in wanted, f'CONNACK {said:#04x}, expected {list(map(hex, wanted))}'
    expect_silent_end(client)


def leave(client):
    """Says goodbye; back when the server has closed, hence knows."""
    client.send(mqttwire.packet(DISCONNECT, 0, b''))
    expect_closed(client)


def vanish(client):
    """Goes without a word; back when the server has noticed."""
    client.socket.shutdown(socket.SHUT_WR)
    expect_closed(client)


def payloads(messages):
    return [m.payload for m in messages]


def user_properties(properties):
    """Those of the publisher: the hub adds `timestamp` and `cid` of its own."""
    return [p for p in properties.get('user_property', []) if p[0] not in ('timestamp', 'cid')]
