"""Wills (3.1.2.5, 3.1.3.2). Whether one was published is asked from a client with the same client
id: its home is the shard that the will would have come from."""

import time

from harness import check_equal
from mqttwire import DISCONNECT, Will, packet
from suite import case, expect_closed, leave, user_properties, vanish


def delayed(seconds, expiry, **options):
    """Options of a CONNECT with a delayed will and a session of `expiry` seconds."""
    properties = {'will_delay': seconds, **options}
    return {'clean': False, 'properties': {'session_expiry': expiry}}, properties


@case('3.1.1 MQTT-3.1.2-8', '5.0 MQTT-3.1.2-7')
def will_is_published_when_the_connection_ends(t):
    """Lost, closed for an error, or taken over; with each QoS."""
    watcher = t.watch(t.topic('will'))
    for qos in (0, 1, 2):
        vanish(t.client(will=Will(t.topic('will'), 'lost', qos)))
        message = watcher.recv()
        check_equal((message.payload, message.qos), (b'lost', qos))
    client = t.client(will=Will(t.topic('will'), 'error', 1))
    client.send(b'\xf7\x00')
    expect_closed(client)
    t.client(will=Will(t.topic('will'), 'taken over', 1))
    t.client()
    check_equal([watcher.recv().payload for _ in range(2)], [b'error', b'taken over'])


@case('5.0 MQTT-3.1.2-8', is_slow=True)
def will_waits_for_its_delay_or_the_sessions_end(t):
    """The earlier of both; DISCONNECT with 0x04 asks for it, 0x00 removes it."""
    watcher = t.watch(t.topic('will'))
    for delay, expiry in ((1, 60), (60, 1), (60, 0)):
        options, properties = delayed(delay, expiry)
        client = t.client(will=Will(t.topic('will'), 'gone', 1, False, properties), **options)
        start = time.monotonic()
        client.send(packet(DISCONNECT, 0, b'\x04\0'))
        expect_closed(client)
        check_equal(watcher.recv().payload, b'gone')
        passed, due = time.monotonic() - start, min(delay, expiry)
        assert due - 0.1 <= passed < due + 3, f'{passed:.1f} s with {delay} s and {expiry} s'
        leave(t.client(clean=True))
    client = t.client(will=Will(t.topic('will'), 'never', 1))
    client.send(packet(DISCONNECT, 0, b'\0\0'))
    expect_closed(client)
    check_equal(t.drain(t.client(), watcher), [])


@case('3.1.1 MQTT-3.1.2-10', '5.0 MQTT-3.1.2-10')
def will_is_forgotten(t):
    """Once it was published, or after DISCONNECT, though the session goes on."""
    watcher = t.watch(t.topic('will'))
    vanish(t.client(will=Will(t.topic('will'), 'once', 1), **t.lasting()))
    check_equal(watcher.recv().payload, b'once')
    vanish(t.client(**t.lasting()))
    leave(t.client(will=Will(t.topic('will'), 'never', 1), **t.lasting()))
    vanish(t.client(**t.lasting()))
    check_equal(t.drain(t.client(**t.lasting()), watcher), [])


@case('3.1.1 MQTT-3.1.2-12')
def no_will_no_message(t):
    watcher = t.watch(t.topic('#'))
    vanish(t.client())
    check_equal(t.drain(t.client(), watcher), [])


@case('3.1.1 MQTT-3.1.2-16', '5.0 MQTT-3.1.2-14')
def will_is_published_as_not_retained(t):
    watcher = t.watch(t.topic('will'))
    vanish(t.client(will=Will(t.topic('will'), 'gone', 1)))
    check_equal(watcher.recv().retain, False)
    check_equal(t.drain(t.client(), t.watch(t.topic('will'), name='late')), [])


@case('3.1.1 MQTT-3.1.2-17', '5.0 MQTT-3.1.2-15')
def will_is_published_as_retained(t):
    vanish(t.client(will=Will(t.topic('will'), 'gone', 1, True)))
    t.client().ping()
    message = t.watch(t.topic('will'), name='late').recv()
    check_equal((message.payload, message.retain), (b'gone', True))


@case('5.0 MQTT-3.1.3-9', is_slow=True)
def coming_back_in_time_cancels_the_will(t):
    watcher = t.watch(t.topic('will'))
    options, properties = delayed(1, 60)
    client = t.client(will=Will(t.topic('will'), 'never', 1, False, properties), **options)
    vanish(client)
    client = t.client(**options)
    time.sleep(1.5)
    check_equal(t.drain(client, watcher), [])


@case('5.0 MQTT-3.1.3-10')
def user_properties_of_a_will(t):
    pairs = [('b', '1'), ('a', '2'), ('b', '3'), ('', '')]
    watcher = t.watch(t.topic('will'))
    vanish(t.client(will=Will(t.topic('will'), 'gone', 1, False, {
        'user_property': pairs, 'content_type': 'text', 'response_topic': 'r',
        'correlation_data': b'\0c', 'payload_format': 1})))
    properties = watcher.recv().properties
    check_equal(user_properties(properties), pairs)
    check_equal([properties[name] for name in ('content_type', 'response_topic',
                                               'correlation_data', 'payload_format')],
                ['text', 'r', b'\0c', 1])
