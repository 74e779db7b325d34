"""Closed by default: who may use the proxy, and where it goes; as tables, and through the proxy itself."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from servers.caching_proxy import origin as origin_module
from servers.caching_proxy.access import Rules, forbidden, plain
from servers.caching_proxy.origin import Origins
from servers.caching_proxy.protocol import Target
from servers.caching_proxy.settings import Counters
from servers.caching_proxy.trouble import Failed, Refused
from servers.kit.errors import SettingError
from servers.kit.report import Report
from tests.labs.caching_proxy.rig import SERVER, STAY, Origin, Proxy, ok, read_answer, request
from tests.programs import DEADLINE, Dashboard, Program

NEVER = {
    "169.254.169.254": "secrets",
    "169.254.1.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "febf::1": "link-local",
    "fd00:ec2::254": "secrets",
    "100.100.100.200": "secrets",
    "168.63.129.16": "secrets",
    "0.0.0.0": "no address",
    "0.1.2.3": "no address",
    "::": "no address",
    "224.0.0.1": "many",
    "239.255.255.250": "many",
    "255.255.255.255": "many",
    "ff02::1": "many",
    "::ffff:169.254.169.254": "secrets",
    "::ffff:a9fe:a9fe": "secrets",
    "::169.254.169.254": "secrets",
    "64:ff9b::169.254.169.254": "secrets",
    "64:ff9b::a9fe:a9fe": "secrets",
    "64:ff9b:1::a9fe:a9fe": "secrets",
    "2002:a9fe:a9fe::1": "secrets",
    "::ffff:0.0.0.0": "no address",
    "64:ff9b::0.0.0.0": "no address",
}


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_gone_to(address: str) -> None:
    assert NEVER[address] in forbidden(plain(address))
    everywhere = Rules.read("*", "*, 0.0.0.0/0, ::/0, 169.254.169.254, example.org", "443")
    assert "never goes there" in everywhere.target("example.org", address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "93.184.215.14", "::1", "2001:db8::1", "fd00::1"]
)
def test_other_addresses_are_a_matter_of_the_settings(address: str) -> None:
    assert forbidden(ip_address(address)) == ""
    assert Rules.read("*", "*", "").target("x", address) == ""


@pytest.mark.parametrize(
    ("allowed", "host", "address", "may"),
    [
        ("127.0.0.0/8, ::1", "localhost", "127.0.0.1", True),
        ("127.0.0.0/8, ::1", "localhost", "::1", True),
        ("127.0.0.0/8, ::1", "x", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8, ::1", "127.0.0.1.example.org", "10.0.0.1", False),
        ("10.0.0.0/8", "x", "10.255.255.255", True),
        ("10.0.0.0/8", "x", "11.0.0.0", False),
        ("10.0.0.7", "x", "10.0.0.7", True),
        ("10.0.0.7", "x", "10.0.0.8", False),
        ("[::1]", "x", "::1", True),
        ("2001:db8::/32", "x", "2001:db8:1::1", True),
        ("2001:db8::/32", "x", "2001:db9::1", False),
        ("example.org", "example.org", "93.184.215.14", True),
        ("example.org", "EXAMPLE.org.", "93.184.215.14", True),
        ("example.org", "www.example.org", "93.184.215.14", False),
        ("example.org", "badexample.org", "93.184.215.14", False),
        (".example.org", "www.example.org", "93.184.215.14", True),
        (".example.org", "example.org", "93.184.215.14", True),
        (".example.org", "badexample.org", "93.184.215.14", False),
        ("Example.ORG", "example.org", "93.184.215.14", True),
        ("*", "anything", "8.8.8.8", True),
        ("", "anything", "127.0.0.1", False),
        (" , ,", "anything", "127.0.0.1", False),
        ("a.b,\n10.0.0.1", "x", "10.0.0.1", True),
    ],
)
def test_targets(allowed: str, host: str, address: str, may: bool) -> None:
    why = Rules.read("", allowed, "").target(host, address)
    assert (why == "") is may, why
    if not may:
        assert "--allow-target" in why
        assert "«Allowed targets»" in why


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        ("127.0.0.0/8, ::1", "127.0.0.1", True),
        ("127.0.0.0/8, ::1", "127.9.9.9", True),
        ("127.0.0.0/8, ::1", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8, ::1", "::1", True),
        ("127.0.0.0/8, ::1", "192.168.1.5", False),
        ("192.168.1.0/24", "192.168.1.5", True),
        ("192.168.1.0/24", "127.0.0.1", False),
        ("192.168.1.5/24", "192.168.1.77", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("*", "8.8.8.8", True),
        ("", "127.0.0.1", False),
    ],
)
def test_clients(allowed: str, address: str, may: bool) -> None:
    assert Rules.read(allowed, "", "").client(address) is may


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allow_client", "example.org"),
        ("allow_client", "192.168.1.0/33"),
        ("allow_client", "300.1.1.1"),
        ("allow_target", "http://example.org"),
        ("allow_target", "example.org:80"),
        ("allow_target", "10.0.0.0/8/9"),
        ("allow_target", "-bad.org"),
        ("allow_target", "a b"),
        ("allow_target", "*.example.org"),
        ("connect_ports", "0"),
        ("connect_ports", "65536"),
        ("connect_ports", "443-445"),
        ("connect_ports", "https"),
        ("connect_ports", "٤٤٣"),
    ],
)
def test_a_rule_that_cannot_be_read_is_named(field: str, value: str) -> None:
    rules = {"allow_client": "", "allow_target": "", "connect_ports": "", field: value}
    with pytest.raises(SettingError) as caught:
        Rules.read(**rules)
    assert caught.value.field == field


# -- names, as they are at the moment of connecting


def origins(monkeypatch: pytest.MonkeyPatch, *addresses: str, allow: str = "*") -> Origins:
    """An Origins for which every name has these addresses."""

    def look_up(host: str, port: int, *_: Any, flags: int = 0, **__: Any) -> list[Any]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror("a name")
        found = []
        for address in addresses:
            six = ":" in address
            where = (address, port, 0, 0) if six else (address, port)
            found.append((socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM, 6, "", where))
        return found

    monkeypatch.setattr(origin_module.socket, "getaddrinfo", look_up)
    return Origins(Report(Counters()), Rules.read("*", allow, ""), 1.0, 1.0)


@pytest.mark.parametrize("address", [name for name in NEVER if "%" not in name])
def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with pytest.raises(Refused, match="never goes there") as caught:
        origins(monkeypatch, address).addresses(Target("absolute", "innocent.example", 80, "/"))
    assert caught.value.status == 403


def test_of_several_addresses_only_those_that_are_allowed_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = origins(monkeypatch, "169.254.169.254", "10.1.1.1", "::1", allow="::1")
    target = Target("absolute", "mixed.example", 80, "/")
    assert [address[0] for _, address in found.addresses(target)] == ["::1"]


def test_an_allowed_name_does_not_open_the_way_to_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    found = origins(monkeypatch, "169.254.169.254", allow="innocent.example")
    with pytest.raises(Refused):
        found.addresses(Target("absolute", "innocent.example", 80, "/"))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"])
def test_the_dashboards_port_is_never_gone_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = origins(monkeypatch, address)
    found.own = {8000: "the dashboard's", 8888: "this proxy"}
    with pytest.raises(Refused, match="dashboard") as caught:
        found.addresses(Target("absolute", "innocent.example", 8000, "/"))
    assert caught.value.status == 403
    with pytest.raises(Refused, match="this proxy itself") as caught:
        found.addresses(Target("absolute", "innocent.example", 8888, "/"))
    assert caught.value.status == 508


def test_a_name_is_looked_up_once_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the check and the connection nobody can change what the name says (DNS rebinding)."""
    with Origin((STAY,)) as origin:
        asked: list[str] = []
        real = socket.getaddrinfo

        def look_up(host: str, port: int, *rest: Any, flags: int = 0, **names: Any) -> Any:
            if flags & socket.AI_NUMERICHOST and host == "rebind.example":
                raise socket.gaierror("a name")
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "169.254.169.254", port, *rest, **names)

        monkeypatch.setattr(origin_module.socket, "getaddrinfo", look_up)
        found = Origins(Report(Counters()), Rules.read("*", "127.0.0.0/8", ""), 1.0, 1.0)
        connection = found.lend(Target("absolute", "rebind.example", origin.port, "/"))
        assert connection.address == f"127.0.0.1:{origin.port}"
        connection.close()
        assert len(asked) == 1


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_: Any, flags: int = 0, **__: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror("a name")
        over.wait(5)
        return []

    monkeypatch.setattr(origin_module.socket, "getaddrinfo", look_up)
    found = Origins(Report(Counters()), Rules.read("*", "*", ""), 0.1, 1.0)
    with pytest.raises(Failed) as caught:
        found.addresses(Target("absolute", "slow.example", 80, "/"))
    over.set()
    assert (caught.value.status, caught.value.error) == (504, "dns_timeout")


