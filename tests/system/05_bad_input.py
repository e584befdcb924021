"""Whatever strangers send, they are hung up on with a reason in the log; nobody else notices."""

import os
import time

import mqttwire
from harness import Tracker, check_equal, is_sanitized, wait_until

MIB = 1 << 20


class Bystander:
    """A client that must not feel what happens next to it."""

    def __init__(self, server):
        self.client = server.client('bystander', mqttwire.V5)
        self.client.subscribe('bystander', qos=1)
        self.count = 0

    def check(self):
        self.count += 1
        self.client.publish('bystander', str(self.count), 1)
        check_equal(self.client.recv(timeout=3).payload, str(self.count).encode())


def check_refused(server, data, seconds=3):
    """Sends `data` to the MQTT port as a new client."""
    with mqttwire.Client(server.mqtt_port) as client:
        peer = client.address
        client.send(data)
        assert client.is_closed_within(seconds), f'still open after {data[:40].hex()}'
    assert server.log.wait(rf'{peer}\b.*\w', 3), f'no reason for {peer} in:\n{server.log.text}'


def test_garbage_on_the_mqtt_port(server):
    bystander = Bystander(server)
    for data in (os.urandom(64).replace(b'\x10', b'\x00'), b'\x00' * 100, b'\xff' * 100,
                 b'GET / HTTP/1.1\r\n\r\n', bytes.fromhex('16030100a5010000a1'),
                 b'\x10\x02\x00\x00', b'\x10\xff\xff\xff\xff\x7f'):
        check_refused(server, data)
        bystander.check()


def test_garbage_on_the_http_port(server):
    bystander = Bystander(server)
    for data in (b'\x00' * 200, b'\xff' * 200, bytes.fromhex('16030100a5010000a1'),
                 b'NONSENSE\r\n\r\n', b'GET /' + b'x' * 100000,
                 b'GET / HTTP/1.1\r\n' + b'a: b\r\n' * 20000,
                 b'POST /gw/channels HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n'):
        with Tracker(server.http_port) as stranger:
            peer = stranger.address
            try:
                stranger.send(data)
            except ConnectionError:
                pass
            assert stranger.is_closed_within(5), f'still open after {data[:40]!r}'
        assert server.log.wait(rf'{peer}\b.*\w', 3), f'no reason for {peer} in the log'
        bystander.check()


def test_garbage_on_channels(server):
    bystander = Bystander(server)
    for port, protocol in zip(server.channel_ports, ('teltonika', 'wialon-ips', 'osmand', 'http')):
        server.create_channel(protocol, port=port)
        for data in (b'\xff' * 100000, b'\x00' * 3 + b'\x07' * 100000, b'x' * 100000):
            with Tracker(port) as stranger:
                peer = stranger.address
                try:
                    stranger.send(data)
                except ConnectionError:
                    pass
                assert stranger.is_closed_within(5), f'{protocol}: open after {data[:20]!r}'
            assert server.log.wait(rf'{peer}\b.*\w', 3), f'{protocol}: no reason for {peer}'
        bystander.check()


def test_the_first_packet_must_be_connect(server):
    bystander = Bystander(server)
    for data in (mqttwire.packet(mqttwire.PINGREQ, 0, b''),
                 mqttwire.publish_packet(mqttwire.V311, 'bystander', 'intruder'),
                 mqttwire.subscribe_packet(mqttwire.V311, 1, [('#', 0)]),
                 mqttwire.packet(mqttwire.DISCONNECT, 0, b''),
                 mqttwire.packet(mqttwire.CONNACK, 0, b'\x00\x00'),
                 mqttwire.packet(mqttwire.AUTH, 0, b'')):
        check_refused(server, data)
        bystander.check()


def test_connect_twice(server):
    bystander = Bystander(server)
    client = server.client('twice')
    client.send(mqttwire.connect_packet('twice', username=server.token))
    assert client.is_closed_within(3), 'a second CONNECT was accepted'
    bystander.check()


def test_a_declared_length_of_268435455(server):
    """The first packet of a stranger may not announce more than a CONNECT needs; one who signed in
    may not announce more than the maximum packet size."""
    bystander = Bystander(server)
    before = server.rss_bytes()
    for _ in range(20):
        check_refused(server, b'\x10\xff\xff\xff\x7f' + b'\x00\x04MQTT')
    client = server.client('large', mqttwire.V5)
    client.send(b'\x30\xff\xff\xff\x7f' + b'\x00\x03a/b')
    check_equal(client.wait(mqttwire.DISCONNECT, timeout=3).body[:1], b'\x95', 'packet too large')
    assert client.is_closed_within(3)
    bystander.check()
    if not is_sanitized():
        assert server.rss_bytes() < before + 8 * MIB, 'memory was taken for what was announced'


def test_an_endless_slow_connect(server):
    bystander = Bystander(server)
    drip = mqttwire.connect_packet('slow', username='x' * 500)
    with mqttwire.Client(server.mqtt_port) as client:
        peer, start = client.address, time.monotonic()
        for byte in drip:
            try:
                client.send(bytes([byte]))
            except ConnectionError:
                break
            if client.is_closed_within(0.25):
                break
            assert time.monotonic() - start < 30, 'a CONNECT may take for ever'
        else:
            raise AssertionError('the slow CONNECT was served')
    assert server.log.wait(rf'{peer}\b.*\w', 3), f'no reason for {peer} in the log'
    bystander.check()


def test_a_silent_connection(server):
    with mqttwire.Client(server.mqtt_port) as client:
        assert client.is_closed_within(30), 'a client that says nothing may stay for ever'


def test_strangers_cost_little_memory(server):
    """Before signing in: under 1 KiB each beyond the connection's own struct."""
    count = 1000
    start = mqttwire.connect_packet('c', username='x' * 2000)[:600]
    strangers = [mqttwire.Client(server.mqtt_port) for _ in range(200)]  # the pools are warm
    before = server.rss_bytes()
    for _ in range(count):
        strangers.append(mqttwire.Client(server.mqtt_port))
        strangers[-1].send(start)
    server.client('after').ping()
    time.sleep(0.2)
    each = (server.rss_bytes() - before) / count
    for stranger in strangers:
        stranger.close()
    if not is_sanitized():
        assert each < 2048, f'{each:.0f} bytes for each stranger'


def test_random_bytes_after_connect(server):
    bystander = Bystander(server)
    for seed in range(30):
        client = server.client(f'random-{seed}', mqttwire.V5 if seed % 2 else mqttwire.V311)
        try:
            client.send(os.urandom(2000))
        except ConnectionError:
            pass
        client.is_closed_within(0.05)
        client.close()
    bystander.check()


def test_a_reader_that_does_not_read(server):
    """Its queue has a limit; others go on."""
    bystander = Bystander(server)
    deaf = server.client('deaf')
    deaf.subscribe('flood', qos=0)
    before = server.rss_bytes()
    speaker = server.client('speaker')
    for _ in range(200):
        speaker.send(mqttwire.publish_packet(mqttwire.V311, 'flood', b'x' * 60000) * 5)
        if _ % 20 == 0:
            bystander.check()
    speaker.ping()
    bystander.check()
    if not is_sanitized():
        assert server.rss_bytes() < before + 48 * MIB, 'the whole flood is kept for one reader'
    deaf.close()
    wait_until(lambda: server.process.process.poll() is None, 'the hub lives')
