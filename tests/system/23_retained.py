"""Retained messages: the last one of a topic is kept for those who come later."""

import time

import mqttwire
from harness import check_equal
from mqttwire import V311, V5
from scenario import NAMES, VERSIONS, lasting, leave, sign_in

RETAIN_AS_PUBLISHED = 0x08
ALWAYS, IF_NEW, NEVER = 0x00, 0x10, 0x20  # retain handling


def hear(server, version, topic, qos=2):
    """What a newcomer gets: (topic, payload, qos, retain), sorted."""
    client, _ = sign_in(server, 'newcomer', version)
    client.subscribe(topic, qos=qos)
    client.ping()  # what is retained comes before
    messages = sorted((m.topic, m.payload, m.qos, m.retain) for m in client.inbox)
    leave(client)
    return messages


def test_set_replace_clear(server):
    live = server.client('live', V5)
    live.subscribe('#', qos=2)
    for version in VERSIONS:
        publisher, _ = sign_in(server, 'publisher', version)
        for qos in (0, 1, 2):
            topic = f'kept/{qos}'
            for payload in ('first', 'second'):
                publisher.publish(topic, payload, qos, retain=True)
                message = live.recv()
                check_equal((message.payload, message.retain), (payload.encode(), False),
                            'to those who are there it is a message like others')
            for newcomer in VERSIONS:
                check_equal(hear(server, newcomer, topic), [(topic, b'second', qos, True)],
                            f'{NAMES[version]} to {NAMES[newcomer]}')
            check_equal(hear(server, version, topic, 1), [(topic, b'second', min(qos, 1), True)])
            publisher.publish(topic, 'not retained', qos)
            check_equal(live.recv().payload, b'not retained')
            check_equal(hear(server, version, topic), [(topic, b'second', qos, True)])
            publisher.publish(topic, '', qos, retain=True)
            message = live.recv()
            check_equal((message.payload, message.retain), (b'', False))
            check_equal(hear(server, version, topic), [])
        leave(publisher)


def test_wildcards(server):
    publisher = server.client('publisher')
    for topic in ('a', 'a/b', 'a/b/c', 'a//c', '/a', 'a/', 'b/b', 'a/$x'):
        publisher.publish(topic, topic, 1, retain=True)
    expected = {
        'a': ['a'],
        '#': ['/a', 'a', 'a/', 'a/$x', 'a//c', 'a/b', 'a/b/c', 'b/b'],
        'a/#': ['a', 'a/', 'a/$x', 'a//c', 'a/b', 'a/b/c'],
        'a/+': ['a/', 'a/$x', 'a/b'],
        '+': ['a'],
        '+/+': ['/a', 'a/', 'a/$x', 'a/b', 'b/b'],
        '+/b': ['a/b', 'b/b'],
        'a/+/c': ['a//c', 'a/b/c'],
        '+/+/#': ['/a', 'a/', 'a/$x', 'a//c', 'a/b', 'a/b/c', 'b/b'],
        'c/#': [],
    }
    for version in VERSIONS:
        for topic_filter, topics in expected.items():
            check_equal([m[0] for m in hear(server, version, topic_filter)], topics, topic_filter)


def test_each_subscribe_brings_them_again(server):
    """MQTT 3.1.1 3.8.4-3: also to a filter that was there before."""
    publisher = server.client('publisher')
    publisher.publish('t', 'x', 1, retain=True)
    for version in VERSIONS:
        client, _ = sign_in(server, 'again', version)
        for _ in range(3):
            client.subscribe('t', qos=1)
            message = client.recv()
            check_equal((message.payload, message.retain), (b'x', True), NAMES[version])
        leave(client)


def test_one_packet_with_several_filters(server):
    publisher = server.client('publisher')
    for topic in ('a', 'b', 'c'):
        publisher.publish(topic, topic, 1, retain=True)
    for version in VERSIONS:
        client, _ = sign_in(server, 'several', version)
        check_equal(client.subscribe(('a', 0), ('b', 1), ('a/#/b', 1), ('d', 2)).codes[:2], [0, 1])
        check_equal(sorted((m.topic, m.qos) for m in (client.recv(), client.recv())),
                    [('a', 0), ('b', 1)], NAMES[version])
        client.recv_none(0.1)
        leave(client)


