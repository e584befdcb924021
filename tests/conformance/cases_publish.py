"""PUBLISH (3.3): retained messages, properties, aliases, overlapping subscriptions, the window."""

import time

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, V5, publish_packet
from suite import ALL, case, expect_end, leave, payloads, user_properties, vanish

NO_LOCAL, RETAIN_AS_PUBLISHED = 0x04, 0x08
HANDLING_ALWAYS, HANDLING_NEW, HANDLING_NEVER = 0x00, 0x10, 0x20


def late(t, name='late', options=2):
    """What a new subscriber of the topic gets from what is retained."""
    client = t.client(name)
    client.subscribe((t.topic(), options), (t.topic('$end'), 0))
    return t.drain(client, client)


# ---- DUP and QoS ----

@case('3.1.1 MQTT-3.3.1-1', '5.0 MQTT-3.3.1-1')
def dup_on_every_redelivery(t):
    publisher = t.client('b')
    client = t.client(auto_ack=False, **t.lasting())
    client.subscribe((t.topic(), 2))
    for qos in (1, 2):
        publisher.publish(t.topic(), str(qos), qos)
    for is_dup in (False, True, True):
        got = [client.recv() for _ in range(2)]
        check_equal([(m.payload, m.dup) for m in got], [(b'1', is_dup), (b'2', is_dup)])
        vanish(client)
        client = t.client(auto_ack=False, **t.lasting())


@case('3.1.1 MQTT-3.3.1-2', '5.0 MQTT-3.3.1-2')
def dup_is_0_at_qos_0(t):
    """The hub's is 0, and a client's with DUP is a violation."""
    client = t.watch(t.topic(), qos=0)
    client.publish(t.topic(), 'x', 1)
    check_equal([(m.qos, m.dup) for m in t.drain(client, client)], [(0, False)])
    client.send(publish_packet(t.version, t.topic(), 'x', dup=True))
    expect_end(client, (0x81, 0x82))


@case('3.1.1 MQTT-3.3.1-3', '5.0 MQTT-3.3.1-3')
def dup_does_not_travel(t):
    client, publisher = t.watch(t.topic()), t.client('b')
    for qos in (1, 2):
        publisher.send(publish_packet(t.version, t.topic(), 'x', qos, False, True, 7))
        publisher.wait(PUBACK if qos == 1 else PUBREC)
    publisher.send(mqttwire.ack_packet(PUBREL, 7))
    publisher.wait(PUBCOMP)
    check_equal([m.dup for m in t.drain(publisher, client)], [False, False])


@case('3.1.1 MQTT-3.3.1-4', '5.0 MQTT-3.3.1-4')
def qos_3_closes(t):
    client = t.client()
    client.send(b'\x36' + publish_packet(t.version, t.topic(), 'x', 2, packet_id=1)[1:])
    expect_end(client, 0x81)


# ---- retained ----

@case('3.1.1 MQTT-3.3.1-5', '5.0 MQTT-3.3.1-5')
def retain_1_is_stored(t):
    """The last one, with its QoS."""
    publisher = t.client('b')
    for number, qos in enumerate((0, 2, 1)):
        publisher.publish(t.topic(), str(number), qos, retain=True)
    check_equal([(m.payload, m.qos) for m in late(t)], [(b'2', 1)])


@case('3.1.1 MQTT-3.3.1-6', '5.0 MQTT-3.3.1-9')
def new_subscription_gets_what_is_retained(t):
    """The last one of each topic that matches."""
    publisher = t.client('b')
    for name in ('a', 'a/b', 'c'):
        for number in (1, 2):
            publisher.publish(t.topic(name), f'{name} {number}', 1, retain=True)
    publisher.publish(t.topic('other/x'), 'no', 1, retain=True)
    for pattern, names in (('#', ['a', 'a/b', 'c', 'other/x']), ('+', ['a', 'c']),
                           ('a/#', ['a', 'a/b']), ('+/b', ['a/b']), ('c', ['c'])):
        client = t.client('late')
        client.subscribe((t.topic(pattern), HANDLING_ALWAYS | 1), (t.topic('$end'), 0))
        got = sorted(m.topic for m in t.drain(client, client))
        check_equal(got, [t.topic(name) for name in names], pattern)


