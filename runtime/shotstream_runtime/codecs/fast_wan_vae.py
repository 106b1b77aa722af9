# SPDX-License-Identifier: Apache-2.0
"""Faster CPU kernels for one instance of `diffusers.AutoencoderKLWan`.

Measured on one thread, most of the library's time goes into two places: `F.normalize` over the channel axis,
whose reduction is not vectorised, and `slow_conv3d`, which torch prefers to oneDNN for small single clips.
`accelerate` gives the modules of one instance replacements that share its parameters, so that names,
`state_dict` and other instances stay as they are. Devices other than the CPU, and builds without oneDNN,
run the library's convolutions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d, WanRMS_norm, WanUpsample
from torch import Tensor, nn

NORMALIZE_EPS = 1e-12
"""Smallest vector length `F.normalize` divides by."""

_ONEDNN_DTYPES = (torch.float32,)
_WIDE_DTYPES = (torch.float32, torch.float64)


def accelerate(vae: AutoencoderKLWan) -> AutoencoderKLWan:
    """Replaces the norms and convolutions of this instance by faster ones with the same parameters.

    Pixels and latents stay within 5e-6 of the plain modules' in float32. Parameters keep their names and
    identity; a second call changes nothing. Gradients flow as before.

    Returns:
        The same instance.
    """
    for parent in list(vae.modules()):
        if isinstance(parent, FastUpsample):
            continue
        for name, child in list(parent.named_children()):
            replacement = _replacement(child)
            if replacement is not None:
                parent.add_module(name, replacement)
    return vae


def onednn_usable(x: Tensor) -> bool:
    """Whether oneDNN can be chosen explicitly for this input."""
    return (
        x.device.type == "cpu"
        and x.dtype in _ONEDNN_DTYPES
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
    )


def _replacement(module: nn.Module) -> nn.Module | None:
    # Exact types: subclasses are the replacements themselves, or something this module knows nothing about.
    if type(module) is WanRMS_norm and module.channel_first and not isinstance(module.bias, nn.Parameter):
        return FastRmsNorm(module)
    if type(module) is WanCausalConv3d:
        return FastCausalConv3d(module)
    if type(module) is nn.Sequential and _doubles_then_convolves(module):
        return FastUpsample(module)
    if type(module) is nn.Conv2d and module.padding_mode == "zeros" and module.groups == 1:
        return FastConv2d(module)
    if type(module) is nn.SiLU and not module.inplace:
        # Every use in this autoencoder follows a norm, whose result nothing else reads.
        return nn.SiLU(inplace=True)
    return None


def _wide(dtype: torch.dtype) -> torch.dtype:
    """A type wide enough for a sum of squares."""
    return dtype if dtype in _WIDE_DTYPES else torch.float32


def _doubles_then_convolves(module: nn.Sequential) -> bool:
    if len(module) != 2 or type(module[0]) is not WanUpsample or not isinstance(module[1], nn.Conv2d):
        return False
    doubled = module[0].scale_factor == (2.0, 2.0) and module[0].mode == "nearest-exact"
    return doubled and module[1].kernel_size == (3, 3) and module[1].padding == (1, 1)


class FastRmsNorm(nn.Module):
    """Root-mean-square norm over the channel axis 1, as `x * rsqrt(sum(x * x))`."""

    def __init__(self, plain: WanRMS_norm) -> None:
        super().__init__()
        self.gamma: nn.Parameter = plain.gamma
        self.scale: float = plain.scale
        self.train(plain.training)

    def forward(self, x: Tensor) -> Tensor:
        if onednn_usable(x):
            return self._forward_channels_last(x)
        if not torch.is_grad_enabled():
            # Widened inside the kernels alone: copies in float32 would be the largest tensors of all.
            length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=_wide(x.dtype))
            factors = self.scale / length.clamp_min_(NORMALIZE_EPS)
            normalized = torch.mul(x, factors, out=torch.empty_like(x))
            same = self.gamma.dtype is x.dtype
            return normalized.mul_(self.gamma) if same else normalized * self.gamma
        # 16-bit inputs overflow or lose the sum: the library reduces them in float32 as well.
        wide = x.to(_wide(x.dtype))
        # Clamping the squared length is what F.normalize's eps does to the length.
        length_squared = (wide * wide).sum(dim=1, keepdim=True).clamp_min(NORMALIZE_EPS**2)
        # The scale goes into the factor that has one channel.
        normalized = wide * (torch.rsqrt(length_squared) * self.scale)
        return normalized.to(x.dtype) * self.gamma

    def _forward_channels_last(self, x: Tensor) -> Tensor:
        """The same on rows of channels; the sum is a matrix product, which is fast for few channels too."""
        last = x.movedim(1, -1)
        rows = last.reshape(-1, x.shape[1])
        squares = rows * rows
        length_squared = torch.mm(squares, rows.new_ones(x.shape[1], 1))
        if torch.is_grad_enabled():
            factors = torch.rsqrt(length_squared.clamp_min(NORMALIZE_EPS**2)) * self.scale
            normalized = rows * factors * self.gamma.flatten()
        else:
            # In place, over what is not needed any more, since memory takes most of the time. What each
            # number is multiplied by comes as a matrix product: quicker than spreading along short rows.
            factors = length_squared.clamp_min_(NORMALIZE_EPS**2).rsqrt_()
            gamma = (self.gamma * self.scale).view(1, -1)
            normalized = torch.mm(factors, gamma, out=squares).mul_(rows)
        return normalized.view(last.shape).movedim(-1, 1)


class FastCausalConv3d(WanCausalConv3d):  # type: ignore[misc]
    """Causal convolution that pads rows and columns inside oneDNN instead of copying the input.

    It takes and gives channels-last memory, in which oneDNN is 10 to 40 % faster at these sizes.
    It subclasses the library's type because the library counts its cached convolutions by type.
    """

    def __init__(self, plain: WanCausalConv3d) -> None:
        # Only nn.Module's own set-up: allocating and initialising weights to throw away is slow at full size.
        nn.Module.__init__(self)
        for name in (
            "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
            "transposed", "output_padding", "padding_mode", "_reversed_padding_repeated_twice", "_padding",
        ):  # fmt: skip
            setattr(self, name, getattr(plain, name))
        self.weight = plain.weight
        self.bias = plain.bias
        self.train(plain.training)

    def forward(self, x: Tensor, cache_x: Tensor | None = None) -> Tensor:
        if not onednn_usable(x):
            result: Tensor = super().forward(x, cache_x)
            return result
        columns, _, rows, _, missing_frames, _ = self._padding
        weight = self.weight
        if cache_x is not None and missing_frames > 0:
            x = torch.cat([cache_x, x], dim=2)
            missing_frames -= cache_x.shape[2]
        if missing_frames == weight.shape[2] - 1 and x.shape[2] == 1:
            # One frame with nothing before it: the taps on the past would only meet zeros.
            weight = weight[:, :, -1:]
        elif missing_frames > 0:
            x = F.pad(x, (0, 0, 0, 0, missing_frames, 0))
        x = x.contiguous(memory_format=torch.channels_last_3d)
        return torch.mkldnn_convolution(
            x, weight, self.bias, (0, rows, columns), self.stride, self.dilation, self.groups
        )


class FastConv2d(nn.Module):
    """Convolution over single frames with oneDNN chosen explicitly."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        if isinstance(plain.padding, str):
            raise TypeError(f"a named padding ({plain.padding!r}) is not expected in this autoencoder")
        self.weight = plain.weight
        self.bias = plain.bias
        self.stride = plain.stride
        self.padding = plain.padding
        self.dilation = plain.dilation
        self.train(plain.training)

    def forward(self, x: Tensor) -> Tensor:
        if not onednn_usable(x):
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)
        x = x.contiguous(memory_format=torch.channels_last)
        return torch.mkldnn_convolution(
            x, self.weight, self.bias, self.padding, self.stride, self.dilation, 1
        )