def test_retain_handling(server):
    publisher = server.client('publisher')
    publisher.publish('t', 'x', 1, retain=True)
    client, _ = sign_in(server, 'choosy', V5)

    def count(options):
        client.subscribe(('t', options | 1))
        client.ping()
        count = len(client.inbox)
        client.inbox.clear()
        return count

    check_equal(count(NEVER), 0, 'never, new')
    check_equal(count(IF_NEW), 0, 'if new, but it is there')
    check_equal(count(ALWAYS), 1, 'always, though it is there')
    client.unsubscribe('t')
    check_equal(count(IF_NEW), 1, 'if new, and it is')
    check_equal(count(IF_NEW), 0)
    check_equal(count(NEVER), 0)


def test_retain_handling_of_a_lasting_session(server):
    publisher = server.client('publisher')
    publisher.publish('t', 'x', 1, retain=True)
    client, _ = sign_in(server, 'lasting', V5, **lasting(V5))
    client.subscribe(('t', IF_NEW | 1))
    check_equal(client.recv().payload, b'x')
    leave(client)
    client, _ = sign_in(server, 'lasting', V5, **lasting(V5))
    client.subscribe(('t', IF_NEW | 1))
    client.recv_none(0.2)


def test_retain_as_published(server):
    client, _ = sign_in(server, 'faithful', V5)
    client.subscribe(('faithful', RETAIN_AS_PUBLISHED | 1), ('plain', 1))
    publisher = server.client('publisher')
    for retain in (False, True):
        for topic in ('faithful', 'plain'):
            publisher.publish(topic, 'x', 1, retain=retain)
            check_equal(client.recv().retain, retain and topic == 'faithful', topic)


def test_retain_as_published_among_several(server):
    """One message for two subscriptions: the flag is kept when either asks for it."""
    client, _ = sign_in(server, 'both', V5)
    client.subscribe(('a/+', RETAIN_AS_PUBLISHED), ('a/b', 1))
    publisher = server.client('publisher')
    publisher.publish('a/b', 'x', 1, retain=True)
    message = client.recv()
    check_equal((message.qos, message.retain), (1, True))
    client.recv_none(0.1)


def test_waiting_messages_keep_the_flag(server):
    """What a subscription brought is told as retained also when it had to wait in the queue."""
    publisher = server.client('publisher')
    for i in range(5):
        publisher.publish(f'many/{i}', 'x', 1, retain=True)
    client, _ = sign_in(server, 'narrow', V5, properties={'receive_maximum': 1})
    client.subscribe('many/#', qos=1)
    check_equal([client.recv().retain for _ in range(5)], [True] * 5)


def test_expiry(server):
    publisher = server.client('publisher', V5)
    publisher.publish('brief', 'x', 1, retain=True, properties={'message_expiry': 1})
    publisher.publish('long', 'x', 1, retain=True, properties={'message_expiry': 100})
    check_equal([m[0] for m in hear(server, V311, '+')], ['brief', 'long'])
    time.sleep(1.2)
    check_equal([m[0] for m in hear(server, V311, '+')], ['long'])
    client, _ = sign_in(server, 'late', V5)
    client.subscribe('long')
    left = client.recv().properties['message_expiry']
    assert 97 <= left <= 99, f'{left} s are left of 100'


def test_shared_subscriptions_bring_none(server):
    publisher = server.client('publisher')
    publisher.publish('t', 'x', 1, retain=True)
    for version in VERSIONS:
        check_equal(hear(server, version, '$share/g/t'), [], NAMES[version])


def test_properties_are_kept(server):
    publisher = server.client('publisher', V5)
    properties = {'content_type': 'text', 'response_topic': 'answer', 'payload_format': 1,
                  'correlation_data': b'\0\1', 'user_property': [('b', '1'), ('a', '2')]}
    publisher.publish('t', 'x', 1, retain=True, properties=properties)
    client, _ = sign_in(server, 'late', V5)
    client.subscribe('t', properties={'subscription_id': 268435455})
    check_equal(client.recv().properties, {**properties, 'subscription_id': [268435455]})


def test_a_subscriber_among_publishers(server):
    """Between SUBACK and the first live message nothing is missing: a counter that is published
    retained is seen without a gap."""
    publisher = server.client('publisher')
    newcomers = []
    for number in range(300):
        publisher.send(mqttwire.publish_packet(V311, 'counter', str(number), 1, True, False,
                                               number + 1))
        if number % 10 == 5:
            client, _ = sign_in(server, f'newcomer {number}', V5)
            client.subscribe('counter', qos=1)
            newcomers.append(client)
    for client in newcomers:
        last = int(client.recv().payload)
        while last < 299:
            number = int(client.recv().payload)
            assert number <= last + 1, f'{number} came after {last}'
            last = max(last, number)
