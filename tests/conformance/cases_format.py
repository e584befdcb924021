"""How packets are written (1.5, 2.1, 2.2.2): text, flags, lengths."""

import mqttwire
from harness import check_equal
from mqttwire import (CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH,
                      PUBREC, PUBREL, SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, V31, V5, Cursor,
                      ack_packet, packet, publish_packet, text)
from suite import case, expect_end, expect_refusal, leave

BAD_TEXTS = (b'\x80', b'\xff', b'\xc0\xaf', b'\xe0\x80\xaf', b'\xed\xa0\x80', b'\xed\xbf\xbf',
             b'\xf0\x80\x80\xaf', b'\xf4\x90\x80\x80', b'\xf8\x88\x80\x80\x80', b'\xe2\x82',
             b'a\xc3')


def places_of_text(t, value):
    """Packets with `value` where text must be, to be sent when signed in."""
    head = b'\0\1' + (b'\0' if t.is_5 else b'')
    yield publish_packet(t.version, value, 'x')
    yield packet(SUBSCRIBE, 2, head + text(value) + b'\0')
    yield packet(UNSUBSCRIBE, 2, head + text(value))
    if t.is_5:
        for name in ('content_type', 'response_topic'):
            yield publish_packet(V5, t.topic(), 'x', properties={name: value})


@case('3.1.1 MQTT-1.5.3-1', '5.0 MQTT-1.5.4-1')
def text_is_valid_utf_8(t):
    for value in BAD_TEXTS:
        for data in places_of_text(t, value):
            client = t.client()
            client.send(data)
            expect_end(client, 0x81)


@case('3.1.1 MQTT-1.5.3-2', '5.0 MQTT-1.5.4-2')
def text_holds_no_null(t):
    for value in (b'\0', b'a\0', b'\0a', b'a\0b'):
        for data in places_of_text(t, value):
            client = t.client()
            client.send(data)
            expect_end(client, 0x81)
        client = t.open()
        client.send(mqttwire.connect_packet(value, t.version, username=t.server.token))
        expect_refusal(client, 0x81)


@case('3.1.1 MQTT-1.5.3-3', '5.0 MQTT-1.5.4-3')
def byte_order_marks_stay(t):
    """U+FEFF is a character like others: at the start, inside, at the end."""
    names = ['x', '\ufeffx', 'x\ufeff', 'x/\ufeff', '\ufeff']
    client, publisher = t.watch(*[t.topic(n) for n in names]), t.client('b')
    for name in names:
        publisher.publish(t.topic(name), name, 1)
    check_equal([m.topic for m in t.drain(publisher, client)], [t.topic(n) for n in names])
    t.client('\ufeffid')
    client.ping()


@case('5.0 MQTT-1.5.7-1')
def both_halves_of_a_pair_are_text(t):
    for bad in BAD_TEXTS + (b'a\0',):
        for pair in ((bad, b'x'), (b'x', bad)):
            client = t.client()
            client.send(publish_packet(V5, t.topic(), 'x', properties={'user_property': [pair]}))
            expect_end(client, 0x81)


@case('3.1.1 MQTT-2.2.2-1', '5.0 MQTT-2.1.3-1')
def flags_of_the_server(t):
    """Every type of packet that a server sends but AUTH."""
    client = t.client(auto_ack=False)
    client.subscribe((t.topic(), 2))
    client.unsubscribe('never')
    client.send(publish_packet(t.version, t.topic(), 'x', 1, packet_id=1)
                + publish_packet(t.version, t.topic(), 'x', 2, packet_id=2) + ack_packet(PUBREL, 2))
    messages = [client.recv() for _ in range(2)]
    client.send(ack_packet(PUBREC, messages[1].packet_id) + packet(PINGREQ, 0, b''))
    wanted = {PUBACK, PUBREC, PUBCOMP, PUBREL, PINGRESP} | ({DISCONNECT} if t.is_5 else set())
    seen = {kind: client.wait(kind).flags for kind in wanted - {DISCONNECT}}
    client.send(mqttwire.subscribe_packet(t.version, 3, [(t.topic(), 0)])
                + mqttwire.unsubscribe_packet(t.version, 4, [t.topic()]))
    seen.update({kind: client.wait(kind).flags for kind in (SUBACK, UNSUBACK)})
    client.send(t.connect_bytes())
    if t.is_5:
        seen[DISCONNECT] = client.wait(DISCONNECT).flags
    again = t.open()
    again.send(t.connect_bytes())
    seen[CONNACK] = again.wait(CONNACK).flags
    check_equal(seen, {kind: 2 if kind == PUBREL else 0 for kind in seen})


