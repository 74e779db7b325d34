"""The course sheet's mail client, as a student writes it. It knows nothing of Socket Lab.

HOST PORT, and with a third word it logs in. One recv() per reply, the space after «FROM:», AUTH
after HELO, a header line that ends in a tab and LF, and QUIT without reading on.
"""

import base64
import sys
from socket import AF_INET, SOCK_STREAM, socket

msg = "\r\n I love computer networks!"
endmsg = "\r\n.\r\n"
clientSocket = socket(AF_INET, SOCK_STREAM)  # noqa: N816
clientSocket.settimeout(15)
clientSocket.connect((sys.argv[1], int(sys.argv[2])))


def expect(code):
    recv = clientSocket.recv(1024).decode()
    print(recv.rstrip())
    if recv[:3] != code:
        print(code + " reply not received from server.")


expect("220")
clientSocket.send(b"HELO Alice\r\n")
expect("250")
if len(sys.argv) > 3:
    clientSocket.send(b"AUTH LOGIN\r\n")
    expect("334")
    clientSocket.send(base64.b64encode(b"alice") + b"\r\n")
    expect("334")
    clientSocket.send(base64.b64encode(b"secret") + b"\r\n")
    expect("235")
clientSocket.send(b"MAIL FROM: <alice@example.org>\r\n")
expect("250")
clientSocket.send(b"RCPT TO: <bob@example.org>\r\n")
expect("250")
clientSocket.send(b"DATA\r\n")
expect("354")
clientSocket.send(b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: SMTP lab\t\n")
clientSocket.send(msg.encode())
clientSocket.send(endmsg.encode())
expect("250")
clientSocket.send(b"QUIT\r\n")
clientSocket.close()
