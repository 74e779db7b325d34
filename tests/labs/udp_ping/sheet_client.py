"""The course sheet's ping client, as a student writes it. It knows nothing of Socket Lab."""

import sys
import time
from socket import AF_INET, SOCK_DGRAM, socket, timeout

clientSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
clientSocket.settimeout(1)
address = (sys.argv[1], int(sys.argv[2]))
for sequence in range(1, 11):
    start = time.time()
    message = "Ping " + str(sequence) + " " + str(start)
    clientSocket.sendto(message.encode(), address)
    try:
        reply, server = clientSocket.recvfrom(1024)
        print(reply.decode(), time.time() - start)
    except timeout:  # noqa: UP041  (as the sheet has it)
        print("Request timed out")
clientSocket.close()
