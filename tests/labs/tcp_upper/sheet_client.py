"""The course sheet's TCP client, as a student writes it. It knows nothing of Socket Lab."""

import sys
from socket import AF_INET, SOCK_STREAM, socket

serverName = sys.argv[1]  # noqa: N816
serverPort = int(sys.argv[2])  # noqa: N816
clientSocket = socket(AF_INET, SOCK_STREAM)  # noqa: N816
clientSocket.connect((serverName, serverPort))
sentence = input("Input lowercase sentence:")
clientSocket.send(sentence.encode())
modifiedSentence = clientSocket.recv(1024)  # noqa: N816
print("From Server: ", modifiedSentence.decode())
clientSocket.close()
