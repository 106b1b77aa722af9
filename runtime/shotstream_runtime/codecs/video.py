# SPDX-License-Identifier: Apache-2.0
"""The video codec: frames to latents and back, latent by latent, over `diffusers.AutoencoderKLWan`.

The library's own `encode` and `decode` keep carried state in the autoencoder and clear each other's, so a
stream that is interrupted by an encode silently loses its past. Here every stream owns its state: one
entry per causal convolution, handed to the library's modules at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from torch import Tensor, nn

from .fast_wan_vae import accelerate
from .frame_decoder import FramesOnDevice, PendingFrames, StepwiseDecoder
from .video_config import VideoCodecConfig

_RGB = 3
_CARRIED_FRAMES = 2


class VideoCodec:
    """Encodes and decodes with one autoencoder. Latents are normalised per channel.

    Encoding and any number of decoder streams do not disturb each other. Gradients flow where the caller's
    grad mode and the weights ask for them.

    Attributes:
        vae: The autoencoder.
        latent_channels: Channels of a latent.
        spatial_factor: Pixels per latent, in rows and in columns.
        temporal_factor: Frames per latent after the first; the first is one frame.
        frames_per_pass: Frames that `encode_frames` encodes as one batch; none for all of them.
    """

    def __init__(
        self,
        vae: AutoencoderKLWan,
        latent_mean: Sequence[float] | Tensor,
        latent_std: Sequence[float] | Tensor,
        *,
        accelerated: bool = True,
    ) -> None:
        """Wraps an autoencoder.

        Args:
            vae: The autoencoder with its weights.
            latent_mean: Mean of each raw latent channel, [C].
            latent_std: Standard deviation of each raw latent channel, [C].
            accelerated: Gives this instance's modules the faster kernels of `fast_wan_vae`. False keeps the
                library's.

        Raises:
            ValueError: Mean or deviation do not fit the latent channels.
        """
        self.frames_per_pass: int | None = None
        self.vae = accelerate(vae) if accelerated else vae
        self.latent_channels: int = vae.config.z_dim
        self._patch: int = vae.config.patch_size or 1
        self.spatial_factor: int = 2 ** (len(vae.config.dim_mult) - 1) * self._patch
        self.temporal_factor: int = 2 ** sum(vae.config.temperal_downsample)
        self._mean = self._per_channel("latent_mean", latent_mean)
        self._std = self._per_channel("latent_std", latent_std)

    @classmethod
    def from_config(cls, config: VideoCodecConfig, *, accelerated: bool = True) -> Self:
        """A codec of these dimensions with random weights; load them into `.vae`."""
        return cls(config.build(), config.latent_mean, config.latent_std, accelerated=accelerated)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._any_weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights, in which the autoencoder computes."""
        return self._any_weight.dtype

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Self:
        """Moves the weights; open decoder streams must be finished before."""
        # Past the library's own `to`, which warns of casts that concern other models.
        nn.Module.to(self.vae, device=device, dtype=dtype or self.dtype)
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        return self

    @property
    def normalisation(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each raw latent channel, as they broadcast over ``[C, f, h, w]``."""
        return self._mean, self._std

    def encode_frames(self, pixels: Tensor, *, frames_per_pass: int | None = None) -> Tensor:
        """Encodes each frame on its own, as a clip of one frame.

        Args:
            pixels: [n, 3, H, W] in [-1, 1].
            frames_per_pass: Frames encoded as one batch; the attribute of that name by default.

        Returns:
            [n, C, h, w] float32.

        Raises:
            ValueError: The pixels are not frames of whole latents.
        """
        self._check_pixels("pixels", pixels, 4, "[n, 3, H, W]", channel_axis=1)
        if not len(pixels):
            raise ValueError("pixels holds no frame")
        clips = self._to_network(pixels)[:, :, None]
        at_once = frames_per_pass or self.frames_per_pass or len(clips)
        # Without carried state the modules do for one frame what they do for the first frame of a clip.
        raw = [self.vae.quant_conv(self.vae.encoder(part)) for part in clips.split(at_once)]
        return self._normalise(torch.cat(raw))[:, 0]

    def encode_clip(self, pixels: Tensor) -> Tensor:
        """Encodes clips; the means of the posterior.

        Args:
            pixels: [b, 3, f, H, W] in [-1, 1], f = 1 + k x temporal_factor.

        Returns:
            [b, 1 + k, C, h, w] float32.

        Raises:
            ValueError: The pixels are not frames of whole latents.
        """
        self._check_pixels("pixels", pixels, 5, "[b, 3, f, H, W]", channel_axis=1)
        frames, step = pixels.shape[2], self.temporal_factor
        if frames < 1 or (frames - 1) % step:
            below = 1 + max(frames - 1, 0) // step * step
            raise ValueError(
                f"pixels has {frames} frames; a clip has 1 + k x {step}, e.g. {below} or {below + step}"
            )
        clips = self._to_network(pixels)
        state: list[Any] = [None] * self.vae._cached_conv_counts["encoder"]
        parts = [
            # A fresh index list each time: the library counts up in it.
            self.vae.encoder(part, feat_cache=state, feat_idx=[0])
            for part in clips.split([1] + [step] * ((frames - 1) // step), dim=2)
        ]
        return self._normalise(self.vae.quant_conv(torch.cat(parts, dim=2)))

    def decode_clip(self, latents: Tensor) -> Tensor:
        """Decodes whole clips; the same bits as a stream gives latent by latent.

        Args:
            latents: [b, f, C, h, w].

        Returns:
            [b, 1 + (f - 1) x temporal_factor, 3, H, W] float32, clipped to [-1, 1].

        Raises:
            ValueError: The latents have another shape.
        """
        if latents.ndim != 5 or latents.shape[1] < 1 or latents.shape[2] != self.latent_channels:
            raise ValueError(
                f"latents has shape {list(latents.shape)}; "
                f"expected [b, f, {self.latent_channels}, h, w] with f >= 1"
            )
        stream = self.open_decoder()
        return torch.cat([stream.decode(latent) for latent in latents.unbind(1)], dim=1)

    def open_decoder(self) -> DecoderStream:
        """A fresh stream, at the first latent of a shot."""
        return DecoderStream(self)

    def decoder_bytes(self, height: int, width: int) -> int:
        """State that a decoder of ``height x width`` latents carries from its second latent on.

        The autoencoder itself says so: a twin without memory behind its tensors decodes two latents.
        """
        return DecoderStream.on_meta(self, height, width).bytes

    def fresh_state(self) -> list[Any]:
        """See `StepwiseDecoder.fresh_state`: one entry per causal convolution."""
        return [None] * self.vae._cached_conv_counts["decoder"]

    def carried_state(self, height: int, width: int) -> Sequence[Tensor | None]:
        """See `StepwiseDecoder.carried_state`: two frames per entry, what a convolution of three needs.

        The library itself leaves entries of one or two frames, or a marker, until the second latent.
        """
        return [
            entry.new_empty((*entry.shape[:2], _CARRIED_FRAMES, *entry.shape[3:]))
            if isinstance(entry, Tensor)
            else None
            for entry in DecoderStream.on_meta(self, height, width).state
        ]

    @property
    def _any_weight(self) -> Tensor:
        weight: Tensor = self.vae.post_quant_conv.weight
        return weight

    def _per_channel(self, name: str, values: Sequence[float] | Tensor) -> Tensor:
        tensor = torch.as_tensor(values, dtype=torch.float32, device=self.device).flatten()
        if len(tensor) != self.latent_channels:
            raise ValueError(f"{name} has {len(tensor)} entries for {self.latent_channels} latent channels")
        return tensor.view(-1, 1, 1, 1)

    def _check_pixels(self, name: str, pixels: Tensor, ndim: int, layout: str, channel_axis: int) -> None:
        if pixels.ndim != ndim or pixels.shape[channel_axis] != _RGB or not pixels.is_floating_point():
            raise ValueError(
                f"{name} has shape {list(pixels.shape)} and type {pixels.dtype}; "
                f"expected {layout} of floats in [-1, 1]"
            )
        height, width = pixels.shape[-2:]
        factor = self.spatial_factor
        if not height or not width or height % factor or width % factor:
            raise ValueError(
                f"{name} are {width}x{height}; both sides must be positive multiples of {factor}"
            )

    def _to_network(self, pixels: Tensor) -> Tensor:
        """Pixels [b, 3, (f,) H, W] in the network's type, squares of pixels folded into channels."""
        pixels = pixels.to(self.device, self.dtype)
        if self._patch == 1:
            return pixels
        folded: Tensor = patchify(pixels if pixels.ndim == 5 else pixels[:, :, None], self._patch)
        return folded if pixels.ndim == 5 else folded[:, :, 0]

    def _normalise(self, moments: Tensor) -> Tensor:
        """Moments [b, 2C, f, h, w] of the posterior to normalised means [b, f, C, h, w]."""
        mean = moments[:, : self.latent_channels].float()
        return ((mean - self._mean) / self._std).transpose(1, 2)

    def decode_one(self, latent: Tensor, state: list[Any], first: bool) -> Tensor:
        """One latent [b, C, h, w] to pixels [b, n, 3, H, W]; replaces the entries of `state`.

        For those who keep the carried state themselves; `DecoderStream` does it for everybody else.

        Args:
            latent: Normalised.
            state: One entry per causal convolution: None at a shot's first latent, then what was left there.
            first: Whether it is a shot's first.
        """
        raw = (latent.to(self.device).float()[:, :, None] * self._std + self._mean).to(self.dtype)
        pixels = self.vae.decoder(
            self.vae.post_quant_conv(raw), feat_cache=state, feat_idx=[0], first_chunk=first
        )
        if self._patch > 1:
            pixels = unpatchify(pixels, self._patch)
        clipped: Tensor = pixels.float().clamp(-1.0, 1.0)
        return clipped.transpose(1, 2)


class DecoderStream:
    """Decodes the latents of one shot in order, one at a time.

    The carried state is the stream's own: one entry per causal convolution, the frames it will need again.
    """

    ahead = 1

    def __init__(self, codec: StepwiseDecoder) -> None:
        self._codec = codec
        self._state: list[Any] = codec.fresh_state()
        self._latents = 0
        self._shape: tuple[int, ...] | None = None

    @classmethod
    def on_meta(cls, codec: VideoCodec, height: int, width: int) -> DecoderStream:
        """A stream after two latents, whose tensors have shapes and no memory."""
        with torch.device("meta"):
            twin = type(codec.vae).from_config(codec.vae.config).eval()
        # Past the library's own `to`, which warns of casts that concern other models.
        nn.Module.to(twin, codec.dtype)
        blank = torch.empty(codec.latent_channels)
        stream = cls(VideoCodec(twin, blank, blank))
        with torch.inference_mode():
            for _ in range(2):
                stream.decode(torch.empty(1, codec.latent_channels, height, width, device="meta"))
        return stream

    @property
    def latents(self) -> int:
        """Latents decoded so far."""
        return self._latents

    @property
    def state(self) -> Sequence[Any]:
        """The carried state, one entry per causal convolution: a tensor, a marker of the library, or None."""
        return tuple(self._state)

    @property
    def bytes(self) -> int:
        """Memory that the carried state holds."""
        tensors = (entry for entry in self._state if isinstance(entry, Tensor))
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def decode(self, latent: Tensor) -> Tensor:
        """Decodes the next latent.

        Args:
            latent: [b, C, h, w], normalised.

        Returns:
            [b, n, 3, H, W] float32, clipped to [-1, 1]; n is 1 for the first latent, then the temporal
            factor.

        Raises:
            ValueError: The latent has another shape than the codec's, or than the stream's earlier latents.
        """
        shape = tuple(latent.shape)
        if latent.ndim != 4 or shape[1] != self._codec.latent_channels:
            raise ValueError(
                f"latent has shape {list(shape)}; expected [b, {self._codec.latent_channels}, h, w]"
            )
        if self._shape is not None and shape != self._shape:
            raise ValueError(
                f"latent has shape {list(shape)}; the stream's earlier ones have {list(self._shape)}"
            )
        # On a copy, so that a decode that fails (out of memory) can be repeated.
        state = list(self._state)
        pixels = self._codec.decode_one(latent, state, first=self._latents == 0)
        self._state, self._shape = state, shape
        self._latents += 1
        return pixels

    @torch.inference_mode()
    def begin(self, latent: Tensor) -> PendingFrames:
        """See `FrameDecoder.begin`: decodes at once."""
        return FramesOnDevice(self.decode(latent)[0])

    def close(self) -> None:
        """Gives the carried state back; the stream has ended."""
        self._state = []

    def fork(self) -> DecoderStream:
        """A second stream that goes on from here, independent of this one."""
        twin = DecoderStream(self._codec)
        # The entries are replaced at each step, never written into: sharing them is safe.
        twin._state, twin._latents, twin._shape = list(self._state), self._latents, self._shape
        return twin
