"""What the broker's stories (2x, 3x) share: signing in with a look at CONNACK, and going such that
the server has noticed by the time the test goes on."""

import socket

import mqttwire
from mqttwire import DISCONNECT, V31, V311, V5

VERSIONS = (V31, V311, V5)
NAMES = {V31: 'MQTT 3.1', V311: 'MQTT 3.1.1', V5: 'MQTT 5.0'}


def lasting(version, seconds=3600):
    """Options of a CONNECT whose session outlives the connection; not a clean start."""
    if version == V5:
        return {'clean': False, 'properties': {'session_expiry': seconds}}
    return {'clean': False}


def sign_in(server, client_id='', version=V311, auto_ack=True, **options):
    """A client and its CONNACK, whatever that says."""
    client = mqttwire.Client(server.mqtt_port, version, auto_ack=auto_ack)
    options.setdefault('username', server.token)
    return client, client.connect(client_id, **options)


def wait_closed(client, seconds=5):
    assert client.is_closed_within(seconds), 'the server left the connection open'
    client.close()


def leave(client):
    """Says goodbye; back when the server has closed, hence knows."""
    client.send(mqttwire.packet(DISCONNECT, 0, b''))
    wait_closed(client)


def vanish(client):
    """Goes without a word; back when the server has closed. It tells others (a will, a shared
    group) just after that, so wait for what they see, where it matters."""
    client.socket.shutdown(socket.SHUT_WR)
    wait_closed(client)


def expect_end(client, code, seconds=5):
    """The server ends the connection: with DISCONNECT and `code` in 5.0, without a word before."""
    if client.version == V5:
        got = client.wait(DISCONNECT, timeout=seconds)
        said = got.body[0] if got.body else 0
        assert said == code, f'DISCONNECT {said:#04x}, expected {code:#04x}'
    wait_closed(client, seconds)
