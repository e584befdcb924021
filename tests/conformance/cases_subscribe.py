"""SUBSCRIBE, UNSUBSCRIBE and their answers (3.8 to 3.11), and shared subscriptions (4.8.2)."""

import time

import mqttwire
from harness import check_equal
from mqttwire import (PUBACK, PUBREC, SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, V31, V5, Cursor,
                      ack_packet, packet, publish_packet, text)
from suite import ALL, case, expect_end, leave, payloads, vanish

SUBACK_CODES = {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}
UNSUBACK_CODES = {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}
NO_LOCAL = 0x04
FAILURE = 0x80
BAD_FILTERS = ('a#', 'a/#/b', '#/a', 'a+', '+a', 'a/b+/c')


def head(t, packet_id=1):
    return packet_id.to_bytes(2, 'big') + (b'\0' if t.is_5 else b'')


def answer(t, client, kind):
    """Identifier and codes of the next SUBACK or UNSUBACK."""
    cursor = Cursor(client.wait(kind).body)
    packet_id = cursor.number(2)
    cursor.properties(t.version)
    return packet_id, list(cursor.rest())


# ---- SUBSCRIBE ----

@case('3.1.1 MQTT-3.8.1-1', '5.0 MQTT-3.8.1-1')
def subscribe_flags(t):
    """MQTT 3.1 sets DUP on a SUBSCRIBE that is sent again."""
    for flags in (0, 1, 3, 4, 6) + (() if t.version == V31 else (10,)):
        client = t.client()
        client.send(packet(SUBSCRIBE, flags, head(t) + text(t.topic()) + b'\0'))
        expect_end(client, 0x81)


@case('3.1.1 MQTT-3.8.3-1', '5.0 MQTT-3.8.3-1')
def subscribed_filter_is_not_utf_8(t):
    for name in (b'\xff', b'\xc0\xaf', b'\xed\xa0\x80'):
        client = t.client()
        client.send(packet(SUBSCRIBE, 2, head(t) + text(name) + b'\0'))
        expect_end(client, 0x81)


@case('3.1.1 MQTT-3.8.3-3', '5.0 MQTT-3.8.3-2')
def subscribe_to_nothing(t):
    client = t.client()
    client.send(packet(SUBSCRIBE, 2, head(t)))
    expect_end(client, 0x82)


@case('3.1.1 MQTT-3.8.3-4', '5.0 MQTT-3.8.3-5')
def reserved_subscription_options(t):
    """QoS 3 and Retain Handling 3 are protocol errors in 5.0; before, QoS 3 is malformed. MQTT 3.1
    does not say what its reserved bits must be."""
    bits = (0x40, 0x80, 0xC1) if t.is_5 else (0x04, 0x10, 0x80, 0xFC)
    for options, code in [(b, 0x81) for b in bits] + [(0x03, (0x81, 0x82))] + (
            [(0x30, (0x81, 0x82))] if t.is_5 else []):
        client = t.client()
        client.send(packet(SUBSCRIBE, 2, head(t) + text(t.topic()) + bytes([options])))
        expect_end(client, code)


@case('5.0 MQTT-3.8.3-3')
def no_local(t):
    """By client id: not over another connection of the same session, and others do get it."""
    client = t.watch((t.topic(), 1 | NO_LOCAL), **t.lasting())
    other = t.watch((t.topic(), 1 | NO_LOCAL), name='other')
    client.publish(t.topic(), 'mine', 1)
    check_equal(payloads(t.drain(client, other)), [b'mine'])
    check_equal(t.drain(client, client), [])
    other.publish(t.topic(), 'theirs', 1)
    check_equal(payloads(t.drain(other, client)), [b'theirs'])
    vanish(client)
    client = t.client('watcher', **t.lasting())
    client.publish(t.topic(), 'again', 1)
    check_equal(t.drain(client, client), [])


@case('5.0 MQTT-3.8.3-4')
def no_local_on_a_shared_subscription(t):
    client = t.client()
    client.send(packet(SUBSCRIBE, 2, head(t) + text('$share/g/' + t.topic()) + bytes([NO_LOCAL])))
    expect_end(client, 0x82)


@case('3.1.1 MQTT-3.8.4-1', '3.1.1 MQTT-3.8.4-2', '5.0 MQTT-3.8.4-1', '5.0 MQTT-3.8.4-2',
      '3.1.1 MQTT-2.3.1-7', '5.0 MQTT-2.2.1-6')
