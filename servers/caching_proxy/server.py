"""A caching proxy: it fetches for its clients, keeps what may be kept, and says what it did and why.

Protocol: a client that uses a proxy sends it the whole URL, `GET http://example.org/a HTTP/1.1`;
the proxy asks the origin for `/a` and passes the answer on (RFC 9110, 7). What the answer allows
it keeps, and gives it to the next who asks (RFC 9111). For https the client asks for a tunnel:
`CONNECT example.org:443`, and the proxy passes bytes on that it cannot read.

The sheet's form works, too: http://localhost:8888/www.example.com/path in any browser.

Reading order: protocol.py (where to, and which fields go along), exchange.py (what is done with a
request), fetch.py (many ask for the same), rules.py and its neighbours (what RFC 9111 allows),
store.py (the cache on disk), loop.py and quick.py (how hits are fast).

Run it alone:   python -m servers.caching_proxy.server --port 8888
Then, in another terminal:   curl -x http://127.0.0.1:8888 -i http://127.0.0.1:6789/
"""

from __future__ import annotations

import contextlib
import socket

import msgspec

from servers.caching_proxy.lab import LAB
from servers.caching_proxy.loop import Loop
from servers.caching_proxy.objects import Which, purge, purge_all
from servers.caching_proxy.place import own_cache
from servers.caching_proxy.proxy import Proxy
from servers.caching_proxy.settings import Settings
from servers.kit.addresses import closed_ports, resolve
from servers.kit.command import run_server
from servers.kit.report import Report
from servers.kit.sockets import Socket

BACKLOG = 511
"""Connections that may wait to be accepted; the kernel may hold fewer (net.core.somaxconn)."""


def serve(settings: Settings, report: Report) -> None:
    """Listen, and serve until the program is told to stop."""
    with contextlib.ExitStack() as stack:
        proxy = Proxy(settings, report, stack.enter_context(own_cache(settings)))
        stack.callback(proxy.close)
        report.on_change(proxy.apply)
        report.on_action("purge", lambda which: purge(proxy.store, msgspec.convert(which, Which)))
        report.on_action("purge_all", lambda _: purge_all(proxy.store))
        family, address = resolve(settings.host, settings.port, socket.SOCK_STREAM)
        with Socket(report, family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart without waiting
            listener.bind(address)
            listener.listen(BACKLOG)
            proxy.origins.own = closed_ports(listener.getsockname()[1], "this proxy")
            report.listening(listener.getsockname())
            loop = Loop(listener, proxy)
            stack.callback(loop.close)
            loop.run()


if __name__ == "__main__":
    run_server(LAB, serve)
