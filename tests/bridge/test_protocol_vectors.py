# SPDX-License-Identifier: Apache-2.0
"""The vectors and docs/protocol.md against the code, and the malformed vectors against a live server."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, get_args

import make_protocol_vectors as vectors
import msgpack
import numpy as np
import pytest
from malformed_messages import expand
from raw_dealer import RawDealer
from scripted_service import ScriptedService
from shotstream_bridge import BridgeError, Client, ErrorCode, FrameHeader, ReceivedFrame
from shotstream_bridge.checksum import fold_crc32
from shotstream_bridge.client_core import ClientCore
from shotstream_bridge.client_requests import TRANSITIONS, ClientState
from shotstream_bridge.codec import CLIENT_TYPES, SERVER_TYPES, decode_client, decode_server, encode
from shotstream_bridge.messages import CLIENT_MESSAGES, SERVER_MESSAGES, ClientMessage, ServerMessage
from shotstream_bridge.session import SESSION_TRANSITIONS, SessionState
from shotstream_bridge.version import FEATURES

FILE = json.loads(vectors.FILE.read_text(encoding="utf-8"))
DOCUMENT = (vectors.FILE.parent / "protocol.md").read_text(encoding="utf-8")

FIRST_FORM_SHA256 = "5d13946488704e5edbf7fd1b8afd1f27c308376de68e9339bce97a1ed784a192"


def by_name(section: str) -> Any:
    return pytest.mark.parametrize("vector", FILE[section], ids=lambda vector: vector["name"])


def test_the_committed_file_is_what_the_code_makes() -> None:
    assert vectors.FILE.read_text(encoding="utf-8") == vectors.render(), (
        "the protocol changed: run tests/bridge/make_protocol_vectors.py and review the difference"
    )


def test_the_first_form_of_version_1_never_changes() -> None:
    first = [
        [vector["name"], vector["parts"]]
        for section in ("client_to_server", "server_to_client")
        for vector in FILE[section]
        if "feature" not in vector
    ]
    digest = hashlib.sha256(json.dumps(first).encode()).hexdigest()
    assert digest == FIRST_FORM_SHA256, "other implementations rely on it: add a feature instead"


def test_every_vector_of_a_feature_names_one_that_exists() -> None:
    named = {
        v["feature"] for s in ("client_to_server", "server_to_client") for v in FILE[s] if "feature" in v
    }
    assert named == set(FEATURES)


def test_every_message_type_has_a_vector() -> None:
    assert {v["message"]["type"] for v in FILE["client_to_server"]} == CLIENT_TYPES
    assert {v["message"]["type"] for v in FILE["server_to_client"]} == SERVER_TYPES


@by_name("client_to_server")
def test_client_messages_are_byte_exact(vector: dict[str, Any]) -> None:
    message = CLIENT_MESSAGES.validate_json(json.dumps(vector["message"]))
    (header,) = (bytes.fromhex(part) for part in vector["parts"])
    assert encode(message).hex() == header.hex()
    assert decode_client(header) == message


@by_name("server_to_client")
def test_server_messages_are_byte_exact(vector: dict[str, Any]) -> None:
    message = SERVER_MESSAGES.validate_json(json.dumps(vector["message"]))
    header, *payload = (bytes.fromhex(part) for part in vector["parts"])
    assert encode(message).hex() == header.hex()
    assert decode_server(header) == message
    with_payload = isinstance(message, FrameHeader) and message.slot is None
    assert len(payload) == with_payload
    if isinstance(message, FrameHeader) and with_payload:
        received = ReceivedFrame(message, np.frombuffer(payload[0], np.uint8))
        received.verify()
        assert np.array_equal(received.rgb(), vectors.PIXELS)


@by_name("client_to_server")
def test_key_order_and_integer_width_do_not_matter_to_a_reader(vector: dict[str, Any]) -> None:
    fields = msgpack.unpackb(bytes.fromhex(vector["parts"][0]))
    packer = msgpack.Packer(autoreset=False)
    packer.pack_map_header(len(fields))
    buffer = packer.bytes()
    for key, value in reversed(fields.items()):
        wide = isinstance(value, int) and not isinstance(value, bool)
        buffer += msgpack.packb(key) + (b"\xcf" + value.to_bytes(8, "big") if wide else msgpack.packb(value))
    assert decode_client(buffer) == decode_client(bytes.fromhex(vector["parts"][0]))


@by_name("checksums")
def test_checksums(vector: dict[str, Any]) -> None:
    assert fold_crc32(vectors.ramp(vector["size"])) == vector["checksum"]


@pytest.fixture(scope="module")
def live() -> Any:
    with ScriptedService() as running:
        yield running


def check_refusal(dealer: RawDealer, vector: dict[str, Any]) -> dict[str, Any]:
    dealer.send(*(expand(part) for part in vector["parts"]))
    answer = dealer.hear()
    assert answer["type"] == vector["answer"], answer
    assert answer["code"] == vector["code"], answer
    assert answer.get("field") == vector["field"], answer
    assert answer["retryable"] is ErrorCode(vector["code"]).retryable
    assert answer["reason"]
    return answer


@by_name("refused_when_welcomed")
def test_a_welcomed_client_is_told_what_is_wrong_and_stays(
    live: ScriptedService, vector: dict[str, Any]
) -> None:
    with RawDealer(live.endpoint.address) as dealer:
        assert dealer.hello("c1")["type"] == "welcome"
        answer = check_refusal(dealer, vector)
        header = expand(vector["parts"][0])
        if vector["code"] not in ("malformed", "too_large"):
            named = msgpack.unpackb(header, strict_map_key=False)
            if (
                isinstance(named.get("request"), int)
                and 0 <= named["request"] < 2**32
                and (named["request"] is not True)
            ):
                assert answer["request"] == named["request"]
        assert dealer.open(f"after-{id(vector)}")["type"] == "story_opened"


@by_name("refused_before_hello")
def test_a_stranger_is_told_what_is_wrong_and_may_say_hello(
    live: ScriptedService, vector: dict[str, Any]
) -> None:
    with RawDealer(live.endpoint.address) as dealer:
        answer = check_refusal(dealer, vector)
        if vector["answer"] == "refused":
            assert answer["server_versions"] == FILE["versions"]
            assert answer["client_versions"] == msgpack.unpackb(expand(vector["parts"][0]))["versions"]
        assert dealer.hello("c3")["type"] == "welcome"


def test_the_server_outlives_all_of_them(live: ScriptedService) -> None:
    with Client.connect(live.endpoint.address) as client:
        assert client.server.model == "scripted"


# --- the document -----------------------------------------------------------------------------------------


def documented_fields(kind: str) -> list[str]:
    section = re.search(rf"^### `{kind}`\n(.*?)(?=^##)", DOCUMENT + "\n## end", re.M | re.S)
    assert section, f"docs/protocol.md has no section on {kind}"
    return re.findall(r"^\| `(\w+)`(?: \*\(later\)\*)? \|", section[1], re.M)


@pytest.mark.parametrize(
    "message",
    sorted({*get_args(ClientMessage), *get_args(ServerMessage)}, key=lambda message: message.__name__),
    ids=lambda message: message.__name__,
)
def test_the_document_lists_every_field_in_the_order_of_the_wire(message: Any) -> None:
    kind = message.model_fields["type"].default
    assert documented_fields(kind) == list(message.model_fields)


@pytest.mark.parametrize(
    "message",
    sorted({*get_args(ClientMessage), *get_args(ServerMessage)}, key=lambda message: message.__name__),
    ids=lambda message: message.__name__,
)
def test_the_document_marks_later_fields_and_no_others(message: Any) -> None:
    kind = message.model_fields["type"].default
    section = re.search(rf"^### `{kind}`\n(.*?)(?=^##)", DOCUMENT + "\n## end", re.M | re.S)
    assert section is not None
    assert set(re.findall(r"^\| `(\w+)` \*\(later\)\* \|", section[1], re.M)) == message.later_fields


def test_the_document_lists_every_feature() -> None:
    section = DOCUMENT[DOCUMENT.index("| feature | adds |") : DOCUMENT.index("**Heartbeat.**")]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == list(FEATURES)


def test_the_document_lists_every_error_code_and_whether_it_is_retryable() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", DOCUMENT, re.M))
    assert rows == {code.value: "yes" if code.retryable else "no" for code in ErrorCode}


def documented_steps() -> set[tuple[str, str]]:
    """From state to state, of both of the document's tables on the client."""
    steps = set()
    for table in re.findall(r"\| state of the client \|.*?\n\n", DOCUMENT, re.S):
        for state, _, after in re.findall(r"^\| (\w+) \| (.*?) \| (.*?) \|$", table, re.M):
            reached = re.search(r"(?:^|; )(greeting|open|lost|closed)\b", after)
            if reached and state in set(ClientState):
                steps.add((state, reached[1]))
    return {(before, after) for before, after in steps if before != after}