@case('3.1.1 MQTT-3.3.1-7', versions=ALL)
def qos_0_replaces_what_is_retained(t):
    """The standard lets a server drop the new one; this hub keeps it."""
    publisher = t.client('b')
    publisher.publish(t.topic(), 'old', 2, retain=True)
    publisher.publish(t.topic(), 'new', 0, retain=True)
    publisher.ping()
    check_equal([(m.payload, m.qos) for m in late(t)], [(b'new', 0)])


@case('3.1.1 MQTT-3.3.1-8', versions=ALL)
def retain_is_1_for_a_new_subscription(t):
    t.client('b').publish(t.topic(), 'x', 1, retain=True)
    check_equal([m.retain for m in late(t)], [True])


@case('3.1.1 MQTT-3.3.1-9', '5.0 MQTT-3.3.1-12')
def retain_is_0_for_others(t):
    client, publisher = t.watch(t.topic()), t.client('b')
    for retain in (True, False):
        publisher.publish(t.topic(), 'x', 1, retain=retain)
    check_equal([m.retain for m in t.drain(publisher, client)], [False, False])


@case('5.0 MQTT-3.3.1-13')
def retain_as_published(t):
    client, publisher = t.watch((t.topic(), 2 | RETAIN_AS_PUBLISHED)), t.client('b')
    for retain in (True, False):
        publisher.publish(t.topic(), 'x', 1, retain=retain)
    check_equal([m.retain for m in t.drain(publisher, client)], [True, False])


@case('3.1.1 MQTT-3.3.1-10', '5.0 MQTT-3.3.1-6')
def empty_payload_removes_what_is_retained(t):
    """It is delivered like any other."""
    publisher = t.client('b')
    for qos in (0, 1, 2):
        publisher.publish(t.topic(), 'x', 1, retain=True)
        client = t.watch(t.topic(), name=f'watcher{qos}')
        check_equal(client.recv().retain, True)
        publisher.publish(t.topic(), b'', qos, retain=True)
        check_equal([(m.payload, m.retain) for m in t.drain(publisher, client)], [(b'', False)])
        check_equal(late(t), [])


@case('3.1.1 MQTT-3.3.1-11', '5.0 MQTT-3.3.1-7')
def empty_payload_is_not_stored(t):
    publisher = t.client('b')
    publisher.publish(t.topic(), b'', 1, retain=True)
    publisher.publish(t.topic(), b'', 1, retain=True)
    check_equal(late(t), [])


@case('3.1.1 MQTT-3.3.1-12', '5.0 MQTT-3.3.1-8')
def retain_0_changes_nothing(t):
    publisher = t.client('b')
    publisher.publish(t.topic(), 'first', 1)
    check_equal(late(t), [], 'nothing is stored')
    publisher.publish(t.topic(), 'kept', 1, retain=True)
    publisher.publish(t.topic(), 'other', 1)
    publisher.publish(t.topic(), b'', 1)
    check_equal(payloads(late(t)), [b'kept'])


@case('5.0 MQTT-3.3.1-10')
def retain_handling_1(t):
    t.client('b').publish(t.topic(), 'x', 1, retain=True)
    client = t.watch((t.topic(), 1 | HANDLING_NEW))
    check_equal(payloads(t.drain(client, client)), [b'x'])
    client.subscribe((t.topic(), 2 | HANDLING_NEW))
    check_equal(t.drain(client, client), [], 'it is no new subscription')
    client.unsubscribe(t.topic())
    client.subscribe((t.topic(), 2 | HANDLING_NEW))
    check_equal(payloads(t.drain(client, client)), [b'x'])


@case('5.0 MQTT-3.3.1-11')
def retain_handling_2(t):
    t.client('b').publish(t.topic(), 'x', 1, retain=True)
    check_equal(late(t, options=1 | HANDLING_NEVER), [])


