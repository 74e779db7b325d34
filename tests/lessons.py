"""What the lessons of several labs are checked for."""

from __future__ import annotations

import re
import shlex

from servers.kit.command import _parser, _read, _with_port
from servers.kit.lab import Lab
from servers.kit.settings import fields


def fields_of(lab: Lab) -> set[str]:
    """Where on the lab's page its settings and its request's fields stand, as a lesson links to them."""
    controls = {f"control-{field.name}" for field in fields(lab.settings)}
    return controls | {f"request-{field.name}" for field in fields(lab.request)}


def check_commands(lab: Lab, lesson: str) -> None:
    """Each ``python -m`` line runs the lab's server or its client, with words that it understands."""
    commands = re.findall(r"^python -m (\S+) (.*)$", lesson, re.M)
    assert {module for module, _ in commands} == {lab.server, lab.client}
    for module, line in commands:
        aimed = module == lab.client
        struct, words = (lab.request, lab.settings)[not aimed], shlex.split(line)
        parser = _parser(module, "", fields(struct), positional=aimed)
        _read(parser, struct, _with_port(words) if aimed else words, {})
