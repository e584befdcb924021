"""Channels and devices through the REST API, in flespi's form: envelope, errors, selectors."""

import http.client
import time

import harness
from harness import Tracker, check_equal

CHANNELS, DEVICES = '/gw/channels', '/gw/devices'


def check_error(reply, status, code, **fields):
    """An answer that did nothing: HTTP status, flespi's code, and a reason for a person."""
    check_equal(reply.status, status, f'HTTP status of {reply.text}')
    check_equal(reply.json.get('result', []), [], reply.text)
    error = reply.json['errors'][0]
    check_equal(error['code'], code, reply.text)
    assert isinstance(error['reason'], str) and len(error['reason']) > 8, reply.text
    check_equal({name: error.get(name) for name in fields}, fields, reply.text)
    return error


def ids(reply):
    check_equal(reply.status, 200, reply.text)
    return [one['id'] for one in reply.json['result']]


def test_a_channel_lives(server):
    port = server.channel_ports[3]
    made = server.create(CHANNELS, name='trucks', protocol_name='teltonika',
                         configuration={'port': port})
    expected = {'id': 1, 'cid': 1, 'name': 'trucks', 'enabled': True, 'protocol_name': 'teltonika',
                'messages_ttl': 86400, 'uri': f'127.0.0.1:{port}'}
    check_equal({name: made.get(name) for name in expected}, expected, 'as made')
    check_equal(made['configuration']['port'], port)
    assert isinstance(made['protocol_id'], int)
    got = server.rest('GET', f'{CHANNELS}/1')
    check_equal((got.status, got.json['result']), (200, [made]))
    changed = server.rest('PUT', f'{CHANNELS}/1', {'name': 'vans', 'messages_ttl': 60})
    check_equal(changed.status, 200, changed.text)
    check_equal(server.rest('GET', f'{CHANNELS}/1').json['result'],
                [{**made, 'name': 'vans', 'messages_ttl': 60}], 'after PUT')
    check_equal(server.rest('DELETE', f'{CHANNELS}/1').status, 200)
    check_error(server.rest('GET', f'{CHANNELS}/1'), 403, 3, id=1)


def test_a_device_lives(server):
    made = server.create_device('352093081452251', 'van')
    expected = {'id': 1, 'cid': 1, 'name': 'van', 'enabled': True, 'device_type_id': 0,
                'messages_ttl': 31536000, 'messages_rotate': 0}
    check_equal({name: made.get(name) for name in expected}, expected, 'as made')
    check_equal(made['configuration']['ident'], '352093081452251')
    check_equal(server.rest('PUT', f'{DEVICES}/1', {'name': 'bus'}).status, 200)
    check_equal(server.rest('GET', f'{DEVICES}/1').json['result'], [{**made, 'name': 'bus'}])
    check_equal(server.rest('DELETE', f'{DEVICES}/1').status, 200)
    check_error(server.rest('GET', f'{DEVICES}/1'), 403, 3, id=1)


def test_ids_count_up_and_are_not_used_again(server):
    for name, path in (('c', CHANNELS), ('d', DEVICES)):
        def make(number):
            if path == CHANNELS:
                return server.create(path, name=name, protocol_name='http')['id']
            return server.create_device(f'ident-{number}')['id']
        check_equal([make(1), make(2)], [1, 2], path)
        server.rest('DELETE', f'{path}/2')
        check_equal(make(3), 3, path)


def test_a_channel_without_port_gets_one_of_the_range(server):
    made = [server.create(CHANNELS, name=str(i), protocol_name='wialon-ips') for i in range(3)]
    ports = [int(one['uri'].rpartition(':')[2]) for one in made]
    check_equal(len(set(ports)), 3, 'ports differ')
    for port in ports:
        assert port in server.channel_ports, port
        Tracker(port).socket.close()


