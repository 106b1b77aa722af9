# SPDX-License-Identifier: Apache-2.0
"""TensorRT engines as a choice: where they run, and how one is made ready for a loaded model."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import partial

from shotstream_runtime.engines.cuda_graph.graphs import make_lane
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.engines.precision import Precision
from shotstream_runtime.weights.load import LoadedModel

from .activation_ranges import ActivationRanges
from .commands import build_command, calibrate_command
from .decoder_stream import TensorRtDecoders
from .engine import TensorRtEngine
from .errors import EngineUnusable
from .executor import DecoderExecutor, KernelCache, StudentExecutor
from .making import DECODER_DTYPE, calibration_path, recipe_for
from .precisions import capable_targets, quantised
from .prepared_student import PreparedStudent
from .products import MODULES, Product
from .store import (
    FIRST_LATENT_PLAN,
    NEXT_LATENT_PLAN,
    RUNTIME_CACHE,
    STUDENT_PLAN,
    EngineStore,
    default_folder,
)


def installed(product: Product) -> bool:
    """Whether a product's Python package is there; it is not loaded."""
    return any(importlib.util.find_spec(name) is not None for name in MODULES[product])


def refusal(product: Product, device: DeviceFacts, precision: Precision) -> str | None:
    """Why a product does not run a student on a device in a precision; none if it does."""
    target = device.target
    if target is None:
        return f"{product} needs an NVIDIA GPU"
    if not installed(product):
        return product.not_installed
    if product.selectable_targets and target not in product.selectable_targets:
        return f"{product} is for {product.gpus}, not for SM{target}"
    if not capable_targets(precision):
        return f"{product} has no fused attention in {precision}"
    if target not in capable_targets(precision):
        able = ", ".join(f"SM{capable}" for capable in capable_targets(precision))
        return f"SM{target} does not compute in {precision} ({able} do)"
    return None


def ready(product: Product, model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, TensorRtEngine]:
    """Opens the engine that was built for a model, and frees the weights that are in it.

    Raises:
        EngineUnusable: There is none, or it does not fit; says how to build it.
        TensorRtError: TensorRT cannot run it.
    """
    store = EngineStore(default_folder())
    precision = options.precision
    ranges = None
    if quantised(precision):
        command = calibrate_command(model.source, store.folder)
        ranges = ActivationRanges.read(calibration_path(store, model.profile.weights_hash), command)
    recipe = recipe_for(model, product, precision, share_gpu=options.share_gpu, ranges=ranges)
    device = model.student.device
    target = DeviceFacts.of(device).target
    stored = None
    try:
        stored = store.find(recipe, target)
        kernels = KernelCache(stored.folder / RUNTIME_CACHE)
        first, later = (store.read(stored, name) for name in (FIRST_LATENT_PLAN, NEXT_LATENT_PLAN))
        lane = make_lane(device, share_gpu=options.share_gpu)
        decoder = DecoderExecutor(product, first, later, kernels, device, lane)
        plan = store.read(stored, STUDENT_PLAN)
        student = PreparedStudent(model.student, precision)
        student.release()
        executor = StudentExecutor(product, plan, kernels, device, lane)
    except EngineUnusable as error:
        if stored is not None and stored.record is not None:
            command = build_command(stored.record.recipe, model.source, store.folder, anew=True)
        else:
            missing = recipe if target is None else recipe.model_copy(update={"targets": (target,)})
            command = build_command(missing, model.source, store.folder)
        raise EngineUnusable(f"{error}; build it with: {command}") from error
    decoders = TensorRtDecoders(decoder, DECODER_DTYPE, device)
    engine = TensorRtEngine(product, student, recipe.tensors, executor)
    return replace(model, other_decoders=model.other_decoders or decoders), engine


def _kind(product: Product, about: str) -> EngineKind:
    return EngineKind(
        name=product.value,
        about=about,
        automatic=False,
        refusal=partial(refusal, product),
        build=partial(ready, product),
    )


TENSORRT_RTX = _kind(Product.TENSORRT_RTX, "GeForce and RTX PRO; built beforehand, on any machine")
TENSORRT = _kind(Product.TENSORRT, "GPUs of data centres; built beforehand, on the GPU itself")
