# SPDX-License-Identifier: Apache-2.0
"""The video decoder over TensorRT networks that are recomputed from their own definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from network_interpreter import NetworkInterpreter
from shotstream_runtime.codecs.video import VideoCodec
from shotstream_runtime.engines.tensorrt.build_log import BuildLog
from shotstream_runtime.engines.tensorrt.decoder_stream import TensorRtDecoder, TensorRtDecoders
from shotstream_runtime.engines.tensorrt.definition import define_decoder
from torch import Tensor


class InterpretedSteps:
    """A `StepExecutor` over the definitions of the two networks."""

    def __init__(self, trt: Any, codec: VideoCodec, height: int, width: int) -> None:
        self.trt = trt
        self.fails = False
        logger = BuildLog().logger(trt)
        made = {
            first: define_decoder(trt, logger, codec, height, width, torch.float32, first=first)
            for first in (True, False)
        }
        self.definitions = {first: definition for first, (definition, _) in made.items()}
        self.tensors = {first: tensors for first, (_, tensors) in made.items()}
        self.first, self.later = self.tensors[True], self.tensors[False]

    def run_step(self, first: bool, buffers: Mapping[str, Tensor]) -> None:
        network = self.definitions[first].network
        inputs = [network.get_input(i).name for i in range(network.num_inputs)]
        outputs = NetworkInterpreter(self.trt, network).run({name: buffers[name] for name in inputs})
        for name, value in outputs.items():
            buffers[name].copy_(value)
        assert set(inputs) | set(outputs) == set(buffers)
        if self.fails:
            raise RuntimeError("out of memory")

    @property
    def decoders(self) -> TensorRtDecoders:
        return TensorRtDecoders(self, torch.float32, torch.device("cpu"))

    def open(self) -> TensorRtDecoder:
        return self.decoders.open_decoder()
