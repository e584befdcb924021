"""REST over MQTT: a publication to flespi/rest/{method}/{uri} is a request, and its answer comes
to the response topic."""

import json

from harness import check_equal
from mqttwire import V311, V5
from scenario import sign_in


def ask(client, method, uri, body=None, correlation=b'7', qos=1):
    payload = b'' if body is None else json.dumps(body)
    client.publish(f'flespi/rest/{method}/{uri}', payload, qos,
                   properties={'response_topic': 'answers', 'correlation_data': correlation})
    answer = client.recv()
    check_equal((answer.topic, answer.properties['correlation_data']), ('answers', correlation))
    return json.loads(answer.payload)


def caller(server):
    client, _ = sign_in(server, 'caller', V5)
    client.subscribe('answers', qos=1)
    return client


def test_the_same_as_over_http(server):
    client = caller(server)
    made = ask(client, 'post', 'gw/channels', [{'name': 'a', 'protocol_name': 'http'}])
    check_equal(made['result'][0]['id'], 1)
    check_equal(ask(client, 'get', 'gw/channels/all?fields=name'), {'result': [{'name': 'a'}]})
    check_equal(ask(client, 'GET', 'gw/channels/1?fields=id', qos=2), {'result': [{'id': 1}]})
    changed = ask(client, 'put', 'gw/channels/1', {'name': 'b'}, qos=0)
    check_equal(changed['result'][0]['name'], 'b')
    check_equal(server.rest('GET', '/gw/channels/1?fields=name').json, {'result': [{'name': 'b'}]})
    check_equal(ask(client, 'delete', 'gw/channels/1')['result'], [{'id': 1}])


def test_refusals_are_answers(server):
    client = caller(server)
    check_equal(ask(client, 'get', 'gw/channels/77')['errors'][0]['code'], 3)
    check_equal(ask(client, 'get', 'no/such/place')['errors'][0]['code'], 2)
    check_equal(ask(client, 'nonsense', 'gw/channels')['errors'][0]['code'], 2)
    check_equal(ask(client, 'post', 'gw/channels', 'text')['errors'][0]['code'], 2)


def test_what_is_no_request(server):
    client, _ = sign_in(server, 'caller', V5)
    check_equal(client.publish('flespi/rest/get', '', 1).code, 0x90)
    check_equal(client.publish('flespi/rest/get/gw/channels/all', '', 1,
                               properties={'response_topic': 'flespi/message/x'}).code, 0x87)
    check_equal(client.publish('flespi/other', '', 1).code, 0x87)


def test_without_a_response_topic_it_is_done_all_the_same(server):
    client, _ = sign_in(server, 'caller', V311)
    client.publish('flespi/rest/post/gw/devices',
                   json.dumps([{'name': 'x', 'device_type_id': 0,
                                'configuration': {'ident': 'over-mqtt'}}]), 1)
    for _ in range(100):
        if server.rest('GET', '/gw/devices').json['result']:
            break
    check_equal(server.rest('GET', '/gw/devices?fields=name').json, {'result': [{'name': 'x'}]})
