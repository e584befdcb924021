"""Wills: who goes without a word leaves a last one."""

import time

import mqttwire
from harness import check_equal
from mqttwire import DISCONNECT, V311, V5, Will
from scenario import NAMES, VERSIONS, expect_end, lasting, leave, sign_in, vanish, wait_closed


def watch(server, version=V5):
    watcher = server.client('watcher', version)
    watcher.subscribe('will/#', qos=2)
    return watcher


def expect(watcher, payload, qos=1, retain=False):
    message = watcher.recv()
    check_equal((message.payload, message.qos, message.retain), (payload.encode(), qos, retain))
    return message


def test_goodbye_takes_the_will_back(server):
    watcher = watch(server)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, will=Will('will/a', 'never', 1))
        leave(client)
    watcher.recv_none()


def test_a_lost_connection(server):
    watcher = watch(server)
    for version in VERSIONS:
        for qos in (0, 1, 2):
            client, _ = sign_in(server, 'client', version,
                                will=Will('will/a', f'{version} {qos}', qos))
            client.close()
            expect(watcher, f'{version} {qos}', qos)
    watcher.recv_none(0.1)


def test_bad_manners(server):
    """A protocol error, a keep alive that ran out and a take-over are not goodbye."""
    watcher = watch(server)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, will=Will('will/a', 'error', 1))
        client.send(b'\xf7\x00')
        wait_closed(client)
        expect(watcher, 'error')
        client, _ = sign_in(server, 'client', version, will=Will('will/a', 'taken', 1))
        other, _ = sign_in(server, 'client', version)
        expect_end(client, 0x8E)
        expect(watcher, 'taken')
        leave(other)
        client, _ = sign_in(server, 'client', version, keepalive=1,
                            will=Will('will/a', 'silent', 1))
        expect_end(client, 0x8D)
        expect(watcher, 'silent')
    watcher.recv_none(0.1)


def test_refused_clients_have_no_will(server):
    watcher = watch(server)
    for version in VERSIONS:
        client, connack = sign_in(server, 'client', version, username='x' * 64,
                                  will=Will('will/a', 'never', 1))
        assert connack.code, connack
        wait_closed(client)
    watcher.recv_none()


def test_goodbye_with_the_will(server):
    """MQTT 5.0 3.14.2.1: reason 0x04, and every other that is not 0x00."""
    watcher = watch(server)
    for code in (0x04, 0x80, 0x98):
        client, _ = sign_in(server, 'client', V5, will=Will('will/a', f'{code}', 1))
        client.send(mqttwire.packet(DISCONNECT, 0, bytes([code])))
        wait_closed(client)
        expect(watcher, f'{code}')
    client, _ = sign_in(server, 'client', V5, will=Will('will/a', 'never', 1))
    client.send(mqttwire.packet(DISCONNECT, 0, b'\0'))
    wait_closed(client)
    watcher.recv_none(0.1)


def test_a_retained_will(server):
    watcher = watch(server)
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version,
                            will=Will('will/kept', NAMES[version], 1, True))
        vanish(client)
        expect(watcher, NAMES[version])
        late, _ = sign_in(server, 'late', version)
        late.subscribe('will/+', qos=1)
        expect(late, NAMES[version], retain=True)
        leave(late)


def test_the_delay(server):
    watcher = watch(server)
    client, _ = sign_in(server, 'client', V5, **lasting(V5),
                        will=Will('will/a', 'late', 1, False, {'will_delay': 1}))
    vanish(client)
    start = time.monotonic()
    watcher.recv_none(0.6)
    expect(watcher, 'late')
    assert 0.9 < time.monotonic() - start < 3, time.monotonic() - start
    watcher.recv_none(0.1)


