"""Who does not read holds nobody else up, and costs a bounded amount of memory."""

import socket
import time

import mqttwire
from harness import check_equal, is_sanitized
from mqttwire import V311, V5
from scenario import VERSIONS, leave, sign_in

OUTPUT_BYTES = 2000000
QUEUE_BYTES = 10000000
SIZE = 10000


def sleeper(server, client_id, topic, qos, version=V311):
    """Subscribes and does not read: first the kernel's buffers fill, then the hub's."""
    client, _ = sign_in(server, client_id, version)
    client.subscribe(topic, qos=qos)
    return client


def numbered(i, size=SIZE):
    return b'%08d' % i + b'x' * (size - 8)


def test_qos_0_is_dropped(server):
    """Past the limit for its connection, newest first; the rest arrives in order, and then it goes
    on as before."""
    count = 3000
    for version in VERSIONS:
        slow = sleeper(server, 'slow', 't', 0, version)
        publisher, _ = sign_in(server, 'publisher', version)
        for i in range(0, count, 50):
            publisher.send(b''.join(mqttwire.publish_packet(version, 't', numbered(n))
                                    for n in range(i, i + 50)))
            publisher.ping()
        slow.send(mqttwire.packet(mqttwire.PINGREQ, 0, b''))
        slow.wait(mqttwire.PINGRESP, timeout=30)
        numbers = [int(m.payload[:8]) for m in slow.inbox]
        slow.inbox.clear()
        check_equal(numbers, sorted(set(numbers)), 'in order, none twice')
        assert OUTPUT_BYTES * 0.9 / SIZE < len(numbers) < count * 0.9, len(numbers)
        publisher.publish('t', 'after')
        check_equal(slow.recv().payload, b'after')
        leave(slow)
        leave(publisher)


test_qos_0_is_dropped.arguments = ('--output-bytes', str(OUTPUT_BYTES))


def test_others_do_not_wait(server):
    """Delivery to a reader beside twenty sleepers: every message comes, and none comes late."""
    sleepers = [sleeper(server, f'slow {i}', 't', i % 3) for i in range(20)]
    reader = server.client('reader', V5)
    reader.subscribe('t', qos=1)
    publisher = server.client('publisher')
    longest = 0
    for i in range(1000):
        start = time.monotonic()
        publisher.publish('t', numbered(i), 1)
        check_equal(reader.recv().payload[:8], b'%08d' % i)
        longest = max(longest, time.monotonic() - start)
    assert longest < (3 if is_sanitized() else 1), f'one message took {longest:.3f} s'
    for client in sleepers:
        client.close()


test_others_do_not_wait.arguments = ('--output-bytes', str(OUTPUT_BYTES))


def test_memory_is_bounded(server):
    """200 MB for each of three sleepers, of which the hub keeps its limit."""
    if is_sanitized():
        return  # they keep freed memory for a while
    sleepers = [sleeper(server, f'slow {i}', 't', 0) for i in range(3)]
    publisher = server.client('publisher')
    before = server.rss_bytes()
    packets = mqttwire.publish_packet(V311, 't', numbered(0)) * 100
    for _ in range(200):
        publisher.send(packets)
        publisher.ping()
    grown = server.rss_bytes() - before
    assert grown < 3 * OUTPUT_BYTES + 30e6, f'{grown / 1e6:.0f} MB more'
    for client in sleepers:
        client.close()


test_memory_is_bounded.arguments = ('--output-bytes', str(OUTPUT_BYTES))


def test_memory_of_qos_1_is_bounded(server):
    """The window counts messages; large ones are held by the limits for bytes: of 200 MB the hub
    keeps the oldest, which are on their way, and the newest, which wait."""
    count, size = 1000, 200000
    slow = sleeper(server, 'slow', 't', 1, V5)
    publisher = server.client('publisher')
    before = server.rss_bytes()
    for i in range(count):
        publisher.publish('t', numbered(i, size), 1)
    grown = server.rss_bytes() - before
    limit = OUTPUT_BYTES + QUEUE_BYTES + 30e6
    assert grown < limit or is_sanitized(), f'{grown / 1e6:.0f} MB more'
    numbers = [int(slow.recv().payload[:8])]
    while numbers[-1] < count - 1:
        numbers.append(int(slow.recv().payload[:8]))
    check_equal(numbers, sorted(set(numbers)), 'in order, none twice')
    check_equal(numbers[0], 0)
    newest = QUEUE_BYTES // size - 1
    check_equal(numbers[-newest:], list(range(count - newest, count)), 'the newest')
    leave(slow)


test_memory_of_qos_1_is_bounded.arguments = ('--output-bytes', str(OUTPUT_BYTES),
                                             '--queue-bytes', str(QUEUE_BYTES))


def test_qos_1_waits(server):
    """What was promised is kept, in the window and in the queue behind it."""
    count = 6000
    for version in VERSIONS:
        slow = sleeper(server, 'slow', 't', 1, version)
        publisher, _ = sign_in(server, 'publisher', version)
        for i in range(0, count, 100):
            publisher.send(b''.join(
                mqttwire.publish_packet(version, 't', numbered(n, 1000), 1, False, False,
                                        n % 60000 + 1) for n in range(i, i + 100)))
            for _ in range(100):
                publisher.wait(mqttwire.PUBACK)
        for i in range(count):
            check_equal(int(slow.recv().payload[:8]), i)
        slow.recv_none(0.1)
        leave(slow)
        leave(publisher)


def test_a_sleeper_that_dies(server):
    """Megabytes wait for it when it resets the connection."""
    publisher = server.client('publisher')
    for qos in (0, 1, 2):
        slow = sleeper(server, 'slow', 't', qos)
        for i in range(300):
            publisher.publish('t', numbered(i), qos)
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        slow.close()
        publisher.ping()


def test_a_publisher_that_does_not_read(server):
    """Its acknowledgements wait; a reader of its messages gets them all."""
    reader = server.client('reader')
    reader.subscribe('t', qos=0)
    deaf = server.client('deaf', V311)
    for i in range(0, 30000, 100):
        deaf.send(b''.join(mqttwire.publish_packet(V311, 't', b'%d' % n, 1, False, False,
                                                   n % 60000 + 1) for n in range(i, i + 100)))
    for i in range(30000):
        check_equal(reader.recv().payload, b'%d' % i)
    for i in range(30000):
        check_equal(deaf.decode_ack(deaf.wait(mqttwire.PUBACK)).packet_id, i % 60000 + 1)
