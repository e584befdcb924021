"""What CONNACK tells a 5.0 client about itself, as flespi's web tools expect it."""

import json

from harness import check_equal
from mqttwire import V311, V5
from scenario import lasting, leave, sign_in


def properties_of(connack):
    return dict(connack.properties.get('user_property', []))


def test_who_signed_in(server):
    _, connack = sign_in(server, 'a', V5)
    token = json.loads(properties_of(connack)['token'])
    check_equal((token['access']['type'], token['cid']), (1, 1))
    assert 'subscriptions' not in properties_of(connack), 'a new session has none'
    _, connack = sign_in(server, 'b', V311)
    check_equal(connack.properties, {})


def test_what_a_resumed_session_hears(server):
    client, _ = sign_in(server, 'a', V5, **lasting(V5))
    client.subscribe('plain/"quoted"', qos=1, properties={'subscription_id': 7})
    texts = ['$share/g/x/+', 'flespi/state/+/id,name', '$filter/payload=x%3E1/t']
    client.subscribe(*texts, qos=2)
    leave(client)
    _, connack = sign_in(server, 'a', V5, **lasting(V5))
    assert connack.session_present
    told = json.loads(properties_of(connack)['subscriptions'])
    check_equal(sorted(one['topic'] for one in told), sorted(texts + ['plain/"quoted"']))
    plain = next(one for one in told if one['topic'].startswith('plain'))
    check_equal(plain, {'topic': 'plain/"quoted"', 'qos': 1, 'no_local': False, 'rap': False,
                        'retain_handling': 0, 'subscription_id': 7})


def test_a_small_client_is_told_less(server):
    client, _ = sign_in(server, 'a', V5, **lasting(V5))
    for i in range(100):
        client.subscribe(f'some/topic/{i}')
    leave(client)
    options = lasting(V5)
    options['properties']['maximum_packet_size'] = 200
    client, connack = sign_in(server, 'a', V5, **options)
    check_equal(sorted(properties_of(connack)), ['token'])
    leave(client)
    options['properties']['maximum_packet_size'] = 40
    _, connack = sign_in(server, 'a', V5, **options)
    check_equal((connack.code, properties_of(connack)), (0, {}))