class FastUpsample(nn.Sequential):
    """Doubling by repetition followed by a 3x3 convolution, computed on the small picture.

    Each of the four pixels that grow from one sees only a 2x2 neighbourhood of the small picture, so that
    four 2x2 convolutions (with sums of the 3x3 taps) need 4/9 of the work and never build the large input.
    """

    def __init__(self, plain: nn.Sequential) -> None:
        super().__init__(*plain)
        self.train(plain.training)

    def forward(self, x: Tensor) -> Tensor:
        if not onednn_usable(x):
            result: Tensor = self[1](self[0](x))
            return result
        convolution = self[1]
        if not isinstance(convolution, nn.Conv2d):
            raise TypeError(f"the second layer must be a plain convolution, not {type(convolution).__name__}")
        bias = None if convolution.bias is None else convolution.bias.repeat(4)
        # One convolution gives all four phases over every 2x2 window of the picture with a border of one.
        windows = torch.mkldnn_convolution(
            x.contiguous(memory_format=torch.channels_last),
            _phase_taps(convolution.weight),
            bias,
            (1, 1),
            (1, 1),
            (1, 1),
            1,
        )
        frames, _, height, width = x.shape
        windows = windows.movedim(1, -1).unflatten(-1, (2, 2, convolution.out_channels))
        large = x.new_empty(frames, height, 2, width, 2, convolution.out_channels)
        for row in (0, 1):
            for column in (0, 1):
                large[:, :, row, :, column] = windows[
                    :, row : row + height, column : column + width, row, column
                ]
        return large.view(frames, 2 * height, 2 * width, -1).movedim(-1, 1)


def _phase_taps(weight: Tensor) -> Tensor:
    """2x2 taps for the four phases, [4 * out, in, 2, 2], of 3x3 taps [out, in, 3, 3]."""
    rows = _phase_sums(weight, dim=2)
    return torch.cat([taps for row in rows for taps in _phase_sums(row, dim=3)])


def _phase_sums(weight: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    before, same, after = weight.unbind(dim)
    # An even pixel reads (previous, own, own), an odd one (own, own, next).
    return torch.stack([before, same + after], dim), torch.stack([before + same, after], dim)
