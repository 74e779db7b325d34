"""The article's stub, in our own words: capture and replay, with its percent-encoded log.

An independent program: it uses nothing of the labs, and only calls that a student would.

    python article_stub.py capture tcp|udp PORT TARGET_HOST TARGET_PORT LOG
    python article_stub.py replay  tcp|udp PORT TARGET_HOST TARGET_PORT LOG

Port 0 lets the system choose one; the first line printed says which. One request a connection: it ends
with an empty line, the response with the target's close. Unknown: closed without a byte.
"""

import socket
import sys
from urllib.parse import quote, unquote_to_bytes

ASKED = "Requested%20data"
ANSWERED = "Responsed%20data"


def percent(data):
    return quote(data, safe="/").replace("~", "%7E")


def until_empty_line(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(1024)
        if not more:
            break
        data += more
    return data


def until_close(sock):
    data = b""
    while True:
        more = sock.recv(1024)
        if not more:
            return data
        data += more


def append(log, peer, request, target, response):
    with open(log, "a", newline="\n") as file:
        for line in (
            ASKED, peer[0], peer[1], percent(request), ANSWERED, target[0], target[1], percent(response), ""
        ):  # fmt: skip
            file.write(f"{line}\n")


def load(log):
    with open(log) as file:
        lines = file.read().split("\n")
    known = {}
    for number, line in enumerate(lines):
        if line == ASKED:
            known[unquote_to_bytes(lines[number + 3])] = unquote_to_bytes(lines[number + 7])
    return known


def tcp(mode, port, target, log):
    known = load(log) if mode == "replay" else {}
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(5)
    print("ready", listener.getsockname()[1], flush=True)
    while True:
        client, peer = listener.accept()
        client.settimeout(10)
        request = until_empty_line(client)
        if mode == "replay":
            if request in known:
                client.sendall(known[request])
            else:
                print("not found", flush=True)
        elif request:
            server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            server.settimeout(10)
            server.connect(target)
            server.sendall(request)
            response = until_close(server)
            server.close()
            append(log, peer, request, target, response)
            client.sendall(response)
        client.close()


def udp(mode, port, target, log):
    known = load(log) if mode == "replay" else {}
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    print("ready", sock.getsockname()[1], flush=True)
    while True:
        request, peer = sock.recvfrom(65535)
        if mode == "replay":
            if request in known:
                sock.sendto(known[request], peer)
            else:
                print("not found", flush=True)
            continue
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.settimeout(1)
        out.sendto(request, target)
        try:
            response, _ = out.recvfrom(65535)
        except TimeoutError:
            response = b""
        out.close()
        append(log, peer, request, target, response)
        if response:
            sock.sendto(response, peer)


if __name__ == "__main__":
    mode, transport, port, host, target_port, log = sys.argv[1:]
    serve = tcp if transport == "tcp" else udp
    serve(mode, int(port), (host, int(target_port)), log)
