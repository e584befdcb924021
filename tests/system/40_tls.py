"""MQTT and REST over TLS: with the certificate that the hub makes for itself and with given ones,
which are replaced while clients stay; client certificates; and the PROXY header of load
balancers."""

import contextlib
import json
import os
import signal
import socket
import ssl
import stat
import tempfile
import time
from pathlib import Path

import mqttwire
from certificates import Authority
from harness import Process, Server, check_equal, run, run_node, wait_until
from mqttwire import V311, V5

PROXY_V2 = bytes.fromhex('0d0a0d0a000d0a515549540a' '2111000c' 'c0000207' 'c6336401' '3039' '075b')


def trusting(file, alpn=None, version=None, certificate=None):
    """A function that makes TLS of a socket, for mqttwire.Client."""
    context = ssl.create_default_context(cafile=str(file))
    if alpn:
        context.set_alpn_protocols(alpn)
    if version:
        context.minimum_version = context.maximum_version = version
    if certificate:
        context.load_cert_chain(*certificate)
    return lambda plain: context.wrap_socket(plain, server_hostname='localhost')


def subject(port, file):
    """Who the hub says it is to a new connection."""
    with trusting(file)(socket.create_connection(('127.0.0.1', port), 10)) as s:
        return dict(pair[0] for pair in s.getpeercert()['subject'])['commonName']


@contextlib.contextmanager
def hub(*arguments, **options):
    server = Server(*arguments, **options)
    try:
        yield server.start()
        if server.process:
            server.stop()
    finally:
        server.discard()


@contextlib.contextmanager
def authority():
    with tempfile.TemporaryDirectory(prefix='trackwire-tls-') as folder:
        yield Authority(folder)


def put(source, target):
    """Replaces a file the way that tools which renew certificates do."""
    fresh = Path(f'{target}.fresh')
    fresh.write_bytes(Path(source).read_bytes())
    os.replace(fresh, target)


# ---- the certificate that the hub makes ----

def test_makes_a_certificate_and_keeps_it(server):
    assert f'self-signed: {server.certificate}' in server.process.out.text, server.output()
    lines = len(server.process.out.lines)
    assert lines <= 13, f'a banner of {lines - 1} lines'
    for file in (server.certificate, server.certificate.with_name('key.pem')):
        check_equal(stat.S_IMODE(file.stat().st_mode), 0o600, file)
    first = server.certificate.read_bytes()
    server.restart()
    check_equal(server.certificate.read_bytes(), first, 'after a restart')
    check_equal(subject(server.mqtts_port, server.certificate), 'trackwire self-signed')


test_makes_a_certificate_and_keeps_it.tls = True


def test_no_tls_no_certificate(server):
    assert not server.certificate.exists()
    assert 'self-signed' not in server.process.out.text


def test_mosquitto_clients(server):
    secure = ['-h', 'localhost', '-p', server.mqtts_port, '--cafile', server.certificate,
              '-u', server.token]
    for version in ('mqttv311', 'mqttv5'):
        plain = server.subscriber(version, f'tls/{version}', 2, 3)
        listener = Process(['stdbuf', '-oL', 'mosquitto_sub', *secure, '-V', version,
                            '-t', f'tls/{version}', '-q', 2, '-C', 3, '-d', '-F', '=%q %p'])
        assert listener.out.wait('^Subscribed'), listener.err.text
        for qos in (0, 1, 2):
            status, out, err = run(['mosquitto_pub', *secure, '-V', version, '-q', qos,
                                    '-t', f'tls/{version}', '-m', f'payload {qos}'])
            check_equal(status, 0, out + err)
        check_equal(listener.wait(10), 0, listener.err.text)
        check_equal([line for line in listener.out.lines if line.startswith('=')],
                    ['=0 payload 0', '=1 payload 1', '=2 payload 2'], version)
        check_equal([m[3] for m in plain.messages()], ['payload 0', 'payload 1', 'payload 2'])


test_mosquitto_clients.tls = True


def test_mqttjs(server):
    for url in (f'mqtts://localhost:{server.mqtts_port}', f'wss://localhost:{server.https_port}/'):
        for version in (3, 4, 5):
            events = run_node('mqttjs_roundtrip.mjs', url, server.token, version,
                              server.certificate)
            check_equal([e['payload'] for e in events if e['event'] == 'message'],
                        ['payload 0', 'payload 1', 'payload 2'], f'{url} version {version}')


