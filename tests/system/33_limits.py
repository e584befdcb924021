"""The limits that can be set: what happens at each of them."""

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBREC, V311, V5
from scenario import NAMES, VERSIONS, expect_end, lasting, leave, sign_in


def limit(*arguments):
    """The hub of this test runs with these options."""
    def mark(test):
        test.arguments = arguments
        return test
    return mark


def fill_queue(server, version, payloads):
    """What a session has of `payloads` when its client comes back."""
    client, _ = sign_in(server, 'client', version, **lasting(version))
    client.subscribe('t', qos=1)
    leave(client)
    publisher = server.client('publisher')
    for payload in payloads:
        publisher.publish('t', payload, 1)
    client, _ = sign_in(server, 'client', version, **lasting(version))
    client.ping()
    got = [m.payload for m in client.inbox]
    leave(client)
    leave(sign_in(server, 'client', version)[0])
    return got


@limit('--queue-messages', '10')
def test_queue_messages(server):
    """The oldest go: what is newest is worth most."""
    for version in VERSIONS:
        got = fill_queue(server, version, [str(i) for i in range(25)])
        check_equal(got, [b'%d' % i for i in range(15, 25)], NAMES[version])


@limit('--queue-bytes', '10000')
def test_queue_bytes(server):
    for version in VERSIONS:
        got = fill_queue(server, version, [f'{i:04}' + 'x' * 996 for i in range(25)])
        check_equal([int(p[:4]) for p in got], list(range(16, 25)), NAMES[version])
        # One alone may be larger than that.
        got = fill_queue(server, version, ['small', 'x' * 20000])
        check_equal(list(map(len, got)), [20000], NAMES[version])


@limit('--inflight-max', '3')
def test_inflight_max(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, auto_ack=False)
        client.subscribe('t', qos=1)
        for i in range(6):
            publisher.publish('t', str(i), 1)
        messages = [client.recv() for _ in range(3)]
        client.recv_none(0.1)
        for message in messages:
            client.send(mqttwire.ack_packet(PUBACK, message.packet_id))
        check_equal([client.recv().payload for _ in range(3)], [b'3', b'4', b'5'], NAMES[version])
        leave(client)


@limit('--receive-maximum', '5')
def test_receive_maximum(server):
    client, connack = sign_in(server, 'client', V5)
    check_equal(connack.properties['receive_maximum'], 5)
    for packet_id in range(1, 6):
        client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, packet_id))
        client.wait(PUBREC)
    client.send(mqttwire.publish_packet(V5, 't', 'x', 2, False, False, 6))
    expect_end(client, 0x93)


@limit('--topic-alias-max', '0')
def test_no_aliases(server):
    client, connack = sign_in(server, 'client', V5)
    check_equal(connack.properties.get('topic_alias_maximum', 0), 0)
    client.send(mqttwire.publish_packet(V5, 't', 'x', properties={'topic_alias': 1}))
    expect_end(client, 0x94)


@limit('--keep-alive-max', '2')
def test_keep_alive_max(server):
    """5.0 is told; 3.x cannot be."""
    for asked, told in ((0, 2), (1, None), (2, None), (3, 2), (65535, 2)):
        client, connack = sign_in(server, 'client', V5, keepalive=asked)
        check_equal(connack.properties.get('server_keep_alive'), told, f'{asked} s')
        leave(client)
    client, _ = sign_in(server, 'client', V5, keepalive=60)
    expect_end(client, 0x8D, 6)


@limit('--session-expiry-max', '5')
def test_session_expiry_max(server):
    for asked, told in ((0, None), (5, None), (6, 5), (0xFFFFFFFF, 5)):
        client, connack = sign_in(server, f'client {asked}', V5,
                                  properties={'session_expiry': asked})
        check_equal(connack.properties.get('session_expiry'), told, f'{asked} s')
        leave(client)


@limit('--subscriptions-max', '5')
def test_subscriptions_max(server):
    for version in VERSIONS:
        full = 0x97 if version == V5 else 0x80
        client, _ = sign_in(server, 'client', version)
        check_equal(client.subscribe(*(f't/{i}' for i in range(7))).codes, [0] * 5 + [full] * 2,
                    NAMES[version])
        # One that is there already is no new one.
        check_equal(client.subscribe(('t/3', 1), ('t/9', 1), ('t/0', 2)).codes, [1, full, 2])
        client.unsubscribe('t/0')
        check_equal(client.subscribe('t/9').codes, [0])
        leave(client)


@limit('--retained-max', '3')
def test_retained_max(server):
    client = server.client('client', V311)
    for i in range(5):
        client.publish(f't/{i}', str(i), 1, retain=True)
    client.publish('t/0', 'replaced', 1, retain=True)
    client.publish('t/1', '', 1, retain=True)
    client.publish('t/9', '9', 1, retain=True)
    client.publish('t/10', '10', 1, retain=True)
    client.subscribe('t/#', qos=1)
    check_equal(sorted(client.recv().payload for _ in range(3)), [b'2', b'9', b'replaced'])
    client.recv_none(0.1)


@limit('--packet-max', '1024')
def test_packet_max(server):
    client, connack = sign_in(server, 'client', V5)
    check_equal(connack.properties['maximum_packet_size'], 1024)
    client.subscribe('t')
    client.publish('t', 'x' * 900)
    check_equal(len(client.recv().payload), 900)
    client.publish('t', 'x' * 1024)
    expect_end(client, 0x95)