@case('3.1.1 MQTT-2.2.2-2')
def wrong_flags_close(t):
    """MQTT 3.1 has DUP on SUBSCRIBE, UNSUBSCRIBE and PUBREL."""
    bodies = {CONNECT: t.connect_bytes()[2:], PUBACK: b'\0\1', PUBREC: b'\0\1', PUBREL: b'\0\1',
              PUBCOMP: b'\0\1', SUBSCRIBE: b'\0\1\0\1a\0', UNSUBSCRIBE: b'\0\1\0\1a', PINGREQ: b'',
              DISCONNECT: b''}
    for kind, body in bodies.items():
        has_dup = kind in (PUBREL, SUBSCRIBE, UNSUBSCRIBE)
        right = {2, 10} if has_dup and t.version == V31 else {2} if has_dup else {0}
        for flags in set(range(16)) - right:
            client = t.client()
            client.send(packet(kind, flags, body))
            expect_end(client, 0x81)


def read_bytes(client, count):
    """The next bytes of the stream, not taken apart."""
    out = client.data
    while len(out) < count:
        out += client.socket.recv(count - len(out))
    client.data = out[count:]
    return out[:count]


@case('5.0 MQTT-1.5.5-1')
def lengths_take_the_fewest_bytes(t):
    """The hub's are as short as can be, at each border; longer ones of a client are malformed."""
    client = t.client()
    client.subscribe((t.topic(), 0))
    head = 2 + len(t.topic())
    for size in (0, 127, 128, 16383, 16384, 200000):
        payload = b'x' * max(0, size - head - 1)
        client.send(publish_packet(V5, t.topic(), payload))
        body = text(t.topic()) + b'\0' + payload
        whole = packet(PUBLISH, 0, body)
        got = read_bytes(client, len(whole))
        check_equal(got[:5 + head], whole[:5 + head], f'{size} bytes')
    for data in (b'\xc0\x80\x00', b'\xc0\x80\x80\x00', b'\xc0\x80\x80\x80\x00',
                 packet(PUBLISH, 0, text(t.topic()) + b'\x80\x00'),
                 packet(SUBSCRIBE, 2, b'\0\1' + b'\x82\x00' + b'\x0b\x01' + text('a') + b'\0'),
                 packet(SUBSCRIBE, 2, b'\0\1' + b'\x03' + b'\x0b\x81\x00' + text('a') + b'\0')):
        client = t.client()
        client.send(data)
        expect_end(client, 0x81)


@case('5.0 MQTT-2.2.2-1')
def no_properties_are_a_length_of_0(t):
    """The hub's SUBACK, UNSUBACK, CONNACK and PUBLISH have a length; a client's packet without one
    is malformed."""
    client = t.client()
    client.send(mqttwire.subscribe_packet(V5, 1, [(t.topic(), 0)])
                + mqttwire.unsubscribe_packet(V5, 2, ['never']))
    for kind in (SUBACK, UNSUBACK):
        cursor = Cursor(client.wait(kind).body[2:])
        cursor.take(cursor.varint())
        check_equal(len(cursor.rest()), 1, 'one code behind the properties')
    client.publish(t.topic(), 'x')
    cursor = Cursor(client.read_packet().body)
    cursor.text()
    cursor.take(cursor.varint())
    check_equal(cursor.rest(), b'x')
    leave(client)
    client = t.client()
    client.send(packet(PUBLISH, 0, text(t.topic())))
    expect_end(client, 0x81)
