"""Filters: what they match, how several of them meet, and which are refused."""

import mqttwire
from harness import check_equal
from mqttwire import SUBACK, SUBSCRIBE, UNSUBACK, V31, V311, V5
from scenario import NAMES, VERSIONS, expect_end, leave, sign_in

NO_LOCAL = 0x04

# filter: topics that it matches among TOPICS
TOPICS = ('a', 'a/b', 'a/b/c', 'a//c', '/', '/a', 'a/', 'b/b', 'a/$x', 'A/b')
MATCHES = {
    '#': TOPICS,
    '+': ('a',),
    '+/+': ('a/b', '/', '/a', 'a/', 'b/b', 'a/$x', 'A/b'),
    'a/#': ('a', 'a/b', 'a/b/c', 'a//c', 'a/', 'a/$x'),
    'a/+': ('a/b', 'a/', 'a/$x'),
    'a/+/c': ('a/b/c', 'a//c'),
    '+/b/#': ('a/b', 'a/b/c', 'b/b', 'A/b'),
    '/+': ('/', '/a'),
    '/#': ('/', '/a'),
    'a/b/c': ('a/b/c',),
    'a/$x': ('a/$x',),
    '$a/#': (),
}


def test_wildcards(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        for topic_filter, topics in MATCHES.items():
            client, _ = sign_in(server, 'client', version)
            client.subscribe(topic_filter)
            for topic in TOPICS:
                publisher.publish(topic, topic, 1)
            check_equal([client.recv().topic for _ in topics], list(topics),
                        f'{NAMES[version]} {topic_filter}')
            client.ping()
            check_equal(client.inbox, [], topic_filter)
            leave(client)


def test_dollar_topics_belong_to_the_server(server):
    """Clients cannot publish there, wildcards do not reach there, and subscribing is allowed."""
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        check_equal(client.subscribe('$SYS/x', '#', '+/x', '$x/y').codes, [0, 0, 0, 0])
        for qos in (0, 1, 2):
            ack = client.publish('$x/y', 'x', qos)
            check_equal(ack and ack.code, ack and (0x87 if version == V5 else 0), NAMES[version])
        client.publish('x', 'allowed', 1)
        check_equal(client.recv().payload, b'allowed', NAMES[version])
        client.recv_none(0.1)
        leave(client)


def test_one_message_for_several_subscriptions(server):
    """MQTT 5.0 3.3.4 allows one message with the strongest quality and all identifiers."""
    publisher = server.client('publisher')
    client, _ = sign_in(server, 'client', V5)
    for number, (topic_filter, qos) in enumerate((('a/b', 0), ('a/+', 2), ('a/#', 1), ('#', 0),
                                                  ('b', 2)), 1):
        client.subscribe((topic_filter, qos), properties={'subscription_id': number})
    client.subscribe(('+/b', 0))  # one without
    publisher.publish('a/b', 'x', 2)
    message = client.recv()
    check_equal(message.qos, 2)
    check_equal(sorted(message.properties['subscription_id']), [1, 2, 3, 4])
    client.recv_none(0.2)
    publisher.publish('b', 'x', 1)
    message = client.recv()
    check_equal((message.qos, sorted(message.properties['subscription_id'])), (1, [4, 5]))
    client.recv_none(0.2)
    for version in (V31, V311):
        old, _ = sign_in(server, 'old', version)
        old.subscribe(('a/b', 0), ('a/+', 2), ('#', 1))
        publisher.publish('a/b', 'x', 2)
        check_equal((old.recv().qos, client.recv().qos), (2, 2), NAMES[version])
        old.recv_none(0.1)
        leave(old)


def test_identifiers_wait_with_their_message(server):
    publisher = server.client('publisher')
    options = {'properties': {'session_expiry': 60, 'receive_maximum': 1}}
    client, _ = sign_in(server, 'client', V5, **options)
    client.subscribe(('a', 1), properties={'subscription_id': 1})
    client.subscribe(('+', 1), properties={'subscription_id': 268435455})
    leave(client)
    for i in range(3):
        publisher.publish('a', str(i), 1)
    client, _ = sign_in(server, 'client', V5, clean=False, **options)
    for i in range(3):
        message = client.recv()
        check_equal((message.payload, sorted(message.properties['subscription_id'])),
                    (b'%d' % i, [1, 268435455]))


def test_subscribing_again_replaces(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        for qos in (0, 2, 1):
            check_equal(client.subscribe('t', qos=qos).codes, [qos])
            publisher.publish('t', 'x', 2)
            check_equal(client.recv().qos, qos, NAMES[version])
        client.recv_none(0.1)
        leave(client)
    client, _ = sign_in(server, 'client', V5)
    client.subscribe('t', properties={'subscription_id': 1})
    client.subscribe('t', properties={'subscription_id': 2})
    publisher.publish('t', 'x')
    check_equal(client.recv().properties, {'subscription_id': [2]})
    client.subscribe('t')
    publisher.publish('t', 'x')
    check_equal(client.recv().properties, {})


def test_no_local(server):
    client, _ = sign_in(server, 'client', V5)
    other, _ = sign_in(server, 'other', V5)
    client.subscribe(('t', NO_LOCAL | 1))
    client.publish('t', 'my own', 1)
    other.publish('t', "another's", 1)
    check_equal(client.recv().payload, b"another's")
    client.recv_none(0.1)
    # A second subscription without it brings one's own back, but only by itself.
    client.subscribe(('+', 0), properties={'subscription_id': 5})
    client.publish('t', 'both', 1)
    message = client.recv()
    check_equal((message.payload, message.qos, message.properties), (b'both', 0,
                                                                     {'subscription_id': [5]}))
    client.recv_none(0.1)


def test_no_local_on_a_shared_subscription(server):
    """MQTT 5.0 3.8.3-4: a protocol error."""
    client, _ = sign_in(server, 'client', V5)
    client.send(mqttwire.subscribe_packet(V5, 1, [('$share/g/t', NO_LOCAL)]))
    expect_end(client, 0x82)


BAD_FILTERS = ('a+', '+a', 'a/b+', 'a/+b/c', 'a#', '#a', 'a/#/b', '#/', 'a/b#', '##', '++', '',
               '$share//t', '$share/g', '$share/g/', '$share/', '$share/g+/t', '$share/#/t',
               '$share/g/a+', '$share/g/#/a', '/'.join('a' * 129))


def test_bad_filters(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        for bad in BAD_FILTERS:
            codes = client.subscribe(('good', 1), (bad, 1), ('+/good', 2)).codes
            check_equal(codes, [1, 0x8F if version == V5 else 0x80, 2],
                        f'{NAMES[version]} {bad[:20]!r}')
        publisher.publish('good', 'x', 1)
        check_equal(client.recv().payload, b'x')
        leave(client)


def test_unsubscribe(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        client.subscribe('a', 'b', '+/c', '$share/g/d', qos=1)
        codes = client.unsubscribe('a', 'nothing', '+/c', '$share/g/d', '$share/other/d', 'a').codes
        check_equal(codes, [0, 0x11, 0, 0, 0x11, 0x11] if version == V5 else [], NAMES[version])
        for topic in ('a', 'x/c', 'd', 'b'):
            publisher.publish(topic, 'x', 1)
        check_equal(client.recv().topic, 'b', NAMES[version])
        client.recv_none(0.1)
        leave(client)


def test_bad_filters_in_unsubscribe(server):
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        codes = client.unsubscribe('a+', '$share//t').codes
        check_equal(codes, [0x8F, 0x8F] if version == V5 else [], NAMES[version])
        client.ping()
        leave(client)


def test_messages_in_flight_survive_unsubscribe(server):
    publisher = server.client('publisher')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version, auto_ack=False)
        client.subscribe('t', qos=2)
        publisher.publish('t', 'x', 2)
        message = client.recv()
        client.unsubscribe('t')
        client.send(mqttwire.ack_packet(mqttwire.PUBREC, message.packet_id))
        client.wait(mqttwire.PUBREL)
        client.send(mqttwire.ack_packet(mqttwire.PUBCOMP, message.packet_id))
        client.ping()
        leave(client)


def test_suback_comes_for_each_filter(server):
    """A packet of thousands, a good part of them refused, answered in order."""
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        pairs = [(f'many/{i}' if i % 7 else 'bad+', i % 3) for i in range(5000)]
        refused = 0x8F if version == V5 else 0x80
        check_equal(client.subscribe(*pairs).codes,
                    [qos if i % 7 else refused for i, (_, qos) in enumerate(pairs)])
        client.publish('many/4999', 'x')
        check_equal(client.recv().topic, 'many/4999')
        names = [name for name, _ in pairs if name != 'bad+']
        check_equal(client.unsubscribe(*names).codes, [0] * len(names) if version == V5 else [])
        leave(client)


def test_empty_lists_and_zero_identifiers(server):
    for version in VERSIONS:
        for kind, answer in ((SUBSCRIBE, SUBACK), (mqttwire.UNSUBSCRIBE, UNSUBACK)):
            properties = mqttwire.encode_properties(version, {})
            for body in (b'\0\1' + properties, b'\0\0' + properties + mqttwire.text('t') + b'\0'):
                client, _ = sign_in(server, 'client', version)
                client.send(mqttwire.packet(kind, 2, body))
                assert client.is_closed_within(5), f'{NAMES[version]} {kind} {body.hex()}'
                assert bytes([answer << 4]) != client.data[:1], 'it was answered'


def test_publish_to_wildcards(server):
    for version in VERSIONS:
        for topic in ('#', '+', 'a/+', 'a#', 'a+b'):
            client, _ = sign_in(server, 'client', version)
            client.send(mqttwire.publish_packet(version, topic, 'x'))
            expect_end(client, 0x90)
        client, _ = sign_in(server, 'client', version)
        client.send(mqttwire.publish_packet(version, '', 'x'))
        expect_end(client, 0x82)


def test_long_and_strange_topics(server):
    names = ('x' * 65535, 'ü' * 1000, '/' * 127, ' ', '车/辆', 'a b', '"\'\\', 'x' * 20000 + '/y')
    for version in VERSIONS:
        client, _ = sign_in(server, 'client', version)
        for qos in (0, 1, 2):
            for name in names:
                client.subscribe(name, qos=qos)
                client.publish(name, name[:100], qos)
                message = client.recv()
                check_equal((message.topic, message.payload), (name, name[:100].encode()),
                            f'{NAMES[version]} QoS {qos} {len(name)} characters')
                client.unsubscribe(name)
        leave(client)


def test_matched_or_not_is_told(server):
    """MQTT 5.0 3.4.2.1: 0x10 when nobody is subscribed."""
    client, _ = sign_in(server, 'client', V5)
    check_equal(client.publish('nobody', 'x', 1).code, 0x10)
    other, _ = sign_in(server, 'other', V311)
    other.subscribe('some+body', 'somebody')
    check_equal(client.publish('somebody', 'x', 1).code, 0)
    old, _ = sign_in(server, 'old', V311)
    check_equal(old.publish('nobody', 'x', 1).code, 0)
