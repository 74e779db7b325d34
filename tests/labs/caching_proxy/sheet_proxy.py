"""The course sheet's proxy, as a student writes it: http://localhost:8888/host/path, and a cache of files.

It knows nothing of Socket Lab: LF ends its lines, its answers end with the connection, nothing
says whether the cache answered.
"""

import sys
from socket import AF_INET, SOCK_STREAM, socket

proxySocket = socket(AF_INET, SOCK_STREAM)  # noqa: N816
proxySocket.bind(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8888))
proxySocket.listen(5)
print("ready on", proxySocket.getsockname()[1], flush=True)
while True:
    client, addr = proxySocket.accept()
    message = client.recv(4096).decode()
    if not message:
        client.close()
        continue
    url = message.split()[1].replace("http://", "").lstrip("/")
    host, _, path = url.partition("/")
    filename = url.replace("/", "_").replace(":", "_")
    try:
        f = open(filename, "rb")  # noqa: SIM115
        body = f.read()
        f.close()
        client.send(b"HTTP/1.0 200 OK\nContent-Type:text/html\n\n")
        client.sendall(body)
    except OSError:
        try:
            name, _, port = host.partition(":")
            c = socket(AF_INET, SOCK_STREAM)
            c.connect((name, int(port or 80)))
            c.send(("GET /" + path + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n").encode())
            answer = b""
            while True:
                data = c.recv(4096)
                if not data:
                    break
                answer += data
            c.close()
            head, _, body = answer.partition(b"\r\n\r\n")
            if head.split()[1] == b"200":
                tmpFile = open(filename, "wb")  # noqa: N816, SIM115
                tmpFile.write(body)
                tmpFile.close()
            client.send(b"HTTP/1.0 " + b" ".join(head.split(b"\r\n")[0].split(b" ")[1:]) + b"\n\n")
            client.sendall(body)
        except OSError:
            client.send(b"HTTP/1.0 404 sendErrorErrorError\n\n")
    client.close()
