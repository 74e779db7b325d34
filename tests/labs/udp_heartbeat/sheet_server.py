"""The course sheet's heartbeat server, as a student writes it. It knows nothing of Socket Lab."""

import sys
import time
from socket import AF_INET, SOCK_DGRAM, socket, timeout

serverSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
serverSocket.bind(("127.0.0.1", 0))
serverSocket.settimeout(15)
print(serverSocket.getsockname()[1], flush=True)
last = 0
try:
    while True:
        message, address = serverSocket.recvfrom(1024)
        serverSocket.settimeout(float(sys.argv[1]))
        word, sequence, sent = message.decode().split()
        if last and int(sequence) > last + 1:
            print("lost", int(sequence) - last - 1)
        last = int(sequence)
        print("received", word, last, "difference", time.time() - float(sent))
except timeout:  # noqa: UP041  (as the sheet has it)
    print("client stopped")
