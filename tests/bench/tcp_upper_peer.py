"""The peer of tcp_upper: the course sheet's server, as the sheet has it. Prints its port.

It runs in a session of its own, as the dashboard's servers do: Linux shares out the processor by session
(sched(7), autogroup), and a server in its client's session gets another share than one outside of it.
"""

import os
from socket import AF_INET, SOCK_STREAM, socket

os.setsid()
serverSocket = socket(AF_INET, SOCK_STREAM)  # noqa: N816
serverSocket.bind(("127.0.0.1", 0))
serverSocket.listen(1)
print(serverSocket.getsockname()[1], flush=True)
while True:
    connectionSocket, addr = serverSocket.accept()  # noqa: N816
    sentence = connectionSocket.recv(1024).decode()
    capitalizedSentence = sentence.upper()  # noqa: N816
    connectionSocket.send(capitalizedSentence.encode())
    connectionSocket.close()
