"""Certificates for the tests, made by the openssl program."""

import subprocess
from pathlib import Path


def _openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, capture_output=True, timeout=20)


class Authority:
    """Signs certificates; all files are in `folder`. `file` is the one to trust."""

    def __init__(self, folder, name='authority'):
        self.folder, self.name = Path(folder), name
        self.file, self.key = self._paths(name)
        _openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                 '-subj', f'/CN={name}', '-days', 100, '-keyout', self.key, '-out', self.file)

    def _paths(self, name):
        return self.folder / f'{name}.pem', self.folder / f'{name}.key'

    def issue(self, name, days=90):
        """(certificate, key) for localhost; `name` is in the subject."""
        file, key = self._paths(name)
        request, extensions = self.folder / f'{name}.csr', self.folder / f'{name}.ext'
        extensions.write_text('subjectAltName=DNS:localhost,IP:127.0.0.1\n')
        _openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                 '-subj', f'/CN={name}', '-keyout', key, '-out', request)
        _openssl('x509', '-req', '-in', request, '-CA', self.file, '-CAkey', self.key,
                 '-CAcreateserial', '-days', days, '-extfile', extensions, '-out', file)
        return file, key
