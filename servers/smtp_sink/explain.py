"""What each command, keyword and reply code means, in a sentence; and which code should come."""

from __future__ import annotations

import base64
import binascii

VERBS = {
    "CONNECT": "The connection stands: the server greets first.",
    "HELO": "The client gives its name, as in 1982: no extensions.",
    "EHLO": "The client gives its name and asks what the server can do.",
    "AUTH": "The client logs in.",
    "MAIL": "A message begins: this is who it is from, and where it goes back to if it cannot be delivered.",
    "RCPT": "One who shall get it. It comes once for each.",
    "DATA": "The message follows, up to a line with a dot alone.",
    "MESSAGE": "A line with a dot alone: the message ends here.",
    "RSET": "Forget the sender and the recipients so far.",
    "NOOP": "Do nothing but answer.",
    "QUIT": "The client is done; the server says goodbye and closes.",
    "VRFY": "Is there somebody of that name? Most servers do not tell.",
    "EXPN": "Who is on that list? Most servers do not tell.",
    "HELP": "Which commands are there?",
    "STARTTLS": "Encrypt from here on: after the reply comes the TLS handshake.",
}
"""By verb; CONNECT stands for the greeting, MESSAGE for the end of the data."""

KEYWORDS = {
    "SIZE": "the largest message in bytes that it takes (RFC 1870)",
    "8BITMIME": "letters beyond ASCII may stand in the text as they are (RFC 6152)",
    "SMTPUTF8": "addresses and headers may have any letters (RFC 6531)",
    "PIPELINING": "commands may be sent without waiting for each reply (RFC 2920)",
    "ENHANCEDSTATUSCODES": "replies have a second code that says more, such as 5.1.1 (RFC 2034)",
    "STARTTLS": "the connection can be encrypted (RFC 3207)",
    "AUTH": "one can log in, in these ways (RFC 4954)",
    "HELP": "it answers HELP",
    "DSN": "it reports whether a message was delivered (RFC 3461)",
    "CHUNKING": "a message can be sent in pieces with BDAT (RFC 3030)",
    "VRFY": "it answers VRFY",
}
"""What a line of EHLO's reply announces."""

CODES = {
    211: "Here is how the server is.",
    214: "Here is help.",
    220: "The server is ready.",
    221: "The server says goodbye and closes.",
    235: "Logged in.",
    250: "Done.",
    251: "Not here, but the server will pass it on.",
    252: "The server does not say whether there is such a one, but would try.",
    334: "Go on with the log-in: what is asked for stands behind it in base64.",
    354: "Go on: send the message, and end it with a dot on a line of its own.",
    421: "The server cannot go on and closes the connection.",
    450: "Not now: the mailbox is busy. Try again later.",
    451: "Not now: the server had an error of its own. Try again later.",
    452: "Not now: the server has no room, or there are too many recipients.",
    454: "Not now: this cannot be had at the moment.",
    455: "Not now: the parameters cannot be served.",
    500: "The server does not know this command, or the line is too long.",
    501: "The command is known, but what follows it is wrong.",
    502: "The command is known, but not done here.",
    503: "The command comes at the wrong time.",
    504: "The command is known, but not with this parameter.",
    521: "This machine takes no mail.",
    530: "First log in, or encrypt.",
    534: "This way to log in is too weak here.",
    535: "Name or password is wrong.",
    538: "This way to log in needs encryption.",
    550: "Refused: no such mailbox, or the server does not want it.",
    551: "There is no such one here, and the server passes nothing on.",
    552: "The message is too large.",
    553: "The address cannot be right.",
    554: "Refused.",
    555: "A parameter of MAIL or RCPT is not known.",
}
"""By code, where nothing more is known of the command."""

_FOR = {
    ("RCPT", 250): "The recipient is taken.",
    ("MAIL", 250): "The sender is taken.",
    ("EHLO", 250): "Hello; the lines after the first say what the server can do.",
    ("HELO", 250): "Hello.",
    ("MESSAGE", 250): "The message is accepted: from here on the server answers for it.",
    ("RSET", 250): "Forgotten.",
    ("NOOP", 250): "Nothing done, as asked.",
    ("STARTTLS", 220): "Go on: the TLS handshake follows.",
    ("AUTH", 454): "The server cannot check log-ins now.",
    ("AUTH", 501): "The base64 is wrong, or the log-in was cancelled.",
    ("AUTH", 504): "The server does not know this way to log in.",
    ("RCPT", 452): "Too many recipients for one message.",
    ("RCPT", 550): "There is no such mailbox here.",
    ("RCPT", 551): "There is no such one here, and the server passes nothing on.",
}

_CLASSES = {
    2: "The server has done it.",
    3: "The server waits for more.",
    4: "Not now: the same may work later.",
    5: "No: the same will not work later either.",
}

EXPECTED = {
    "CONNECT": (220,), "HELO": (250,), "EHLO": (250,), "AUTH": (235, 334), "MAIL": (250,),
    "RCPT": (250, 251), "DATA": (354,), "MESSAGE": (250,), "RSET": (250,), "NOOP": (250,), "QUIT": (221,),
    "VRFY": (250, 251, 252), "EXPN": (250, 252), "HELP": (211, 214), "STARTTLS": (220,),
}  # fmt: skip
"""The codes of success (RFC 5321, 4.3.2; RFC 4954; RFC 3207)."""


def verb_of(line: str) -> str:
    """The command's verb in capitals; "" if it is none that is known."""
    verb = line.split(" ", 1)[0].strip().upper()
    return verb if verb in VERBS and verb not in ("CONNECT", "MESSAGE") else ""


def command(verb: str) -> str:
    """What the command means."""
    return VERBS.get(verb, "No command that mail servers know.")


def reply(verb: str, code: int) -> str:
    """What the code means as the reply to this command."""
    return _FOR.get((verb, code)) or CODES.get(code) or _CLASSES.get(code // 100, "No code of SMTP.")


def keyword(line: str) -> str:
    """What a line of EHLO's reply announces; "" if it is not known."""
    return KEYWORDS.get(line.replace("=", " ").split(" ", 1)[0].upper(), "")


def expected(verb: str) -> str:
    """The codes of success in words: «235 or 334». "" where none can be said."""
    return " or ".join(map(str, EXPECTED.get(verb, ())))


def encoded(text: str) -> str:
    """Base64 of the text in UTF-8."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """What base64 says, NUL shown as ␀; "" if it is not base64 of readable text."""
    try:
        found = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):  # UnicodeDecodeError is one
        return ""
    found = found.replace("\0", "␀")
    return found if found.isprintable() else ""
