"""Topic aliases (MQTT 5.0 3.3.2.3.4), from the client and to it."""

import mqttwire
from harness import check_equal
from mqttwire import PUBACK, V311, V5
from scenario import expect_end, lasting, leave, sign_in, vanish


def put(client, topic, payload, alias, qos=0, packet_id=0):
    client.send(mqttwire.publish_packet(V5, topic, payload, qos, False, False, packet_id,
                                        {'topic_alias': alias}))


def test_from_the_client(server):
    subscribers = [server.client('old', V311), server.client('new', V5)]
    for subscriber in subscribers:
        subscriber.subscribe('#', qos=1)
    client, connack = sign_in(server, 'client', V5)
    most = connack.properties['topic_alias_maximum']
    for alias in (1, 2, most):
        put(client, f'topic/{alias}', 'set', alias)
    for alias in (most, 1, 2):
        put(client, '', 'used', alias, 1, alias)
        client.wait(PUBACK)
    put(client, 'changed', 'set', 1)
    put(client, '', 'used', 1)
    put(client, 'topic/2', 'the topic beside its alias', 2)
    for subscriber in subscribers:
        got = [subscriber.recv() for _ in range(9)]
        check_equal([m.topic for m in got],
                    ['topic/1', 'topic/2', f'topic/{most}', f'topic/{most}', 'topic/1', 'topic/2',
                     'changed', 'changed', 'topic/2'])
        check_equal([m.properties for m in got], [{}] * 9, 'the alias is the sender\'s affair')


def test_aliases_end_with_the_connection(server):
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    put(client, 'topic', 'set', 1)
    vanish(client)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    put(client, '', 'used', 1)
    expect_end(client, 0x82)


def test_bad_aliases(server):
    client, connack = sign_in(server, 'client', V5)
    most = connack.properties['topic_alias_maximum']
    for topic, alias, code in (('', 1, 0x82), ('', most, 0x82), ('t', 0, 0x94),
                               ('t', most + 1, 0x94), ('t', 65535, 0x94), ('', most + 1, 0x94)):
        client, _ = sign_in(server, 'client', V5)
        put(client, topic, 'x', alias)
        expect_end(client, code)


def test_reserved_topics_by_alias(server):
    """Setting an alias to a topic that is refused does not get around the refusal."""
    watcher = server.client('watcher', V5)
    watcher.subscribe('flespi/#', qos=1)
    client, _ = sign_in(server, 'client', V5)
    for topic in ('flespi/x', ''):
        put(client, topic, 'x', 1, 1, 1)
        check_equal(client.decode_ack(client.wait(PUBACK)).code, 0x87)
    watcher.recv_none(0.1)


class Receiver:
    """A client that resolves the aliases that the server gives it."""

    def __init__(self, server, client_id, most, **properties):
        self.client, _ = sign_in(server, client_id, V5,
                                 properties={'topic_alias_maximum': most, **properties})
        self.most, self.topics = most, {}

    def recv(self):
        """The message with its topic, and whether the packet had an alias."""
        message = self.client.recv()
        alias = message.properties.pop('topic_alias', None)
        if alias is None:
            assert message.topic, message
            return message, False
        assert 1 <= alias <= self.most, message
        if message.topic:
            self.topics[alias] = message.topic
        return message._replace(topic=self.topics[alias]), True


def test_to_the_client(server):
    publisher = server.client('publisher')
    for most in (1, 2, 100, 65535):
        receiver = Receiver(server, f'receiver {most}', most)
        receiver.client.subscribe('#', qos=1)
        with_alias = 0
        for i in range(300):
            topic = f'a topic/{i % 60}'
            publisher.publish(topic, str(i), i % 2)
            message, had_alias = receiver.recv()
            check_equal((message.topic, message.payload), (topic, b'%d' % i), f'maximum {most}')
            with_alias += had_alias
        assert with_alias >= 5, f'maximum {most}: {with_alias} packets had an alias'
        leave(receiver.client)


def test_none_where_none_are_taken(server):
    publisher = server.client('publisher')
    for properties in ({}, {'topic_alias_maximum': 0}):
        client, _ = sign_in(server, 'client', V5, properties=properties)
        client.subscribe('t')
        for _ in range(3):
            publisher.publish('t', 'x')
            message = client.recv()
            check_equal((message.topic, message.properties), ('t', {}))
        leave(client)


def test_aliases_of_messages_that_come_again(server):
    """After a lost connection the aliases start anew."""
    publisher = server.client('publisher')
    options = {'clean': False,
               'properties': {'session_expiry': 60, 'topic_alias_maximum': 10}}
    client, _ = sign_in(server, 'client', V5, auto_ack=False, **options)
    client.subscribe('#', qos=1)
    for i in range(4):
        publisher.publish(f'{i % 2}', str(i), 1)
    check_equal([m.topic for m in (client.recv() for _ in range(4))], ['0', '1', '', ''])
    vanish(client)
    client, _ = sign_in(server, 'client', V5, auto_ack=False, **options)
    check_equal([(m.topic, m.payload) for m in (client.recv() for _ in range(4))],
                [('0', b'0'), ('1', b'1'), ('', b'2'), ('', b'3')])


def test_a_message_too_large_takes_no_alias(server):
    """What the client was never sent cannot have told it an alias."""
    publisher = server.client('publisher', V5)
    receiver = Receiver(server, 'receiver', 10, maximum_packet_size=1000)
    receiver.client.subscribe('#', qos=1)
    for size in range(960, 1001):
        publisher.publish(f'topic/{size}', 'x' * size, 1)
        publisher.publish(f'topic/{size}', 'small', 1)
        message, _ = receiver.recv()
        if message.payload != b'small':
            message, _ = receiver.recv()
        check_equal((message.topic, message.payload), (f'topic/{size}', b'small'))


def test_long_properties_with_an_alias(server):
    publisher = server.client('publisher', V5)
    receiver = Receiver(server, 'receiver', 10)
    receiver.client.subscribe('#', qos=1)
    properties = {'user_property': [('name', 'v' * 30000), ('name', 'w' * 60000)]}
    for payload in ('x', 'x' * 5000):
        publisher.publish('t', payload, 1, properties=properties)
        message, _ = receiver.recv()
        check_equal((message.topic, message.payload, message.properties),
                    ('t', payload.encode(), properties))
