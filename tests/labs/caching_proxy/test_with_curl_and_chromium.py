"""The proxy as the world's programs use it: curl, and a real Chromium that loads the demo site through it."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.http_web.demosite import demo_site
from tests.labs.caching_proxy.rig import Proxy
from tests.programs import DEADLINE, Program, eventually

LONG_AGO = 1_000_000_000
PICTURES = 11


class Net:
    """The proxy, the web server behind it, and the folder that this one shows."""

    def __init__(self, proxy: Proxy, origin: Program, root: Path) -> None:
        self.proxy, self.root = proxy, root
        self.port = origin.port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.at = f"http://127.0.0.1:{proxy.own_port}"

    def curl(self, *words: str, data: bytes = b"", code: int = 0) -> bytes:
        """What curl prints."""
        if not shutil.which("curl"):
            pytest.skip("there is no curl")
        done = subprocess.run(
            ["curl", "-q", "-sS", "-m", "20", "-x", self.at, "--noproxy", "", *words],
            input=data, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    def verdict(self, path: str, count: int = 1) -> str:
        return str(self.proxy.verdict(self.origin + path, count)["verdict"])

    def verdicts(self, path: str) -> list[str]:
        return [event["verdict"] for event in self.proxy.verdicts(self.origin + path)]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    folder = tmp_path_factory.mktemp("net")
    root = folder / "site"
    shutil.copytree(demo_site(), root, ignore=shutil.ignore_patterns(".*"))
    for where, _, names in os.walk(root):
        for name in names:  # old files stay fresh for long: ten per cent of their age
            os.utime(Path(where) / name, (LONG_AGO, LONG_AGO))
    words = ("--port", "0", "--root", str(root), "--allow-put", "--model", "threads")
    with Program("servers.http_web.server", *words) as web:
        ports = ("--connect-ports", str(web.port()), "--cache-size", "20")
        with Proxy(folder / "cache", *ports, timeout=5) as proxy:
            yield Net(proxy, web, root)
        assert web.stop() == 0


# -- curl


def test_a_page_is_fetched_once_and_then_comes_from_the_cache(net: Net) -> None:
    page = (net.root / "about.html").read_bytes()
    assert net.curl(f"{net.origin}/about.html") == page
    assert net.verdict("/about.html") == "MISS"
    assert net.curl(f"{net.origin}/about.html") == page
    assert net.verdict("/about.html", 2) == "HIT"
    answer = net.curl("-i", f"{net.origin}/about.html").decode()
    assert "\r\nAge: " in answer
    assert "\r\nCache-Status: socketlab; hit; ttl=" in answer


def test_curl_without_a_proxy_setting_in_the_sheets_form(net: Net) -> None:
    answer = net.curl("--noproxy", "*", f"{net.at}/127.0.0.1:{net.port}/plain.txt")
    assert answer == (net.root / "plain.txt").read_bytes()


def test_head_first(net: Net) -> None:
    answer = net.curl("-I", f"{net.origin}/data.json").decode()
    assert f"Content-Length: {(net.root / 'data.json').stat().st_size}\r\n" in answer
    net.curl(f"{net.origin}/data.json")
    net.curl("-I", f"{net.origin}/data.json")
    eventually(lambda: net.verdicts("/data.json") == ["MISS", "MISS", "HIT"], str(net.verdicts("/data.json")))


def test_parts_and_then_all(net: Net) -> None:
    large = (net.root / "large.txt").read_bytes()
    assert net.curl("-r", "64-127", f"{net.origin}/large.txt") == large[64:128]
    assert net.curl("-r", "64-127", f"{net.origin}/large.txt") == large[64:128]
    assert net.verdict("/large.txt", 2) == "HIT"
    assert net.curl("-r", "-100", f"{net.origin}/large.txt") == large[-100:]
    assert net.curl(f"{net.origin}/large.txt") == large
    assert net.curl("-r", "5000000-5999999", f"{net.origin}/large.txt") == large[5_000_000:6_000_000]
    assert net.verdict("/large.txt", 5) == "HIT"
    assert b" 416 " in net.curl("-i", "-r", "99999999-", f"{net.origin}/large.txt")


def test_a_download_is_resumed(net: Net, tmp_path: Path) -> None:
    large = (net.root / "large.txt").read_bytes()
    (tmp_path / "part").write_bytes(large[:4_000_000])
    net.curl("-C", "-", "-o", str(tmp_path / "part"), f"{net.origin}/large.txt")
    assert (tmp_path / "part").read_bytes() == large


def test_asking_for_compressed(net: Net) -> None:
    page = (net.root / "paths.html").read_bytes()
    assert net.curl("--compressed", f"{net.origin}/paths.html") == page
    assert net.curl(f"{net.origin}/paths.html") == page


def test_only_if_it_changed(net: Net) -> None:
    net.curl(f"{net.origin}/HelloWorld.html")
    answer = net.curl("-i", "-z", "Sun, 09 Sep 2001 01:46:40 GMT", f"{net.origin}/HelloWorld.html")
    assert b" 304 " in answer.partition(b"\r\n")[0]
    assert net.verdict("/HelloWorld.html", 2) == "HIT"
    answer = net.curl("-i", "-z", "Sun, 09 Sep 2001 01:46:39 GMT", f"{net.origin}/HelloWorld.html")
    assert b" 200 " in answer.partition(b"\r\n")[0]


@pytest.mark.parametrize("how", ["chunked", "length"])
def test_an_upload_goes_through_and_what_was_stored_is_forgotten(net: Net, how: str, tmp_path: Path) -> None:
    (net.root / f"{how}.txt").write_bytes(b"old")
    os.utime(net.root / f"{how}.txt", (LONG_AGO, LONG_AGO))
    url = f"{net.origin}/{how}.txt"
    assert [net.curl(url) for _ in range(2)] == [b"old", b"old"]
    new = os.urandom(2_000_000)
    (tmp_path / "new").write_bytes(new)
    if how == "chunked":
        net.curl("-T", "-", url, data=new)
    else:
        net.curl("-T", str(tmp_path / "new"), url)
    assert (net.root / f"{how}.txt").read_bytes() == new
    assert net.curl(url) == new
    assert net.verdict(f"/{how}.txt", 4) in ("MISS", "EXPIRED", "REVALIDATED")
    assert net.verdicts(f"/{how}.txt")[:3] == ["MISS", "HIT", "BYPASS"]


def test_an_old_client(net: Net) -> None:
    page = (net.root / "about.html").read_bytes()
    assert net.curl("--http1.0", f"{net.origin}/about.html") == page
    words = net.curl("--http1.0", "-i", f"{net.origin}/demo/chunked")
    assert words.endswith(b"No Content-Length said how long this would be.\n")
    assert b"chunked" not in words.partition(b"\r\n\r\n")[0]


def test_http_2_is_asked_for_in_vain(net: Net) -> None:
    answer = net.curl("--http2", "-i", f"{net.origin}/about.html")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_tunnel(net: Net) -> None:
    page = (net.root / "about.html").read_bytes()
    assert net.curl("--proxytunnel", f"{net.origin}/about.html") == page
    assert net.proxy.verdict(f"127.0.0.1:{net.port}")["verdict"] == "TUNNEL"
    assert net.curl("https://127.0.0.1:1/", code=56) == b""  # 403: no port for tunnels


def test_five_at_once_over_few_connections(net: Net) -> None:
    words = [
        word for n in range(5) for word in ("-o", "/dev/null", f"{net.origin}/demo/status/20{n % 2}?{n}")
    ]
    net.curl("--parallel", *words)
    for n in range(5):
        assert net.verdict(f"/demo/status/20{n % 2}?{n}") == "MISS"


def test_the_standard_librarys_client(net: Net) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": net.at}))
    with opener.open(f"{net.origin}/about.html", timeout=DEADLINE) as answer:
        assert answer.read() == (net.root / "about.html").read_bytes()
        assert answer.headers["Via"]


# -- Chromium


def visit(chromium: Any, url: str, proxy: str = "", reload: bool = False) -> list[str]:
    """Load a page in a browser whose own cache is empty; all its pictures must be there. What went wrong."""
    setting = {"server": proxy, "bypass": "<-loopback>"}  # the proxy for this machine's own addresses, too
    context = chromium.new_context(proxy=setting if proxy else None)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("requestfailed", lambda failed: complaints.append(f"{failed.url} {failed.failure}"))
    page.goto(url, wait_until="load")
    if reload:
        page.reload(wait_until="load")
    sizes = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert all(sizes), sizes
    context.close()
    return [said for said in complaints if "ERR_ABORTED" not in said]  # a reload aborts what still loads


@pytest.mark.browser
def test_chromium_loads_the_site_from_the_origin_and_then_from_the_cache(net: Net, chromium: Any) -> None:
    assert visit(chromium, f"{net.origin}/gallery.html", net.at) == []

    def pictures() -> list[dict[str, Any]]:
        return [event for event in net.proxy.verdicts() if event["url"].startswith(f"{net.origin}/images/")]

    eventually(lambda: len({event["url"] for event in pictures()}) >= PICTURES, "all pictures are told")
    before, own = len(net.proxy.verdicts()), pictures()
    assert {event["verdict"] for event in own} == {"MISS"}
    assert net.verdict("/gallery.html") == "MISS"
    assert net.verdict("/style.css") == "MISS"

    assert visit(chromium, f"{net.origin}/gallery.html", net.at) == []
    eventually(lambda: len(pictures()) >= 2 * PICTURES, "all pictures are told again")
    again = net.proxy.verdicts()[before:]
    assert {event["verdict"] for event in again} == {"HIT"}, again


@pytest.mark.browser
def test_a_reload_asks_the_origin_whether_it_still_holds(net: Net, chromium: Any) -> None:
    assert visit(chromium, f"{net.origin}/index.html", net.at, reload=True) == []
    found = eventually(
        lambda: net.verdicts("/index.html") if len(net.verdicts("/index.html")) > 1 else None, "two verdicts"
    )
    assert found == ["MISS", "REVALIDATED"]


@pytest.mark.browser
def test_chromium_without_a_proxy_setting_finds_the_links_of_the_sheets_form(net: Net, chromium: Any) -> None:
    for page in ("gallery.html", "notes/", "demo/cache/60"):
        assert visit(chromium, f"{net.at}/127.0.0.1:{net.port}/{page}") == []
    assert net.verdict("/demo/cache/60") == "MISS"
    assert net.verdict("/style.css"), "an absolute path, found by its Referer"
