# SPDX-License-Identifier: Apache-2.0
"""A server's metrics in Prometheus' terms, read when they are asked for; docs/operations.md lists them.

No label has a value that clients choose, so that the number of series is fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from shotstream_bridge.counters import Histogram
from shotstream_bridge.messages import ServerStateName, StoryActivity
from shotstream_bridge.service import ServiceStatus
from shotstream_bridge.version import PROTOCOL_VERSIONS, __version__

from .serving import Server


def metrics_registry(server: Server) -> CollectorRegistry:
    """The metrics of a server and of its process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServerCollector(server))
    ProcessCollector(registry=registry)
    return registry


class ServerCollector(Collector):
    """Reads a server's counters. Thread-safe.

    Args:
        server: The server, with or without a model.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def collect(self) -> Iterator[Metric]:
        """All metrics of this moment."""
        status = self._server.status()
        yield from self._about(status)
        yield from self._generation()
        yield from self._stories(status)
        yield from self._bridge()

    def _about(self, status: ServiceStatus) -> Iterator[Metric]:
        info = self._server.info()
        yield InfoMetricFamily(
            "shotstream_build",
            "Version, protocol and model.",
            {
                "version": __version__,
                "protocol": ",".join(str(version) for version in PROTOCOL_VERSIONS),
                "model": info.model,
                "weights": (info.weights_hash or "")[:12],
                "device": self._server.device,
            },
        )
        states = {state.value: float(status.state is state) for state in ServerStateName}
        yield _gauges("shotstream_server_state", "1 for the state that the server is in.", "state", states)
        yield _gauge("shotstream_uptime_seconds", "Since the server began to listen.", status.uptime_s)
        if status.gpu_bytes is not None:
            yield _gauge("shotstream_gpu_memory_bytes", "Allocated by PyTorch on the GPU.", status.gpu_bytes)

    def _generation(self) -> Iterator[Metric]:
        counters = self._server.counters
        yield _counter("shotstream_frames_generated", "Frames generated.", counters.frames)
        yield _counter("shotstream_chunks_generated", "Chunks generated.", counters.chunks)
        stages = HistogramMetricFamily(
            "shotstream_stage_seconds", "Time of each stage of generation.", labels=["stage"]
        )
        for stage, histogram in counters.stage_s.items():
            stages.add_metric([stage], _buckets(histogram), histogram.sum)
        yield stages
        yield _histogram(
            "shotstream_beat_wait_seconds",
            "From a beat's acceptance to its taking effect.",
            counters.beat_wait_s,
        )
        yield _histogram(
            "shotstream_beat_first_frame_seconds",
            "From a beat's acceptance to its first frame, the wait in the queue included.",
            counters.first_frame_s,
        )

    def _stories(self, status: ServiceStatus) -> Iterator[Metric]:
        counters = self._server.counters
        activities = {activity.value: 0.0 for activity in StoryActivity}
        for story in status.stories:
            activities[story.activity.value] += 1
        yield _gauges("shotstream_stories", "Open stories, by what they are doing.", "activity", activities)
        yield _counter("shotstream_stories_opened", "Stories opened by clients.", counters.stories_opened)
        yield _counter(
            "shotstream_stories_resumed",
            "Stories of the journal that were gone on with after a new start.",
            counters.stories_resumed,
        )
        yield _counters("shotstream_stories_closed", "Stories that ended.", "end", counters.stories_closed)
        waiting = sum(story.beats_waiting for story in status.stories)
        yield _gauge("shotstream_beats_waiting", "Beats accepted that have not begun.", waiting)
        yield _counter("shotstream_beats_accepted", "Beats accepted.", counters.beats_accepted)
        yield _counters("shotstream_beats_done", "Beats that are done.", "outcome", counters.beats_done)
        lag = sum(story.journal_chunks or 0 for story in status.stories)
        yield _gauge("shotstream_journal_waiting_chunks", "Chunks that wait to be on disk.", lag)

    def _bridge(self) -> Iterator[Metric]:
        endpoint = self._server.endpoint
        counters = endpoint.counters
        loads = endpoint.watchers.loads()
        yield _gauge("shotstream_clients", "Clients connected or kept a place.", endpoint.clients)
        yield _gauges("shotstream_watchers", "Subscriptions.", "mode", endpoint.watchers.modes())
        yield _gauge(
            "shotstream_watcher_lag_frames",
            "Frames that wait for the watcher which is farthest behind.",
            max((lag for _, lag in loads.values()), default=0),
        )
        yield _counters("shotstream_frames_sent", "Frames sent to watchers.", "mode", counters.frames_sent)
        yield _counter(
            "shotstream_frames_dropped", "Frames that latest watchers did not get.", counters.frames_skipped
        )
        yield _counters(
            "shotstream_frame_bytes_sent",
            "Bytes of pixels sent, over connections or through shared memory.",
            "way",
            counters.bytes_sent,
        )
        yield _histogram(
            "shotstream_send_seconds", "From a frame's generation to its sending.", counters.send_s
        )
        yield _counter("shotstream_connects", "Clients welcomed.", counters.connects)
        yield _counter(
            "shotstream_reconnects", "Clients that came back after a lost connection.", counters.reconnects
        )
        yield _counter("shotstream_resumes", "Stories that clients took up again.", counters.resumes)
        yield _counters("shotstream_refusals", "What was refused, by code.", "code", counters.refusals)
        refused = {"unknown_key": counters.keys_refused, "rate": counters.rates_refused}
        yield _counters("shotstream_connections_refused", "Connections refused.", "reason", refused)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(name, about, value=value)


def _counters(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, about: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, about, buckets=_buckets(histogram), sum_value=histogram.sum)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    return [("+Inf" if bound == inf else str(bound), count) for bound, count in histogram.cumulative()]
