"""The course sheet's ping server, as a student writes it. It knows nothing of Socket Lab."""

import random
import sys
from socket import AF_INET, SOCK_DGRAM, socket

serverSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
serverSocket.bind(("", int(sys.argv[1]) if len(sys.argv) > 1 else 12000))
print("ready on", serverSocket.getsockname()[1], flush=True)
while True:
    rand = random.randint(0, 10)
    message, address = serverSocket.recvfrom(1024)
    message = message.upper()
    if rand < 4:
        continue
    serverSocket.sendto(message, address)
