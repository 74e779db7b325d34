"""What methods, statuses and header fields mean, each in a sentence (RFC 9110, 9111, 9112 and 6265)."""

from __future__ import annotations

import re

from servers.kit.http import REASONS

METHODS = {
    "GET": "Asks for the resource.",
    "HEAD": "Asks for what GET would answer, without the body.",
    "OPTIONS": "Asks what can be done with the resource, or with the server (*).",
    "PUT": "Stores the body under this name.",
    "POST": "Hands the body to the resource, which decides what to do with it.",
    "DELETE": "Asks to remove the resource.",
    "PATCH": "Changes a part of the resource.",
    "TRACE": "Asks to be sent back the request as it arrived.",
    "CONNECT": "Asks a proxy for a tunnel to another host.",
}

STATUSES = {
    100: "Go on and send the body.",
    101: "From here on another protocol is spoken.",
    103: "Hints of what the answer will need; the answer itself follows.",
    200: "It worked; the body is what was asked for.",
    201: "It was stored, and is new.",
    202: "It was taken, and will be done later.",
    203: "It worked, but a proxy changed the answer.",
    204: "It worked, and there is nothing to send.",
    205: "It worked; clear the form.",
    206: "Only the part that was asked for with Range.",
    300: "There are several forms of it to choose from.",
    301: "It has moved for good: ask for what Location names, now and always.",
    302: "It is elsewhere for now: ask for what Location names.",
    303: "See what Location names, with GET.",
    304: "Your copy is still good; the body is not sent again.",
    307: "It is elsewhere for now: send the same request to what Location names.",
    308: "It has moved for good: send the same request to what Location names.",
    400: "The server cannot read the request: something in it is against the rules.",
    401: "You have to say who you are first.",
    403: "The server understood, and refuses.",
    404: "There is nothing under this name.",
    405: "This cannot be done here; Allow names what can.",
    406: "It exists in no form that Accept allows.",
    407: "The proxy wants to know who you are first.",
    408: "The request took too long to arrive.",
    409: "It contradicts what is stored.",
    410: "It was here and is gone for good.",
    411: "The request has to say the length of its body.",
    412: "A condition of the request (If-…) does not hold.",
    413: "The request's body is larger than the server takes.",
    414: "The request's target is longer than the server takes.",
    415: "The server does not take bodies of this kind.",
    416: "The range asked for lies outside of what there is.",
    417: "The server cannot do what Expect asks.",
    418: "It is a teapot, and brews no coffee (RFC 2324: a joke).",
    421: "The request came to a server that does not answer for this host.",
    422: "The body can be read, but its content makes no sense here.",
    425: "Too early: it might be a replay.",
    426: "Speak a newer protocol: Upgrade names it.",
    428: "The request needs a condition (If-…).",
    429: "Too many requests from you; Retry-After says when to try again.",
    431: "The header fields are larger than the server takes.",
    451: "Withheld for a legal reason.",
    500: "Something broke in the server.",
    501: "The server does not know this method.",
    502: "The proxy got no usable answer from the server behind it.",
    503: "The server cannot do it just now.",
    504: "The server behind the proxy took too long.",
    505: "The server does not speak this version of HTTP.",
    507: "The server has no room to store it.",
    508: "The request came back to the proxy that sent it.",
}
CLASSES = {
    1: "An interim answer: the final one follows.", 2: "It worked.", 3: "Something more is to be done.",
    4: "The request is at fault.", 5: "The server is at fault.",
}  # fmt: skip

