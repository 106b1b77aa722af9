# SPDX-License-Identifier: Apache-2.0
"""The study of ablations: its plan, playing with what was left out, a run that is stopped and goes on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from shotstream_runtime.engines.eager import EagerEngine
from shotstream_runtime.streaming.beats import Beat
from shotstream_runtime.streaming.events import FramesReady
from shotstream_runtime.streaming.story import StoryStream
from shotstream_runtime.weights.load import LoadedModel, load_model
from shotstream_training.data.rendered_story import StoryRenderer
from shotstream_training.errors import TrainingError
from shotstream_training.next_shot import NextShotBatch
from shotstream_training.stages.ablated import target_captions
from shotstream_training.stages.captions import LearningCaptions
from shotstream_training.stages.draws import Draws
from shotstream_training.stages.network import TrainedNetwork
from shotstream_training.stages.place import Place
from shotstream_training.stages.stage_folder import open_codec
from shotstream_training.study.branches import BRANCHES, Branch, configuration, start_folder, trials
from shotstream_training.study.player import StoryPlayer
from shotstream_training.study.record import collect, difference_table, picture, result_file, trial_table
from shotstream_training.study.run import Study, run_study
from torch import Tensor

CPU = Place(torch.device("cpu"))
FRAMES = 9
SHOTS = 2


@pytest.fixture(scope="module")
def mini() -> LoadedModel:
    return load_model("mini")


@pytest.fixture(scope="module")
def player(mini: LoadedModel) -> StoryPlayer:
    text = mini.text.inner
    renderer = StoryRenderer(
        text,  # type: ignore[arg-type]  # mini's
        split="held_out",
        shot_counts=(SHOTS,),
        two_characters=0.0,
        moving_camera=0.0,
        continue_beats=0.0,
        frames=FRAMES,
        fixed_staging=True,
        named_globally=0.0,
    )
    captions = LearningCaptions(TrainedNetwork(text, CPU))  # type: ignore[arg-type]  # mini's is a module
    codec = open_codec(Path("mini"), torch.device("cpu"), "--vae")
    with torch.no_grad():
        return StoryPlayer(renderer, codec, captions, slots=6, stories=1)


def whole(batch: NextShotBatch) -> NextShotBatch:
    return batch


class PlayersNoise:
    """The player's noise for its first story, chunk by chunk as the runtime asks for it."""

    def __init__(self, seed: int) -> None:
        self._draws = Draws(seed, "play", torch.device("cpu"))

    def draw(self, shot: int, chunk: int, step: int, shape: tuple[int, ...]) -> Tensor:
        noise = self._draws.normal([0], (4, 3, 32, 10, 16), shot)[0, step]
        return noise[3 * chunk : 3 * chunk + 3].reshape(shape)


def test_every_training_has_what_it_starts_from_and_every_stage_what_is_left_out(tmp_path: Path) -> None:
    done: set[Path] = set()
    for branch in BRANCHES:
        runs = {}
        for training in branch.trainings:
            run = configuration(training, seed=3, out=tmp_path, vae=tmp_path / "vae")
            runs[training.name] = run
            if training.teacher is None:
                assert run.seed == 0
                done.add(tmp_path / training.name)
                continue
            assert run.seed == 3
            assert start_folder(tmp_path, training, 3) in done
            assert tmp_path / training.teacher in done
            done.add(tmp_path / "seed3" / training.name)
        left_out = {
            (r.ablation, r.student.build().shot_phase_rad, r.causal_init and r.causal_init.method)
            for r in runs.values()
            if r.stage == "causal-init"
        }
        assert len(left_out) <= 1
        assert all(trial.training in runs for trial in branch.trials)
    by_name = {
        t.name: configuration(t, seed=1, out=tmp_path, vae=tmp_path) for b in BRANCHES for t in b.trainings
    }
    assert by_name["no-cache-inter"].ablation.no_global_cache
    for stage in ("init", "intra"):
        assert by_name[f"no-cache-{stage}"].ablation.no_global_cache
        assert by_name[f"one-caption-{stage}"].ablation.target_caption_only
        assert by_name[f"no-phase-{stage}"].student.build().shot_phase_rad == 0.0
        assert by_name[f"full-{stage}"].student.build().shot_phase_rad > 0.1
    assert by_name["teacher-no-phase"].student.build().shot_phase_rad == 0.0
    names = [trial.name for trial in trials()]
    assert len(names) == len(set(names))
    assert all(trial.compare is None or trial.compare in names for trial in trials())
    # Two rows are compared over one and the same set of stories.
    for trial in trials():
        if trial.compare is not None:
            other = next(t for t in trials() if t.name == trial.compare)
            data = [by_name[t.training].data.model_dump() for t in (trial, other)]
            assert data[0] == data[1]


def test_the_player_shows_what_the_runtime_shows(mini: LoadedModel, player: StoryPlayer) -> None:
    played = player.play(mini.student, whole, seed=5)[0]
    spec = player.specs[0]

    stream = StoryStream(
        mini,
        EagerEngine(mini.student),
        global_caption=spec.global_caption,
        seed=0,
        noise=PlayersNoise(5),
    )
    for shot, plan in enumerate(spec.shots):
        stream.submit(Beat(id=str(shot), text=plan.beats[0].caption, mode="cut", policy="queue", chunks=1))
    shown: list[list[np.ndarray]] = [[] for _ in spec.shots]
    while not stream.idle:
        for event in stream.advance():
            if isinstance(event, FramesReady):
                shown[event.shot].append(event.pixels)
    for mine, theirs in zip(played, map(np.concatenate, shown), strict=True):
        assert mine.shape == theirs.shape == (FRAMES, 80, 128, 3)
        assert np.abs(mine.astype(int) - theirs.astype(int)).mean() < 0.2


