"""The coin game: a client with the article's shape, for you to fill in.

The server tosses a coin each round, and you guess it. Its coin is a random generator that is seeded with the
second it announces: seed your own with the same second, and you know every toss.

There are four steps, marked STEP 1 to STEP 4. Fill in one, run the program, and it tells you which step is
next:   python coin_game_client.py
"""

import random
import socket

HOST = "127.0.0.1"
PORT = 55554
ROUNDS = 1000


class NotFilledIn(NotImplementedError):
    """This step is still to do."""


def connect() -> socket.socket:
    """Return a TCP socket that is connected to the server."""
    # STEP 1: make the socket, and connect it to (HOST, PORT). Which type of socket is for TCP?
    raise NotFilledIn("STEP 1 is not filled in yet: connect() must return a connected TCP socket")


def read_greeting(sock: socket.socket) -> bytes:
    """Return the server's first words, up to and with the first prompt: it ends with b"guess:"."""
    # STEP 2: the article waits half a second and then receives once, 512 bytes at the most. That is luck:
    #         the greeting is several send() calls. How do you go on until you have the prompt?
    raise NotFilledIn("STEP 2 is not filled in yet: read_greeting() must return all up to the first prompt")


def seed_from(greeting: bytes) -> int:
    """Return the seed: the second in «Server time: [Sat May 14 10:00:00 2016]», since 1970."""
    # STEP 3: find the text between the brackets; time.strptime() reads it, time.mktime() counts the seconds.
    raise NotFilledIn("STEP 3 is not filled in yet: seed_from() must return the announced second")


def play_round(sock: socket.socket, guess: str) -> bytes:
    """Send the guess, and return the answer: the verdict with the next prompt, or with the flag."""
    # STEP 4: send the guess as bytes. The article receives once, 64 bytes at the most, and takes it for the
    #         answer. What if only the verdict has come yet? What if the flag has come only half? Nothing
    #         follows the flag: the server closes. What does recv() return then?
    raise NotFilledIn("STEP 4 is not filled in yet: play_round() must send the guess and return the answer")


def main() -> None:
    """Play all rounds, and print what came last."""
    with connect() as sock:
        coin = random.Random(seed_from(read_greeting(sock)))
        for number in range(1, ROUNDS + 1):
            answer = play_round(sock, coin.choice(["0", "1"]))
            if b"Nice job" not in answer:
                print(f"Round {number}: {answer!r}")
                return
    print(answer.decode())


if __name__ == "__main__":
    main()
