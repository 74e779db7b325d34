"""What each field of an IP header is for, in a sentence, and where that is written."""

from __future__ import annotations

V4 = {
    "Version": ("Which version of IP this is, and so how the header goes on.", "RFC 791, 3.1"),
    "Header length": ("In words of 4 bytes: where the options end and the payload begins.", "RFC 791, 3.1"),
    "DSCP": ("Asks routers to treat the packet in some way: voice before mail.", "RFC 2474, 3"),
    "ECN": ("Lets a router tell of congestion without dropping the packet.", "RFC 3168, 5"),
    "Total length": ("Header and payload: what is behind it in the frame is padding.", "RFC 791, 3.1"),
    "Identification": ("The same in all fragments of a packet, so that they can be joined.", "RFC 6864, 4"),
    "Reserved bit": ("Not used: zero.", "RFC 791, 3.1"),
    "Don't fragment": ("Too large for a link, it is dropped, and the sender is told.", "RFC 1191, 3"),
    "More fragments": ("Further fragments of the same packet follow this one.", "RFC 791, 3.1"),
    "Fragment offset": ("Where this fragment belongs in the whole, in units of 8 bytes.", "RFC 791, 3.1"),
    "Time to live": (
        "Each router takes one off; at zero it is dropped, so that nothing circles for ever.",
        "RFC 1812, 5.3.1",
    ),
    "Protocol": ("Which protocol's header follows.", "RFC 791, 3.1"),
    "Header checksum": (
        "Finds damage to this header; network cards fill it in late, so captures may show a wrong one.",
        "RFC 1071, 1",
    ),
    "Source address": ("Which machine sent it.", "RFC 791, 3.2"),
    "Destination address": ("Which machine is to get it; routers go by this alone.", "RFC 791, 3.2"),
}
V6 = {
    "Version": (*V4["Version"][:1], "RFC 8200, 3"),
    "DSCP": V4["DSCP"],
    "ECN": V4["ECN"],
    "Flow label": ("The same for all packets of a flow: routers send them the same way.", "RFC 6437, 2"),
    "Payload length": ("All that follows these 40 bytes, extension headers too.", "RFC 8200, 3"),
    "Next header": ("Which header follows: TCP, UDP, or an extension of IPv6.", "RFC 8200, 3"),
    "Hop limit": (*V4["Time to live"][:1], "RFC 8200, 3"),
    "Source address": (*V4["Source address"][:1], "RFC 4291, 2"),
    "Destination address": (*V4["Destination address"][:1], "RFC 4291, 2"),
}
