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
from shotstream_runtime.weights.outline import ModelOutline

from .activation_ranges import ActivationRanges
from .commands import build_command, calibrate_command
from .decoder_stream import DECODER_STATES, TensorRtDecoders
from .engine import TensorRtEngine
from .errors import EngineUnusable
from .executor import DecoderExecutor, GpuPlace, KernelCache, StudentExecutor
from .making import DECODER_DTYPE, calibration_path, recipe_of
from .precisions import capable_targets, quantised
from .prepared_student import PreparedStudent
from .products import MODULES, Product
from .recipe import EngineRecipe
from .store import (
    FIRST_LATENT_PLAN,
    NEXT_LATENT_PLAN,
    RUNTIME_CACHE,
    STUDENT_PLAN,
    EngineStore,
    StoredEngine,
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


def look_for(
    product: Product, outline: ModelOutline, device: DeviceFacts, options: EngineOptions
) -> tuple[EngineRecipe, StoredEngine]:
    """The engine that was built for a model, as far as it can be judged without reading its plans.

    Raises:
        EngineUnusable: There is none that fits; says how to build it.
        TensorRtError: The product or the calibration is missing.
    """
    store, precision = EngineStore(default_folder()), options.precision
    ranges = None
    if quantised(precision):
        command = calibrate_command(outline.source, store.folder)
        ranges = ActivationRanges.read(calibration_path(store, outline.profile.weights_hash), command)
    target = device.target
    recipe = recipe_of(outline, target, product, precision, share_gpu=options.share_gpu, ranges=ranges)
    try:
        return recipe, store.find(recipe, target)
    except EngineUnusable as error:
        missing = recipe if target is None else recipe.model_copy(update={"targets": (target,)})
        command = build_command(missing, outline.source, store.folder)
        raise EngineUnusable(f"{error}; build it with: {command}") from error


def ready(product: Product, model: LoadedModel, options: EngineOptions) -> tuple[LoadedModel, TensorRtEngine]:
    """Opens the engine that was built for a model, and frees the weights that are in it.

    Raises:
        EngineUnusable: There is none, or it does not fit; says how to build it.
        TensorRtError: TensorRT cannot run it.
    """
    device = model.student.device
    recipe, stored = look_for(product, ModelOutline.of(model), DeviceFacts.of(device), options)
    store = EngineStore(stored.folder.parent)
    try:
        lane = make_lane(device, share_gpu=options.share_gpu)
        place = GpuPlace(device, lane, KernelCache(stored.folder / RUNTIME_CACHE))
        if model.preview is None and model.other_decoders is None:
            first, later = (store.read(stored, name) for name in (FIRST_LATENT_PLAN, NEXT_LATENT_PLAN))
            decoder = DecoderExecutor(product, first, later, place)
            model = replace(model, other_decoders=TensorRtDecoders(decoder, DECODER_DTYPE, device))
        plan = store.read(stored, STUDENT_PLAN)
        student = PreparedStudent(model.student, options.precision)
        student.release()
        executor = StudentExecutor(product, plan, place)
    except EngineUnusable as error:
        found = recipe if stored.record is None else stored.record.recipe
        command = build_command(found, model.source, store.folder, anew=True)
        raise EngineUnusable(f"{error}; build it with: {command}") from error
    return model, TensorRtEngine(product, student, recipe.tensors, executor)


def _kind(product: Product, about: str) -> EngineKind:
    return EngineKind(
        name=product.value,
        about=about,
        automatic=False,
        refusal=partial(refusal, product),
        preflight=partial(look_for, product),
        decoder_states=DECODER_STATES,
        narrow_cache=quantised,
        build=partial(ready, product),
    )


TENSORRT_RTX = _kind(Product.TENSORRT_RTX, "GeForce and RTX PRO; built beforehand, on any machine")
TENSORRT = _kind(Product.TENSORRT, "GPUs of data centres; built beforehand, on the GPU itself")
