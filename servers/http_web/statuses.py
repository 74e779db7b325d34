"""What each status says, in a sentence (RFC 9110, 15, and the IANA registry)."""

from __future__ import annotations

MEANINGS = {
    200: "All is well; the body is what was asked for.",
    201: "Something new was made, by a PUT for instance; Location may say where.",
    202: "The request was understood and will be worked on; nobody knows yet how that ends.",
    203: "All is well, but somebody on the way changed the body.",
    204: "All is well, and there is no body.",
    205: "All is well; the client should empty its form. There is no body.",
    206: "Here is the part that Range asked for, and Content-Range says which part it is.",
    300: "There are several versions; choose one.",
    301: "It has moved for good: Location says where, and links should be changed.",
    302: "For now it is somewhere else: Location says where. Ask here again next time.",
    303: "The answer is at another address: get it from there with GET.",
    304: "Your copy is still good: use it. That is why there is no body.",
    305: "Use a proxy; nobody sends this any more.",
    307: "For now it is somewhere else; send the same method and body there.",
    308: "It has moved for good; send the same method and body there.",
    400: "The server cannot make sense of the request.",
    401: "Say who you are: WWW-Authenticate tells how.",
    402: "Kept for payments that never came about.",
    403: "The server understood, and will not do it.",
    404: "There is nothing under this address.",
    405: "This method cannot be used here; Allow lists those that can.",
    406: "Nothing here is of a kind that Accept names.",
    407: "Say to the proxy who you are: Proxy-Authenticate tells how.",
    408: "The request did not come in time.",
    409: "The request contradicts what is stored here.",
    410: "It was here, and is gone for good.",
    411: "Say how long the body is: Content-Length is missing.",
    412: "A condition of the request, If-Match for instance, does not hold.",
    413: "The body is larger than the server takes.",
    414: "The address is longer than the server reads.",
    415: "The body is of a kind that the server does not take.",
    416: "The part that Range asked for does not exist.",
    417: "The server cannot do what Expect asks for.",
    418: "I am a teapot: a joke of 1998 that programs came to rely on.",
    421: "This request was meant for another server.",
    422: "The body can be read, but what it says cannot be done.",
    425: "The server will not risk a request that somebody might have recorded and sent again.",
    426: "Speak another protocol: Upgrade says which.",
    428: "Send a condition such as If-Match, so that nobody's change gets lost.",
    429: "You ask too often; Retry-After may say how long to wait.",
    431: "The header fields are longer than the server reads.",
    451: "The law forbids to show it.",
    500: "Something went wrong inside the server.",
    501: "The server does not know this method.",
    502: "A proxy got an answer from the server behind it that it cannot use.",
    503: "The server cannot answer now, but may later.",
    504: "A proxy got no answer in time from the server behind it.",
    505: "The server does not speak this version of HTTP.",
    507: "There is no room to store it.",
    508: "A proxy met its own request again: it goes round in a circle.",
}
"""By status; only registered ones."""

CLASSES = {
    2: "success",
    3: "go somewhere else",
    4: "the client's fault",
    5: "the server's fault",
}
"""What the first digit alone says."""


def meaning(status: int) -> str:
    """A sentence for any status from 200 to 599."""
    if status in MEANINGS:
        return MEANINGS[status]
    first = status // 100
    return (
        f"This number has no meaning of its own here. Its first digit says: {CLASSES[first]}. "
        f"A client that does not know it treats it as {first}00."
    )
