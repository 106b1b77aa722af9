# SPDX-License-Identifier: Apache-2.0
"""Which engine and precision are taken, on devices that are described rather than there."""

from __future__ import annotations

from typing import get_args

import pytest
from shotstream_runtime.cli import options
from shotstream_runtime.engines import EngineError, Precision
from shotstream_runtime.engines.choice import AUTO, choose_engine
from shotstream_runtime.engines.device_facts import DeviceFacts
from shotstream_runtime.engines.kinds import ENGINE_KINDS

CPU = DeviceFacts(type="cpu", name="CPU")


def test_the_command_line_names_every_engine_and_precision() -> None:
    assert {name.value for name in options.EngineName} == {AUTO, *(kind.name for kind in ENGINE_KINDS)}
    assert [name.value for name in options.PrecisionName] == [precision.value for precision in Precision]
    assert get_args(options.EngineOption)[0] is options.EngineName


def test_a_cpu_gets_eager_in_float32() -> None:
    choice = choose_engine(CPU)
    assert (choice.kind.name, choice.precision) == ("eager", Precision.FP32)
    assert "eager in fp32 on CPU" in choice.reason


def test_what_is_not_possible_is_refused_with_what_is() -> None:
    with pytest.raises(EngineError, match=r"--engine teager: unknown; use auto, .*eager"):
        choose_engine(CPU, "teager")
    with pytest.raises(EngineError, match=r"nvfp4.*possible on CPU: .*eager \(fp32, bf16"):
        choose_engine(CPU, "eager", Precision.NVFP4)
    with pytest.raises(EngineError, match=r"--precision nvfp4: no engine.*possible on CPU: .*eager"):
        choose_engine(CPU, AUTO, Precision.NVFP4)