test_mqttjs.tls = True


def test_versions_and_alpn(server):
    for version, name in ((ssl.TLSVersion.TLSv1_2, 'TLSv1.2'), (ssl.TLSVersion.TLSv1_3, 'TLSv1.3')):
        wrap = trusting(server.certificate, ['mqtt'], version)
        with server.client(port=server.mqtts_port, wrap=wrap) as client:
            check_equal(client.socket.version(), name)
            check_equal(client.socket.selected_alpn_protocol(), 'mqtt')
            client.subscribe('big', qos=1)
            body = os.urandom(300000)
            client.publish('big', body, 1)
            check_equal(client.recv().payload, body)
    try:
        server.client(port=server.mqtts_port, wrap=trusting(server.certificate, ['h2']))
        raise AssertionError('a connection for HTTP/2 was let in')
    except ssl.SSLError as error:
        assert 'no application protocol' in str(error), error
    assert server.log.wait('ERR_TLS_ALPN'), server.output()


test_versions_and_alpn.tls = True


def test_rest(server):
    wrap = trusting(server.certificate, ['h2', 'http/1.1'])
    with wrap(socket.create_connection(('127.0.0.1', server.https_port), 10)) as s:
        check_equal(s.selected_alpn_protocol(), 'http/1.1')
        s.sendall(b'GET /gw/channels/all HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                  + f'Authorization: FlespiToken {server.token}\r\n\r\n'.encode())
        said = b''
        while more := s.recv(65536):
            said += more
    assert said.startswith(b'HTTP/1.1 200 '), said
    check_equal(json.loads(said.split(b'\r\n\r\n', 1)[1])['result'], [])


test_rest.tls = True


def test_sessions_are_resumed(server):
    context = ssl.create_default_context(cafile=str(server.certificate))
    session = None
    for is_reused in (False, True, True):
        plain = socket.create_connection(('127.0.0.1', server.mqtts_port), 10)
        with context.wrap_socket(plain, server_hostname='localhost', session=session) as s:
            check_equal(s.session_reused, is_reused)
            s.sendall(mqttwire.packet(mqttwire.CONNECT, 0, b'\x00\x04MQTT\x04\x02\x00\x0a\x00\x00'))
            assert s.recv(4), 'no CONNACK'
            session = s.session


test_sessions_are_resumed.tls = True


def test_what_is_not_tls_is_told(server):
    for port, said, reason in ((server.mqtts_port, b'\x10\x0c\x00\x04MQTT', 'is not TLS'),
                               (server.mqtts_port, b'GET / HTTP/1.1\r\n\r\n', 'plain HTTP'),
                               (server.https_port, b'GET / HTTP/1.1\r\n\r\n', 'plain HTTP')):
        start = len(server.log.lines)
        with socket.create_connection(('127.0.0.1', port), 10) as s:
            s.sendall(said)
            while s.recv(1000):
                pass
            peer = '{}:{}'.format(*s.getsockname())
            found = server.log.wait(f'{peer}.*{reason}', start=start)
            assert found, f'{reason}: {server.output()}'
    server.client('still here').ping()


test_what_is_not_tls_is_told.tls = True


def test_a_handshake_has_its_time(server):
    with socket.create_connection(('127.0.0.1', server.mqtts_port), 10) as s:
        s.sendall(b'\x16\x03\x01\x02')
        began = time.monotonic()
        while s.recv(1000):
            pass
        assert 0.5 < time.monotonic() - began < 5


test_a_handshake_has_its_time.tls = True
test_a_handshake_has_its_time.arguments = ('--set', 'connect-timeout=1')


# ---- given certificates ----

def test_given_certificates_replace_it():
    with authority() as ca:
        certificate, key = ca.issue('given')
        with hub('--tls-cert', certificate, '--tls-key', key, tls=True) as server:
            assert not server.certificate.exists()
            assert 'self-signed' not in server.process.out.text
            for port in (server.mqtts_port, server.https_port):
                check_equal(subject(port, ca.file), 'given')
        together = ca.folder / 'together.pem'
        together.write_bytes(certificate.read_bytes() + key.read_bytes())
        with hub('--tls-cert', together, tls=True) as server:
            check_equal(subject(server.mqtts_port, ca.file), 'given')


def test_new_files_are_taken_while_clients_stay():
    with authority() as ca:
        certificate, key = ca.issue('first')
        others = ca.issue('second'), ca.issue('third')
        with hub('--tls-cert', certificate, '--tls-key', key, tls=True) as server:
            stays = server.client('stays', port=server.mqtts_port, wrap=trusting(ca.file))
            put(others[0][1], key)
            put(others[0][0], certificate)
            server.process.process.send_signal(signal.SIGHUP)
            wait_until(lambda: subject(server.mqtts_port, ca.file) == 'second', 'SIGHUP')
            stays.ping()
            put(others[1][1], key)
            put(others[1][0], certificate)
            wait_until(lambda: subject(server.https_port, ca.file) == 'third', 'noticed')
            stays.ping()
            check_equal(server.log.text.count(' error '), 0, server.output())


def test_files_behind_a_link():
    """The links that certbot keeps, and those of Kubernetes, where the folder is the link."""
    with authority() as ca:
        folders = []
        for name in ('first', 'second'):
            folder = ca.folder / f'of-{name}'
            folder.mkdir()
            for file, link in zip(ca.issue(name), ('tls.crt', 'tls.key')):
                file.rename(folder / link)
            folders.append(folder)
        live = ca.folder / 'live'
        live.mkdir()
        (live / 'data').symlink_to(folders[0])
        for link in ('tls.crt', 'tls.key'):
            (live / link).symlink_to(Path('data') / link)
        with hub('--tls-cert', live / 'tls.crt', '--tls-key', live / 'tls.key',
                 tls=True) as server:
            check_equal(subject(server.mqtts_port, ca.file), 'first')
            (live / 'fresh').symlink_to(folders[1])
            os.replace(live / 'fresh', live / 'data')
            wait_until(lambda: subject(server.mqtts_port, ca.file) == 'second', 'the new link')


def test_bad_files_change_nothing():
    with authority() as ca:
        certificate, key = ca.issue('good')
        bad = ca.folder / 'bad'
        bad.write_text('not a certificate\n')
        with hub('--tls-cert', certificate, '--tls-key', key, tls=True) as server:
            stays = server.client('stays', port=server.mqtts_port, wrap=trusting(ca.file))
            put(bad, certificate)
            assert server.log.wait(f'error .*old ones stay: {certificate}: .*no certificate'), \
                server.output()
            server.process.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.log.text.count('old ones stay') == 2, 'told twice')
            check_equal(subject(server.mqtts_port, ca.file), 'good')
            stays.ping()
            put(ca.issue('better')[0], certificate)
            put(ca.folder / 'better.key', key)
            wait_until(lambda: subject(server.mqtts_port, ca.file) == 'better', 'mended')


