"""Messages of any size, cut in any way."""

import hashlib
import random

import mqttwire
from harness import check_equal
from mqttwire import PINGRESP, PUBACK, V311, V5
from scenario import NAMES, VERSIONS, lasting, leave, sign_in

MIB = 1 << 20


def pattern(size):
    """Bytes of which no two parts look alike."""
    return hashlib.shake_128(str(size).encode()).digest(size)


def check_same(got, expected, what):
    """Without printing a megabyte."""
    if got != expected:
        at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b),
                  min(len(got), len(expected)))
        raise AssertionError(f'{what}: {len(got)} bytes, expected {len(expected)}, differ at {at}')


def test_a_megabyte(server):
    payload = pattern(MIB)
    for version in VERSIONS:
        subscribers = [sign_in(server, f'subscriber {v}', v)[0] for v in VERSIONS]
        publisher, _ = sign_in(server, 'publisher', version)
        for qos in (0, 1, 2):
            for subscriber in subscribers:
                subscriber.subscribe('t', qos=qos)
            publisher.publish('t', payload, qos)
            for subscriber in subscribers:
                check_same(subscriber.recv().payload, payload, f'{NAMES[version]} QoS {qos}')
        for client in (publisher, *subscribers):
            leave(client)


def test_sizes_around_every_boundary(server):
    """Lengths of one to four bytes, the copy and share limits inside, and what lies around."""
    sizes = sorted({edge + off for edge in (0, 120, 127, 512, 2048, 2097152, 4096, 16384, 65536)
                    for off in range(-12, 13) if edge + off >= 0})
    subscribers = [server.client('old', V311), server.client('new', V5)]
    for subscriber in subscribers:
        subscriber.subscribe('t', qos=1)
    publisher = server.client('publisher')
    for size in sizes:
        payload = pattern(size)
        publisher.publish('t', payload, size % 2)
        for subscriber in subscribers:
            check_same(subscriber.recv().payload, payload, f'{size} bytes')


def test_large_messages_wait(server):
    client, _ = sign_in(server, 'client', V311, **lasting(V311))
    client.subscribe('t', qos=1)
    leave(client)
    publisher = server.client('publisher')
    for i in range(8):
        publisher.publish('t', pattern(MIB + i), 1)
    client, _ = sign_in(server, 'client', V311, **lasting(V311))
    for i in range(8):
        check_same(client.recv().payload, pattern(MIB + i), f'message {i}')


def test_a_large_retained_message(server):
    publisher = server.client('publisher')
    publisher.publish('t', pattern(3 * MIB), 1, retain=True)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        client.subscribe('t', qos=1)
        check_same(client.recv().payload, pattern(3 * MIB), NAMES[version])
        leave(client)


def test_many_small_ones_in_one_write(server):
    count = 20000
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        client.subscribe('t')
        sent = b''.join(mqttwire.publish_packet(version, 't', str(i)) for i in range(count))
        client.send(sent + mqttwire.packet(mqttwire.PINGREQ, 0, b''))
        for i in range(count):
            check_equal(client.recv().payload, b'%d' % i, NAMES[version])
        client.wait(PINGRESP)
        leave(client)


def test_cut_anywhere(server):
    """The stream is what counts, not how it was cut."""
    cuts = random.Random(2024)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        client.subscribe('t', qos=1)
        sizes = [cuts.choice((0, 1, 10, 200, 3000, 20000, 70000)) for _ in range(60)]
        data = b''.join(mqttwire.publish_packet(version, 't', pattern(size), 1, False, False,
                                                i + 1) for i, size in enumerate(sizes))
        while data:
            n = cuts.choice((1, 2, 3, 7, 100, 1000, 5000, 50000))
            client.send(data[:n])
            data = data[n:]
        for size in sizes:
            check_same(client.recv().payload, pattern(size), NAMES[version])
        for i in range(len(sizes)):
            check_equal(client.decode_ack(client.wait(PUBACK)).packet_id, i + 1)
        leave(client)


def test_two_large_streams_at_once(server):
    """Halves of two packets by turns: connections do not share what they have pending."""
    clients = [sign_in(server, f'client {i}', V5)[0] for i in range(6)]
    streams = []
    for i, client in enumerate(clients):
        client.subscribe(f't/{i}', qos=1)
        streams.append(mqttwire.publish_packet(V5, f't/{i}', pattern(300000 + i), 1, False, False,
                                               1))
    for at in range(0, max(map(len, streams)), 30000):
        for client, stream in zip(clients, streams):
            client.send(stream[at:at + 30000])
    for i, client in enumerate(clients):
        check_same(client.recv().payload, pattern(300000 + i), f'client {i}')