def subscribe_is_answered(t):
    """With SUBACK, as UNSUBSCRIBE with UNSUBACK, under the identifier of the request."""
    client = t.client()
    for packet_id in (1, 0x1234, 65535):
        client.send(mqttwire.subscribe_packet(t.version, packet_id, [(t.topic(), 0)])
                    + mqttwire.unsubscribe_packet(t.version, packet_id, [t.topic()]))
        check_equal(answer(t, client, SUBACK), (packet_id, [0]))
        check_equal(answer(t, client, UNSUBACK), (packet_id, [0] if t.is_5 else []))


@case('3.1.1 MQTT-3.8.4-3', '5.0 MQTT-3.8.4-3', '5.0 MQTT-3.8.4-4')
def same_filter_replaces_the_subscription(t):
    """Retained messages come again, and of those in between none is lost or doubled."""
    publisher = t.client('b')
    publisher.publish(t.topic('kept'), 'kept', 1, retain=True)
    client = t.watch((t.topic('+'), 0))
    check_equal(payloads(t.drain(publisher, client)), [b'kept'])
    for number in range(30):
        publisher.send(publish_packet(t.version, t.topic(), str(number)))
        if number % 10 == 5:
            client.subscribe((t.topic('+'), number // 10))
    got = payloads(t.drain(publisher, client))
    check_equal([p for p in got if p != b'kept'], [b'%d' % i for i in range(30)])
    check_equal(got.count(b'kept'), 3)
    publisher.publish(t.topic(), 'x', 2)
    check_equal([(m.payload, m.qos) for m in t.drain(publisher, client)], [(b'x', 2)])


@case('3.1.1 MQTT-3.8.4-4', '3.1.1 MQTT-3.8.4-5', '3.1.1 MQTT-3.9.3-1', '5.0 MQTT-3.8.4-5',
      '5.0 MQTT-3.8.4-6', '5.0 MQTT-3.9.3-1')
def several_filters(t):
    """One SUBACK with a code for each in their order, and all of them are in force."""
    wanted = [2, 0, 1, 'a#', 0, 2, 'a+/b', 1]
    client = t.client()
    got = client.subscribe(*[(t.topic(f'{i}'), code) if isinstance(code, int) else (code, 1)
                             for i, code in enumerate(wanted)])
    check_equal([code if code < FAILURE else FAILURE for code in got.codes],
                [code if isinstance(code, int) else FAILURE for code in wanted])
    publisher = t.client('b')
    for number, qos in enumerate(wanted):
        publisher.publish(t.topic(number), 'x', 2)
    client.subscribe((t.topic('$end'), 0))
    check_equal([m.topic for m in t.drain(publisher, client)],
                [t.topic(i) for i, code in enumerate(wanted) if isinstance(code, int)])


@case('3.1.1 MQTT-3.8.4-6', '5.0 MQTT-3.8.4-8')
def delivery_qos_is_the_lower_one(t):
    publisher = t.client('b')
    for granted in (0, 1, 2):
        client = t.watch((t.topic(), granted))
        for qos in (0, 1, 2):
            publisher.publish(t.topic(), 'x', qos)
        check_equal([m.qos for m in t.drain(publisher, client)],
                    [min(granted, qos) for qos in (0, 1, 2)])


@case('3.1.1 MQTT-3.9.3-2', '5.0 MQTT-3.9.3-2', '5.0 MQTT-3.8.4-7')
def suback_codes(t):
    """Granted is what was asked for; failures are listed codes. A bad filter costs its code, not
    the connection: 5.0 has 0x8F for that, and 3.x is read the same way (0x80). A refused filter is
    no subscription."""
    client = t.client()
    check_equal(client.subscribe(*[(t.topic(qos), qos) for qos in (0, 1, 2)]).codes, [0, 1, 2])
    bad = [*BAD_FILTERS, '', '/'.join('x' * 300), '$share/g', '$share//x', '$share/g/']
    codes = client.subscribe(*[(name, 1) for name in bad]).codes
    check_equal(len(codes), len(bad))
    assert set(codes) <= (SUBACK_CODES - {0, 1, 2} if t.is_5 else {FAILURE}), list(map(hex, codes))


@case('5.0 MQTT-3.9.2-1', '5.0 MQTT-3.9.2-2', '5.0 MQTT-3.11.2-1', '5.0 MQTT-3.11.2-2')
def subscribe_answers_fit_the_client(t):
    limit = 24
    client = t.client(properties={'maximum_packet_size': limit})
    client.send(mqttwire.subscribe_packet(V5, 1, [('a#', 0)])
                + mqttwire.unsubscribe_packet(V5, 2, ['never']))
    for kind in (SUBACK, UNSUBACK):
        got = client.wait(kind)
        assert len(packet(kind, 0, got.body)) <= limit, got


# ---- UNSUBSCRIBE ----

@case('3.1.1 MQTT-3.10.1-1', '5.0 MQTT-3.10.1-1')
def unsubscribe_flags(t):
    for flags in (0, 1, 3, 4, 6) + (() if t.version == V31 else (10,)):
        client = t.client()
        client.send(packet(UNSUBSCRIBE, flags, head(t) + text(t.topic())))
        expect_end(client, 0x81)


@case('3.1.1 MQTT-3.10.3-1', '5.0 MQTT-3.10.3-1')
def unsubscribed_filter_is_not_utf_8(t):
    for name in (b'\xff', b'\xc0\xaf', b'\xed\xa0\x80'):
        client = t.client()
        client.send(packet(UNSUBSCRIBE, 2, head(t) + text(name)))
        expect_end(client, 0x81)


@case('3.1.1 MQTT-3.10.3-2', '5.0 MQTT-3.10.3-2')
def unsubscribe_from_nothing(t):
    client = t.client()
    client.send(packet(UNSUBSCRIBE, 2, head(t)))
    expect_end(client, 0x82)


@case('3.1.1 MQTT-3.10.4-1', '5.0 MQTT-3.10.4-1')
def unsubscribe_compares_characters(t):
    """A filter that means the same, or looks alike, is another one."""
    client, publisher = t.watch(t.topic('a/+'), t.topic('Ä')), t.client('b')
    client.unsubscribe(t.topic('a/b'), t.topic('a/#'), t.topic('#'), t.topic('A/+'),
                       t.topic('a/+/'), t.topic('A\u0308'), t.topic('ä'))
    publisher.publish(t.topic('a/b'), 'x', 1)
    publisher.publish(t.topic('Ä'), 'y', 1)
    check_equal(payloads(t.drain(publisher, client)), [b'x', b'y'])
    client.unsubscribe(t.topic('a/+'))
    publisher.publish(t.topic('a/b'), 'x', 1)
    publisher.publish(t.topic('Ä'), 'y', 1)
    check_equal(payloads(t.drain(publisher, client)), [b'y'])


@case('3.1.1 MQTT-3.10.4-2', '5.0 MQTT-3.10.4-2')
def nothing_new_for_a_deleted_subscription(t):
    publisher, client = t.client('b'), t.client(**t.lasting())
    client.subscribe((t.topic(), 1))
    client.unsubscribe(t.topic())
    leave(client)
    publisher.publish(t.topic(), 'x', 1)
    client = t.client(**t.lasting())
    client.subscribe((t.topic('$end'), 0))
    publisher.publish(t.topic(), 'y', 1)
    check_equal(t.drain(publisher, client), [])


@case('3.1.1 MQTT-3.10.4-3', '5.0 MQTT-3.10.4-3')
def begun_deliveries_are_finished(t):
    client, publisher = t.client(auto_ack=False, **t.lasting()), t.client('b')
    client.subscribe((t.topic(), 2))
    for qos in (1, 2):
        publisher.publish(t.topic(), str(qos), qos)
    begun = [client.recv() for _ in range(2)]
    client.unsubscribe(t.topic())
    vanish(client)
    client = t.client(auto_ack=False, **t.lasting())
    again = [client.recv() for _ in range(2)]
    check_equal([(m.packet_id, m.dup) for m in again], [(m.packet_id, True) for m in begun])
    client.send(ack_packet(PUBREC, again[1].packet_id))
    check_equal(client.decode_ack(client.wait(mqttwire.PUBREL)).packet_id, again[1].packet_id)


@case('3.1.1 MQTT-3.10.4-4', '3.1.1 MQTT-3.10.4-5', '5.0 MQTT-3.10.4-4', '5.0 MQTT-3.10.4-5')
def unsubscribe_is_answered(t):
    """Though nothing was deleted; 5.0 tells (0x11)."""
    client = t.client()
    client.send(mqttwire.unsubscribe_packet(t.version, 77, [t.topic('never')]))
    check_equal(answer(t, client, UNSUBACK), (77, [0x11] if t.is_5 else []))


@case('3.1.1 MQTT-3.10.4-6', '5.0 MQTT-3.10.4-6', '5.0 MQTT-3.11.3-1', '5.0 MQTT-3.11.3-2')
def several_filters_are_deleted(t):
    """One UNSUBACK; in 5.0 with a listed code for each, in their order."""
    client, publisher = t.watch(t.topic('a'), t.topic('b'), t.topic('c')), t.client('b')
    codes = client.unsubscribe(t.topic('a'), t.topic('x'), t.topic('c'), 'a#', t.topic('a')).codes
    if t.is_5:
        check_equal(codes[:3] + codes[4:], [0, 0x11, 0, 0x11])
        assert codes[3] in UNSUBACK_CODES - {0}, codes
    for name in 'abc':
        publisher.publish(t.topic(name), name, 1)
    check_equal(payloads(t.drain(publisher, client)), [b'b'])


# ---- topic names and filters ----

@case('3.1.1 MQTT-4.7.1-2', '3.1.1 MQTT-4.7.1-3', '5.0 MQTT-4.7.1-1', '5.0 MQTT-4.7.1-2')
def misplaced_wildcards(t):
    client = t.client()
    codes = client.subscribe(*[(name, 0) for name in BAD_FILTERS]).codes
    check_equal(codes, [0x8F if t.is_5 else FAILURE] * len(BAD_FILTERS))
    good = ('#', '+', 'a/#', '+/#', '/#', '/+', '+/+', 'a/+/b', '//+')
    check_equal(client.subscribe(*[(t.topic(name), 0) for name in good]).codes, [0] * len(good))


@case('3.1.1 MQTT-4.7.2-1', '5.0 MQTT-4.7.2-1')
def leading_wildcards_and_dollar(t):
    """Neither what is published meanwhile nor what is retained, of $SYS or of what a client
    tries."""
    client = t.client()
    client.subscribe(('#', 0), ('+/+', 0), ('+/broker/#', 0), ('+/' + t.name, 0),
                     (t.topic('$end'), 0))
    publisher = t.client('b')
    for topic in ('$SYS/' + t.name, '$' + t.name, '$SYS/broker/version'):
        publisher.publish(topic, 'x', 1, retain=True)
    got = [m.topic for m in t.drain(publisher, client)]
    assert not [topic for topic in got if topic.startswith('$')], got


@case('3.1.1 MQTT-4.7.3-1', '5.0 MQTT-4.7.3-1')
def names_have_a_character(t):
    """An empty filter fails alone, like other bad ones; an empty topic closes."""
    client = t.client()
    codes = client.subscribe(('', 0), (t.topic(), 0), (' ', 0), ('/', 0)).codes
    check_equal([codes[0] >= FAILURE, *codes[1:]], [True, 0, 0, 0])
    client.unsubscribe(' ', '/')
    client.send(publish_packet(t.version, '', 'x'))
    expect_end(client, (0x81, 0x82, 0x90))


@case('3.1.1 MQTT-4.7.3-2', '5.0 MQTT-4.7.3-2')
def names_hold_no_null(t):
    """The encoding forbids it in every text, so it is malformed everywhere."""
    for data in (packet(SUBSCRIBE, 2, head(t) + text(b'a\0b') + b'\0'),
                 packet(UNSUBSCRIBE, 2, head(t) + text(b'\0')),
                 publish_packet(t.version, b'a\0b', 'x')):
        client = t.client()
        client.send(data)
        expect_end(client, 0x81)


@case('3.1.1 MQTT-4.7.3-3', '5.0 MQTT-4.7.3-3')
def names_of_65535_bytes(t):
    """The longest that can be written arrives whole; longer ones cannot be written."""
    client = t.client()
    room = 65535 - len(t.topic(''))
    name = t.topic('é' * (room // 2) + 'x' * (room % 2))
    check_equal(len(name.encode()), 65535)
    check_equal(client.subscribe((name, 0)).codes, [0])
    client.send(publish_packet(t.version, name, 'x'))
    check_equal(client.recv().topic == name, True)


@case('3.1.1 MQTT-4.7.3-4', '5.0 MQTT-4.7.3-4')
def nothing_is_normalised(t):
    """Composed and decomposed, upper and lower case, blanks, slashes, percent signs."""
    names = ['ä', 'a\u0308', 'Ä', 'x ', ' x', 'x', 'x/', '/x', '//x', '%41', 'A', '\ufeffA', 'ﬁ',
             'fi', './x', 'a/../x']
    publisher = t.client('b')
    client = t.watch(*[t.topic(name) for name in names])
    for name in names:
        publisher.publish(t.topic(name), name, 1)
    check_equal([(m.topic, m.payload) for m in t.drain(publisher, client)],
                [(t.topic(name), name.encode()) for name in names])


# ---- shared subscriptions ----

def members(t, count, **options):
    """Clients in one group; they acknowledge nothing by themselves."""
    group = []
    for number in range(count):
        client = t.client(f'm{number}', auto_ack=False, **{**t.lasting(), **options})
        client.subscribe((f'$share/{t.name}/' + t.topic(), 2))
        group.append(client)
    return group


def holder(group, timeout=5):
    """The member that got a message, and the message."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for client in group:
            client.ping()
            if client.inbox:
                return client, client.inbox.pop(0)
    raise AssertionError('no member got it')


@case('5.0 MQTT-4.8.2-1', '5.0 MQTT-4.8.2-2', versions=ALL)
def names_of_shared_subscriptions(t):
    """Bind the client; what breaks them is refused. `$share` without a slash is no shared form but
    a plain filter that matches nothing clients may publish."""
    client = t.client()
    bad = ('$share/g', '$share//x', '$share/g/', '$share/+/x', '$share/#/x', '$share/g+/x',
           '$share/a#b/x', '$share/')
    check_equal(client.subscribe(*[(name, 0) for name in bad]).codes,
                [0x8F if t.is_5 else FAILURE] * len(bad))
    good = ('$share/g/x', '$share/$g/+/x', '$share/g g/#', '$share/Zürich//')
    check_equal(client.subscribe(*[(name, 0) for name in good]).codes, [0] * len(good))


@case('5.0 MQTT-4.8.2-3', versions=ALL)
def shared_qos_is_the_members_own(t):
    publisher, group = t.client('b'), []
    for qos in (0, 1, 2):
        client = t.client(f'm{qos}')
        client.subscribe((f'$share/{t.name}/' + t.topic(), qos))
        group.append(client)
    for number in range(60):
        publisher.publish(t.topic(), str(number), 2)
    got = [holder(group) for _ in range(60)]
    for qos, client in enumerate(group):
        check_equal({m.qos for c, m in got if c is client} - {qos}, set())
    check_equal(sorted(int(m.payload) for _, m in got), list(range(60)))


@case('5.0 MQTT-4.8.2-4')
def shared_qos_2_is_finished_with_its_client(t):
    """Begun with PUBREC: what is left is PUBREL, for this member when it comes back."""
    group, publisher = members(t, 2), t.client('b')
    publisher.publish(t.topic(), 'x', 2)
    client, message = holder(group)
    other = group[1 - group.index(client)]
    name = f'm{group.index(client)}'
    client.send(ack_packet(PUBREC, message.packet_id))
    client.wait(mqttwire.PUBREL)
    vanish(client)
    other.ping()
    check_equal(other.inbox, [])
    client = t.client(name, auto_ack=False, **t.lasting())
    check_equal(client.decode_ack(client.wait(mqttwire.PUBREL)).packet_id, message.packet_id)
    client.send(ack_packet(mqttwire.PUBCOMP, message.packet_id))
    client.ping()
    other.ping()
    check_equal((client.inbox, other.inbox), ([], []))


@case('5.0 MQTT-4.8.2-5')
def shared_qos_2_goes_to_no_other_client(t):
    """The session ends after PUBREC."""
    group, publisher = members(t, 2, clean=True, properties={}), t.client('b')
    publisher.publish(t.topic(), 'x', 2)
    client, message = holder(group)
    other = group[1 - group.index(client)]
    client.send(ack_packet(PUBREC, message.packet_id))
    client.wait(mqttwire.PUBREL)
    leave(client)
    publisher.publish(t.topic(), 'next', 2)
    check_equal(holder([other])[1].payload, b'next')
    other.ping()
    check_equal(other.inbox, [])


@case('5.0 MQTT-4.8.2-6')
def refused_by_a_member_is_discarded(t):
    group, publisher = members(t, 2), t.client('b')
    for qos, kind in ((1, PUBACK), (2, PUBREC)):
        publisher.publish(t.topic(), 'x', qos)
        client, message = holder(group)
        client.send(packet(kind, 0, message.packet_id.to_bytes(2, 'big') + b'\x80'))
        for member in group:
            member.ping()
        leave(client)
        other = group[1 - group.index(client)]
        other.ping()
        check_equal(other.inbox, [])
        group[group.index(client)] = t.client(f'm{group.index(client)}', auto_ack=False,
                                              **t.lasting())
        for member in group:
            member.ping()
            check_equal(member.inbox, [])
