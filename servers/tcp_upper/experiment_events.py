"""What an experiment tells while it runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from servers.kit.events import Event


class ExperimentStarted(Event, frozen=True, kw_only=True):
    """An experiment begins."""

    experiment: str
    title: str
    family: str = "ipv4"

    def line(self) -> str:
        """The event in words."""
        return f"experiment: {self.title}"


class ExperimentCall(Event, frozen=True, kw_only=True):
    """One call of one actor of an experiment. Without a call: a remark between calls."""

    actor: Annotated[str, Meta(description="whose socket it is: «server», «client 3»")]
    call: str = ""
    arguments: str = ""
    result: str = ""
    error: Annotated[str, Meta(description="the errno's name and words; empty: it worked")] = ""
    means: Annotated[str, Meta(description="what that means, in a sentence")] = ""

    def line(self) -> str:
        """The event in words."""
        if not self.call:
            return self.means
        end = self.error or self.result
        if self.call == "…":
            return f"{self.actor}: {self.means}"
        said = f"{self.actor}: {self.call}({self.arguments})" + (f" = {end}" if end else "")
        return f"{said}  · {self.means}" if self.means else said


class ExperimentClaim(Event, frozen=True, kw_only=True):
    """One thing that the book says, and what was seen on this machine."""

    what: str
    predicted: Annotated[str, Meta(description="what the book says")]
    seen: Annotated[str, Meta(description="what happened here")]
    agree: bool = False

    def line(self) -> str:
        """The event in words."""
        verdict = "so it was" if self.agree else f"here: {self.seen}"
        return f"{self.what}: the book says {self.predicted}; {verdict}"


class ExperimentFinished(Event, frozen=True, kw_only=True):
    """An experiment is over. ``outcome`` is the answer to the page's question, as it was seen."""

    experiment: str
    outcome: str
    verdict: str

    def line(self) -> str:
        """The event in words."""
        return self.verdict
