"""The peer of ping_rate: what the server would be if nobody watched it. Prints its port."""

import socket

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
while True:
    datagram, peer = sock.recvfrom(65535)
    sock.sendto(datagram.upper(), peer)