def test_selectors(server):
    for i in (1, 2, 3):
        server.create_device(f'ident-{i}', f'name {i}')
    check_equal(ids(server.rest('GET', DEVICES)), [1, 2, 3], 'no selector')
    check_equal(ids(server.rest('GET', f'{DEVICES}/all')), [1, 2, 3], 'all')
    check_equal(ids(server.rest('GET', f'{DEVICES}/3,1')), [3, 1], 'a list, in its order')
    check_equal(ids(server.rest('GET', f'{DEVICES}/configuration.ident=ident-2')), [2], 'a field')
    check_equal(ids(server.rest('GET', f'{DEVICES}/name=name%20*')), [1, 2, 3], 'a wildcard')
    check_equal(ids(server.rest('GET', f'{DEVICES}/name=nobody')), [], 'a field that no one has')


def test_fields(server):
    server.create_device('ident-1', 'one')
    reply = server.rest('GET', f'{DEVICES}/all?fields=id,name')
    check_equal(reply.json['result'], [{'id': 1, 'name': 'one'}])


def test_several_at_once_and_some_fail(server):
    reply = server.rest('POST', DEVICES, [
        {'name': 'a', 'device_type_id': 0, 'configuration': {'ident': 'one'}},
        {'name': 'b', 'device_type_id': 325, 'configuration': {'ident': 'two'}},
        {'name': 'c', 'device_type_id': 0, 'configuration': {'ident': 'three'}}])
    check_equal(reply.status, 200, reply.text)
    check_equal([one['name'] for one in reply.json['result']], ['a', 'c'], reply.text)
    check_equal(len(reply.json['errors']), 1, reply.text)
    reply = server.rest('GET', f'{DEVICES}/1,99')
    check_equal(reply.status, 200, reply.text)
    check_equal([one['id'] for one in reply.json['result']], [1])
    check_equal((reply.json['errors'][0]['code'], reply.json['errors'][0]['id']), (3, 99))


def test_who_may(server):
    for token in (None, harness.random_token(), server.token[:-1]):
        for method in ('GET', 'POST', 'PUT', 'DELETE'):
            body = [{}] if method != 'GET' else None
            reply = server.rest(method, f'{CHANNELS}/all' if method != 'POST' else CHANNELS,
                                body, token=token)
            check_equal(reply.status, 401, f'{method} with {token}: {reply.text}')
            assert reply.json['errors'], reply.text
    check_equal(server.rest('GET', CHANNELS, token=None,
                            headers={'Authorization': f'Bearer {server.token}'}).status, 401)


def test_unknown_ids_are_no_secret_and_no_404(server):
    for method, body in (('GET', None), ('PUT', {'name': 'x'}), ('DELETE', None)):
        check_error(server.rest(method, f'{CHANNELS}/98765', body), 403, 3, id=98765)


def test_fields_that_are_not_allowed(server):
    error = check_error(server.rest('POST', CHANNELS, [{'name': 'x', 'protocol_name': 'http',
                                                        'colour': 'red'}]), 400, 2, field='colour')
    check_equal(error['reason'], 'field is not allowed')
    server.create(CHANNELS, name='x', protocol_name='http')
    check_error(server.rest('PUT', f'{CHANNELS}/1', {'id': 7}), 400, 2, field='id')
    check_error(server.rest('PUT', f'{CHANNELS}/1', {'protocol_name': 'osmand'}), 400, 2,
                field='protocol_name')


def test_values_that_make_no_sense(server):
    good = {'name': 'x', 'protocol_name': 'http'}
    for path, body in (
            (CHANNELS, {**good, 'protocol_name': 'no-such'}), (CHANNELS, {'name': 'x'}),
            (CHANNELS, {**good, 'name': 7}), (CHANNELS, {**good, 'messages_ttl': -1}),
            (CHANNELS, {**good, 'enabled': 'yes'}), (CHANNELS, {**good, 'configuration': []}),
            (CHANNELS, {**good, 'configuration': {'port': 70000}}),
            (CHANNELS, {**good, 'configuration': {'port': '80'}}),
            (DEVICES, {'name': 'x'}), (DEVICES, {'name': 'x', 'device_type_id': 'van'}),
            (DEVICES, {'name': 'x', 'device_type_id': 0, 'configuration': {'ident': 'a/b'}}),
            (DEVICES, {'name': 'x', 'device_type_id': 0, 'configuration': {'ident': 'a+#'}}),
            (DEVICES, {'name': 'x', 'device_type_id': 0, 'configuration': {'ident': ''}})):
        check_error(server.rest('POST', path, [body]), 400, 2)
    error = check_error(server.rest('POST', DEVICES, [
        {'name': 'x', 'device_type_id': 325, 'configuration': {'ident': 'a'}}]), 400, 2)
    check_equal(error['reason'], 'device type 325 not found')
    check_equal(ids(server.rest('GET', CHANNELS)) + ids(server.rest('GET', DEVICES)), [])


