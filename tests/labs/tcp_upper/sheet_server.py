"""The course sheet's TCP server, as a student writes it, but for the port. It knows nothing of Socket Lab."""

from socket import AF_INET, SOCK_STREAM, socket

serverSocket = socket(AF_INET, SOCK_STREAM)  # noqa: N816
serverSocket.bind(("", 0))
serverSocket.listen(1)
print("The server is ready to receive on", serverSocket.getsockname()[1], flush=True)
while True:
    connectionSocket, addr = serverSocket.accept()  # noqa: N816
    sentence = connectionSocket.recv(1024).decode()
    capitalizedSentence = sentence.upper()  # noqa: N816
    connectionSocket.send(capitalizedSentence.encode())
    connectionSocket.close()
