# SPDX-License-Identifier: Apache-2.0
"""What clients are told of a model. It stands in small files, so it is known before the model is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

from shotstream_bridge.messages import ServerInfo, ServerStateName, StoryLimits, StoryOpened
from shotstream_bridge.version import __version__

from shotstream_runtime.codecs.video_config import VideoCodecConfig
from shotstream_runtime.weights.config_file import read_config, read_video_config
from shotstream_runtime.weights.locate import MINI_FOLDER, is_own_format, locate, require_own_format
from shotstream_runtime.weights.profile import ModelProfile, published_profile

if TYPE_CHECKING:
    from shotstream_runtime.weights.load import LoadedModel


WARM_UP_FROM: Final = 0.95
"""How much of the loading is done when the model is there and its warm-up begins."""


@dataclass(frozen=True)
class ModelFacts:
    """Names, sizes and rates of a model.

    Attributes:
        profile: Sizes and rates; its hash of the weights is empty as long as they are not loaded.
        temporal_factor: Frames per latent after a shot's first.
    """

    profile: ModelProfile
    temporal_factor: int

    @classmethod
    def read(cls, source: Literal["mini"] | Path) -> Self:
        """Reads the facts beside the weights, without the weights.

        Args:
            source: `mini`, or a folder that `load_model` takes.

        Raises:
            WeightsError: A file is missing, or states what cannot be.
        """
        folder = MINI_FOLDER if source == "mini" else source
        if source == "mini" or is_own_format(folder):
            require_own_format(folder)
            profile = ModelProfile.from_json(folder / "profile.json")
            video = read_config(folder / "vae_config.json", VideoCodecConfig.model_validate)
        else:
            video = read_video_config(locate(folder).video)
            profile = published_profile(folder)
        return cls(profile, video.temporal_factor)

    @classmethod
    def of(cls, model: LoadedModel) -> Self:
        """The facts of a loaded model."""
        return cls(model.profile, model.video.temporal_factor)

    @property
    def frames_per_chunk(self) -> int:
        """Frames of every chunk but a shot's first."""
        return self.profile.frames_per_chunk * self.temporal_factor

    @property
    def frames_in_first_chunk(self) -> int:
        """Frames of a shot's first chunk, whose first latent is a single frame."""
        return 1 + (self.profile.frames_per_chunk - 1) * self.temporal_factor

    @property
    def chunks_per_shot(self) -> int:
        """Chunks of a shot whose beat does not say."""
        return self.profile.latent_frames_per_shot // self.profile.frames_per_chunk

    def story_opened(self, story_id: str, request: int = 0) -> StoryOpened:
        """What a client is told that opens a story."""
        profile = self.profile
        return StoryOpened(
            request=request,
            story_id=story_id,
            width=profile.width,
            height=profile.height,
            fps=float(profile.fps),
            chunks_per_shot=self.chunks_per_shot,
        )

    def fits(self, model: LoadedModel) -> bool:
        """Whether a loaded model is the one that these facts were read of."""
        loaded = ModelFacts.of(model)
        nameless = {"weights_hash": ""}
        return loaded.temporal_factor == self.temporal_factor and loaded.profile.model_copy(
            update=nameless
        ) == self.profile.model_copy(update=nameless)

    def server_info(self, state: ServerStateName, detail: str | None, limits: StoryLimits) -> ServerInfo:
        """What a server with this model tells of itself in the handshake."""
        return ServerInfo(
            product=f"shotstream/{__version__}",
            model=self.profile.name,
            weights_hash=self.profile.weights_hash or None,
            width=self.profile.width,
            height=self.profile.height,
            fps=float(self.profile.fps),
            frames_per_chunk=self.frames_per_chunk,
            frames_in_first_chunk=self.frames_in_first_chunk,
            chunks_per_shot=self.chunks_per_shot,
            state=state,
            detail=detail,
            limits=limits,
        )
