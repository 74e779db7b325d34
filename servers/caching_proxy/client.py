"""The proxy lab's client: fetches a URL through the proxy, and directly, and compares.

Run it alone:   python -m servers.caching_proxy.client 127.0.0.1 8888 http://127.0.0.1:6789/

Here is the order of things. compose.py makes the requests' bytes, visit.py has the socket and the clock,
hearing.py reads an answer as it comes, explain.py says what the proxy's cache did, comparing.py what differs.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

from servers.caching_proxy.comparing import OWN, compare, summary
from servers.caching_proxy.compose import Aim, aim_of, curl_line, for_origin, for_proxy, may_i
from servers.caching_proxy.explain import last_member
from servers.caching_proxy.lab import LAB
from servers.caching_proxy.printing import print_fetch, print_outcome
from servers.caching_proxy.request import Request
from servers.caching_proxy.results import Fetch, Result
from servers.caching_proxy.visit import Address, Visit
from servers.kit.addresses import resolve, show
from servers.kit.command import run_client
from servers.kit.errors import LabError, SettingError
from servers.kit.http import Headers
from servers.kit.report import Report


def ask(host: str, port: int, request: Request, report: Report) -> int:
    """Fetch, compare, tell. Exit code 0 if each answer came through the proxy, whole; else 1."""
    run = ClientRun(host, port, request, report)
    try:
        run.go()
    except KeyboardInterrupt:
        run.stopped = "Interrupted."
    result = run.result()
    print_outcome(result, report.say)
    report.result(result)
    good = all(not fetch.error and fetch.verdict not in OWN for fetch in result.fetches)
    return 0 if good and result.fetches and not run.stopped else 1


class ClientRun:
    """One run: some fetches through the proxy, then one without it. Each has a connection of its own."""

    def __init__(self, host: str, port: int, request: Request, report: Report) -> None:
        self.request, self.report = request, report
        self.aim: Aim = aim_of(request.url)
        self.proxy: Address = resolve(host, port, socket.SOCK_STREAM)
        self.name = show((host, port))
        self.fetches: list[Fetch] = []
        self.direct: Fetch | None = None
        self.no_direct = self.stopped = ""

    def go(self) -> None:
        """All fetches. Raises LabError where the proxy cannot be reached at all."""
        method = "CONNECT" if self.aim.scheme == "https" else self.request.method
        head = for_proxy(self.aim, self.request, self.name)
        for number in range(1, self.request.times + 1):
            visit = Visit(self.report, self.request.timeout, "proxy", number, self.proxy, method, head)
            visit.run()
            if visit.unreachable and not self.fetches:
                raise LabError(visit.error)
            self.fetches.append(visit.fetch())
            print_fetch(self.fetches[-1], self.report.say)
            if self.fetches[-1].error:
                return
        if self.request.compare:
            self._fetch_directly()

    def result(self) -> Result:
        """What was found so far."""
        last = self.fetches[-1] if self.fetches else None
        comparison = None
        if last and self.direct and not last.error and not self.direct.error and last.verdict not in OWN:
            comparison = compare(last, self.direct)
        return Result(
            summary=self.stopped or summary(self.fetches, self.direct, comparison, bool(self.no_direct)),
            url=self.aim.url,
            proxy=self.name,
            fetches=self.fetches,
            direct=self.direct,
            no_direct=f"No direct fetch: {self.no_direct}" if self.no_direct else "",
            comparison=comparison,
            curl=curl_line(self.aim, self.request, self.name),
            error=self.stopped or (last.error if last else ""),
        )

    def _fetch_directly(self) -> None:
        if self.fetches[-1].verdict == "REFUSED":
            self.no_direct = "what the proxy refuses is not fetched past it."
            return
        if self.aim.scheme == "https":
            self.no_direct = (
                "through a tunnel the proxy passes on bytes that it cannot read, so there is nothing to "
                "compare. This client stops where TLS would begin."
            )
            return
        address = self._where()
        if not address:
            return
        head = for_origin(self.aim, self.request)
        visit = Visit(self.report, self.request.timeout, "direct", 0, address, self.request.method, head)
        visit.run()
        self.direct = visit.fetch()
        print_fetch(self.direct, self.report.say)

    def _where(self) -> Address | None:
        """The origin's address; None, and ``no_direct`` says why, if there is to be no direct fetch.

        A page of the dashboard is there for a whole class, so what its client connects to is what
        the proxy's rules allow, and no name is looked up a second time: the proxy tells the address.
        """
        if self.report.audience == "dashboard":
            return self._allowed()
        try:
            return resolve(self.aim.host, self.aim.port, socket.SOCK_STREAM)
        except SettingError as error:
            self.no_direct = error.message
            return None

    def _allowed(self) -> Address | None:
        """The address that the proxy would connect to: OPTIONS asks it (RFC 9110, 7.6.2; RFC 9209, 2.1.2)."""
        visit = Visit(self.report, self.request.timeout, "proxy", 0, self.proxy, "OPTIONS", may_i(self.aim))
        visit.run()
        answer = visit.fetch()
        if answer.error:
            self.no_direct = f"the proxy did not say whether it may be: {answer.error}"
        elif answer.status != 200:
            what = f"{answer.status} {answer.phrase}".rstrip()
            self.no_direct = f"the proxy would not fetch it either: {what}. {answer.reason}".rstrip()
        else:
            hop = next_hop(visit.hearing.headers)
            if hop is None:
                self.no_direct = "the proxy does not say which address is allowed (Proxy-Status, next-hop)."
            return hop
        return None


def next_hop(headers: Headers) -> Address | None:
    """The address in Proxy-Status's ``next-hop="127.0.0.1:6789"``; None if it is no address with a port.

    Never a name: that would have to be looked up again, and could lead elsewhere by then.
    """
    _, parameters = last_member(headers.get("proxy-status"))
    host, colon, port = (parameters.get("next-hop") or "").rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        return None
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    return family, (str(address), int(port))


if __name__ == "__main__":
    run_client(LAB, ask)
