"""Serving web pages: one HTTP server in a thread of its own, on a socket that is bound before anything else starts."""

import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 2048


class WebServer:
    """Serves one application. `start` returns when it answers; `stop` lets what is under way end."""

    def __init__(self, application: ASGIApp, bound: socket.socket, trusted: Sequence[str] = ()) -> None:
        """`trusted`: addresses or networks of reverse proxies whose X-Forwarded-For and -Proto are believed."""
        self._socket = bound
        settings = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(trusted),
            forwarded_allow_ips=list(trusted),
            timeout_graceful_shutdown=10,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [bound]}, name="tidings-web", daemon=True
        )

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and give the port back."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(15)
        self._socket.close()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError for a port that is taken; 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)  # binding beside a listening socket may be allowed, listening is not
    except OSError as error:
        found.close()
        raise OSError(error.errno, error.strerror, f"web {host}:{port}") from error
    return found