# ---- topics ----

@case('3.1.1 MQTT-3.3.2-1', '5.0 MQTT-3.3.2-1')
def topic_is_not_utf_8(t):
    for topic in (b'\xff', b'\xc0\x80', b'\xed\xa0\x80', b'a\0', b'\xf8\x88\x80\x80\x80'):
        client = t.client()
        client.send(publish_packet(t.version, topic, 'x'))
        expect_end(client, 0x81)


@case('3.1.1 MQTT-3.3.2-2', '5.0 MQTT-3.3.2-2', '3.1.1 MQTT-4.7.1-1', '5.0 MQTT-4.7.0-1')
def topic_with_wildcards(t):
    """Closed, and nobody gets it. The standard names no code for it in 5.0: malformed, a protocol
    error or an invalid topic name."""
    watcher = t.watch(t.topic('#'), name='b')
    for rest in ('+', '#', 'a/+/b', 'a/#', 'a+', 'a#b'):
        client = t.client()
        client.send(publish_packet(t.version, t.topic(rest), 'x', 1, False, False, 1))
        expect_end(client, (0x81, 0x82, 0x90))
    check_equal(t.drain(t.client(), watcher), [])


@case('3.1.1 MQTT-3.3.2-3', '5.0 MQTT-3.3.2-3')
def delivered_topics_match(t):
    filters = {'a/b': ['a/b'], 'a/+': ['a/b', 'a/'], '+/b': ['a/b', '/b', 'A/b', ' a/b'],
               'a/#': ['a', 'a/', 'a/b', 'a/b/c'], '+/+/+': ['a/b/c', '//'], '+': ['a', 'ab'],
               '/+': ['/b', '/'], '+/': ['a/', '/']}
    topics = ['a', 'a/', 'a/b', 'a/b/c', '/b', '/', '//', 'ab', 'A/b', ' a/b']
    publisher = t.client('b')
    for pattern, wanted in filters.items():
        client = t.watch(t.topic(pattern), name='a')
        for topic in topics:
            publisher.publish(t.topic(topic), 'x')
        got = sorted(m.topic for m in t.drain(publisher, client))
        check_equal(got, sorted(t.topic(name) for name in wanted), pattern)


# ---- properties ----

def forwarded(t, properties, payload='x'):
    """Publishes with properties; those that a subscriber sees, now and from what is retained."""
    client, publisher = t.watch((t.topic(), 2 | HANDLING_NEVER)), t.client('b')
    publisher.publish(t.topic(), payload, 1, retain=True, properties=properties)
    now, = t.drain(publisher, client)
    later, = late(t)
    return now.properties, later.properties


@case('5.0 MQTT-3.3.2-4')
def payload_format_is_forwarded(t):
    for value in (0, 1):
        for properties in forwarded(t, {'payload_format': value}, 'Zürich'):
            check_equal(properties.get('payload_format'), value)
    for properties in forwarded(t, {}):
        assert 'payload_format' not in properties, properties


@case('5.0 MQTT-3.3.2-15')
def response_topic_is_forwarded(t):
    for value in ('r', 'Zürich/\ufeff/$x//'):
        for properties in forwarded(t, {'response_topic': value}):
            check_equal(properties.get('response_topic'), value)


@case('5.0 MQTT-3.3.2-16')
def correlation_data_is_forwarded(t):
    for value in (b'', b'\0\xff\x80', bytes(range(256)) * 20):
        for properties in forwarded(t, {'correlation_data': value}):
            check_equal(properties.get('correlation_data'), value)


@case('5.0 MQTT-3.3.2-17', '5.0 MQTT-3.3.2-18')
def user_properties_are_forwarded(t):
    pairs = [('b', '1'), ('a', '2'), ('b', '1'), ('', ''), ('Zürich', '\ufeff'), ('b', '0')]
    for properties in forwarded(t, {'user_property': pairs}):
        check_equal(user_properties(properties), pairs)


