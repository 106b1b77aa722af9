# SPDX-License-Identifier: Apache-2.0
"""Engines that are built beforehand, built for a model of random weights so that they can be measured."""

from __future__ import annotations

from collections.abc import Callable

from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.engine_kind import EngineKind, EngineOptions
from shotstream_runtime.engines.tensorrt.activation_ranges import ActivationRanges, range_names
from shotstream_runtime.engines.tensorrt.errors import EngineUnusable
from shotstream_runtime.engines.tensorrt.making import calibration_path, make_engine, recipe_for
from shotstream_runtime.engines.tensorrt.precisions import quantised
from shotstream_runtime.engines.tensorrt.products import Product
from shotstream_runtime.engines.tensorrt.store import EngineStore, default_folder
from shotstream_runtime.weights.load import LoadedModel

_RANGE = 8.0
"""Taken for every activation: nothing is to be seen of random weights, and scales cost no time."""


def build_if_needed(
    kind: EngineKind,
    model: LoadedModel,
    options: EngineOptions,
    report: Callable[[str], None] = lambda step: None,
) -> None:
    """Builds the engine of a random model, where its kind needs that and it is not there from before.

    It stands among the user's engines, under the name of its random weights.

    Args:
        kind: The engine.
        model: The model.
        options: How it is to run.
        report: Told how far the build is.

    Raises:
        TensorRtError: The product is missing or cannot build this.
        OSError: The engine cannot be written.
    """
    product = next((product for product in Product if product.value == kind.name), None)
    if product is None:
        return
    store, weights = EngineStore(default_folder()), model.profile.weights_hash
    store.require_writable()
    ranges = None
    if quantised(options.precision):
        largest = dict.fromkeys(range_names(model.student.config), _RANGE)
        ranges = ActivationRanges(weights_hash=weights, stories=("random",), passes=1, largest=largest)
        calibration_path(store, weights).write_text(ranges.model_dump_json(), encoding="utf-8")
    target = DeviceFacts.of(model.student.device).target
    wanted = (target,) if product.selectable_targets and target is not None else ()
    recipe = recipe_for(
        model, product, options.precision, targets=wanted, share_gpu=options.share_gpu, ranges=ranges
    )
    try:
        store.find(recipe, target)
    except EngineUnusable:
        make_engine(
            store, recipe, model, ranges, told=lambda what, done: report(f"building: {what}, {done:.0%}")
        )
