# SPDX-License-Identifier: Apache-2.0
"""How a model is made to fit the device, decided before any of its weights is read."""
# ruff: noqa: PLC0415 - what is heavy is imported when a model is loaded, so that help is instant

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .compute_settings import ComputeSettings
from .failure import CommandFailed, ExitCode
from .options import DecoderName

if TYPE_CHECKING:
    import torch

    from shotstream_runtime.engines.choice import EngineChoice
    from shotstream_runtime.host.memory_need import Arrangement
    from shotstream_runtime.host.memory_plan import MemoryPlan
    from shotstream_runtime.weights.load import LoadedModel

_AUTO = "auto"
_LEAST_GIB = 4


def check_vram(vram: str) -> int | None:
    """What ``--vram`` names, in bytes; none for what is free.

    Raises:
        CommandFailed: It is neither auto nor a sensible number.
    """
    if vram == _AUTO:
        return None
    number = vram.lower().removesuffix("gb").strip()
    if not number.isdecimal() or int(number) < _LEAST_GIB:
        raise CommandFailed(
            f"--vram {vram}: give auto, or gigabytes such as 12, 16 or 24 (at least {_LEAST_GIB})",
            ExitCode.USAGE,
        )
    return int(number) << 30


def check(source: Path | str, settings: ComputeSettings) -> None:
    """Refuses what no device and no engine would change: it can be told before anything heavy is imported.

    Args:
        source: ``mini``, or a folder.
        settings: What is asked for.

    Raises:
        CommandFailed: The model has no such decoder, or ``--vram`` is no number.
    """
    check_vram(settings.vram)
    if settings.decoder == DecoderName.PREVIEW and not _published(source):
        raise CommandFailed(
            f"--decoder preview: is for published weights; {source} has one decoder", ExitCode.USAGE
        )


def _published(source: Path | str) -> bool:
    from shotstream_runtime.weights.locate import is_own_format

    return isinstance(source, Path) and not is_own_format(source)


def fit(
    source: Path | str, device: torch.device, choice: EngineChoice, settings: ComputeSettings
) -> tuple[Arrangement, tuple[str, ...]]:
    """How a model is to use memory, and what is to be told of that.

    Args:
        source: ``mini``, or a folder. Only published weights take so much that there is something to plan.
        device: Where it computes.
        choice: Its engine.
        settings: What is asked for.

    Raises:
        CommandFailed: As `check`.
        MemoryPlanError: It does not fit; gives the numbers.
        WeightsError: A file is missing.
    """
    from shotstream_runtime.host.memory_need import Arrangement

    check(source, settings)
    no_effect: tuple[str, ...] = ()
    if check_vram(settings.vram) is not None:
        no_effect = (f"--vram {settings.vram} has no effect: it is for published weights on a GPU",)
    wanted = Arrangement(
        precision=choice.precision,
        eight_bit_cache=settings.eight_bit_cache or choice.kind.narrow_cache(choice.precision),
        preview=settings.decoder == DecoderName.PREVIEW,
        decoder_states=choice.kind.decoder_states,
        captured=choice.kind.captures,
    )
    if _published(source):
        plan = _plan(Path(source), device, choice, settings, wanted)
        return plan.arrangement, plan.notes if device.type == "cuda" else (*no_effect, *plan.notes)
    return wanted, no_effect


def _plan(
    folder: Path,
    device: torch.device,
    choice: EngineChoice,
    settings: ComputeSettings,
    wanted: Arrangement,
) -> MemoryPlan:
    import torch

    from shotstream_runtime.host.free_memory import free_memory
    from shotstream_runtime.host.memory_need import ModelMemory
    from shotstream_runtime.host.memory_plan import DISPLAY_RESERVE_BYTES, plan_memory
    from shotstream_runtime.weights.configs import read_configs
    from shotstream_runtime.weights.errors import WeightsError
    from shotstream_runtime.weights.locate import locate
    from shotstream_runtime.weights.preview import find_preview
    from shotstream_runtime.weights.profile import published_profile

    configs = read_configs(locate(folder))
    on_gpu = device.type == "cuda"
    memory = ModelMemory(configs, published_profile(folder), on_gpu=on_gpu)
    asked = check_vram(settings.vram)
    free = free_memory(device)
    if not on_gpu:
        budget = free.host
    elif asked is None:
        budget = free.device
    else:
        total = torch.cuda.get_device_properties(device).total_memory
        budget = min(asked - DISPLAY_RESERVE_BYTES, free.device)
        # What is named is kept to, whatever else is free.
        share = (asked - DISPLAY_RESERVE_BYTES) / total
        torch.cuda.set_per_process_memory_fraction(min(1.0, share), device)
    try:
        preview_there = bool(find_preview(folder))
    except WeightsError:
        preview_there = False
    return plan_memory(
        memory,
        configs.student,
        wanted,
        budget,
        # Engines that are built for a precision before keep to it.
        precision_fixed=settings.precision is not None or not choice.kind.automatic,
        eight_bit_cache_possible=choice.kind.eight_bit_cache,
        preview_possible=preview_there,
        window_fixed=choice.kind.preflight is not None,
        may_give_up=on_gpu,
    )


def equip(arrangement: Arrangement, model: LoadedModel, source: Path | str) -> LoadedModel:
    """Brings what is not decided while loading into a loaded model.

    Raises:
        WeightsError: The small decoder's file is missing or damaged.
    """
    from shotstream_runtime.weights.preview import find_preview, load_preview

    student = model.student
    config, window = student.config, arrangement.window_frames
    if window is not None and window < config.local_window_frames:
        student.config = replace(
            config, local_window_frames=window, sink_frames=config.sink_frames or config.frames_per_chunk
        )
    model.video.frames_per_pass = arrangement.frames_per_pass
    if not arrangement.preview:
        return model
    preview = load_preview(
        find_preview(Path(source)), latent_channels=config.in_dim, device=student.device, dtype=student.dtype
    )
    return replace(model, preview=preview)
