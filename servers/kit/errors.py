"""The three kinds of error, told apart by whose fault it is."""

from __future__ import annotations


class ProtocolError(Exception):
    """The peer sent something that the protocol does not allow."""


class LabError(Exception):
    """Our own program cannot go on: a bug, or a machine that refuses."""


class SettingError(ValueError):
    """The user gave a value that cannot be used.

    ``field`` is the setting's name ("" when the whole is wrong), ``message`` says what
    happened and why, ``hint`` what to do about it ("" when the message says it all).
    ``others`` holds the errors of further fields, so that a form shows all at once.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        hint: str = "",
        others: tuple[SettingError, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint
        self.others = others
