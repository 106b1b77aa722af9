# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

# The bridge's own constants, repeated: importing it here would make `--help` twice as slow.
DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"
MAX_SEED = 2**63 - 1
BUILT_IN_MODEL = "mini"

StoryPath = Annotated[
    Path, typer.Argument(metavar="STORY", help="Story file: YAML, or JSON with global_caption and shot1, ...")
]
Model = Annotated[
    str,
    typer.Option("--model", metavar="mini|DIR", help="The built-in mini, or a folder of published weights."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]


class EngineName(StrEnum):
    """The engines by name, as `shotstream_runtime.engines.kinds` has them; repeated, as it imports torch."""

    AUTO = "auto"
    EAGER = "eager"
    COMPILED = "compiled"
    CUDA_GRAPH = "cuda-graph"
    TENSORRT_RTX = "tensorrt-rtx"
    TENSORRT = "tensorrt"


class PrecisionName(StrEnum):
    """The precisions of `shotstream_runtime.engines.precision`, repeated likewise."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"
    NVFP4 = "nvfp4"


class AttentionName(StrEnum):
    """The kernels of `shotstream_runtime.engines.attention_kernels`, repeated likewise."""

    FA3 = "fa3"
    CUDNN = "cudnn"
    FA2 = "fa2"
    SDPA = "sdpa"


EngineOption = Annotated[
    EngineName, typer.Option("--engine", help="What executes the student; auto picks by device and says why.")
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option("--precision", help="Number format. Default: bf16 on a GPU; fp32 on a CPU, and for mini."),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, max=256, help="CPU threads for arithmetic. Default: by the machine."),
]
EightBitCache = Annotated[
    bool, typer.Option("--eight-bit-cache", help="Keep the dual cache in 8 bits: half the memory.")
]
AttentionOption = Annotated[
    AttentionName | None,
    typer.Option("--attention", help="Attention kernel of compiled and cuda-graph. Default: the best here."),
]


class DecoderName(StrEnum):
    """What shows the frames."""

    FULL = "full"
    PREVIEW = "preview"


DecoderOption = Annotated[
    DecoderName,
    typer.Option(
        "--decoder", help="preview: the small decoder taew2_1, from the folder of weights; softer pictures."
    ),
]
Vram = Annotated[
    str,
    typer.Option(
        "--vram",
        metavar="auto|GB",
        help="GPU memory for published weights, e.g. 12, 16, 24; what is given up is said. auto: all free.",
    ),
]
ShareGpu = Annotated[
    bool,
    typer.Option("--share-gpu", help="Beside a game on the same GPU: its graphics go first."),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there as JSON as well.")
]
SeedOverride = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=MAX_SEED, help="Seed to use instead of the story's own."),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="OUT.mp4|DIR",
        help="Movie, or folder for the take. An older take is replaced; anything else only with --force.",
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Write the take even where files are that are no older take's.")
]
Pictures = Annotated[
    bool, typer.Option("--png", help="Keep every frame as a lossless PNG instead of making a movie.")
]
Address = Annotated[str, typer.Option("--address", metavar="tcp://HOST:PORT", help="Address of the server.")]
ServerAddress = Annotated[
    str, typer.Argument(metavar="[ADDRESS]", help="Address of the server, tcp://HOST:PORT.")
]
Bind = Annotated[
    str,
    typer.Option(
        "--bind",
        "--address",
        metavar="tcp://HOST:PORT",
        help="Where to listen. HOST * is every interface; beyond this machine --keys is needed.",
    ),
]
ServerKeys = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="FILE", help="The server's private key: only clients of --allow-list are let in."
    ),
]
AllowListPath = Annotated[
    Path | None,
    typer.Option(
        "--allow-list", metavar="FILE", help="Clients to let in. Default: allowed-clients beside --keys."
    ),
]
ClientKey = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="This client's private key, for a server with keys."),
]
ServerKey = Annotated[
    str | None,
    typer.Option("--server-key", metavar="FILE|KEY", help="The server's public key, for a server with keys."),
]
JournalFolder = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="DIR",
        help="Keep every story on disk there: they survive a crash, and go on when the server is back.",
    ),
]
KeepDays = Annotated[
    float | None,
    typer.Option(
        "--keep-days", min=0.0, help="Delete ended and suspended stories of the journal after so many days."
    ),
]
KeepGigabytes = Annotated[
    float | None,
    typer.Option(
        "--keep-gb", min=0.0, help="Delete the oldest of them while the journal takes more than this."
    ),
]


SuspendAfter = Annotated[
    float,
    typer.Option(
        "--suspend-after",
        min=1.0,
        metavar="SECONDS",
        help="With a journal: lay a story aside when nobody has been there for it for so long.",
    ),
]


class LogFormat(StrEnum):
    """How a line of the log looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="Lines for people, or one JSON object on each line.")
]
LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="Write log lines from this level on.")]
MaxStories = Annotated[
    int, typer.Option("--max-stories", min=1, max=1000, help="Stories open at once, over all clients.")
]
MaxQueuedChunks = Annotated[
    int,
    typer.Option(
        "--max-queued-chunks",
        min=1,
        max=1_000_000,
        help="Chunks that may wait to be generated, over all stories.",
    ),
]
ReserveGigabytes = Annotated[
    float,
    typer.Option(
        "--reserve-gb", min=0.0, max=10_000.0, help="Main memory that stays free when a story is taken on."
    ),
]
DeviceReserveGigabytes = Annotated[
    float,
    typer.Option("--device-reserve-gb", min=0.0, max=10_000.0, help="The same for the memory of a GPU."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        help="Tell /metrics (Prometheus), /healthz and /readyz by HTTP at this port; 0 takes a free one.",
    ),
]
MetricsHost = Annotated[
    str | None,
    typer.Option(
        "--metrics-host",
        help="Interface of --metrics-port, by default 127.0.0.1. Whoever reaches it may read it.",
    ),
]