def test_the_documents_states_of_a_client_are_those_the_code_enforces() -> None:
    enforced = {(before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters}
    assert documented_steps() == enforced


def test_the_documents_states_on_the_server_are_those_the_code_enforces() -> None:
    steps = set()
    for table in re.findall(r"\| state on the server \|.*?\n\n", DOCUMENT, re.S):
        for state, _, after in re.findall(r"^\| (\w+) \| (.*?) \| (.*?) \|$", table, re.M):
            reached = re.search(r"(?:^|; )(\w+)$", after)
            if reached and reached[1] in set(SessionState):
                steps.add((state, reached[1]))
    enforced = {
        (before.value, after.value) for before, afters in SESSION_TRANSITIONS.items() for after in afters
    }
    # A stranger has no session: one is made with the welcome.
    enforced.add(("stranger", "welcomed"))
    assert {(before, after) for before, after in steps if before != after} == enforced


def test_a_step_that_is_not_in_the_table_is_a_fault() -> None:
    core = ClientCore("c", product="p", now=0.0)
    with pytest.raises(BridgeError, match="a client that is greeting cannot become lost"):
        core._enter(ClientState.LOST)
    core.leave()
    with pytest.raises(BridgeError, match="closed cannot become open"):
        core._enter(ClientState.OPEN)