def test_a_configuration_with_bad_certificates_is_refused_whole():
    with authority() as ca:
        certificate, key = ca.issue('old')
        fresh, fresh_key = ca.issue('new')
        file = ca.folder / 'trackwire.conf'

        def configure(level, *names):
            file.write_text(f'log-level = {level}\ntls-cert = {names[0]}\ntls-key = {names[1]}\n')

        configure('info', certificate, key)
        with hub('--config', file, tls=True) as server:
            configure('debug', fresh, key)
            server.process.process.send_signal(signal.SIGHUP)
            assert server.log.wait(f'old ones stay: {key}: .*another certificate'), server.output()
            assert 'log-level is now' not in server.log.text
            check_equal(subject(server.mqtts_port, ca.file), 'old')
            configure('debug', fresh, fresh_key)
            server.process.process.send_signal(signal.SIGHUP)
            assert server.log.wait('log-level is now 4'), server.output()
            check_equal(subject(server.mqtts_port, ca.file), 'new')


def test_bad_files_at_start():
    with authority() as ca:
        certificate, key = ca.issue('server')
        _, other_key = ca.issue('other')
        for arguments, file, reason in (
                (('--tls-cert', ca.folder / 'none'), ca.folder / 'none', 'No such file'),
                (('--tls-cert', certificate), certificate, 'no private key'),
                (('--tls-cert', certificate, '--tls-key', other_key), other_key, 'another'),
                (('--tls-cert', certificate, '--tls-key', key, '--tls-client-ca', key), key,
                 'no certificate')):
            server = Server(*arguments, tls=True)
            try:
                status, out, err = run(server.command())
            finally:
                server.discard()
            check_equal((status, out), (1, ''), err)
            assert f'tls: {file}: ' in err and reason in err and '--tls-cert' in err, err
            check_equal(len(err.splitlines()), 1, err)


