"""`$filter/condition/filter`: a subscription that looks into messages."""

import json
from urllib.parse import quote

from harness import check_equal
from mqttwire import V5
from scenario import sign_in


def spec(**conditions):
    return '&'.join(f'{name}={quote(text, safe="")}' for name, text in conditions.items())


def heard(client, publisher, publications):
    """The payloads that come of `publications`, (topic, payload, properties) each."""
    for topic, payload, *properties in publications:
        publisher.publish(topic, payload, 1, properties=properties[0] if properties else None)
    publisher.publish('end', 'end', 1)
    got = []
    while not got or got[-1] != b'end':
        got.append(client.recv().payload)
    return got[:-1]


def listener(server, name, *filters, **options):
    client, _ = sign_in(server, name, V5)
    codes = client.subscribe('end', *filters, qos=1, **options).codes
    check_equal(codes, [1] * (1 + len(filters)), str(filters))
    return client


MESSAGES = [('t/1', json.dumps({'position.speed': 10, 'ident': 'a', 'on': True})),
            ('t/2', json.dumps({'position.speed': 90, 'ident': 'b'})),
            ('t/3', 'no JSON'), ('t/4', json.dumps({'ident': 'c'}))]


def test_over_the_payload(server):
    publisher = server.client('publisher', V5)
    for expression, wanted in (('position.speed>60', [1]), ('position.speed>60||on', [0, 1]),
                               ('ident=="a"', [0]), ('$position.speed==null', [3]),
                               ('position.speed', [0, 1]), ('ident="c"', [3])):
        client = listener(server, 'filters', f'$filter/{spec(payload=expression)}/t/+')
        got = heard(client, publisher, MESSAGES)
        check_equal(got, [MESSAGES[i][1].encode() for i in wanted], expression)
        client.close()


def test_over_the_whole_message(server):
    publisher = server.client('publisher', V5)
    condition = 'topic=="t/2" || user_properties.color=="red"'
    client = listener(server, 'filters', f'$filter/{spec(message=condition)}/t/#')
    red = {'user_property': [('color', 'red')]}
    got = heard(client, publisher, [('t/1', 'one'), ('t/2', 'two'), ('t/3', 'three', red)])
    check_equal(got, [b'two', b'three'])


def test_conditions_are_joined(server):
    publisher = server.client('publisher', V5)
    hub = server.client('other')
    for conditions, is_met in (('cid=1', True), ('cid=2', False),
                               ('modified_since>1700000000', True),
                               ('modified_since>9700000000.5', False),
                               ('cid=1&' + spec(payload='x>1'), True),
                               ('cid=1&' + spec(payload='x>2'), False)):
        client = listener(server, 'filters', f'$filter/{conditions}/t')
        got = heard(client, publisher, [('t', '{"x":2}')])
        check_equal(bool(got), is_met, conditions)
        client.close()
    hub.close()


def test_identifiers_and_overlaps(server):
    publisher = server.client('publisher', V5)
    client = listener(server, 'both', 't', properties={'subscription_id': 1})
    filtered = f"$filter/{spec(payload='x>1')}/t"
    client.subscribe(filtered, qos=1, properties={'subscription_id': 2})
    publisher.publish('t', '{"x":1}', 1)
    publisher.publish('t', '{"x":2}', 1)
    check_equal(sorted(client.recv().properties['subscription_id']), [1])
    check_equal(sorted(client.recv().properties['subscription_id']), [1, 2], 'one message')
    check_equal(client.unsubscribe(filtered).codes, [0])
    publisher.publish('t', '{"x":2}', 1)
    check_equal(client.recv().properties['subscription_id'], [1])


def test_shared(server):
    """A member gets what the group's filter lets through; nothing else counts as taken."""
    publisher = server.client('publisher', V5)
    text = f"$share/g/$filter/{spec(payload='x>1')}/t"
    members = [listener(server, f'member {i}', text) for i in range(2)]
    for i in range(40):
        publisher.publish('t', json.dumps({'x': i % 4}), 1)
    publisher.publish('end', 'end', 1)
    got = []
    for member in members:
        mine = []
        while not mine or mine[-1] != b'end':
            mine.append(member.recv().payload)
        got.append(mine[:-1])
    check_equal(sum(map(len, got)), 20)
    assert all(got), 'both took part'
    assert all(json.loads(payload)['x'] > 1 for mine in got for payload in mine)


def test_retained(server):
    publisher = server.client('publisher', V5)
    for i in range(4):
        publisher.publish(f'kept/{i}', json.dumps({'x': i}), 1, retain=True)
    client, _ = sign_in(server, 'late', V5)
    client.subscribe(f"$filter/{spec(payload='x>1')}/kept/+", qos=1)
    got = sorted(client.recv().payload for _ in range(2))
    check_equal(got, [b'{"x": 2}', b'{"x": 3}'])
    client.recv_none()


def test_what_makes_no_sense(server):
    client, _ = sign_in(server, 'wrong', V5)
    for bad in ('$filter/', '$filter/payload=x', '$filter/payload=x/', '$filter//t',
                '$filter/nonsense=1/t', '$filter/cid=many/t', '$filter/modified_since>/t',
                '$filter/payload=x%3E/t', '$filter/payload=%zz/t', '$filter/payload=x/a+',
                '$filter/payload=x/$share/g/t', '$filter/' + 'cid=1&' * 16 + 'cid=1/t'):
        code, = client.subscribe(bad).codes
        assert code >= 0x80, f'{bad}: {code:#04x}'
    client.ping()
