# SPDX-License-Identifier: Apache-2.0
"""Settings of the stages, as their YAML files hold them; an unknown field is an error."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Base of all settings: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OptimizerSettings(Settings):
    """How weights are moved.

    Attributes:
        kind: ``adamw``, or ``muon``: Muon for matrices inside blocks, AdamW for the rest (one process only).
        rate: Peak learning rate; with Muon, of the matrices.
        other_rate: With Muon, peak learning rate of the rest.
        betas: Of AdamW.
        weight_decay: Of AdamW.
        clip: Largest norm of the gradient.
    """

    kind: Literal["adamw", "muon"] = "adamw"
    rate: Rate
    other_rate: Rate | None = None
    betas: tuple[Share, Share] = (0.0, 0.999)
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    clip: Rate = 1.0

    @model_validator(mode="after")
    def _other_rate_belongs_to_muon(self) -> OptimizerSettings:
        if (self.kind == "muon") != (self.other_rate is not None):
            raise ValueError("other_rate must be given with kind: muon, and only then")
        return self


class BatchSettings(Settings):
    """How many samples make a step.

    Attributes:
        batch: Samples of a step, all processes together.
        micro_batch: Samples of one pass on one process; their gradients add up. 0: all at once.
    """

    batch: Count
    micro_batch: Annotated[int, Field(ge=0)] = 0


class ShotPart(Settings):
    """What a part of the steps is trained on.

    Attributes:
        share: How often, in proportion to the other parts.
        chunks: Chunks from the shot's start; 0: the whole shot.
        batch: Samples of such a step, all processes together; 0: the stage's.
        openings: Whether the samples are the first chunks of stories of a single shot (``data.openings``).
    """

    share: Rate
    chunks: Annotated[int, Field(ge=0)] = 0
    batch: Annotated[int, Field(ge=0)] = 0
    openings: bool = False

    @model_validator(mode="after")
    def _openings_are_first_chunks(self) -> ShotPart:
        if self.openings and self.chunks != 1:
            raise ValueError(f"chunks={self.chunks}: openings have a single chunk; set chunks: 1")
        return self


class BudgetSettings(Settings):
    """How long a stage trains: by steps or by the clock.

    Attributes:
        steps: Rounds: optimiser steps, across shots whole stories.
        minutes: Training time, over all runs of the stage.
    """

    steps: Count | None = None
    minutes: Rate | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> BudgetSettings:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give either steps or minutes")
        return self


class RateSchedule(Settings):
    """How learning rates follow the part of the budget that is used.

    Attributes:
        kind: ``constant``, or ``linear``: constant until ``hold``, then down to ``floor``.
        warmup: Part of the budget over which rates rise.
        hold: Part of the budget from which they fall.
        floor: What is left of them at the end.
    """

    kind: Literal["constant", "linear"] = "constant"
    warmup: Share = 0.0
    hold: Share = 0.5
    floor: Share = 0.0


class LoopSettings(Settings):
    """How a stage is run.

    Attributes:
        budget: How long.
        rate_schedule: Of all learning rates.
        log_s: Seconds between log lines, at least.
        checkpoint_s: Seconds between checkpoints, at least.
        picture_s: Seconds between sample pictures, at least.
    """

    budget: BudgetSettings
    rate_schedule: RateSchedule = RateSchedule()
    log_s: Rate = 10.0
    checkpoint_s: Rate = 300.0
    picture_s: Rate = 600.0


class TeacherStageSettings(BatchSettings):
    """S1.

    Attributes:
        optimizer: Of the network, and of the text side where it learns along.
        drop_context: Share of samples whose context is dropped; teaches first shots.
        drop_text: Share of samples whose captions are dropped; teaches the unguided score.
        times: ``table``: uniform over the shifted table; ``stratified``: the same between its entries, spread
            evenly over the samples of a step.
        weighting: ``bell`` around time 500, as published, or ``none``.
        trained: ``self_attention`` only, as published, or ``all``.
        train_text: Whether mini's text side learns along.
        context_time: Time of the condition frames: the ``target``'s, as published, or ``zero``.
        sample_steps: Euler steps of sample pictures.
        sample_guidance: Their guidance, ``u + guidance (c - u)``.
    """

    optimizer: OptimizerSettings
    drop_context: Share = 0.1
    drop_text: Share = 0.1
    times: Literal["table", "stratified"] = "table"
    weighting: Literal["bell", "none"] = "bell"
    trained: Literal["self_attention", "all"] = "self_attention"
    train_text: bool = False
    context_time: Literal["zero", "target"] = "target"
    sample_steps: Count = 50
    sample_guidance: float = 6.0


class TrajectorySettings(Settings):
    """Teacher trajectories for the regression form of S2.1.

    Attributes:
        pairs: Trajectories to store.
        steps: Euler steps of each.
        kept: Steps whose entering states are kept, beside the final latents.
        guidance: ``u + guidance (c - u)``.
        batch: Trajectories sampled at once on one process.
    """

    pairs: Count
    steps: Count = 50
    kept: tuple[Annotated[int, Field(ge=0)], ...] = (0, 13, 25, 37)
    guidance: float = 6.0
    batch: Count = 1

    @model_validator(mode="after")
    def _kept_are_steps(self) -> TrajectorySettings:
        if list(self.kept) != sorted(set(self.kept)) or not self.kept or self.kept[-1] >= self.steps:
            raise ValueError(f"kept={list(self.kept)} must rise and lie below steps={self.steps}")
        return self


class CausalInitStageSettings(BatchSettings):
    """S2.1.

    Attributes:
        optimizer: Of the student.
        method: ``regression`` onto teacher trajectories, as published; ``forced``: flow matching with true
            chunks before each chunk, an autoregressive teacher of its own.
        trajectories: For the regression.
        drop_text: Share of samples with silent captions.
        drop_context: Share of samples without context (``forced`` only; trajectories were made with theirs).
        few_step_share: Share of chunks whose time comes from the few-step list (``forced`` only).
        context_time: As the teacher was trained; for sampling trajectories.
        parts: How much of which shots the steps see (``forced`` only); none: whole shots. With them, the
            curves are ``loss_3``, ``loss_6``, ...: by the latent frames of a sample.
        train_text: Whether mini's text side learns along (``forced`` only).
        own_history: Share of steps in which the chunks before a chunk are the student's own estimates, so
            that shots do not get softer and softer (``forced`` only). Only where captions tell all there is
            to see: what it drew may be soft, but not another picture than the true one, which stays the
            target.
        soften: Largest share of blur mixed into condition frames, for the same reason (``forced`` only).
        subject_share: Part of every sample's loss that belongs to its cast, however small it is; the rest is
            for all latents alike (``forced`` only; the storyboard world knows where the cast is).
    """

    optimizer: OptimizerSettings
    method: Literal["regression", "forced"] = "regression"
    trajectories: TrajectorySettings | None = None
    drop_text: Share = 0.1
    drop_context: Share = 0.0
    few_step_share: Share = 0.5
    context_time: Literal["zero", "target"] = "target"
    parts: tuple[ShotPart, ...] = ()
    train_text: bool = False
    own_history: Share = 0.0
    soften: Share = 0.0
    subject_share: Share = 0.0

    @model_validator(mode="after")
    def _regression_needs_trajectories(self) -> CausalInitStageSettings:
        if self.method == "regression":
            if self.trajectories is None:
                raise ValueError("method: regression needs trajectories (e.g. trajectories: {pairs: 5000})")
            for name in ("parts", "train_text", "own_history", "soften", "subject_share"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs method: forced")
        return self


class LoraSettings(Settings):
    """Low-rank adapters.

    Attributes:
        rank: Their rank.
        alpha: Scale times rank; the rank itself by default, a scale of 1.
    """

    rank: Count = 256
    alpha: Rate | None = None


class ForcingStageSettings(BatchSettings):
    """S2.2.1 and S2.2.2.

    Attributes:
        generator: Optimiser of the student.
        critic: Optimiser of the fake score.
        critic_updates: Updates of the fake score after each of the student.
        guidance: Of the real score, ``c + guidance (c - u)``.
        average: Decay of the running average of the student's weights; 0 keeps none, as published.
        context_time: As the teacher was trained.
        lora: Adapters for student and fake score; none trains all weights.
        shots: Shots of a story, in the inter stage.
        time_range: Times at which scores are compared.
        scores: ``bidirectional``: they judge a shot as a whole, as published; ``causal``: chunk by chunk,
            each given the chunks before it. The teacher is then a causal network itself, as the
            initialisation leaves it, and shots may end after any chunk.
        parts: How much of which shots the turns see (intra stage only); none: whole shots.
    """

    generator: OptimizerSettings
    critic: OptimizerSettings
    critic_updates: Annotated[int, Field(ge=0)] = 5
    guidance: float = 3.0
    average: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    context_time: Literal["zero", "target"] = "target"
    lora: LoraSettings | None = None
    shots: Annotated[int, Field(ge=2)] = 5
    time_range: tuple[float, float] = (20.0, 980.0)
    scores: Literal["bidirectional", "causal"] = "bidirectional"
    parts: tuple[ShotPart, ...] = ()
