"""The load of ping_rate: so many datagrams, 32 always under way. Prints replies per second.

``python -m tests.bench.udp_load PORT COUNT``. Loopback loses nothing while the window fits the
receiver's buffer; if a reply does not come within two seconds, that is an error.
"""

import socket
import sys
import time

WINDOW = 32
PING = b"Ping 1 1234567.123456"

port, count = int(sys.argv[1]), int(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect(("127.0.0.1", port))
sock.settimeout(2)
for _ in range(WINDOW):
    sock.send(PING)
began = time.perf_counter()
for _ in range(count - WINDOW):
    sock.recv(2048)
    sock.send(PING)
span = time.perf_counter() - began
for _ in range(WINDOW):
    sock.recv(2048)
print((count - WINDOW) / span)