def test_coming_back_in_time_cancels_it(server):
    watcher = watch(server)
    will = Will('will/a', 'never', 1, False, {'will_delay': 1})
    client, _ = sign_in(server, 'client', V5, **lasting(V5), will=will)
    vanish(client)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    watcher.recv_none(1.5)
    # The new connection had no will.
    vanish(client)
    watcher.recv_none(0.2)


def test_the_end_of_the_session_is_the_end_of_the_delay(server):
    watcher = watch(server)
    will = Will('will/a', 'at the end', 1, False, {'will_delay': 3600})
    # The session ends with the connection.
    client, _ = sign_in(server, 'client', V5, will=will)
    vanish(client)
    expect(watcher, 'at the end')
    # It ends by its expiry.
    client, _ = sign_in(server, 'client', V5, **lasting(V5, 1), will=will)
    vanish(client)
    watcher.recv_none(0.5)
    expect(watcher, 'at the end')
    # It ends because the client starts anew.
    client, _ = sign_in(server, 'client', V5, **lasting(V5), will=will)
    vanish(client)
    watcher.recv_none(0.2)
    client, _ = sign_in(server, 'client', V5)
    expect(watcher, 'at the end')
    leave(client)
    # A take-over with a clean start ends it too.
    first, _ = sign_in(server, 'client', V5, **lasting(V5), will=will)
    second, _ = sign_in(server, 'client', V5)
    expect_end(first, 0x8E)
    expect(watcher, 'at the end')
    leave(second)
    # One that goes on does not.
    first, _ = sign_in(server, 'client', V5, **lasting(V5), will=will)
    second, _ = sign_in(server, 'client', V5, **lasting(V5))
    expect_end(first, 0x8E)
    watcher.recv_none(0.2)


def test_properties_of_the_will(server):
    watcher = watch(server)
    properties = {'payload_format': 1, 'content_type': 'text', 'response_topic': 'answer',
                  'correlation_data': b'\xff\0', 'user_property': [('k', '2'), ('k', '1')]}
    client, _ = sign_in(server, 'client', V5,
                        will=Will('will/a', 'x', 1, False, {**properties, 'message_expiry': 50}))
    vanish(client)
    message = watcher.recv()
    assert 49 <= message.properties.pop('message_expiry') <= 50, message
    check_equal(message.properties, properties)


def test_the_expiry_runs_from_the_publication(server):
    watcher = watch(server)
    client, _ = sign_in(server, 'client', V5, **lasting(V5), will=Will(
        'will/a', 'x', 1, False, {'will_delay': 2, 'message_expiry': 50}))
    vanish(client)
    assert 49 <= watcher.recv().properties['message_expiry'] <= 50


def test_wills_wait_for_those_who_are_away(server):
    leave_early, _ = sign_in(server, 'away', V311, **lasting(V311))
    leave_early.subscribe('will/a', qos=1)
    leave(leave_early)
    client, _ = sign_in(server, 'client', V5, will=Will('will/a', 'x', 1))
    vanish(client)
    back, _ = sign_in(server, 'away', V311, **lasting(V311))
    check_equal(back.recv().payload, b'x')


def test_wills_to_reserved_topics_are_refused(server):
    for version in VERSIONS:
        for topic in ('flespi/x', '$SYS/x'):
            client, connack = sign_in(server, 'client', version, will=Will(topic, 'x', 1))
            check_equal(connack.code, 0x87 if version == V5 else 5, f'{NAMES[version]} {topic}')
            wait_closed(client)


def test_wills_at_shutdown(server):
    """A client that has a will and is there when the hub goes: nothing crashes."""
    watcher = watch(server)
    clients = [sign_in(server, f'client {i}', V5, will=Will('will/a', 'x', 1))[0]
               for i in range(10)]
    gone, _ = sign_in(server, 'gone', V5, **lasting(V5),
                      will=Will('will/a', 'x', 1, False, {'will_delay': 3600}))
    vanish(gone)
    server.stop()
    for client in clients:
        expect_end(client, 0x8B)
    assert watcher.is_closed_within(5)
