"""Debian's mosquitto clients sign in, publish and receive, in all versions and qualities."""

import harness
import mqttwire
from harness import check_equal

VERSIONS = ('mqttv31', 'mqttv311', 'mqttv5')
REFUSED = {mqttwire.V31: 5, mqttwire.V311: 5, mqttwire.V5: 0x87}


def sign_in(server, version, **options):
    with mqttwire.Client(server.mqtt_port, version) as client:
        connack = client.connect('probe', **options)
        if connack.code:
            assert client.is_closed_within(2), 'refused, but left open'
        return connack.code


def test_publish_and_receive(server):
    for version in VERSIONS:
        topic = f'test/{version}'
        subscriber = server.subscriber(version, topic + '/+', 2, 3)
        for qos in (0, 1, 2):
            status, said = server.mosquitto_pub(version, f'{topic}/{qos}', f'hello {qos}', qos)
            check_equal((status, said), (0, ''), f'mosquitto_pub {version} QoS {qos}')
        check_equal(subscriber.messages(),
                    [(qos, 0, f'{topic}/{qos}', f'hello {qos}') for qos in (0, 1, 2)], version)


def test_versions_hear_each_other(server):
    subscribers = {v: server.subscriber(v, 'mixed/#', 1, len(VERSIONS)) for v in VERSIONS}
    for version in VERSIONS:
        status, said = server.mosquitto_pub(version, f'mixed/{version}', 'x', 2)
        check_equal((status, said), (0, ''), f'mosquitto_pub {version}')
    for version, subscriber in subscribers.items():
        check_equal(subscriber.messages(), [(1, 0, f'mixed/{v}', 'x') for v in VERSIONS],
                    f'heard by {version}, at its own QoS')


def test_retained(server):
    for version in VERSIONS:
        topic = f'kept/{version}'
        status, said = server.mosquitto_pub(version, topic, 'value', 1, '-u', server.token, '-r')
        check_equal((status, said), (0, ''), version)
        for late in VERSIONS:
            check_equal(server.subscriber(late, topic, 1, 1).messages(), [(1, 1, topic, 'value')],
                        f'kept by {version}, heard by {late}')


def test_will_of_a_killed_client(server):
    watcher = server.client('watcher')
    watcher.subscribe('last/words', qos=1)
    client = server.subscriber('mqttv311', 'nothing', 0, 1, '-u', server.token, '--will-topic',
                               'last/words', '--will-payload', 'gone', '--will-qos', '1')
    client.process.kill()
    check_equal(watcher.recv().payload, b'gone')


def test_ways_to_give_the_token(server):
    for version in VERSIONS:
        for way in (['-u', server.token], ['-u', server.token, '-P', ''],
                    ['-u', f'FlespiToken {server.token}'], ['-u', 'anyone', '-P', server.token],
                    ['-u', '', '-P', server.token],
                    ['-u', 'anyone', '-P', f'FlespiToken {server.token}']):
            status, said = server.mosquitto_pub(version, 'way/in', 'x', 1, *way)
            check_equal((status, said), (0, ''), f'{version} {way}')


def test_password_alone(server):
    """MQTT 5.0 allows a password without a user name; earlier versions do not."""
    check_equal(sign_in(server, mqttwire.V5, password=server.token), 0)


def test_a_wrong_token_is_refused(server):
    wrong = harness.random_token()
    for version in VERSIONS:
        for way in (['-u', wrong], ['-u', server.token[:-1]], ['-u', server.token + 'x'],
                    ['-u', server.token.swapcase()], ['-u', 'anyone', '-P', wrong],
                    ['-i', 'without-token']):
            status, said = server.mosquitto_pub(version, 'way/in', 'x', 1, *way)
            assert status != 0 and 'uthori' in said, f'{version} {way}: {status} {said}'


def test_codes_of_refusal(server):
    for version, code in REFUSED.items():
        for options in ({'username': harness.random_token()}, {'username': 'FlespiToken '},
                        {'username': ''}, {}, {'username': 'a', 'password': 'b'}):
            check_equal(sign_in(server, version, **options), code, f'MQTT {version} {options}')
        check_equal(sign_in(server, version, username=server.token), 0, f'MQTT {version}')


def test_refusals_are_logged_without_the_token(server):
    wrong = harness.random_token()
    sign_in(server, mqttwire.V311, username=wrong)
    harness.wait_until(lambda: 'token' in server.log.text, 'the refusal is in the log')
    assert wrong not in server.log.text, 'the log repeats the token'


def test_anonymous(server):
    status, said = server.mosquitto_pub('mqttv5', 'any/one', 'x', 1, '-i', 'anonymous')
    check_equal((status, said), (0, ''))
    check_equal(sign_in(server, mqttwire.V311, username=server.token), 0)
    check_equal(sign_in(server, mqttwire.V311, username='somebody'), 0)


test_anonymous.arguments = ('--anonymous',)
