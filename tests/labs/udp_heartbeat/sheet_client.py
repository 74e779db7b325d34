"""The course sheet's heartbeat client, as a student writes it. It knows nothing of Socket Lab.

HOST PORT FORM: what a line looks like.
"""

import sys
import time
from socket import AF_INET, SOCK_DGRAM, socket

forms = {
    "word": lambda seq: "Heartbeat " + str(seq) + " " + str(time.time()),
    "ping": lambda seq: "Ping %d %d" % (seq, time.time()),  # noqa: UP031
    "bare": lambda seq: str(seq) + " " + str(time.time()),
    "ctime": lambda seq: "Heartbeat " + str(seq) + " " + time.ctime(),
    "counter": lambda seq: "Heartbeat " + str(seq) + " " + str(time.perf_counter()),
}
clientSocket = socket(AF_INET, SOCK_DGRAM)  # noqa: N816
for sequence in (1, 2, 3, 5, 6):
    clientSocket.sendto(forms[sys.argv[3]](sequence).encode(), (sys.argv[1], int(sys.argv[2])))
    time.sleep(0.05)
clientSocket.close()