def test_a_certificate_that_ends_soon_is_told():
    with authority() as ca:
        certificate, key = ca.issue('soon', days=5)
        with hub('--tls-cert', certificate, '--tls-key', key, tls=True) as server:
            assert server.log.wait(f'warning tls certificate: {certificate}: it ends at 20'), \
                server.output()


def test_client_certificates():
    with authority() as ca:
        certificate, key = ca.issue('server')
        ours = ca.issue('tracker')
        (ca.folder / 'elsewhere').mkdir()
        strange = Authority(ca.folder / 'elsewhere').issue('stranger')
        arguments = ('--tls-cert', certificate, '--tls-key', key, '--tls-client-ca', ca.file)

        def publish(server, client):
            shown = ('--cert', client[0], '--key', client[1]) if client else ()
            return run(['mosquitto_pub', '-h', 'localhost', '-p', server.mqtts_port, '--cafile',
                        ca.file, *shown, '-u', server.token, '-t', 'x', '-m', 'y', '-q', 1])[0]

        with hub(*arguments, tls=True) as server:
            check_equal([publish(server, c) == 0 for c in (None, ours, strange)],
                        [True, True, False], 'asked for')
        with hub(*arguments, '--tls-client-required', tls=True) as server:
            check_equal([publish(server, c) == 0 for c in (None, ours, strange)],
                        [False, True, False], 'required')
            for reason in ('ERR_TLS_CLIENT_CERT_MISSING', r'ERR_TLS_CLIENT_CERT\b'):
                assert server.log.wait(reason), server.output()


# ---- the PROXY header ----

def behind(header, wrap=None):
    """What a load balancer does before the client's first byte."""
    def say(plain):
        plain.sendall(header)
        return wrap(plain) if wrap else plain
    return say


def test_the_proxy_header_names_the_client(server):
    secure = trusting(server.certificate)
    for i, (port, wrap, peer) in enumerate((
            (server.mqtt_port, behind(b'PROXY TCP4 192.0.2.1 198.51.100.1 1001 1883\r\n'),
             '192.0.2.1:1001'),
            (server.mqtt_port, behind(b'PROXY TCP6 2001:db8::7 2001:db8::1 1002 1883\r\n'),
             r'\[2001:db8::7\]:1002'),
            (server.mqtts_port, behind(PROXY_V2, secure), '192.0.2.7:12345'),
            (server.mqtt_port, behind(b'PROXY UNKNOWN\r\n'), '127.0.0.1:'))):
        with server.client(f'behind-{i}', port=port, wrap=wrap, version=V5) as client:
            client.ping()
            client.send(b'\xf1\x00')
            assert server.log.wait(f"'behind-{i}' at {peer}"), server.output()
    with behind(PROXY_V2, secure)(socket.create_connection(('127.0.0.1', server.https_port),
                                                           10)) as s:
        s.sendall(b'nonsense\r\n\r\n')
        assert s.recv(100).startswith(b'HTTP/1.1 400')
    assert server.log.wait('192.0.2.7:12345'), server.output()


test_the_proxy_header_names_the_client.tls = True
test_the_proxy_header_names_the_client.arguments = (
    '--mqtt-proxy', '--mqtts-proxy', '--https-proxy', '--log-level', 'debug')


def test_without_its_header_nobody_gets_in(server):
    for first in (mqttwire.packet(mqttwire.CONNECT, 0, b'\x00\x04MQTT\x04\x02\x00\x0a\x00\x00'),
                  b'PROXY TCP4 nonsense\r\n', PROXY_V2[:12] + b'\x21\x11\xff\xff'):
        with mqttwire.Client(server.mqtt_port) as client:
            client.send(first)
            assert client.is_closed_within(5), f'{first!r} was taken'
    for reason in ('ERR_PROXY_SIGNATURE', 'ERR_PROXY_V1_FIELDS', 'ERR_PROXY_V2_TOO_LONG'):
        assert server.log.wait(reason), server.output()
    check_equal(server.rest('GET', '/gw/channels/all').status, 200, 'http has no such key set')


test_without_its_header_nobody_gets_in.arguments = ('--mqtt-proxy',)


def test_a_proxy_header_where_none_is_expected(server):
    with mqttwire.Client(server.mqtt_port, V311) as client:
        client.send(PROXY_V2)
        assert client.is_closed_within(5), 'it was taken for MQTT'
    server.client('still here').ping()
