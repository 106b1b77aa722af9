# SPDX-License-Identifier: Apache-2.0
"""Loading a model: the student, its video codec and its text side, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import nn

from ..codecs.caption_cache import CachedTextEncoder
from ..codecs.frame_decoder import DecoderSource
from ..codecs.mini_text import MiniTextEncoder
from ..codecs.preview_decoder import PreviewDecoder
from ..codecs.streamed_text import stream_blocks
from ..codecs.text import TextEncoder, Umt5TextEncoder, load_tokenizer
from ..codecs.video import VideoCodec
from ..codecs.video_config import VideoCodecConfig
from ..model.config import StudentConfig
from ..model.linear_storage import store_in_eight_bits
from ..model.student import Student
from . import layouts
from .checkpoint import Tensors, read_checkpoint
from .config_file import read_config
from .configs import read_configs
from .errors import CheckpointError, WeightsError
from .fingerprint import fingerprint
from .layouts import Layout
from .loading_report import PartReport, Report, silent, weighted
from .locate import MINI_FOLDER, is_own_format, locate, require_own_format
from .names import STUDENT_ENTRY
from .profile import ModelProfile, published_profile

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """Everything that generation needs of a model.

    Attributes:
        name: Its short name.
        student: The student, in evaluation mode, without gradients.
        video: Frames to latents and back.
        text: Prompts to features, remembered per prompt; may be called from any thread.
        profile: Sizes and rates for clients.
        preview: The small decoder, if it is to show the frames. Condition frames are encoded by `video`.
        other_decoders: What an engine brings to run either decoder its own way.
        source: Where it was loaded from: ``mini`` or a folder; empty if it was made in memory.
    """

    name: str
    student: Student
    video: VideoCodec
    text: CachedTextEncoder
    profile: ModelProfile
    preview: PreviewDecoder | None = None
    other_decoders: DecoderSource | None = None
    source: str = ""

    @property
    def decoders(self) -> DecoderSource:
        """What turns latents into the frames that are shown."""
        return self.other_decoders or self.preview or self.video


class TextPlacement(StrEnum):
    """Where the published text encoder is. Mini's takes no room worth the question."""

    DEVICE = "device"
    EIGHT_BIT = "eight-bit"
    """On the device, its matrices in 8 bits."""
    STREAMED = "streamed"
    """In main memory; block by block on the device for each caption that is new."""


def load_model(
    source: Literal["mini"] | Path | str,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    *,
    video_dtype: torch.dtype | None = None,
    text_dtype: torch.dtype | None = None,
    text_placement: TextPlacement = TextPlacement.DEVICE,
    report: Report = silent,
) -> LoadedModel:
    """Loads the built-in mini, or a model from a folder.

    Args:
        source: `mini`, or a folder: of published files, of a diffusers layout, or in mini's own format.
        device: Where the model computes.
        dtype: Type of the student's weights.
        video_dtype: Type of the video codec's weights; the student's by default.
        text_dtype: Type of the text encoder's weights. By default as stored: published weights then stay
            mapped to their file, which saves 23 GB on a CPU.
        text_placement: Where the published text encoder is to be.
        report: Told which part is being read or moved, and how much of all is done.

    Raises:
        WeightsError: A file is missing or unreadable, or the parts do not fit each other.
        CheckpointError: A file is damaged, unsafe, or its tensors do not fit; names file, tensor and both
            shapes.
    """
    folder = MINI_FOLDER if source == "mini" else Path(source)
    own = source == "mini" or is_own_format(folder)
    place = (folder, torch.device(device), dtype, video_dtype or dtype, text_dtype)
    loaded = _load_own_format(*place, report) if own else _load_published(*place, text_placement, report)
    return replace(loaded, source=str(source))


def _load_own_format(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    video_dtype: torch.dtype,
    text_dtype: torch.dtype | None,
    report: Report,
) -> LoadedModel:
    require_own_format(folder)
    profile = ModelProfile.from_json(folder / "profile.json")
    parts = weighted(
        report,
        {
            "the student": folder / "student.safetensors",
            "the autoencoder": folder / "vae.safetensors",
            "the text encoder": folder / "text.safetensors",
        },
        device,
    )
    student_config = read_config(folder / "student_config.json", StudentConfig.from_dict)
    parts["the student"].reading()
    student = layouts.blank_student(student_config)
    student_tensors = load_part(
        student, folder / "student.safetensors", layouts.library_student_layout(student_config)
    )
    parts["the autoencoder"].reading()
    video_config = read_config(folder / "vae_config.json", VideoCodecConfig.model_validate)
    vae = layouts.blank_video(video_config)
    video_tensors = load_part(vae, folder / "vae.safetensors", layouts.library_video_layout(video_config))
    parts["the text encoder"].reading()
    text, text_tensors = load_own_text(folder)
    student = _settle(student, device, dtype, parts["the student"])
    vae = _settle(vae, device, video_dtype, parts["the autoencoder"])
    video = VideoCodec(vae, video_config.latent_mean, video_config.latent_std)
    _settle(text, device, text_dtype, parts["the text encoder"])
    return _assemble(
        folder,
        profile,
        student,
        video,
        text,
        (text.config.text_len, text.config.text_dim),
        {"student": student_tensors, "video": video_tensors, "text": text_tensors},
    )


