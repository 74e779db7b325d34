"""tshark's view of a capture beside ours: the fields that are compared, and its analysis as our marks."""

from __future__ import annotations

from pathlib import Path

from servers.walk.rows import Row
from tests.walk.tools import tshark

MARKS = {
    "retransmission": "tcp.analysis.retransmission",
    "fast_retransmission": "tcp.analysis.fast_retransmission",
    "out_of_order": "tcp.analysis.out_of_order",
    "duplicate_ack": "tcp.analysis.duplicate_ack",
    "keep_alive": "tcp.analysis.keep_alive",
    "keep_alive_ack": "tcp.analysis.keep_alive_ack",
    "zero_window": "tcp.analysis.zero_window",
    "window_update": "tcp.analysis.window_update",
    "window_probe": "tcp.analysis.zero_window_probe",
    "window_full": "tcp.analysis.window_full",
    "reset": "tcp.flags.reset",
}
SPURIOUS = "tcp.analysis.spurious_retransmission"
LOST, ACKED_LOST = "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment"
NUMBERS = {
    "frame.number": "number", "tcp.seq": "seq", "tcp.ack": "ack", "tcp.nxtseq": "next_seq",
    "tcp.len": "length", "tcp.window_size": "window", "tcp.seq_raw": "raw_seq", "tcp.ack_raw": "raw_ack",
}  # fmt: skip
FLAGS = ("fin", "syn", "reset", "push", "ack", "urg", "ece", "cwr")
OURS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")

Said = dict[str, str]


def segments(path: Path) -> list[Said]:
    """What tshark says of each packet."""
    flags = [f"tcp.flags.{name}" for name in FLAGS]
    return tshark(
        path, *NUMBERS, *flags, *list(MARKS.values())[:-1], SPURIOUS, LOST, ACKED_LOST, "frame.time_epoch",
        "tcp.srcport", "tcp.dstport",
    )  # fmt: skip


def numbers(row: Row, said: Said) -> tuple[dict[str, str], dict[str, str]]:
    """Our numbers, and tshark's. Where there is no ACK flag tshark shows the field all the same."""
    theirs = {ours: said[name] for name, ours in NUMBERS.items()}
    ours = {name: str(getattr(row, name)) for name in NUMBERS.values()}
    if row.ack is None:
        ours["ack"] = theirs["ack"]
    return ours, theirs


def flags(said: Said) -> tuple[str, ...]:
    """The flags as a row has them."""
    return tuple(
        ours for name, ours in zip(FLAGS, OURS, strict=True) if said[f"tcp.flags.{name}"] in ("1", "True")
    )


def marks(said: Said) -> set[str]:
    """tshark's analysis in our words; it says «retransmission» of a fast or a spurious one, too."""
    found = {mark for mark, name in MARKS.items() if said[name] and said[name] not in ("0", "False")}
    if said[SPURIOUS]:
        found.add("retransmission")
    if "fast_retransmission" in found:
        found.discard("retransmission")
    if said[LOST]:
        found.add("lost_segment")
    return found


def agree(row: Row, said: Said) -> bool:
    """Whether both see the same. Of acknowledged bytes that were not captured tshark tells in its own way."""
    mine, theirs = ours(row), marks(said)
    if not said[LOST]:
        mine.discard("lost_segment")
    return mine == theirs


def ours(row: Row) -> set[str]:
    """Our marks in the same words: a SYN sent again is a retransmission to tshark."""
    found: set[str] = set(row.marks) - {"cut"}
    if "syn_again" in found:
        found = found - {"syn_again"} | {"retransmission"}
    return found