@case('5.0 MQTT-3.3.2-20')
def content_type_is_forwarded(t):
    for value in ('', 'text/plain; charset=utf-8', '类型'):
        for properties in forwarded(t, {'content_type': value}):
            check_equal(properties.get('content_type'), value)


@case('5.0 MQTT-3.3.2-13', '5.0 MQTT-3.3.2-19')
def text_properties_are_utf_8(t):
    for name in ('response_topic', 'content_type'):
        for value in (b'\xff', b'a\0b', b'\xed\xa0\x80'):
            client = t.client()
            client.send(publish_packet(V5, t.topic(), 'x', properties={name: value}))
            expect_end(client, 0x81)


@case('5.0 MQTT-3.3.2-14')
def response_topic_with_wildcards(t):
    for value in ('a/#', '+', 'a/+/b'):
        client = t.client()
        client.send(publish_packet(V5, t.topic(), 'x', properties={'response_topic': value}))
        expect_end(client, (0x82, 0x90))


@case('5.0 MQTT-3.3.2-5', is_slow=True)
def expired_messages_are_deleted(t):
    """Queued ones and retained ones, while others are delivered."""
    client, publisher = t.client(**t.lasting()), t.client('b')
    client.subscribe((t.topic('+'), 1))
    leave(client)
    for name, expiry in (('short', 1), ('long', 60)):
        publisher.publish(t.topic(name), name, 1, retain=True,
                          properties={'message_expiry': expiry})
    time.sleep(1.2)
    client = t.client(**t.lasting())
    client.subscribe((t.topic('$end'), 0))
    check_equal(payloads(t.drain(client, client)), [b'long'])
    check_equal(payloads(t.drain(client, t.watch(t.topic('+'), name='late'))), [b'long'])


@case('5.0 MQTT-3.3.2-6', is_slow=True)
def expiry_is_less_the_waiting_time(t):
    client, publisher = t.client(**t.lasting()), t.client('b')
    client.subscribe((t.topic(), 1))
    publisher.publish(t.topic(), 'at once', 1, properties={'message_expiry': 100})
    check_equal(client.recv().properties['message_expiry'], 100)
    vanish(client)
    publisher.publish(t.topic(), 'later', 1, True, {'message_expiry': 100})
    start = time.monotonic()
    time.sleep(1.2)
    client = t.client(**t.lasting())
    for message in (client.recv(), t.watch(t.topic(), name='late').recv()):
        left, passed = message.properties['message_expiry'], time.monotonic() - start
        assert 100 - passed - 1 <= left <= 99, f'{left} after {passed:.1f} s'


# ---- aliases ----

@case('5.0 MQTT-3.3.2-7')
def aliases_end_with_the_connection(t):
    watcher = t.watch(t.topic('#'), name='b')
    client = t.client(**t.lasting())
    client.publish(t.topic(), 'one', 1, properties={'topic_alias': 1})
    client.publish('', 'two', 1, properties={'topic_alias': 1})
    vanish(client)
    client = t.client(**t.lasting())
    client.send(publish_packet(V5, '', 'three', properties={'topic_alias': 1}))
    expect_end(client, (0x82, 0x94))
    check_equal(payloads(t.drain(t.client(), watcher)), [b'one', b'two'])


@case('5.0 MQTT-3.3.2-8')
def alias_0_closes(t):
    client = t.client()
    client.send(publish_packet(V5, t.topic(), 'x', properties={'topic_alias': 0}))
    expect_end(client, (0x82, 0x94))


@case('5.0 MQTT-3.3.2-9', '5.0 MQTT-3.2.2-17')
def alias_above_the_servers_maximum_closes(t):
    client, connack = t.sign_in()
    most = connack.properties['topic_alias_maximum']
    client.send(publish_packet(V5, t.topic(), 'x', properties={'topic_alias': most + 1}))
    expect_end(client, 0x94)


