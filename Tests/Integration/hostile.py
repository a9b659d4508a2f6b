"""Receivers that misbehave, each on a real socket; an authority with good and bad certificates."""

import contextlib
import pathlib
import socket
import struct
import subprocess
import threading
import time


class RawReceiver:
    """Runs `behave(connection, number)` for each connection, in a thread of its own; `number` counts from 0.

    A `behave` that ends has its connection closed. Sends and receives fail once the receiver is closed.
    """

    def __init__(self, behave, backlog=128):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.behave = behave
        self.accepted = 0
        self.requests = 0
        self.changed = threading.Condition()
        self.ended = threading.Event()
        self.open = set()
        if behave is not None:
            threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/", scheme="http", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.changed:
                number, self.accepted = self.accepted, self.accepted + 1
                self.open.add(connection)
                self.changed.notify_all()
            threading.Thread(target=self._run, args=(connection, number), daemon=True).start()

    def _run(self, connection, number):
        try:
            with connection, contextlib.suppress(OSError):
                self.behave(connection, number)
        finally:
            with self.changed:
                self.open.discard(connection)

    def request(self, connection):
        """Reads one request; its bytes, or nothing where the sender has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        head, body = data.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            part = connection.recv(65536)
            if not part:
                return b""
            body += part
        with self.changed:
            self.requests += 1
            self.changed.notify_all()
        return head + b"\r\n\r\n" + body

    def wait(self, field="requests", count=1, seconds=15):
        with self.changed:
            assert self.changed.wait_for(lambda: getattr(self, field) >= count, seconds), \
                f"{getattr(self, field)} of {count} {field} within {seconds} s"

    def close(self):
        self.ended.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.changed:
            left = list(self.open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def until_closed(connection):
    """Says nothing until the sender hangs up."""
    while connection.recv(65536):
        pass


def trickle(connection, data, pause=0.02):
    """One byte at a time, until the data ends or the sender hangs up."""
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(pause)


def flood(connection, data):
    """For ever, or until the sender hangs up."""
    while True:
        connection.sendall(data)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fill_backlog(receiver, count=4):
    """Connection attempts that are left alone: the kernel drops all further ones."""
    sockets = []
    for _ in range(count):
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(("127.0.0.1", receiver.port))
        sockets.append(filler)
    return sockets


# ---- Certificates ----


class Authority:
    """A private authority in a folder; makes certificates NAME.pem with NAME.key there."""

    CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""

    def __init__(self, folder, name="Test authority"):
        self.folder = pathlib.Path(folder)
        self.file = str(self.folder / "ca.pem")
        (self.folder / "index").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "ca.cnf").write_text(self.CONFIGURATION.format(folder=self.folder))
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key", "-out",
                     "ca.pem", "-subj", f"/CN={name}")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def issue(self, name, alternative=None, subject=None, start=None, end=None):
        """`alternative` is its subjectAltName; `start` and `end` are times such as 20200101000000Z."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                     f"/CN={subject or name}")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n" if alternative else "")
        dates = ["-startdate", start] if start else []
        dates += ["-enddate", end] if end else ["-days", "2"]
        self.openssl("ca", "-batch", "-config", "ca.cnf", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext",
                     "-extfile", f"{name}.ext", *dates)
        return self.path(name)

    def self_signed(self, name, alternative):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{name}.key", "-out",
                     f"{name}.pem", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}")
        return self.path(name)

    def path(self, name):
        """Certificate and key of that name."""
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")
