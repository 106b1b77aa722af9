# SPDX-License-Identifier: Apache-2.0
"""`shotstream serve`."""
# ruff: noqa: PLC0415 - what is heavy is imported when the command runs, so that help is instant

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ..compute_settings import ComputeSettings, takes_compute_settings
from ..failure import CommandFailed
from ..options import (
    BUILT_IN_MODEL,
    DEFAULT_ADDRESS,
    AllowListPath,
    Bind,
    DeviceReserveGigabytes,
    JournalFolder,
    KeepDays,
    KeepGigabytes,
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    MaxQueuedChunks,
    MaxStories,
    MetricsHost,
    MetricsPort,
    Model,
    ReserveGigabytes,
    ServerKeys,
    SuspendAfter,
)
from ..serving_log import Say, serving_log
from ..stop_signals import StopSignals

if TYPE_CHECKING:
    from shotstream_runtime.host.admission_limits import AdmissionLimits
    from shotstream_runtime.host.monitor import Monitor
    from shotstream_runtime.host.serving import Server
    from shotstream_runtime.journal.journal import Journal

_POLL_S = 0.2  # Windows notices Ctrl-C only between waits
_STOP_S = 60.0  # for the running chunk; telling the clients takes at most 9 s more


@takes_compute_settings
def serve(
    address: Bind = DEFAULT_ADDRESS,
    model: Model = BUILT_IN_MODEL,
    *,
    settings: ComputeSettings,
    keys: ServerKeys = None,
    allow_list: AllowListPath = None,
    journal: JournalFolder = None,
    keep_days: KeepDays = None,
    keep_gb: KeepGigabytes = None,
    suspend_after: SuspendAfter = 60.0,
    max_stories: MaxStories = 32,
    max_queued_chunks: MaxQueuedChunks = 5_000,
    reserve_gb: ReserveGigabytes = 0.5,
    device_reserve_gb: DeviceReserveGigabytes = 2.0,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = None,
) -> None:
    """Serves stories until Ctrl-C or SIGTERM, which finish the running chunk; a second one ends at once.

    Without keys it serves this machine only. See `shotstream keys` for serving others.
    """
    if metrics_host is not None and metrics_port is None:
        raise CommandFailed(f"--metrics-host {metrics_host} needs --metrics-port; nothing is told without it")
    with serving_log(log_format, log_level) as say:
        from shotstream_runtime.host.admission_limits import AdmissionLimits

        admission = AdmissionLimits(
            stories=max_stories,
            queued_chunks=max_queued_chunks,
            reserve_bytes=int(reserve_gb * 1e9),
            device_reserve_bytes=int(device_reserve_gb * 1e9),
        )
        _serve(
            say,
            address,
            model,
            settings,
            keys,
            allow_list,
            suspend_after,
            admission,
            lambda: _open_journal(journal, keep_days, keep_gb),
            lambda server: _monitor(server, metrics_port, metrics_host or "127.0.0.1"),
        )


def _serve(
    say: Say,
    address: str,
    model: str,
    settings: ComputeSettings,
    keys: Path | None,
    allow_list: Path | None,
    suspend_after: float,
    admission: AdmissionLimits,
    open_journal: Callable[[], Journal | None],
    watch: Callable[[Server], AbstractContextManager[Monitor | None]],
) -> None:
    from ..connection_keys import server_security
    from ..fitting import check
    from ..model_loading import importing, load, model_source

    security = server_security(keys, allow_list)
    source = model_source(model)
    check(source, settings)
    with importing():
        from shotstream_runtime.host.model_facts import ModelFacts
        from shotstream_runtime.host.open_files import raise_open_files_limit
        from shotstream_runtime.host.serving import Server
        from shotstream_runtime.host.supervisor import Supervisor

    raise_open_files_limit()
    facts = ModelFacts.read(source)
    supervisor = Supervisor.of_this_process()
    serving_at = Server(facts, address, admission=admission, security=security, suspend_after_s=suspend_after)
    with StopSignals() as stop, serving_at as server, watch(server) as monitor:
        say(f"Listening at {server.address}; loading {model} ...")
        if monitor is not None:
            say(f"Metrics at {monitor.url}/metrics")
        # Before the model: a folder that cannot be used is told at once.
        stories = open_journal()
        if stories is not None:
            server.expect_journal()
        loaded = load(model, settings, server.loading)
        for note in loaded.notes:
            say(note)
        server.begin(loaded.model, loaded.engine, journal=stories)
        stop.orderly = True
        profile = facts.profile
        say(
            f"Serving {profile.name} ({profile.width}x{profile.height} at {profile.fps:g} fps) "
            f"at {server.address}"
        )
        if security is not None:
            say(f"Clients that are let in: {len(security.allowed)}")
        there = "" if server.address == DEFAULT_ADDRESS else f" --address {_as_clients_see(server.address)}"
        if security is not None:
            there += " --key YOURS.key --server-key THIS.pub"
        say(f"Stop with Ctrl-C. Try: shotstream play STORY{there}")
        while not stop.asked.wait(_POLL_S):
            supervisor.look(server, f"serving {profile.name} at {server.address}")
            if not server.running:
                raise CommandFailed("the server has stopped by itself; its log above says why")
        supervisor.stopping()
        say("Finishing the running chunk ...")
        finished = server.stop(_STOP_S)
    if not finished:
        raise CommandFailed(f"the running chunk did not finish within {_STOP_S:.0f} s")
    say("Stopped.")


def _as_clients_see(address: str) -> str:
    """Where clients connect: at this machine's name, if it listens at all of its interfaces."""
    return re.sub(r"//(0\.0\.0\.0|\[::\]):", lambda _: f"//{socket.gethostname()}:", address)


def _open_journal(folder: Path | None, days: float | None, gigabytes: float | None) -> Journal | None:
    if folder is None:
        return None
    from shotstream_runtime.journal.journal import Journal
    from shotstream_runtime.journal.retention import Retention

    retention = Retention(
        max_age_s=None if days is None else days * 86_400,
        max_bytes=None if gigabytes is None else int(gigabytes * 1e9),
    )
    return Journal(folder, retention=retention)


def _monitor(server: Server, port: int | None, host: str) -> AbstractContextManager[Monitor | None]:
    if port is None:
        return nullcontext()
    from shotstream_runtime.host.monitor import Monitor

    return Monitor(server, port, host)