@case('5.0 MQTT-3.3.2-12')
def all_aliases_are_accepted(t):
    """From 1 to the maximum, and each may be given another topic."""
    watcher = t.watch(t.topic('+'), name='b')
    client, connack = t.sign_in()
    most = connack.properties['topic_alias_maximum']
    for turn in ('x', 'y'):
        for alias in range(1, most + 1):
            client.publish(t.topic(f'{turn}{alias}'), b'', 0, properties={'topic_alias': alias})
        for alias in range(most, 0, -1):
            client.publish('', b'', 0, properties={'topic_alias': alias})
        got = [m.topic for m in t.drain(client, watcher)]
        up = [t.topic(f'{turn}{alias}') for alias in range(1, most + 1)]
        check_equal(got, up + up[::-1])


# ---- answers, overlaps, windows ----

@case('3.1.1 MQTT-3.3.4-1', '5.0 MQTT-3.3.4-1')
def answer_follows_qos(t):
    client = t.client()
    for qos, answer in ((0, None), (1, PUBACK), (2, PUBREC)):
        client.send(publish_packet(t.version, t.topic(), 'x', qos, packet_id=5))
        client.ping()
        check_equal([(got.type, got.body[:2]) for got in client.pending],
                    [(answer, b'\0\5')] if answer else [], f'QoS {qos}')
        client.pending.clear()


@case('3.1.1 MQTT-3.3.5-1', '5.0 MQTT-3.3.4-2')
def overlapping_subscriptions_honour_the_highest_qos(t):
    """In whatever order they were made. A server may send copies; this one sends one message."""
    publisher = t.client('b')
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        client = t.watch(*[(t.topic(name), qos)
                           for name, qos in zip(('t', '+', '#'), order)], name='a')
        for qos in (0, 1, 2):
            publisher.publish(t.topic(), str(qos), qos)
        check_equal([(m.payload, m.qos) for m in t.drain(publisher, client)],
                    [(b'%d' % qos, qos) for qos in (0, 1, 2)])


@case('3.1.1 MQTT-3.3.5-2', versions=ALL)
def unauthorised_publish(t):
    """Acknowledged, with a reason in 5.0 (0x87), and nobody gets it."""
    watcher = t.watch('flespi/message/' + t.name, '$x/' + t.name, name='b')
    client = t.client()
    for topic in ('flespi/message/' + t.name, '$x/' + t.name):
        for qos in (0, 1, 2):
            ack = client.publish(topic, 'x', qos)
            if ack and t.is_5:
                check_equal(ack.code, 0x87, f'{topic} QoS {qos}')
    check_equal(t.drain(client, watcher), [])


@case('5.0 MQTT-3.3.4-3', '5.0 MQTT-3.3.4-4')
def subscription_identifiers_are_sent_along(t):
    """One copy with all of them; this hub never sends several (3.3.4-5)."""
    client, publisher = t.watch(), t.client('b')
    for name, number in ((t.topic(), 1), (t.topic('+'), 127), (t.topic('#'), 268435455)):
        client.subscribe((name, 1), properties={'subscription_id': number})
    client.subscribe((t.topic('+/#'), 1))
    publisher.publish(t.topic(), 'all', 1)
    publisher.publish(t.topic('other'), 'two', 1)
    got = [sorted(m.properties.get('subscription_id', [])) for m in t.drain(publisher, client)]
    check_equal(got, [[1, 127, 268435455], [127, 268435455]])


@case('5.0 MQTT-3.3.4-6')
def subscription_identifier_from_a_client(t):
    client = t.client()
    client.send(publish_packet(V5, t.topic(), 'x', properties={'subscription_id': 1}))
    expect_end(client, 0x82)


@case('5.0 MQTT-3.3.4-7')
def more_than_the_servers_receive_maximum(t):
    client, connack = t.sign_in()
    most = connack.properties.get('receive_maximum', 65535)
    client.send(b''.join(publish_packet(V5, t.topic(), '', 2, packet_id=i + 1)
                         for i in range(most + 1)))
    for _ in range(most):
        client.wait(PUBREC)
    expect_end(client, 0x93)


