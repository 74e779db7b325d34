"""The course sheet's UDP client, as a student writes it. It knows nothing of Socket Lab."""

import sys
from socket import AF_INET, SOCK_DGRAM, socket

serverName = sys.argv[1]  # noqa: N816
serverPort = int(sys.argv[2])  # noqa: N816
clientSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
message = input("Input lowercase sentence:")
clientSocket.sendto(message.encode(), (serverName, serverPort))
modifiedMessage, serverAddress = clientSocket.recvfrom(2048)  # noqa: N816
print(modifiedMessage.decode())
clientSocket.close()
