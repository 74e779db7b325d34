"""The states of both TCP machines (RFC 9293, 3.3.2), worked out from what each side sent and got.

A state is not on the wire. Here each segment is taken to arrive at once, whatever order it was captured in;
a FIN counts as got when nothing before it is missing, or when it is acknowledged. How a close ends depends on
who sent its FIN before it got the other's, so the machines go by that, not by a list of transitions.
Where the capture began in the middle of a connection a state is "" until what was seen leaves only one.
"""

from __future__ import annotations

from servers.walk.half import beyond, end
from servers.walk.packet import ACK, FIN, RST, SYN, Packet
from servers.walk.rows import State


class Machine:
    """One end. ``fin`` is the sequence number after its FIN, ``got`` whether it has the other side's FIN.

    ``first``: it sent its FIN before it got the other's (the active close), as its FIN's ACK number tells.
    """

    __slots__ = ("acked", "data", "ended", "fin", "first", "got", "next", "state", "syn")

    def __init__(self, state: State) -> None:
        self.state: State = state
        self.syn: int | None = None
        self.next: int | None = None
        self.fin: int | None = None
        self.acked = self.got = self.first = self.ended = self.data = False

    def closing(self) -> State:
        """The state that FINs and their acknowledgements lead to; "" where that is open yet."""
        if self.fin is None:
            return "CLOSE_WAIT" if self.got else self.state
        if not self.got:
            return "FIN_WAIT_2" if self.acked else "FIN_WAIT_1"
        if self.first:
            return "TIME_WAIT" if self.acked else "CLOSING"
        return "CLOSED" if self.acked else "LAST_ACK"


class States:
    """Both ends of a connection, packet by packet: ``client`` and ``server`` are their states after it."""

    def __init__(self) -> None:
        self._ends = (Machine(""), Machine(""))
        self._begun = False

    @property
    def client(self) -> State:
        """The client's state now."""
        return self._ends[0].state

    @property
    def server(self) -> State:
        """The server's state now."""
        return self._ends[1].state

    def feed(self, packet: Packet, way: int) -> None:
        """A segment was sent, and arrived. ``way`` 0: the client sent it; 1: the server."""
        sender, getter = self._ends[way], self._ends[1 - way]
        flags = packet.flags
        if not self._begun:
            self._begun = True
            if flags & SYN and not flags & ACK:
                sender.state, getter.state = "CLOSED", "LISTEN"
        if flags & RST:
            _reset(sender, getter)
        elif flags & SYN:
            _synchronise(packet, sender, getter)
        else:
            self._go_on(packet, sender, getter)

    def _go_on(self, packet: Packet, sender: Machine, getter: Machine) -> None:
        """Data, acknowledgements, the close."""
        if sender.ended or getter.ended:
            return
        if packet.flags & ACK:
            _acknowledged(packet.ack, sender, getter)
        after = end(packet)
        new = sender.next is None or beyond(after, sender.next) > 0
        gap = sender.next is not None and beyond(packet.seq, sender.next) > 0
        if packet.length and new and sender.fin is None:
            sender.data = True
            self._infer()
        if packet.flags & FIN and sender.fin is None:
            sender.fin = after
            sender.first = getter.fin is None or beyond(packet.ack, getter.fin) < 0
        if new and not gap:
            sender.next = after
        if sender.fin is not None and sender.next is not None and beyond(sender.next, sender.fin) >= 0:
            getter.got = True
        for machine in (sender, getter):
            if machine.state != "" or self._known(machine):
                machine.state = _after(machine)

    def _infer(self) -> None:
        """Both have sent data, and no FIN was seen: neither had closed before."""
        if all(machine.data and not machine.state for machine in self._ends):
            for machine in self._ends:
                machine.state = "ESTABLISHED"

    def _known(self, machine: Machine) -> bool:
        """Whether both FINs were seen, or the other side was heard: then only one state is left."""
        other = self._ends[1] if machine is self._ends[0] else self._ends[0]
        if machine.fin is not None and other.fin is not None:
            return True
        return (machine.fin is not None and other.data) or (other.fin is not None and machine.data)


def _after(machine: Machine) -> State:
    if machine.state in ("SYN_SENT", "LISTEN", "CLOSED"):
        return machine.state
    if machine.state == "SYN_RECEIVED" and machine.fin is None:
        return machine.state
    return machine.closing()


def _synchronise(packet: Packet, sender: Machine, getter: Machine) -> None:
    """A SYN, or a SYN with an ACK (RFC 9293, 3.5: also where both open at once)."""
    again = sender.syn == end(packet)
    sender.ended = getter.ended = False
    if not again:
        sender.syn = sender.next = end(packet)
    if not packet.flags & ACK:
        if sender.state in ("CLOSED", ""):
            sender.state = "SYN_SENT"
        if again and getter.syn is None:
            getter.state = "LISTEN"  # nothing came back: it did not take the first one
        elif getter.state in ("LISTEN", "SYN_SENT", ""):
            getter.state = "SYN_RECEIVED"
        return
    if not again and sender.state in ("LISTEN", ""):
        sender.state = "SYN_RECEIVED"
    if getter.state in ("SYN_SENT", "SYN_RECEIVED", ""):
        getter.state = "ESTABLISHED"
    if sender.state == "SYN_SENT":
        sender.state = "SYN_RECEIVED"


def _acknowledged(ack: int, sender: Machine, getter: Machine) -> None:
    """The sender says what it has got of the getter."""
    if getter.state == "SYN_RECEIVED" and (getter.syn is None or beyond(ack, getter.syn) >= 0):
        getter.state = "ESTABLISHED"
    if getter.next is not None and beyond(ack, getter.next) > 0:
        getter.next = ack  # what was not captured has arrived
    if getter.fin is not None and beyond(ack, getter.fin) >= 0:
        getter.acked = sender.got = True


def _reset(sender: Machine, getter: Machine) -> None:
    """Both ends are gone at once; a listener that had only heard a SYN listens on (RFC 9293, 3.10.7.4)."""
    listens = getter.state == "SYN_RECEIVED" and getter.syn is not None
    sender.state = "CLOSED"
    getter.state = "LISTEN" if listens else "CLOSED"
    sender.ended = getter.ended = True
