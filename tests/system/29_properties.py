"""What travels with a message: properties in their order, and the time it has left."""

import time

from harness import check_equal
from mqttwire import V31, V311, V5
from scenario import VERSIONS, expect_end, lasting, leave, sign_in

ALL = {'payload_format': 1, 'content_type': 'application/json', 'response_topic': 'answer/to/me',
       'correlation_data': bytes(range(256)),
       'user_property': [('b', '2'), ('a', '1'), ('b', '3'), ('', ''), ('ü', '車')]}


def test_properties_pass_through(server):
    publisher = server.client('publisher', V5)
    for qos in (0, 1, 2):
        client, _ = sign_in(server, 'client', V5)
        old, _ = sign_in(server, 'old', V311)
        for c in (client, old):
            c.subscribe('t', qos=qos)
        for properties in ({}, ALL, *({k: v} for k, v in ALL.items())):
            publisher.publish('t', '{"a":1}', qos, properties=properties)
            check_equal(client.recv().properties, properties)
            message = old.recv()
            check_equal((message.payload, message.properties), (b'{"a":1}', {}))
        leave(client)
        leave(old)


def test_properties_wait_with_the_message(server):
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    client.subscribe('t', qos=1)
    leave(client)
    publisher = server.client('publisher', V5)
    publisher.publish('t', 'x', 1, properties=ALL)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    check_equal(client.recv().properties, ALL)


def test_old_publishers_have_none(server):
    client = server.client('client', V5)
    client.subscribe('t', qos=2)
    for version in (V31, V311):
        publisher, _ = sign_in(server, 'publisher', version)
        publisher.publish('t', 'x', 2)
        check_equal(client.recv().properties, {})
        leave(publisher)


def test_request_and_response(server):
    """The pattern that these properties are for (MQTT 5.0 4.10)."""
    worker, _ = sign_in(server, 'worker', V5)
    worker.subscribe('request', qos=1)
    client, _ = sign_in(server, 'client', V5)
    client.subscribe('answer/client', qos=1)
    for i in range(10):
        client.publish('request', str(i), 1, properties={
            'response_topic': 'answer/client', 'correlation_data': b'\0%d' % i})
        asked = worker.recv()
        worker.publish(asked.properties['response_topic'], b'=' + asked.payload, 1, properties={
            'correlation_data': asked.properties['correlation_data']})
        answer = client.recv()
        check_equal((answer.payload, answer.properties), (b'=%d' % i,
                                                          {'correlation_data': b'\0%d' % i}))


def test_long_and_many_user_properties(server):
    publisher = server.client('publisher', V5)
    client = server.client('client', V5)
    client.subscribe('t', qos=1)
    for pairs in ([('n', 'v' * 65535)], [('n' * 65535, 'v' * 65535)] * 3,
                  [(str(i), 'x' * 50) for i in range(256)], [('n', 'v' * 20000)] * 2):
        publisher.publish('t', 'x', 1, properties={'user_property': pairs})
        check_equal(client.recv().properties['user_property'] == pairs, True, len(pairs))


def test_too_many_user_properties(server):
    publisher = server.client('publisher', V5)
    try:
        publisher.publish('t', 'x', 1, properties={'user_property': [('n', 'v')] * 257})
    except AssertionError:
        raise
    except Exception:  # DISCONNECT came instead of PUBACK
        pass
    expect_end(publisher, 0x97)


def test_payloads_that_are_no_text(server):
    """MQTT 5.0 3.3.2.3.2: who says UTF-8 must mean it."""
    publisher = server.client('publisher', V5)
    client = server.client('client', V5)
    client.subscribe('t')
    publisher.publish('t', b'\xff\xfe', properties={'payload_format': 0})
    check_equal(client.recv().payload, b'\xff\xfe')


def test_the_time_that_is_left(server):
    publisher = server.client('publisher', V5)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    old, _ = sign_in(server, 'old', V311, **lasting(V311))
    for c in (client, old):
        c.subscribe('t', qos=1)
    publisher.publish('t', 'live', 1, properties={'message_expiry': 100})
    check_equal(client.recv().properties, {'message_expiry': 100})
    check_equal(old.recv().payload, b'live')
    leave(client)
    leave(old)
    publisher.publish('t', 'brief', 1, properties={'message_expiry': 1})
    publisher.publish('t', 'long', 1, properties={'message_expiry': 100})
    publisher.publish('t', 'for ever', 1)
    time.sleep(1.3)
    client, _ = sign_in(server, 'client', V5, **lasting(V5))
    message = client.recv()
    check_equal(message.payload, b'long', 'what has expired is not delivered')
    assert 97 <= message.properties['message_expiry'] <= 99, message
    message = client.recv()
    check_equal((message.payload, message.properties), (b'for ever', {}))
    old, _ = sign_in(server, 'old', V311, **lasting(V311))
    check_equal([old.recv().payload for _ in range(2)], [b'long', b'for ever'])


def test_expiry_behind_a_full_window(server):
    """Waiting for the client's acknowledgements is waiting, too."""
    publisher = server.client('publisher', V5)
    client, _ = sign_in(server, 'client', V5, auto_ack=False, properties={'receive_maximum': 1})
    client.subscribe('t', qos=1)
    publisher.publish('t', 'first', 1)
    publisher.publish('t', 'expires', 1, properties={'message_expiry': 1})
    publisher.publish('t', 'last', 1)
    time.sleep(1.3)
    client.auto_ack = True
    first = client.recv()
    check_equal((first.payload, client.recv().payload), (b'first', b'last'))
    client.recv_none(0.1)


def test_the_longest_expiry(server):
    publisher = server.client('publisher', V5)
    client = server.client('client', V5)
    client.subscribe('t')
    publisher.publish('t', 'x', properties={'message_expiry': 0xFFFFFFFF})
    check_equal(client.recv().properties, {'message_expiry': 0xFFFFFFFF})


def test_subscription_ids_from_a_client(server):
    """MQTT 5.0 3.3.4-6: only servers send them with PUBLISH."""
    publisher = server.client('publisher', V5)
    publisher.publish('t', 'x', properties={'subscription_id': 1})
    expect_end(publisher, 0x82)


def test_versions_among_each_other(server):
    clients = {v: sign_in(server, f'client {v}', v)[0] for v in VERSIONS}
    for client in clients.values():
        client.subscribe('t', qos=2)
    for sender in VERSIONS:
        for qos in (0, 1, 2):
            clients[sender].publish('t', f'{sender} {qos}', qos)
            for client in clients.values():
                message = client.recv()
                check_equal((message.payload, message.qos), (b'%d %d' % (sender, qos), qos))