@case('5.0 MQTT-3.3.4-9', '5.0 MQTT-4.9.0-1', '5.0 MQTT-4.9.0-2')
def never_above_the_clients_receive_maximum(t):
    """The whole window is used at first, not more than that; each acknowledgement opens a place,
    PUBREC does not."""
    publisher, topic = t.client('b'), t.topic()
    client = t.client(auto_ack=False, properties={'receive_maximum': 3})
    client.subscribe((topic, 2))
    for number in range(8):
        publisher.publish(topic, str(number), 1 + number % 2)
    window = [client.recv() for _ in range(3)]
    for number in range(3, 8):
        oldest = window.pop(0)
        if oldest.qos == 2:
            client.send(mqttwire.ack_packet(PUBREC, oldest.packet_id))
            client.wait(PUBREL)
        client.ping()
        check_equal(client.inbox, [], 'the window is full')
        client.send(mqttwire.ack_packet(PUBACK if oldest.qos == 1 else PUBCOMP, oldest.packet_id))
        window.append(client.recv())
        check_equal(window[-1].payload, b'%d' % number)


@case('5.0 MQTT-3.3.4-10', '5.0 MQTT-4.9.0-3')
def full_window_delays_nothing_else(t):
    """Acknowledgements, SUBACK, PINGRESP and QoS 0 go on."""
    client = t.client(auto_ack=False, properties={'receive_maximum': 1})
    client.subscribe((t.topic(), 1))
    publisher = t.client('b')
    for _ in range(3):
        publisher.publish(t.topic(), 'one', 1)
    check_equal(client.recv().payload, b'one')
    check_equal(client.publish(t.topic('other'), 'x', 2).type, PUBCOMP)
    check_equal(client.subscribe((t.topic('zero'), 0)).codes, [0])
    client.ping()
    publisher.publish(t.topic('zero'), 'zero', 0)
    check_equal(client.recv().payload, b'zero')
    check_equal(client.inbox, [])


@case('3.1.1 MQTT-4.3.1-1', '5.0 MQTT-4.3.1-1')
def qos_0_delivery(t):
    """QoS 0 and DUP 0 in the flags, no identifier in the packet."""
    client = t.client()
    client.subscribe((t.topic(), 2))
    t.client('b').publish(t.topic(), 'x', 0)
    check_equal(client.read_packet()[:2], (PUBLISH, 0))


@case('3.1.1 MQTT-4.6.0-5', '3.1.1 MQTT-4.6.0-6', '5.0 MQTT-4.6.0-5', '5.0 MQTT-4.6.0-6')
def topics_are_ordered(t):
    """Of two publishers and three QoS at once, each stream in its order, here and after absence."""
    away = t.client('away', **t.lasting())
    away.subscribe((t.topic(), 2))
    leave(away)
    here, publishers = t.watch(t.topic()), [t.client('b'), t.client('c')]
    for number in range(60):
        qos = number % 3
        publishers[number % 2].send(publish_packet(
            t.version, t.topic(), f'{number % 2} {qos} {number}', qos,
            packet_id=number + 1 if qos else 0))
    for number in range(2, 60, 3):
        publishers[number % 2].wait(PUBREC)
        publishers[number % 2].send(mqttwire.ack_packet(PUBREL, number + 1))
    for publisher in publishers:
        publisher.ping()
    got = payloads(t.drain(publishers[0], here))
    for rest in publishers[1:]:
        got += payloads(t.drain(rest, here))
    back = t.client('away', **t.lasting())
    kept = payloads([back.recv() for _ in range(40)])
    for client, seen, qualities in (('here', got, (0, 1, 2)), ('away', kept, (1, 2))):
        for publisher in (0, 1):
            for qos in qualities:
                stream = [int(p.split()[2]) for p in seen
                          if p.startswith(b'%d %d ' % (publisher, qos))]
                check_equal(stream, [n for n in range(60) if (n % 2, n % 3) == (publisher, qos)],
                            f'{client}: publisher {publisher}, QoS {qos}')
