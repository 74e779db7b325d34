"""Each call of the replay server's client side, and of the raw client, is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.labs.tcp_replay.rig import Target, greets, port_of, server
from tests.programs import Program, eventually
from tests.reading import text, total

CLIENT = "servers.tcp_replay.client"
LONG = "x" * 200
SAID = b"220 hello\r\n" + f"250 {LONG}\n".encode() + b"221 bye\r\n"


def ribbon(program: Program) -> tuple[list[Any], list[Any]]:
    """Run the client; what the server tells it sent to it, and what the client tells it received.

    All else that both tell is checked to be the same.
    """
    words = ("--send", LONG, "--send", "QUIT", "--eol", "lf", "--json")
    with Program(CLIENT, "127.0.0.1", str(port_of(program)), *words) as client:
        client.wait()
    (opened,), (closed,) = client.events("connection_opened"), client.events("connection_closed")
    assert opened["conn"] == closed["conn"] == f"client-{opened['own'].rpartition(':')[2]}"
    over = eventually(
        lambda: [e for e in program.events("connection_closed") if e["peer"] == opened["own"]], "it is over"
    )
    assert (over[0]["bytes_in"], over[0]["bytes_out"]) == (closed["bytes_out"], closed["bytes_in"])
    here = [event for event in program.events() if event.get("peer") == opened["own"]]
    assert [event["own"] for event in here if event["kind"] == "connection_opened"] == [opened["peer"]]
    heard = [e for e in here if e["kind"] == "data_received" and e["way"] == "to_server"]
    assert total(heard) == total(client.events("data_sent")) == closed["bytes_out"]
    sent, received = [e for e in here if e["kind"] == "data_sent"], client.events("data_received")
    assert {event["way"] for event in (*sent, *received)} == {"to_client"}
    assert total(sent) == total(received) == len(SAID)
    assert text(sent) == text(received) == SAID
    return sent, received


def test_sends_to_the_client_are_told_as_they_were_made_passing_and_replaying(tmp_path: Path) -> None:
    tape = ("--framing", "line", "--tape", str(tmp_path / "tape"))
    with server(Target(greets).address, *tape) as program:
        ribbon(program)
        from_target = [e for e in program.events("data_received") if e["way"] == "to_client"]
        assert total(from_target) == len(SAID)
    slices = ("--downstream-average-size", "50", "--downstream-delay", "1")
    with server("127.0.0.1:1", *tape, "--mode", "replay", *slices) as program:
        sent, _ = ribbon(program)
        assert len(sent) > 5, "the slicer cuts what is sent, not what is told"
        assert max(call["data"]["size"] for call in sent) <= 100
