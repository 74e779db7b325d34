"""The SMTP lab's descriptor: what the dashboard knows of it, and how the page shows it."""

from __future__ import annotations

from servers.kit.events import ConnectionClosed, ConnectionOpened, DataReceived, DataSent
from servers.kit.lab import Lab, View
from servers.smtp_sink.events import (
    FaultHit,
    FaultsSet,
    MessageStored,
    SmtpCommand,
    SmtpData,
    SmtpReply,
    TlsStarted,
)
from servers.smtp_sink.reading import ACTIONS, QUERIES
from servers.smtp_sink.request import Request
from servers.smtp_sink.settings import Counters, Settings

LAB = Lab(
    name="smtp_sink",
    title="SMTP sink",
    settings=Settings,
    request=Request,
    server="servers.smtp_sink.server",
    client="servers.smtp_sink.client",
    counters=Counters,
    events=(SmtpCommand, SmtpReply, SmtpData, MessageStored, TlsStarted, FaultsSet, FaultHit),
    actions=ACTIONS,
    queries=QUERIES,
    session=lambda request: request.step,
    view=View(
        summary="Takes every message, shows the dialogue line by line, and relays nothing.",
        transport="tcp",
        spark="commands",
        tiles=("open", "commands", "stored", "refused"),
        picture=True,
        template=True,
        marks=(
            ConnectionOpened, ConnectionClosed, SmtpCommand, SmtpReply, SmtpData, MessageStored,
            TlsStarted, FaultsSet, FaultHit,
        ),
        quiet=(DataSent, DataReceived),
        primary="Send a message",
        line="Your line",
        sources=(
            "server.py", "loop.py", "protocol.py", "address.py", "data.py", "maildir.py", "keeper.py",
            "faults.py", "client.py", "talk.py", "compose.py", "replies.py", "steps.py", "stepper.py",
            "settings.py", "request.py", "lab.py",
        ),
        skeleton="skeleton.py",
    ),
)  # fmt: skip
"""The lab."""