def test_bodies_that_are_none(server):
    for body in (b'', b'{', b'nonsense', b'[1, 2', b'\xff\xfe', b'"text"', b'[]', b'[7]',
                 b'[' * 5000):
        reply = server.rest('POST', CHANNELS, body)
        check_equal(reply.status, 400, f'{body[:20]!r}: {reply.text}')
        check_equal(reply.json['errors'][0]['code'], 2, reply.text)


def test_places_that_are_none(server):
    for path in ('/gw/no-such', '/gw/channels/1/no-such', '/gw'):
        check_equal(server.rest('GET', path).status, 404, path)
    assert server.rest('POST', f'{CHANNELS}/1', [{}]).status in (404, 405)


def test_ports_that_cannot_be_had(server):
    port = server.channel_ports[0]
    server.create_channel('http', port=port)
    error = check_error(server.rest('POST', CHANNELS, [
        {'name': 'x', 'protocol_name': 'http', 'configuration': {'port': port}}]), 400, 2)
    assert str(port) in error['reason'] or 'port' in error['reason'], error
    check_equal(ids(server.rest('GET', CHANNELS)), [1], 'nothing was left behind')


def test_idents_are_unique(server):
    server.create_device('same')
    check_error(server.rest('POST', DEVICES, [
        {'name': 'x', 'device_type_id': 0, 'configuration': {'ident': 'same'}}]), 400, 2)
    other = server.create_device('other')
    check_error(server.rest('PUT', f'{DEVICES}/{other["id"]}',
                            {'configuration': {'ident': 'same'}}), 400, 2)
    server.rest('DELETE', f'{DEVICES}/1')
    server.create_device('same')


def test_a_disabled_channel_is_shut(server):
    port = server.channel_ports[0]
    channel = server.create_channel('http', port=port)
    path = f'{CHANNELS}/{channel["id"]}'
    check_equal(server.rest('PUT', path, {'enabled': False}).status, 200)
    for _ in range(50):  # its shard closes it a moment after the answer
        try:
            Tracker(port, timeout=1).socket.close()
        except ConnectionRefusedError:
            break
        time.sleep(0.02)
    else:
        raise AssertionError('a disabled channel accepts')
    check_equal(server.rest('PUT', path, {'enabled': True}).status, 200)
    Tracker(port).socket.close()


def test_protocols(server):
    for path in ('/gw/channel-protocols', '/gw/channel-protocols/all'):
        reply = server.rest('GET', path)
        check_equal(reply.status, 200, reply.text)
        names = {one['name']: one for one in reply.json['result']}
        for name in ('teltonika', 'wialon-ips', 'osmand', 'http'):
            assert isinstance(names[name]['id'], int), names[name]
    reply = server.rest('GET', '/gw/channel-protocols/name=teltonika?fields=id,name')
    check_equal([sorted(one) for one in reply.json['result']], [['id', 'name']], reply.text)


def test_all_of_it_outlives_a_restart(server):
    port = server.channel_ports[0]
    server.create_channel('teltonika', port=port)
    server.create_device('352093081452251')
    before = [server.rest('GET', path).json for path in (CHANNELS, DEVICES)]
    server.env = {'TRACKWIRE_MASTER_TOKEN': None}
    server.restart()
    check_equal([server.rest('GET', path).json for path in (CHANNELS, DEVICES)], before)
    Tracker(port).socket.close()
    check_equal(server.create_device('another')['id'], 2, 'ids go on')


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection('127.0.0.1', server.http_port, timeout=10)
    for _ in range(50):
        connection.request('GET', CHANNELS,
                           headers={'Authorization': f'FlespiToken {server.token}'})
        answer = connection.getresponse()
        check_equal((answer.status, answer.read()[:1]), (200, b'{'))
    connection.close()
