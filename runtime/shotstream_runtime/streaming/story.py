# SPDX-License-Identifier: Apache-2.0
"""A story as a stream of frames: beats enter while it runs, frames leave latent by latent."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator

from torch import Tensor

from shotstream_runtime.codecs.prompt import shot_prompt
from shotstream_runtime.engines import Engine
from shotstream_runtime.streaming.beats import Beat, BeatQueue, BeatRefused
from shotstream_runtime.streaming.engine_place import EnginePlace
from shotstream_runtime.streaming.events import (
    BeatDone,
    BeatScheduled,
    CaptionNoticed,
    ChunkFinished,
    ChunkStarted,
    Outcome,
    ShotFinished,
    StreamEvent,
)
from shotstream_runtime.streaming.footprint import Footprint, frame_bytes
from shotstream_runtime.streaming.history import History
from shotstream_runtime.streaming.noise import NoiseSource, SeededNoise
from shotstream_runtime.streaming.replay import Replay, StoryPast
from shotstream_runtime.streaming.running_shot import RunningShot
from shotstream_runtime.streaming.shot_context import ShotContext, context_of_next_shot, latent_size
from shotstream_runtime.streaming.shot_frames import ShotFrames
from shotstream_runtime.streaming.stage_times import Stage, StageTimes, unmeasured
from shotstream_runtime.weights.load import LoadedModel


class StoryStream:
    """Generates one story.

    `submit`, `cancel` and `stop` may be called from any thread; `advance` belongs to one. Frames depend on
    the story's captions, its seed and the chunk at which each beat took effect, and on nothing else.
    """

    def __init__(
        self,
        model: LoadedModel,
        engine: Engine,
        *,
        global_caption: str,
        seed: int,
        noise: NoiseSource | None = None,
        past: StoryPast | None = None,
        times: StageTimes | None = None,
    ) -> None:
        """Opens a story.

        Args:
            model: The loaded model.
            engine: Executes its student.
            global_caption: Who, where and in which style; part of every prompt.
            seed: Seed of the story's noise.
            noise: Another source of noise than the seed.
            past: What was generated of it before, by the same model. Its shots that are over are taken as
                they are; the chunks after them, and what was decided between them, come once more, and on
                the same engine to the bit as they were. Beats that waited are to be submitted again.
            times: Times its stages.
        """
        self._model = model
        self._config = model.student.config
        self._device, self._dtype = model.student.device, model.student.dtype
        profile = model.profile
        self._size = latent_size(model)
        self._measure = times.measure if times is not None else unmeasured
        self._place = EnginePlace(model, engine, self._measure)
        self._global_caption = global_caption
        self._noise = noise or SeededNoise(seed)
        self._default_chunks = profile.latent_frames_per_shot // self._config.frames_per_chunk
        self._default_frames = 1 + (profile.latent_frames_per_shot - 1) * model.video.temporal_factor
        past = past or StoryPast()
        self._history = History(self._config.max_context_frames)
        self._history.restore(past.shot_lengths, past.history)
        self._replay = Replay(past)
        self._noise_shape = (1, self._config.frames_per_chunk, *self._size)
        self._draws_ahead = self._device.type != "cpu"
        self._drawn: dict[tuple[int, int, int], Tensor] = {}
        self._queue = BeatQueue()
        self._events: deque[StreamEvent] = deque()
        self._shot: RunningShot | None = None
        self._next_context: ShotContext | None = None
        self._submitting = threading.Lock()
        self._withdrawn: set[str] = set(past.withdrawn)
        self._stopping = False
        self._closed = False

    # -- from any thread -----------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether `advance` has nothing to do until another beat arrives."""
        if self._closed:
            return True
        shot = self._shot
        busy = shot is not None and shot.beat_open
        waits = len(self._queue) or self._queue.starting or self._events
        return not (busy or waits or self._stopping or self._replay.active)

    @property
    def closed(self) -> bool:
        """Whether the story has been stopped for good."""
        return self._closed

    def submit(self, beat: Beat) -> None:
        """Takes a beat in and prepares its caption's features at once.

        Raises:
            BeatRefused: If the story has ended, or a ``continue`` finds no shot to continue.
        """
        shot = self._expected_shot(beat, self._admit(beat))
        # The text encoder works now, while an earlier chunk is generated; later this is a cache hit. It may
        # take seconds, so nothing is locked meanwhile.
        with self._measure(Stage.CAPTION):
            features = self._model.text.encode(self._prompt(beat, shot))
        with self._submitting:
            self._admit(beat)
            self._events.extend(CaptionNoticed(beat.id, notice) for notice in features.notices)
            for dropped in self._queue.push(beat):
                self._events.append(BeatDone(dropped.id, None, "superseded", 0))

    def _admit(self, beat: Beat) -> int:
        """Refuses a beat that cannot enter now; returns how many waiting cuts it leaves before it."""
        if self._stopping or self._closed:
            raise BeatRefused("id", f"beat {beat.id!r} came after the story was closed; open a new story")
        waiting_cuts = self._queue.cuts() if beat.policy not in ("replace", "interrupt") else 0
        # Read after the queue: a cut that has just left it is starting until it is the shot.
        has_shot = self._queue.starting or self._shot or self._replay.active
        if beat.mode == "continue" and not (waiting_cuts or has_shot):
            raise BeatRefused(
                "mode", "'continue' needs a shot to continue; send a beat with mode 'cut' first"
            )
        return waiting_cuts

    def cancel(self, beat_id: str) -> bool:
        """Takes a beat back; a running one ends at the next chunk boundary.

        Returns:
            Whether the beat was waiting or running.
        """
        if self._queue.remove(beat_id) is not None:
            self._events.append(BeatDone(beat_id, None, "cancelled", 0))
            return True
        # A beat is waiting, then starting, then running: asked in this order, none slips through.
        starting, shot = self._queue.starting, self._shot
        begins = starting is not None and starting.id == beat_id
        runs = shot is not None and shot.beat_open and shot.beat.id == beat_id
        if begins or runs:
            self._withdrawn.add(beat_id)
        return begins or runs

    def stop(self) -> None:
        """Ends the story at the next chunk boundary; waiting beats are cancelled."""
        with self._submitting:
            self._stopping = True

    # -- from the generating thread ------------------------------------------------------------------

    @property
    def replaying(self) -> bool:
        """Whether it is still being brought back to where it was."""
        return self._replay.active

    @property
    def held(self) -> Footprint:
        """Memory that it holds now; at most what `StoryDimensions` says."""
        shot = self._shot
        device = self._place.bytes
        frames = self._history.kept_frames
        if shot is not None:
            device += shot.context.bytes + shot.decoder.bytes
            frames += shot.frames.in_memory
        if self._next_context is not None:
            device += self._next_context.bytes
        profile = self._model.profile
        return Footprint(device, frames * frame_bytes(profile.height, profile.width))

    def give_up_chunk(self) -> Iterator[StreamEvent]:
        """After `advance` ran out of memory: frees what the story holds on the device, and the rest stays.

        The running beat ends as ``failed``, and with it its shot: with the frames it has, which remain
        history. So do beats that wait to continue this shot. The other ones wait on; the next one takes
        memory anew. A chunk of which frames were told is told to its end.

        Raises:
            MemoryError: Even that takes more memory than there is (or what torch raises in its stead).
        """
        self._place.give_up()
        self._next_context = None
        shot, starting = self._shot, self._queue.starting
        if shot is not None:
            if shot.undelivered and shot.unrefreshed is not None:
                yield from shot.decode_rest(self._measure)
                yield ChunkFinished(shot.beat.id, shot.number, shot.chunk - 1, shot.unrefreshed[0])
            if shot.beat_open:
                yield self._end_beat(shot, "failed" if shot.remaining else "completed")
            if len(shot.frames):
                self._history.add(shot.frames)
            yield self._forget(shot)
        if starting is not None and (shot is None or shot.beat is not starting):
            yield BeatDone(starting.id, None, "failed", 0)
        self._queue.started()
        for beat in self._queue.drop_continues():
            yield BeatDone(beat.id, None, "failed", 0)

    def advance(self) -> Iterator[StreamEvent]:
        """Generates one chunk, or makes one transition; yields what happens as it happens.

        A latent's frames are yielded as soon as it is decoded, before the rest of the chunk is. The iterator
        must be read to its end before the next call. Yields nothing when the story is idle.
        """
        while self._events:
            yield self._events.popleft()
        if self._closed:
            return
        if self._stopping:
            yield from self._close()
            return
        if self._replay.active:
            yield from self._advance_replay()
            return
        shot = self._shot
        if shot is not None and self._is_withdrawn(shot):
            yield self._end_beat(shot, "cancelled")
        waiting = self._queue.peek()
        if shot is None or not shot.beat_open or (waiting is not None and waiting.takes_over):
            if (beat := self._queue.pop()) is None:
                return
            shot = yield from self._begin(beat)
            self._queue.started()
            if self._is_withdrawn(shot):
                yield self._end_beat(shot, "cancelled")
                return
        yield from self._run_chunk(shot)

    def _advance_replay(self) -> Iterator[StreamEvent]:
        self._queue.begun()
        for step in self._replay.steps():
            if step.beat is not None:
                yield from self._begin(step.beat)
            elif self._shot is not None and self._shot.beat_open:
                yield self._end_beat(self._shot, step.outcome)
        if self._replay.active:
            if self._shot is None or not self._shot.beat_open:
                raise ValueError(f"the story's past has no beat for its chunk {self._replay.chunk}")
            yield from self._run_chunk(self._shot)

    def _run_chunk(self, shot: RunningShot) -> Iterator[StreamEvent]:
        yield from self._generate(shot)
        if not shot.remaining:
            yield self._end_beat(shot, "completed")
            self._prefetch(shot)

    def _is_withdrawn(self, shot: RunningShot) -> bool:
        return shot.beat_open and shot.beat.id in self._withdrawn

    def _begin(self, beat: Beat) -> Generator[StreamEvent, None, RunningShot]:
        shot = self._shot
        left = 0
        if shot is not None:
            left = max(shot.remaining, self._default_chunks - shot.chunk)
            if shot.beat_open:
                yield self._end_beat(shot, "interrupted")
        if beat.mode == "cut" or shot is None:
            if shot is not None:
                yield self._retire(shot)
            shot = self._open_shot(beat)
        else:
            shot.beat, shot.beat_frames, shot.beat_open = beat, 0, True
            shot.prompt = self._prompt(beat, shot.number)
            shot.remaining = beat.chunks or max(left, 1)
        yield BeatScheduled(beat.id, shot.number, shot.first_index + len(shot.frames))
        return shot

    def _open_shot(self, beat: Beat) -> RunningShot:
        number = self._history.shots
        prompt = self._prompt(beat, number)
        context = self._next_context or context_of_next_shot(self._model, self._history, None, prompt)
        self._next_context = None
        self._shot = RunningShot(
            number=number,
            context=context,
            decoder=self._model.decoders.open_decoder(),
            frames=ShotFrames(self._default_frames),
            first_index=self._history.frames,
            beat=beat,
            prompt=prompt,
            remaining=beat.chunks or self._default_chunks,
        )
        return self._shot

    def _end_beat(self, shot: RunningShot, outcome: Outcome) -> BeatDone:
        shot.beat_open = False
        shot.remaining = 0
        self._withdrawn.discard(shot.beat.id)
        return BeatDone(shot.beat.id, shot.number, outcome, shot.beat_frames)

    def _retire(self, shot: RunningShot) -> ShotFinished:
        if self._next_context is None and len(shot.frames):
            self._next_context = context_of_next_shot(self._model, self._history, shot.frames)
        if len(shot.frames):
            self._history.add(shot.frames)
        return self._forget(shot)

    def _forget(self, shot: RunningShot) -> ShotFinished:
        finished = ShotFinished(shot.number, len(shot.frames), self._history.of_shot(shot.number))
        shot.frames.close()
        shot.decoder.close()
        self._shot = None
        return finished

    def _close(self) -> Iterator[StreamEvent]:
        shot = self._shot
        if shot is not None:
            if shot.beat_open:
                yield self._end_beat(shot, "interrupted")
            yield self._forget(shot)
        for beat in self._queue.clear():
            yield BeatDone(beat.id, None, "cancelled", 0)
        self._closed = True

    def _generate(self, shot: RunningShot) -> Iterator[StreamEvent]:
        self._place.prefill(shot.context)
        if shot.unrefreshed is not None:
            clean, first_frame, prompt = shot.unrefreshed
            caption = self._place.caption(prompt)
            with self._measure(Stage.REFRESH):
                self._place.session.refresh(
                    clean,
                    first_frame=first_frame,
                    shot_flag=shot.context.new_shot_flag,
                    caption=caption,
                )
            shot.unrefreshed = None
        self._next_context = None
        first_frame = shot.chunk * self._config.frames_per_chunk
        yield ChunkStarted(shot.number, shot.chunk)
        known = self._replay.latents()
        if known is not None:
            clean = known.to(self._device, self._dtype)
        else:
            caption = self._place.caption(shot.prompt)
            with self._measure(Stage.DENOISE):
                clean = self._place.session.denoise(
                    self._draw(shot, 0),
                    lambda step: self._draw(shot, step),
                    first_frame=first_frame,
                    shot_flag=shot.context.new_shot_flag,
                    caption=caption,
                )
            self._draw_ahead(shot)
        self._replay.chunk += 1
        shot.unrefreshed = (clean, first_frame, shot.prompt)
        chunk = shot.chunk
        shot.chunk += 1
        shot.remaining -= 1
        shot.undecoded.extend(clean.unbind(1))
        yield from shot.decode_rest(self._measure)
        yield ChunkFinished(shot.beat.id, shot.number, chunk, clean)

    def _prefetch(self, shot: RunningShot) -> None:
        """Prepares the next shot's context as soon as a shot ends: it does not depend on the next beat."""
        waiting = self._queue.peek()
        if waiting is not None and waiting.mode == "continue":
            return
        self._next_context = context_of_next_shot(self._model, self._history, shot.frames)
        self._place.prefill(self._next_context)

    def _prompt(self, beat: Beat, shot: int) -> str:
        return shot_prompt(self._global_caption, shot, beat.text)

    def _expected_shot(self, beat: Beat, waiting_cuts: int) -> int:
        """The number of the shot a beat will most likely belong to."""
        # Read in this order: a cut that has left the queue is seen to be starting, or is the shot already.
        starting, shot = self._queue.starting, self._shot
        begins = starting is not None or self._replay.active
        last = self._history.shots - (not begins) if shot is None else shot.number
        if beat.mode == "cut":
            return last + waiting_cuts + 1
        return last + waiting_cuts if beat.policy == "queue" else max(last, 0)

    def _draw(self, shot: RunningShot, step: int) -> Tensor:
        place = (shot.number, shot.chunk, step)
        drawn = self._drawn.pop(place, None)
        if drawn is None:
            drawn = self._noise.draw(*place, self._noise_shape)
        return drawn.to(self._device, self._dtype)

    def _draw_ahead(self, shot: RunningShot) -> None:
        """Draws the noise of the next chunk while a GPU is busy with this one, instead of while it waits."""
        if not self._draws_ahead or shot.remaining < 2:
            return
        chunk = shot.chunk + 1
        self._drawn = {
            (shot.number, chunk, step): self._noise.draw(shot.number, chunk, step, self._noise_shape)
            for step in range(len(self._config.denoising_steps))
        }
