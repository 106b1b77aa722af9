# SPDX-License-Identifier: Apache-2.0
"""What an engine says of itself before it is made, and how it is to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shotstream_runtime.engines.base import Engine
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.outline import ModelOutline


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How an engine is to run, whatever its kind.

    Attributes:
        precision: Number format of the student's matrix products.
        attention: Attention kernel by name; none takes the best one there is.
        eight_bit_cache: Keeps the dual cache in float8, where the engine can.
        share_gpu: Lets graphics on the same GPU go first: streams of low priority, and kernels that leave
            shared memory free.
    """

    precision: Precision
    attention: str | None = None
    eight_bit_cache: bool = False
    share_gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """One kind of engine.

    Attributes:
        name: As on the command line.
        about: A few words for people.
        automatic: Whether ``auto`` may take it: it needs no preparation such as a build of minutes.
        eight_bit_cache: Whether it can keep the dual cache in 8 bits.
        names_attention: Whether it takes an attention kernel by name.
        shares_gpu: Whether it can let graphics on the same GPU go first.
        refusal: Why it does not run on a device with a precision; none if it does. Asked before anything is
            loaded.
        preflight: For a kind that is built beforehand: looks whether what was built is there and fits, before
            the model's weights are loaded. None for the others.
        captures: Whether work becomes graphs, whose memory on the way is theirs alone.
        first_wait: What the first chunk after the start waits for, as a sentence for people; empty: nothing.
        decoder_states: How often its decoders hold their carried states.
        narrow_cache: Whether it keeps the dual cache in 8 bits in a precision, whatever is asked for.
        build: Makes it for a loaded model, whose weights are on the device in ``precision.dtype``. Gives the
            model back, as it may bring parts of its own, such as a decoder.

    Raises:
        EngineError: From ``preflight``: what was built is missing or does not fit. From ``build``: it cannot
            be made after all.
    """

    name: str
    about: str
    automatic: bool
    eight_bit_cache: bool = False
    names_attention: bool = False
    shares_gpu: bool = True
    refusal: Callable[[DeviceFacts, Precision], str | None]
    preflight: Callable[[ModelOutline, DeviceFacts, EngineOptions], object] | None = None
    captures: bool = False
    first_wait: str = ""
    decoder_states: int = 1
    narrow_cache: Callable[[Precision], bool] = lambda precision: False
    build: Callable[[LoadedModel, EngineOptions], tuple[LoadedModel, Engine]]
