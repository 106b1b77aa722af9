# SPDX-License-Identifier: Apache-2.0
"""Distribution matching with causal scores."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from shotstream_runtime.model import Student, StudentConfig
from shotstream_training.data.story_store import SampledShots
from shotstream_training.distillation.causal_init import make_cache
from shotstream_training.distillation.causal_matching import (
    CausalMatchingSettings,
    CausalMatchingTrainer,
    CausalScore,
)
from shotstream_training.distillation.forced_pass import ForcedPass
from shotstream_training.networks import clone, encode_captions, prepare
from torch import Tensor, nn

CONFIG = StudentConfig(
    text_len=5,
    in_dim=4,
    out_dim=4,
    dim=32,
    ffn_dim=48,
    freq_dim=16,
    text_dim=12,
    num_heads=2,
    num_layers=2,
    local_window_frames=9,
    timestep_shift=3.0,
)
LATENT = (4, 10, 16)


class WordVectors(nn.Module):
    """A text side of a few random vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, CONFIG.text_dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.table(ids) * mask[..., None]


@dataclass
class FixedSource:
    """Two samples of two chunks: a first shot and a third one."""

    student: Student
    batch: int = 2
    frames: int = 6

    def __post_init__(self) -> None:
        self.forced = ForcedPass(self.student, make_cache(self.student, self.batch, self.student.device), 6)

    def draw(self) -> SampledShots:
        generator = torch.Generator().manual_seed(1)
        context = torch.randn(2, 6, *LATENT, generator=generator)
        context[0] = 0
        return SampledShots(
            rows=torch.arange(2),
            context=context,
            context_flags=torch.tensor([[0] * 6, [0, 0, 0, 1, 1, 1]]),
            target=torch.randn(2, 9, *LATENT, generator=generator),
            shot_flag=torch.tensor([1, 2]),
            token_ids=torch.randint(1, 7, (2, 2, CONFIG.text_len), generator=generator),
            caption_index=torch.tensor([[1] * 15, [0] * 6 + [1] * 9]),
            subject=torch.ones(2, 9, *LATENT[1:]),
        )


@pytest.fixture
def student() -> Student:
    torch.manual_seed(0)
    student = Student(CONFIG)
    for parameter in student.parameters():
        nn.init.normal_(parameter, std=0.1)
    return prepare(student, torch.device("cpu"))


def trainer_of(student: Student, **settings: float) -> CausalMatchingTrainer:
    torch.manual_seed(2)
    workshop = SimpleNamespace(text=WordVectors(), device=torch.device("cpu"))
    return CausalMatchingTrainer(
        CausalMatchingSettings(**settings),
        student,
        clone(student),
        workshop,
        [(FixedSource(student), 1.0)],
        seed=3,
    )


def weights(network: Student) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


def same(network: Student, before: list[Tensor]) -> bool:
    return all(p.equal(q) for p, q in zip(network.parameters(), before, strict=True))


def test_each_chunk_is_judged_by_itself_and_what_came_before(student: Student) -> None:
    source = FixedSource(student)
    batch = encode_captions(source.draw(), WordVectors()).beginning(source.frames)
    score = CausalScore(student, source)
    noisy = torch.randn(batch.target.shape, generator=torch.Generator().manual_seed(4))
    sigma = torch.tensor([[0.9] * 3 + [0.4] * 3] * 2)
    with torch.no_grad():
        plain = score.clean(batch, batch.target, noisy, sigma)
        other_noise = noisy.clone()
        other_noise[:, :3] += 1
        one = score.clean(batch, batch.target, other_noise, sigma)
        other_past = batch.target.clone()
        other_past[:, :3] += 1
        two = score.clean(batch, other_past, noisy, sigma)
        other_future = batch.target.clone()
        other_future[:, 3:] += 1
        three = score.clean(batch, other_future, noisy, sigma)
    assert not one[:, :3].equal(plain[:, :3])
    assert one[:, 3:].equal(plain[:, 3:])
    assert two[:, :3].equal(plain[:, :3])
    assert not two[:, 3:].equal(plain[:, 3:])
    assert three.equal(plain)


def test_equal_scores_leave_the_student_where_it_is(student: Student) -> None:
    """Without guidance real and fake score start alike: nothing to learn before the fake one has moved."""
    trainer = trainer_of(student, guidance=0.0)
    trainer.turn(1.0)
    row = trainer.curves.flush()
    assert row["matching"] == 0.0
    assert row["student_gradient"] == 0.0


def test_guidance_moves_the_student(student: Student) -> None:
    trainer = trainer_of(student, guidance=1.0)
    trainer.turn(1.0)
    assert trainer.curves.flush()["student_gradient"] > 0


def test_turns_update_one_network_each(student: Student) -> None:
    trainer = trainer_of(student, critic_updates=2)
    learned = []
    for _ in range(6):
        networks = (trainer.student, trainer.critic, trainer.teacher)
        before = [weights(network) for network in networks]
        trainer.turn(1.0)
        pairs = zip(networks, before, strict=True)
        learned.append([not same(network, old) for network, old in pairs])
    student_turn, critic_turn = [True, False, False], [False, True, False]
    assert learned == [student_turn, critic_turn, critic_turn] * 2
    assert trainer.updates == 2
