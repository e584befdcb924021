"""The commands beside `serve`: decode explains, check finds mistakes, simulate drives."""

import json
import tempfile
from pathlib import Path

import mqttwire
from harness import BINARY, Process, Tracker, check_equal, trackwire

LOGIN = '000f333536333037303432343431303133'
CODEC8 = ('000000000000003608010000016b40d8ea3001000000000000000000000000000000010502150301'
          '0101425e0f01f10000601a014e0000000000000000010000c7cf')
UDP = ('003dcafe0105000f33353230393330383634303336353508010000016b4f815b3001000000000000'
       '0000000000000000000103021503010101425dbc000001')


def test_decode_explains_a_frame():
    status, out, err = trackwire('decode', '--protocol', 'teltonika', LOGIN, CODEC8)
    check_equal((status, err), (0, ''))
    for what in ('ident 356307042441013', 'login', '2019-06-10T10:04:46', '24.079 volts',
                 'external.powersource.voltage', 'answer 01', 'answer 00000001'):
        assert what in out, f'{what} is not in:\n{out}'


def test_decode_gives_messages_as_json():
    status, out, err = trackwire('decode', '--protocol', 'teltonika', '--json', LOGIN, CODEC8)
    check_equal((status, err), (0, ''))
    body = json.loads(out)
    check_equal((body['ident'], body['timestamp'], body['external.powersource.voltage']),
                ('356307042441013', 1560161086, 24.079))
    check_equal(list(body), sorted(body), 'order of the keys')


def test_decode_takes_a_stream_cut_anywhere():
    whole = LOGIN + CODEC8
    pieces = [whole[i:i + 14] for i in range(0, len(whole), 14)]
    assert trackwire('decode', '--protocol', 'teltonika', *pieces)[1] == \
        trackwire('decode', '--protocol', 'teltonika', whole)[1]


def test_decode_with_a_login_that_is_not_shown():
    for words in (('--login', LOGIN), ('--ident', '356307042441013')):
        status, out, err = trackwire('decode', '--protocol', 'teltonika', *words, CODEC8)
        check_equal((status, err), (0, ''), words)
        assert 'frame 1: 66 bytes, ident 356307042441013' in out, out
        assert 'frame 2' not in out, out


def test_decode_of_a_datagram():
    status, out, _ = trackwire('decode', '--protocol', 'teltonika', '--udp', UDP)
    check_equal(status, 0)
    assert 'ident 352093086403655' in out and 'answer 0005cafe010501' in out, out


def test_decode_names_what_is_wrong():
    spoilt = CODEC8[:-4] + '0000'
    for words, reason in (((LOGIN, spoilt), 'CRC'), ((LOGIN[:10],), 'no whole frame'),
                          (('ff' * 3 + '7e7e7e7e7e',), 'ERR_TELTONIKA')):
        status, _, err = trackwire('decode', '--protocol', 'teltonika', *words)
        check_equal(status, 1, words)
        assert reason in err, f'{reason} is not in {err}'
    status, _, _ = trackwire('decode', '--protocol', 'teltonika', '--lenient', LOGIN, spoilt)
    check_equal(status, 0, 'lenient')
    for words in (['--protocol', 'teltonika', 'xyz'], ['--protocol', 'nonsense', '00'], ['00']):
        check_equal(trackwire('decode', *words)[0], 2, words)


def check_file(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'trackwire.conf'
        path.write_text(text)
        status, out, err = trackwire('check', path)
        return status, (out + err).replace(str(path), 'FILE')


def test_check_finds_the_place():
    check_equal(check_file('mqtt = 127.0.0.1:1883  # here\n'), (0, 'FILE: good'))
    check_equal(check_file('mqtt = off\nchanels = 1-2\n'),
                (1, 'FILE:2:1: there is no key "chanels"\n    chanels = 1-2\n    ^\n'
                    'did you mean `channels`?'))
    status, said = check_file('anonymous = true\n')
    check_equal(status, 1)
    assert 'loopback' in said, said


def test_serve_reads_the_file_and_flags_win():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'trackwire.conf'
        path.write_text(f'data = {folder}/data\nmqtt = off\nmqtts = off\nhttp = off\n'
                        'https = off\nshards = 1\nchannels = 40-50\n')
        hub = Process([BINARY, 'serve', '--channels', '20-30', '--config', path,
                       '--set', 'channels-host=127.0.0.1'])
        try:
            assert hub.out.wait('^trackwire ready', 20), hub.err.text
            assert f'{folder}/data' in hub.out.text, hub.out.text
            assert 'ports 20 to 30 on 127.0.0.1' in hub.out.text, hub.out.text
            hub.process.terminate()
            check_equal(hub.wait(5), 0)
        finally:
            hub.kill()


def drive(server, protocol, *words):
    channel = server.create_channel(protocol)
    client = server.client('listener', mqttwire.V5)
    client.subscribe('flespi/message/gw/channels/+/+', qos=1)
    status, out, err = trackwire('simulate', '--protocol', protocol, '--to',
                                 f'127.0.0.1:{channel["configuration"]["port"]}',
                                 '--ident-base', '000000000000008', '--devices', '3',
                                 '--count', '4', '--interval', '0.05', *words)
    check_equal((status, out), (0, ''), err)
    assert '12 reports sent, 12 acknowledged, 0 refused, 0 unanswered' in err, err
    bodies = [json.loads(client.recv().payload) for _ in range(12)]
    check_equal({body['ident'] for body in bodies},
                {'000000000000008', '000000000000009', '000000000000010'})
    for body in bodies:
        assert abs(body['position.latitude']) > 1 and 'position.longitude' in body, body
        assert 0 <= body['position.speed'] <= 50, body


def test_simulate_teltonika(server):
    drive(server, 'teltonika')


def test_simulate_teltonika_over_udp(server):
    drive(server, 'teltonika', '--udp')


def test_simulate_wialon_ips(server):
    drive(server, 'wialon-ips')


def test_simulate_osmand(server):
    drive(server, 'osmand')


def test_simulate_http(server):
    drive(server, 'http')


def test_simulate_says_when_nobody_answers(server):
    port = server.channel_ports[5]
    status, _, err = trackwire('simulate', '--protocol', 'teltonika', '--to', f'127.0.0.1:{port}',
                               '--count', '1', timeout=60)
    check_equal(status, 1)
    assert 'gave up' in err and '0 acknowledged' in err, err


def test_simulate_tells_refusals(server):
    channel = server.create_channel('teltonika')
    device = server.create_device('352093081452251')
    server.rest('PUT', f'/gw/devices/{device["id"]}', {'enabled': False})
    simulation = Process([BINARY, 'simulate', '--protocol', 'teltonika', '--to',
                          f'127.0.0.1:{channel["configuration"]["port"]}'])
    try:
        assert server.log.wait('device of this ident is disabled', 5), server.log.text
        simulation.process.terminate()
        simulation.wait(5)
        assert '0 reports sent' in simulation.err.text, simulation.err.text
        assert '0 refused' not in simulation.err.text, simulation.err.text
    finally:
        simulation.kill()


def test_a_tracker_on_the_wrong_port_is_recognised(server):
    channel = server.create_channel('wialon-ips')
    with Tracker(channel['configuration']['port']) as tracker:
        tracker.send(LOGIN)
        tracker.send(b'\n')
        assert server.log.wait('looks like teltonika', 5), server.log.text
