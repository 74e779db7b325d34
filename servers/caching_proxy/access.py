"""Who may use the proxy, and where it may go. Closed unless opened; some doors never open.

A proxy that everybody may use for everything is an open proxy: others send through it what
they do not want to send themselves, and reach through it what only its machine may reach.
So rules speak of addresses, and are asked with the address that is connected to, whatever
name stood in the URL. No socket here.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import msgspec

from servers.kit.errors import SettingError

Address = IPv4Address | IPv6Address
NAME = re.compile(
    r"\.?(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z"
)
METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
"""Where clouds tell a machine its secrets."""
NAT64 = IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")
SIX_TO_FOUR = IPv6Network("2002::/16")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, read. ``None`` among networks stands for everything."""

    clients: tuple[Any, ...]
    targets: tuple[Any, ...]
    names: tuple[str, ...]
    connect_ports: frozenset[int]

    @classmethod
    def read(cls, allow_client: str, allow_target: str, connect_ports: str) -> Rules:
        """The rules that these settings make. SettingError names the one that is wrong."""
        clients, names = _networks(allow_client, "allow_client")
        if names:
            raise SettingError(
                f"«{names[0][:60]}» is no address and no network.",
                field="allow_client",
                hint="Write 192.168.1.17, 192.168.1.0/24, or * for everybody.",
            )
        targets, names = _networks(allow_target, "allow_target")
        for name in names:
            if not NAME.match(name):
                raise SettingError(
                    f"«{name[:60]}» is no address, no network and no name.",
                    field="allow_target",
                    hint="Write 10.0.0.0/8, example.org, .example.org or *, with commas between.",
                )
        return cls(clients=clients, targets=targets, names=names, connect_ports=_ports(connect_ports))

    def client(self, address: str) -> bool:
        """Whether this address may use the proxy."""
        return _among(plain(address), self.clients)

    def target(self, host: str, address: str) -> str:
        """Why the proxy may not go to ``host`` at ``address``; "" if it may."""
        found = plain(address)
        if never := forbidden(found):
            return f"{found} is {never}: this proxy never goes there."
        if _among(found, self.targets) or _named(host.lower().rstrip("."), self.names):
            return ""
        known = f"{host} ({found})" if host != str(found) else host
        return f"{known} is not among the allowed targets (setting «Allowed targets», --allow-target)."


def plain(address: str) -> Address:
    """The address; an IPv4 address that is wrapped in an IPv6 one is taken out."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return found.ipv4_mapped
        if any(found in network for network in NAT64) or (found in IPv6Network("::/96") and int(found) > 1):
            return IPv4Address(int(found) & 0xFFFFFFFF)
        if found in SIX_TO_FOUR:
            return IPv4Address(int(found) >> 80 & 0xFFFFFFFF)
    return found


def forbidden(address: Address) -> str:
    """What this address is, if the proxy never goes there; else ""."""
    if address in METADATA:
        return "where clouds keep a machine's secrets"
    if address.is_link_local:
        return "a link-local address"
    if address.is_unspecified or (isinstance(address, IPv4Address) and int(address) >> 24 == 0):
        return "no address of a machine"
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        return "an address of many"
    return ""


def _networks(text: str, field: str) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The networks in a list, and the words that are none."""
    networks: list[Any] = []
    names: list[str] = []
    for word in text.replace("\n", ",").split(","):
        word = word.strip().lower()
        if word == "*":
            networks.append(None)
        elif word:
            try:
                networks.append(ip_network(word.strip("[]"), strict=False))
            except ValueError:
                if re.fullmatch(r"[0-9.]+(/.*)?|.*[:/].*", word):
                    raise SettingError(
                        f"«{word[:60]}» is no address and no network.",
                        field=field,
                        hint="A network is written 192.168.1.0/24, without a port and without http://.",
                    ) from None
                names.append(word)
    return tuple(networks), tuple(names)


def _among(address: Address, networks: tuple[Any, ...]) -> bool:
    return any(
        network is None or (network.version == address.version and address in network) for network in networks
    )


def _named(host: str, names: tuple[str, ...]) -> bool:
    return any(host == name.lstrip(".") or (name.startswith(".") and host.endswith(name)) for name in names)


def _ports(text: str) -> frozenset[int]:
    found = set()
    for word in text.replace(",", " ").split():
        if not word.isascii() or not word.isdigit() or len(word) > 5 or not 0 < int(word) < 65536:
            raise SettingError(
                f"«{word[:20]}» is no port.", field="connect_ports", hint="Write 443, or 443, 8443."
            )
        found.add(int(word))
    return frozenset(found)
