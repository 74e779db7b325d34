"""The course sheet's UDP server, as a student writes it. It knows nothing of Socket Lab."""

import sys
from socket import AF_INET, SOCK_DGRAM, socket

serverPort = int(sys.argv[1]) if len(sys.argv) > 1 else 12000  # noqa: N816
serverSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
serverSocket.bind(("", serverPort))
print("The server is ready to receive on", serverSocket.getsockname()[1], flush=True)
while True:
    message, clientAddress = serverSocket.recvfrom(2048)  # noqa: N816
    modifiedMessage = message.decode().upper()  # noqa: N816
    serverSocket.sendto(modifiedMessage.encode(), clientAddress)
