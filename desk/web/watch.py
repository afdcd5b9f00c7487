"""For whoever watches the service: /health (200, or 503 with the reason) and /metrics for Prometheus.

Both hold numbers and codes only. Details are for the watchers' own networks; elsewhere /health gives the bare status
and /metrics does not exist.
"""

import ipaddress
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from desk.web.pages import Pages
from flows import health
from flows.health import Check, Measured

KEEP = 10.0  # seconds for which numbers are good: counting reads whole tables
Probe = Callable[[], str]
"""Looks at something of this program; gives what is wrong, or ''."""


class Numbers(Collector):
    """What was measured, as Prometheus knows it."""

    def __init__(self, found: Measured, now: datetime, limits: Mapping[str, int]) -> None:
        self._found, self._now, self._limits = found, now, limits

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        found = self._found
        yield _gauge("tidings_deliveries", "Deliveries by state.", ["state"], _single(found.deliveries))
        yield _counter("tidings_attempts", "Tries to send, by outcome and first digit of the code (0: none).",
                       ["outcome", "code"], {(o, str(c)): n for (o, c), n in found.attempts.items()})  # fmt: skip
        yield _gauge("tidings_inbound", "Mails that came in, by what became of them and the rule that decided.",
                     ["state", "rule"], found.inbound)  # fmt: skip
        yield _gauge("tidings_editions", "Editions built, by state.", ["state"], _single(found.editions))
        yield _gauge("tidings_mailings", "Mailings by kind and state.", ["kind", "state"], found.mailings)
        yield _gauge("tidings_tasks_open", "Tasks that wait for a person.", ["kind"], _single(found.tasks))
        yield GaugeMetricFamily("tidings_applications", "People on the waiting list.", value=found.applications)
        ages = GaugeMetricFamily("tidings_queue_age_seconds", "How late the oldest is.", labels=["queue"])
        for name, seconds in health.ages(found, self._now).items():
            ages.add_metric([name], seconds)
        yield ages
        yield _counter("tidings_worker_limits", "Limits that each worker met since it started.", ["worker", "limit"],
                       found.limits)  # fmt: skip
        yield _counter("tidings_limits", "Limits hit in this program since it started.", ["limit"],
                       _single(self._limits))  # fmt: skip


def _single(values: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    return {(name,): n for name, n in values.items()}


def _gauge(name: str, words: str, labels: Sequence[str], values: Mapping[tuple[str, ...], int]) -> Metric:
    made = GaugeMetricFamily(name, words, labels=labels)
    for key, n in sorted(values.items()):
        made.add_metric(key, n)
    return made


def _counter(name: str, words: str, labels: Sequence[str], values: Mapping[tuple[str, ...], int]) -> Metric:
    made = CounterMetricFamily(name, words, labels=labels)
    for key, n in sorted(values.items()):
        made.add_metric(key, n)
    return made


class WatchPages:
    """Health and measures."""

    def __init__(
        self,
        pages: Pages,
        watchers: Sequence[str],
        probes: Mapping[str, Probe],
        limits: Callable[[], Mapping[str, int]],
    ) -> None:
        self._pages, self._probes, self._limits = pages, probes, limits
        self._watchers = [ipaddress.ip_network(one, strict=False) for one in watchers]
        self._lock = threading.Lock()
        self._kept: tuple[float, Measured] | None = None

    def routes(self) -> APIRouter:
        """What to serve where."""
        router = APIRouter()
        router.add_api_route("/health", self.health, methods=["GET", "HEAD"])
        router.add_api_route("/metrics", self.metrics, methods=["GET", "HEAD"])
        return router

    def health(self, request: Request, check: str = "") -> Response:
        """200 when all is well, 503 with the reasons; `check` looks at some alone, by names with commas between."""
        wanted = {name for name in check.split(",") if name}
        checks = [*health.health(self._pages.engine, now=self._pages.clock()), *self._local()]
        looked = [one for one in checks if not wanted or one.name in wanted]
        if wanted - {one.name for one in looked}:
            raise HTTPException(404)
        faults = {one.name: one.reason for one in looked if one.reason}
        answer: dict[str, object] = {"status": "failing" if faults else "ok"}
        if self._may_see(request):
            answer |= {"failing": faults, "checked": [one.name for one in looked]}
        return JSONResponse(answer, 503 if faults else 200)

    def _local(self) -> list[Check]:
        return [Check(name, probe()) for name, probe in self._probes.items()]

    def metrics(self, request: Request) -> Response:
        """The numbers in Prometheus' text format."""
        if not self._may_see(request):
            raise HTTPException(404)
        registry = CollectorRegistry()
        registry.register(Numbers(self._measured(), self._pages.clock(), self._limits()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    def _measured(self) -> Measured:
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEEP:
                self._kept = time.monotonic(), health.measure(self._pages.engine, now=self._pages.clock())
            return self._kept[1]

    def _may_see(self, request: Request) -> bool:
        try:
            host = ipaddress.ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        return any(host in network for network in self._watchers)