def _load_published(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    video_dtype: torch.dtype,
    text_dtype: torch.dtype | None,
    text_placement: TextPlacement,
    report: Report,
) -> LoadedModel:
    files = locate(folder)
    profile = published_profile(folder)
    configs = read_configs(files)
    parts = weighted(
        report,
        {
            "the student": files.student.path,
            "the autoencoder": files.video.path,
            "the text encoder": files.text.path,
        },
        device,
    )
    parts["the student"].reading()
    student = layouts.blank_student(configs.student)
    student_tensors = load_part(student, files.student.path, configs.student_layout(), STUDENT_ENTRY)
    parts["the autoencoder"].reading()
    vae = layouts.blank_video(configs.video)
    video_tensors = load_part(vae, files.video.path, configs.video_layout(files.video))
    parts["the text encoder"].reading()
    text = layouts.blank_text(configs.text)
    text_tensors = load_part(text, files.text.path, configs.text_layout(files.text))
    try:
        tokenize = load_tokenizer(files.tokenizer)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    student = _settle(student, device, dtype, parts["the student"])
    vae = _settle(vae, device, video_dtype, parts["the autoencoder"])
    if text_placement is TextPlacement.EIGHT_BIT:
        # Layer by layer, before the whole of it would need the room.
        store_in_eight_bits(text.encoder, torch.int8, device=device)
    settled = torch.device("cpu") if text_placement is TextPlacement.STREAMED else device
    text = _settle(text, settled, text_dtype, parts["the text encoder"])
    if text_placement is TextPlacement.STREAMED:
        stream_blocks(text, device)
    encoder = Umt5TextEncoder(text, tokenize, text_len=configs.student.text_len)
    video = VideoCodec(vae, configs.video.latent_mean, configs.video.latent_std)
    return _assemble(
        folder,
        profile,
        student,
        video,
        encoder,
        (encoder.text_len, encoder.text_dim),
        {"student": student_tensors, "video": video_tensors, "text": text_tensors},
    )


def load_part(module: nn.Module, path: Path, layout: Layout, entry: str | None = None) -> Tensors:
    """Loads one part strictly and returns the tensors of its file.

    Raises:
        CheckpointError: The file is damaged or does not fit; names file, tensor and both shapes.
    """
    tensors = read_checkpoint(path, entry)
    layout.load(module, tensors, path)
    return tensors


def load_own_text(folder: Path) -> tuple[MiniTextEncoder, Tensors]:
    """Loads the text side of a model in our own format, and returns the tensors of its file too.

    Raises:
        WeightsError: A file is missing or damaged, or does not fit the others.
    """
    tensors = read_checkpoint(folder / "text.safetensors")
    try:
        return MiniTextEncoder.load(folder), tensors
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{folder}: the text side cannot be loaded: {error}") from error


def _settle(module: M, device: torch.device, dtype: torch.dtype | None, part: PartReport) -> M:
    """Moves a module to where and how it will compute; it is never trained from here."""
    total = max(1, sum(weight.nbytes for weight in module.parameters()))
    done = 0
    # Layer by layer, as it is only here that tensors which stay mapped to their file are really read.
    for layer in [layer for layer in module.modules() if not any(layer.children())]:
        part.moving(done / total)
        done += sum(weight.nbytes for weight in layer.parameters(recurse=False))
        nn.Module.to(layer, device=device, dtype=dtype)
    # Past diffusers' own `to`, which warns of casts that concern other models.
    nn.Module.to(module, device=device, dtype=dtype)
    module.eval()
    module.requires_grad_(False)
    return module


def _assemble(
    folder: Path,
    profile: ModelProfile,
    student: Student,
    video: VideoCodec,
    text: TextEncoder,
    text_shape: tuple[int, int],
    tensors: dict[str, Tensors],
) -> LoadedModel:
    """Puts the parts together.

    Parts that were never made for each other are refused here: otherwise they show as wrong pictures, or as
    an error deep inside.

    Raises:
        WeightsError: Two parts disagree; gives both numbers.
    """
    config = student.config
    agreements = (
        ("the autoencoder", video.latent_channels, "latent channels", "the student reads", config.in_dim),
        ("the text encoder", text_shape[0], "text positions", "the student reads", config.text_len),
        ("the text encoder", text_shape[1], "text features", "the student reads", config.text_dim),
        (
            "the profile",
            profile.frames_per_chunk,
            "latent frames per chunk",
            "the student makes",
            config.frames_per_chunk,
        ),
    )
    for one, first, what, other, second in agreements:
        if first != second:
            raise WeightsError(f"{folder}: {one} has {first} {what}, {other} {second}")
    rows, columns = (video.spatial_factor * side for side in config.patch_size[1:])
    if profile.height % rows or profile.width % columns:
        raise WeightsError(
            f"{folder}: the profile's {profile.width}x{profile.height} pixels must be multiples of "
            f"{columns}x{rows}"
        )
    if profile.latent_frames_per_shot % profile.frames_per_chunk:
        raise WeightsError(
            f"{folder}: the profile's latent_frames_per_shot={profile.latent_frames_per_shot} must be a "
            f"multiple of frames_per_chunk={profile.frames_per_chunk}"
        )
    profile = profile.model_copy(update={"weights_hash": fingerprint(tensors)})
    return LoadedModel(
        name=profile.name, student=student, video=video, text=CachedTextEncoder(text), profile=profile
    )