# -- through the proxy itself


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    words = ("--allow-client", "127.0.0.1", "--allow-target", "*", "--connect-ports", "80, 443")
    with Proxy(tmp_path_factory.mktemp("proxy") / "cache", *words) as started:
        yield started


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376",
        "169.254.43518", "169.16689662", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fd00:ec2::254]",
        "[fe80::1]", "0.0.0.0", "0", "[::]", "100.100.100.200", "168.63.129.16", "224.0.0.1", "[ff02::1]",
        "255.255.255.255",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["GET http://{}/latest/meta-data/", "GET /{}:80/latest/", "CONNECT {}:80"])
def test_no_spelling_opens_the_way_to_what_is_forbidden(proxy: Proxy, host: str, form: str) -> None:
    with proxy.connect() as sock:
        sock.sendall(f"{form.format(host)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = read_answer(sock)
        assert answer.status == 403, answer.body
        assert b"never goes there" in answer.body
        assert b"clouds' secrets stay closed" in answer.body  # and nothing says that this could be opened
        assert answer.get("proxy-status") == "socketlab; error=http_request_denied"


@pytest.mark.parametrize(
    "host", ["169.254.169.254.", "0x0.0x0.0.0", "127.0.0.1%2eexample.org", "１６９.254.169.254"]
)
def test_odd_spellings_lead_nowhere(proxy: Proxy, host: str) -> None:
    with proxy.connect() as sock:
        sock.sendall(f"GET http://{host}/ HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert read_answer(sock).status in (400, 403, 502, 504)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "127.9.9.9", "[::ffff:127.0.0.1]", "[::1]"],
)
def test_the_proxy_never_asks_itself(proxy: Proxy, host: str) -> None:
    answer = proxy.ask(f"http://{host}:{proxy.own_port}/")
    assert answer.status == 508
    assert "proxy_loop_detected" in answer.get("proxy-status")


def test_a_client_that_is_not_allowed_is_told_which_setting_says_so(proxy: Proxy) -> None:
    with Origin(ok()) as origin:
        assert proxy.ask(f"{origin.url}/").status == 200
        for data in (
            request(f"{origin.url}/"),
            request(f"/{origin.authority}/"),
            request("127.0.0.1:443", method="CONNECT"),
        ):
            with proxy.connect("127.0.0.2") as sock:
                sock.sendall(data)
                answer = read_answer(sock)
                assert answer.status == 403
                assert b"127.0.0.2" in answer.body
                assert b"--allow-client" in answer.body
        assert len(origin.asked) == 1


def test_a_client_that_is_not_allowed_gets_nothing_from_the_cache_either(proxy: Proxy) -> None:
    with Origin(ok(b"kept", "Cache-Control: max-age=60")) as origin:
        for _ in range(3):
            assert proxy.ask(f"{origin.url}/k").body == b"kept"
        with proxy.connect("127.0.0.2") as sock:
            sock.sendall(request(f"{origin.url}/k"))
            answer = read_answer(sock)
            assert (answer.status, b"kept" in answer.body) == (403, False)


def test_the_dashboards_port_is_refused_live(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Origin(ok(b"secret")) as board:
        folder = tmp_path_factory.mktemp("board") / "cache"
        with Proxy(
            folder, "--connect-ports", str(board.port), env={"SOCKET_LAB_PORTS": f"{board.port},x"}
        ) as proxy:
            for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "127.3.3.3"):
                for method, url in (
                    ("GET", f"http://{host}:{board.port}/"),
                    ("CONNECT", f"{host}:{board.port}"),
                ):
                    answer = proxy.ask(url, method=method)
                    assert answer.status == 403
                    assert b"dashboard" in answer.body
            assert board.connections == 0


def test_by_default_only_this_machine_is_a_target(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Proxy(tmp_path_factory.mktemp("default") / "cache") as proxy:
        for url in ("http://10.0.0.1/", "http://8.8.8.8/", "http://192.168.0.1/", "http://[2001:db8::1]/"):
            answer = proxy.ask(url)
            assert answer.status == 403
            assert b"--allow-target" in answer.body
            assert "cache-status" not in answer.headers or "hit" not in answer.get("cache-status")
        answer = proxy.ask("10.0.0.1:443", method="CONNECT")
        assert (answer.status, b"--allow-target" in answer.body) == (403, True)


def test_what_is_taken_back_holds_at_once(tmp_path: Path) -> None:
    """Live settings: for connections that are open, and for clients also where the answer is stored."""
    with Dashboard() as board, Origin(ok(b"kept", "Cache-Control: max-age=60")) as origin:
        words = ("--port", "0", "--cache", str(tmp_path / "cache"))
        with Program(SERVER, *words, env=board.env, stdin=subprocess.PIPE):
            board.accept()
            with socket.create_connection(("127.0.0.1", board.port()), DEADLINE) as sock:

                def ask(path: str) -> int:
                    sock.sendall(request(f"{origin.url}{path}"))
                    return read_answer(sock).status

                assert [ask("/k") for _ in range(3)] == [200, 200, 200]
                assert board.call("settings", {"allow_client": "10.0.0.1"}, 1).error == ""
                assert ask("/k") == 403
                assert (
                    board.call("settings", {"allow_client": "*", "allow_target": "10.0.0.1"}, 2).error == ""
                )
                assert ask("/other") == 403
                assert board.call("settings", {"allow_target": "127.0.0.1"}, 3).error == ""
                assert ask("/other") == 200
                assert board.call("settings", {"allow_target": "http://x"}, 4).field == "allow_target"
                assert ask("/third") == 200