FIELDS = {
    "accept": "Which kinds of content the client takes.",
    "accept-charset": "Which character sets the client takes; obsolete.",
    "accept-encoding": "Which compressions the client can undo.",
    "accept-language": "Which languages the reader prefers.",
    "accept-ranges": "Whether one may ask for a part with Range.",
    "access-control-allow-origin": "Which other sites' scripts may read this answer.",
    "age": "For how many seconds a cache has had it.",
    "allow": "The methods that this resource takes.",
    "authorization": "Who the client is: its credentials.",
    "cache-control": "Who may keep a copy, and for how long.",
    "connection": "What is to become of this connection, or which fields are for this hop alone.",
    "content-disposition": "Whether to show it or save it, and under which name.",
    "content-encoding": "How the body is compressed.",
    "content-language": "The language of the content.",
    "content-length": "How many bytes the body has; the next message begins after them.",
    "content-location": "The name of just this form of the resource.",
    "content-range": "Which part of the whole this body is.",
    "content-security-policy": "From where the page may load scripts, images and the like.",
    "content-type": "What the body is, and in which character set.",
    "cookie": "What the server gave the client to remember, sent back.",
    "date": "When the server made the answer.",
    "etag": "The version's name: ask with If-None-Match whether it is still the one.",
    "expect": "With 100-continue the client waits for a go-ahead before it sends the body.",
    "expires": "Until when a copy may be used unasked.",
    "forwarded": "Whom a proxy speaks for.",
    "from": "The mail address of the person behind the client.",
    "host": "Which of the server's names is meant; HTTP/1.1 demands it.",
    "if-match": "Do it only if the version is still this one.",
    "if-modified-since": "Send it only if it changed after this date; else answer 304.",
    "if-none-match": "Send it only if the version is another one; else answer 304.",
    "if-range": "Send the part only if the version is still this one, else the whole.",
    "if-unmodified-since": "Do it only if it did not change after this date.",
    "keep-alive": "For how long, or for how many requests, the connection stays open.",
    "last-modified": "When it changed last: ask with If-Modified-Since whether it has since.",
    "link": "Another resource that has to do with this one.",
    "location": "Where to go, or where the new resource is.",
    "max-forwards": "How many proxies may pass it on.",
    "origin": "The site that the request comes from.",
    "pragma": "An old word for Cache-Control.",
    "proxy-authenticate": "How to say to the proxy who you are.",
    "proxy-authorization": "The client's credentials for the proxy.",
    "proxy-connection": "Not in any standard: old browsers say Connection so to a proxy.",
    "range": "Asks for a part of it only.",
    "referer": "The page that led here (misspelt since 1995).",
    "retry-after": "When to try again.",
    "server": "The server's program.",
    "set-cookie": "Something for the client to remember and send back.",
    "strict-transport-security": "From now on come by HTTPS only.",
    "te": "Which transfer codings the client takes, and whether trailers.",
    "trailer": "Which fields come after the body.",
    "transfer-encoding": "How the body travels: in chunks, each with its size.",
    "upgrade": "Another protocol that could be spoken.",
    "upgrade-insecure-requests": "The browser would rather have it by HTTPS.",
    "user-agent": "The client's program.",
    "vary": "Which of the request's fields the answer depends on: a cache has to compare them.",
    "via": "The proxies that it passed.",
    "warning": "A cache's doubts; obsolete.",
    "www-authenticate": "How to say who you are.",
    "x-content-type-options": "With nosniff the browser believes Content-Type and does not guess.",
    "x-forwarded-for": "Whom a proxy speaks for; not in any standard.",
    "x-frame-options": "Whether other pages may show this one in a frame.",
}
VALUES = {
    ("connection", "close"): "The connection ends after this answer.",
    ("connection", "keep-alive"): "The connection stays open for further requests.",
    (
        "transfer-encoding",
        "chunked",
    ): "The body comes in chunks, each with its size before it.",
    ("expect", "100-continue"): "The client waits for a go-ahead (100) before it sends the body.",
    ("cache-control", "no-store"): "No cache may keep a copy.",
    (
        "cache-control",
        "no-cache",
    ): "A cache may keep a copy, but asks each time whether it is good.",
    ("accept-ranges", "bytes"): "One may ask for a part of it, counted in bytes.",
    ("accept-ranges", "none"): "One cannot ask for a part of it.",
    ("accept", "*/*"): "The client takes any kind of content.",
}
"""Values that say it more plainly than the field's name."""


def method_meaning(method: str) -> str:
    """What a method asks for."""
    return METHODS.get(method, "No method of HTTP's own: the server decides what it means, if it knows it.")


def status_meaning(status: int) -> str:
    """What a status says; for an unknown one, what its first digit says (RFC 9110, 15)."""
    known = STATUSES.get(status) or CLASSES.get(status // 100, "")
    return known if status in REASONS else f"{known} (The number itself is not registered.)".lstrip()


def field_meaning(name: str, value: str = "") -> str:
    """What a header field says; "" if it is not known."""
    name, value = name.lower(), value.strip(" \t").lower()
    if (name, value) in VALUES:
        return VALUES[name, value]
    if name == "content-length" and value.isdigit():
        return f"The body has {int(value)} bytes; the next message begins after them."
    if name == "cache-control" and (found := re.search(r"(?<![a-z-])max-age=(\d+)", value)):
        return f"A copy may be used for {int(found[1])} seconds without asking."
    return FIELDS.get(name, "A field of somebody's own." if name.startswith("x-") else "")
