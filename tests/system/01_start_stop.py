"""The hub starts, says so, and stops when asked; what hinders it, it says in one line."""

import re
import signal
import socket
import stat

import harness
import mqttwire
from harness import Server, check_equal, trackwire


def one_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    check_equal(len(lines), 1, f'lines of the complaint {text!r}')
    return lines[0]


def test_banner_and_ready_line(server):
    said = server.process.out.lines
    ready = next(i for i, line in enumerate(said) if line.startswith('trackwire ready'))
    assert ready <= 12, f'a banner of {ready} lines:\n' + '\n'.join(said)
    assert re.search(r'\d', said[ready]), f'no start time in {said[ready]!r}'
    banner = '\n'.join(said)
    for what in (str(server.data), str(server.mqtt_port), str(server.http_port)):
        assert what in banner, f'{what} is not in the banner:\n{banner}'
    assert '\x1b' not in banner, 'colours where there is no terminal'


def test_ready_means_that_all_listeners_accept(server):
    for port in (server.mqtt_port, server.http_port):
        socket.create_connection(('127.0.0.1', port), 1).close()


def test_sigterm_ends_with_status_0(server):
    client = server.client('c', mqttwire.V5)
    server.stop()
    assert client.wait(mqttwire.DISCONNECT, timeout=1).body[:1] == b'\x8b', 'no reason 0x8B'
    assert client.is_closed_within(1)


def test_sigint_ends_with_status_0(server):
    server.stop(signal.SIGINT)


def test_stops_in_time_with_clients_that_do_not_listen(server):
    idle = [mqttwire.Client(server.mqtt_port) for _ in range(5)]
    clients = [server.client(f'c{i}', version) for i, version in
               enumerate((mqttwire.V31, mqttwire.V311, mqttwire.V5))]
    half = socket.create_connection(('127.0.0.1', server.http_port))
    half.sendall(b'GET /gw/channels HTTP/1.1\r\nHost:')
    server.stop()
    for client in idle + clients:
        client.close()
    half.close()


def test_starts_again_on_the_same_ports_at_once(server):
    server.client('c').ping()
    server.restart()
    server.client('c').ping()


def test_makes_a_token_and_shows_it_once():
    server = Server(env={'TRACKWIRE_MASTER_TOKEN': None})
    try:
        server.start()
        shown = re.findall(r'\b[A-Za-z0-9]{64}\b', server.process.out.text)
        check_equal(len(set(shown)), 1, f'tokens in the banner:\n{server.process.out.text}')
        server.token = shown[0]
        server.client('c').ping()
        server.restart()
        assert server.token not in server.output(), 'the token is shown at the second start too'
        server.client('c').ping()
        server.stop()
        for path in server.data.rglob('*'):
            if path.is_file():
                assert server.token.encode() not in path.read_bytes(), f'the token is in {path}'
    finally:
        server.discard()


def test_keeps_the_data_folder_to_itself(server):
    check_equal(stat.S_IMODE(server.data.stat().st_mode) & 0o077, 0, 'rights of others')


def test_a_token_of_the_wrong_form_is_refused():
    server = Server()
    try:
        status, _, err = harness.run(server.command(),
                                     env={'TRACKWIRE_MASTER_TOKEN': 'too-short'})
        check_equal(status, 1, 'exit status')
        assert 'TRACKWIRE_MASTER_TOKEN' in one_line(err), err
        assert 'too-short' not in err, 'the log repeats a secret'
    finally:
        server.discard()


def test_a_port_in_use(server):
    for flag, port in (('--mqtt', server.mqtt_port), ('--http', server.http_port)):
        ports = {'--mqtt': 'off', '--http': 'off', flag: f'127.0.0.1:{port}'}
        status, out, err = trackwire(
            'serve', '--data', server.data / flag.strip('-'), '--mqtts', 'off', '--https', 'off',
            *(word for pair in ports.items() for word in pair))
        check_equal(status, 1, f'exit status with {flag}')
        complaint = one_line(err)
        assert str(port) in complaint and 'in use' in complaint, complaint
        assert flag.strip('-') in complaint, f'which setting changes it? {complaint}'
        assert 'trackwire ready' not in out


def test_a_data_folder_in_use(server):
    status, _, err = trackwire('serve', '--data', server.data, '--mqtt', 'off', '--mqtts', 'off',
                               '--http', 'off', '--https', 'off')
    check_equal(status, 1, 'exit status')
    assert str(server.data) in one_line(err), err


def test_wrong_usage_is_status_2():
    for wrong, arguments in (
            ('--no-such-flag', 'serve --no-such-flag'), ('no-such-command', 'no-such-command'),
            ('--mqtt', 'serve --mqtt'), ('127.0.0.1:99999', 'serve --mqtt 127.0.0.1:99999'),
            ('here:1883', 'serve --mqtt here:1883'), ('20-10', 'serve --channels 20-10'),
            ('many', 'serve --shards many'),
            ('no-such-protocol', 'simulate --protocol no-such-protocol --to 127.0.0.1:1')):
        status, out, err = trackwire(*arguments.split())
        check_equal(status, 2, f'exit status of {arguments!r}')
        check_equal(out, '', f'standard output of {arguments!r}')
        assert wrong in err, f'{arguments!r}: what is wrong? {err}'


def test_anonymous_is_for_loopback_only():
    status, _, err = trackwire('serve', '--anonymous', '--mqtt', '0.0.0.0:0', '--mqtts', 'off',
                               '--http', 'off', '--https', 'off', '--data', '/nonexistent/x')
    assert status in (1, 2), f'exit status {status}'
    assert 'anonymous' in err and 'loopback' in err, err


def test_version_and_help():
    status, out, err = trackwire('version')
    check_equal((status, err), (0, ''))
    assert re.search(r'\d+\.\d+\.\d+', out), out
    status, out, err = trackwire('help')
    check_equal((status, err), (0, ''))
    for command in ('serve', 'simulate', 'version'):
        assert command in out, f'{command} is not in the help'
