"""The tick: one interval job that asks the flows what is due. It owns no truth and may run anywhere, any often.

A job that is still running when its next turn comes is not started twice; a turn that was missed is made up once.
"""

from collections.abc import Callable, Mapping

from apscheduler.schedulers.background import BackgroundScheduler

from app.clock import system_clock

Job = Callable[[], object]


class Ticker:
    """Runs named jobs every `seconds`, each in a thread of its own, and right away when poked."""

    def __init__(self, jobs: Mapping[str, Job], seconds: float, on_error: Callable[[str, Exception], None]) -> None:
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._on_error = on_error
        for name, job in jobs.items():
            self._scheduler.add_job(self._guarded(name, job), "interval", seconds=seconds, id=name, name=name)

    def _guarded(self, name: str, job: Job) -> Job:
        def run() -> None:
            try:
                job()
            except Exception as error:
                # Whatever went wrong is tried again at the next tick; the ticker itself must live.
                self._on_error(name, error)

        return run

    def start(self) -> None:
        """Begin ticking."""
        self._scheduler.start()

    def poke(self) -> None:
        """Run every job as soon as possible instead of at its next turn."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=system_clock())

    def stop(self) -> None:
        """Let running jobs end, then stop."""
        self._scheduler.shutdown(wait=True)