def test_what_is_left_out_is_left_out_when_it_is_played(mini: LoadedModel, player: StoryPlayer) -> None:
    seen: list[NextShotBatch] = []

    def no_cache(batch: NextShotBatch) -> NextShotBatch:
        seen.append(batch)
        return batch.without_context(torch.ones(len(batch), dtype=torch.bool))

    def one_caption(batch: NextShotBatch) -> NextShotBatch:
        return replace(batch, caption_index=target_captions(batch))

    usual = player.play(mini.student, whole, seed=1)[0]
    without = player.play(mini.student, no_cache, seed=1)[0]
    told_alike = player.play(mini.student, one_caption, seed=1)[0]
    # What is taken away was there: the first shot's own pictures, and its caption apart from the second's.
    assert not seen[0].context.any()
    assert seen[1].context.abs().mean() > 0.1
    assert seen[1].caption_index[0, 0] != seen[1].caption_index[0, 6]
    for other in (without, told_alike):
        assert np.array_equal(usual[0], other[0])
        assert np.abs(usual[1].astype(int) - other[1].astype(int)).mean() > 0.4


SMALL = (
    "data.first_stories=2",
    "data.shot_counts=[2]",
    "data.frames=9",
    "loop.budget.steps=2",
    "teacher_stage.batch=2",
    "teacher_stage.sample_steps=1",
    "causal_init.batch=2",
)


def test_a_change_is_for_the_stage_that_it_names_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    teacher, causal = BRANCHES[0].trainings[:2]
    for training in (teacher, causal):
        run = configuration(training, seed=1, out=tmp_path, vae=tmp_path, changes=SMALL)
        settings = run.teacher_stage or run.causal_init
        assert settings is not None
        assert settings.batch == 2
    with pytest.raises(TrainingError, match="speling: unknown field"):
        configuration(teacher, seed=1, out=tmp_path, vae=tmp_path, changes=("speling.batch=2",))


def study(out: Path, mini: LoadedModel) -> Study:
    return Study(out, mini, CPU, stories=2, shots=2, changes=SMALL)


def short_branches() -> list[Branch]:
    """The shared teacher and the first student, twice: whole, and without the global cache."""
    full, no_cache = BRANCHES[0], BRANCHES[1]
    return [
        Branch(full.trainings[:2], full.trials[:1]),
        Branch(
            no_cache.trainings[:1],
            (replace(no_cache.trials[0], training=no_cache.trainings[0].name, compare="init"),),
        ),
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_is_stopped_goes_on_and_is_told(mini: LoadedModel, tmp_path: Path) -> None:
    calls = 0

    def in_the_second_training() -> bool:
        nonlocal calls
        calls += 1
        return calls > 3

    assert not run_study(study(tmp_path, mini), [1], in_the_second_training, short_branches())
    assert (tmp_path / "teacher" / "stage.json").is_file()
    assert not (tmp_path / "seed1" / "full-init" / "stage.json").exists()
    assert (tmp_path / "seed1" / "full-init" / "resume" / "state.json").is_file()
    teacher = (tmp_path / "teacher" / "student.safetensors").stat().st_mtime_ns

    assert run_study(study(tmp_path, mini), [1], branches=short_branches())
    measured = result_file(tmp_path, 1, "init").stat().st_mtime_ns
    assert run_study(study(tmp_path, mini), [1], branches=short_branches())
    assert result_file(tmp_path, 1, "init").stat().st_mtime_ns == measured
    assert (tmp_path / "teacher" / "student.safetensors").stat().st_mtime_ns == teacher
    assert not list(tmp_path.glob("**/resume"))
    result = json.loads(result_file(tmp_path, 1, "no-cache").read_text(encoding="utf-8"))
    assert result["rounds"] == 2
    assert result["training"]["ablation"]["no_global_cache"]
    assert result["made_on"]["torch"] == torch.__version__
    assert len(result["stories"]) == 2

    record = json.loads(json.dumps(collect(tmp_path)))
    assert [row["trial"] for row in record["rows"]] == ["init", "no-cache"]
    assert len(trial_table(record).splitlines()) == 4
    # Compared with the full method, which is not there yet.
    assert len(difference_table(record).splitlines()) == 2
    record["rows"][1]["compare"] = "init"
    assert "| no global cache | causal initialisation only | " in difference_table(record)
    assert picture(tmp_path, 1, ["init", "no-cache", "full"]).height == 3 * 82


def test_a_study_goes_on_from_the_model_that_it_began_with(mini: LoadedModel, tmp_path: Path) -> None:
    assert run_study(study(tmp_path, mini), [], branches=())
    record = json.loads((tmp_path / "vae" / "stage.json").read_text(encoding="utf-8"))
    (tmp_path / "vae" / "stage.json").write_text(json.dumps(record | {"weights": "f" * 64}), encoding="utf-8")
    with pytest.raises(
        TrainingError, match=r"--model: the students in .* start from other weights .*another --out"
    ):
        run_study(study(tmp_path, mini), [], branches=())
