# SPDX-License-Identifier: Apache-2.0
"""Making an engine for a model: recipe, network, build, and into the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.weights.load import LoadedModel
from shotstream_runtime.weights.outline import ModelOutline

from .activation_ranges import ActivationRanges
from .build import BuildOptions, build_plan
from .build_log import BuildLog
from .commands import calibrate_command
from .definition import define_decoder, define_student
from .errors import TensorRtError
from .held_interrupt import held_interrupt
from .precisions import quantised
from .products import Product
from .recipe import EngineRecipe, plain_student, ranges_hash
from .store import FIRST_LATENT_PLAN, NEXT_LATENT_PLAN, STUDENT_PLAN, EngineStore, StoredEngine

Told = Callable[[str, float], None]
"""Told what is being done, and the fraction of the whole that is done."""

SHARED_GPU_BYTES = 48 << 10
"""Shared memory of a kernel that leaves room for graphics on the same multiprocessor."""

CALIBRATION = "calibration-{weights}.json"

DECODER_DTYPE = torch.bfloat16
"""Of the video decoder: with the range of float32, so that no layer can overflow."""

_BUILT = 0.9


def calibration_path(store: EngineStore, weights_hash: str) -> Path:
    """Where the calibration of a model is kept: beside the engines."""
    return store.folder / CALIBRATION.format(weights=weights_hash[:16])


def recipe_of(
    outline: ModelOutline,
    target: int | None,
    product: Product,
    precision: Precision,
    *,
    targets: Sequence[int] = (),
    share_gpu: bool = False,
    ranges: ActivationRanges | None = None,
) -> EngineRecipe:
    """The recipe of a model's engine.

    Args:
        outline: The model.
        target: Compute capability of the GPU at hand; none without one.
        product: TensorRT product, which has to be installed.
        precision: Number format.
        targets: Compute capabilities; none: all that the product and the precision have, or that of the GPU
            at hand if the product builds for that.
        share_gpu: Limits shared memory, so that a game's graphics go on.
        ranges: The model's calibration, for a narrow precision.

    Raises:
        TensorRtError: The product is missing, or does not build this.
    """
    weights = outline.profile.weights_hash
    if ranges is not None and ranges.weights_hash != weights:
        raise TensorRtError(
            "the calibration was measured with other weights; calibrate again: "
            f"{calibrate_command(outline.source)}"
        )
    height, width = outline.latent_size
    at_hand = () if target is None else (target,)
    return EngineRecipe(
        product=product,
        product_version=product.load().__version__,
        targets=product.targets_for(precision, targets) or at_hand,
        precision=precision,
        weights_hash=weights,
        student=plain_student(outline.student),
        height=height,
        width=width,
        shared_memory_bytes=SHARED_GPU_BYTES if share_gpu else None,
        ranges_hash=ranges_hash(ranges) if quantised(precision) else "",
    )


def recipe_for(model: LoadedModel, product: Product, precision: Precision, **options: Any) -> EngineRecipe:
    """The recipe of a loaded model's engine, on its device; options and errors as `recipe_of`."""
    target = DeviceFacts.of(model.student.device).target
    return recipe_of(ModelOutline.of(model), target, product, precision, **options)


def make_engine(
    store: EngineStore,
    recipe: EngineRecipe,
    model: LoadedModel,
    ranges: ActivationRanges | None = None,
    *,
    told: Told = lambda what, fraction: None,
    expected_s: float = 60.0,
) -> StoredEngine:
    """Builds an engine and puts it into the store. It is there whole, or not at all.

    Args:
        store: Where it goes.
        recipe: What it is.
        model: The model, whose weights go into it.
        ranges: The calibration, for a narrow precision.
        told: Hears how far it is; what it raises ends the build.
        expected_s: How long the build takes, for the fraction: TensorRT's own phases do not say.

    Raises:
        TensorRtError: The product is missing or cannot build this.
        OSError: The engine cannot be written.
    """
    trt = recipe.product.load()
    log = BuildLog()
    started = time.monotonic()

    def on(phase: str, fraction: float) -> bool:
        del fraction
        # Towards the end ever more slowly: an estimate that was too short does not stand still.
        share = (time.monotonic() - started) / expected_s
        told(phase.lower(), _BUILT * (1 - 0.25**share))
        return True

    told("defining the network", 0.0)
    tensors = recipe.tensors
    # The others build for the GPU at hand, whatever it is.
    targets = recipe.targets if recipe.product.selectable_targets else ()
    options = BuildOptions(targets, recipe.shared_memory_bytes)
    with store.writing(recipe) as writer:
        for name, first in ((FIRST_LATENT_PLAN, True), (NEXT_LATENT_PLAN, False)):
            with held_interrupt():
                decoder, _ = define_decoder(
                    trt, log.logger(trt), model.video, recipe.height, recipe.width, DECODER_DTYPE, first=first
                )
            writer.write(name, build_plan(decoder, [], options, log, on), lambda part: None)
            writer.decoder_scratch_bytes = max(writer.decoder_scratch_bytes, log.scratch_bytes())
        log.lines.clear()
        with held_interrupt():
            student = define_student(trt, log.logger(trt), tensors, model.student.state_dict(), ranges)
        plan = build_plan(student, tensors.profiles(), options, log, on)
        writer.model = model.source
        writer.built_s = time.monotonic() - started
        writer.scratch_bytes = log.scratch_bytes()
        writer.write(STUDENT_PLAN, plan, lambda part: told("writing", _BUILT + (1 - _BUILT) * part))
    return store.find(recipe)
