# SPDX-License-Identifier: Apache-2.0
"""Only loopback is served, and a port in use is explained."""

from __future__ import annotations

import socket

import pytest
from scripted_service import ScriptedService
from shotstream_bridge import AddressError, BridgeError, ServerEndpoint
from shotstream_bridge.address import bind_failure, check_bind


@pytest.mark.parametrize(
    ("address", "bound"),
    [
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"),
        ("tcp://127.0.0.1:0", "tcp://127.0.0.1:*"),
        ("tcp://127.3.2.1:*", "tcp://127.3.2.1:*"),
        ("tcp://localhost:7", "tcp://127.0.0.1:7"),
        ("tcp://[::1]:7", "tcp://[::1]:7"),
    ],
)
def test_loopback(address: str, bound: str) -> None:
    assert check_bind(address, secured=False) == bound


@pytest.mark.parametrize(
    "address",
    [
        "tcp://0.0.0.0:5555",
        "tcp://*:5555",
        "tcp://192.168.1.4:5555",
        "tcp://[::]:5555",
        "tcp://example.com:5555",
        "tcp://127.0.0.1.example.com:5555",
        "tcp://eth0:5555",
        "ipc:///tmp/x",
        "inproc://x",
        "tcp://127.0.0.1",
        "",
    ],
)
def test_everything_else_is_refused_with_the_fix(address: str) -> None:
    service = ScriptedService()
    with pytest.raises(AddressError) as caught:
        ServerEndpoint(service, address)
    assert (
        f"only loopback addresses are served without keys; got {address!r}; use tcp://127.0.0.1:PORT"
        in str(caught.value)
    )


@pytest.mark.parametrize("address", ["localhost:5555", "127.0.0.1:5555"])
def test_a_missing_transport_is_named(address: str) -> None:
    with pytest.raises(AddressError, match=f"'{address}' lacks its transport; use tcp://{address}"):
        check_bind(address, secured=False)


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(AddressError, match="port 70000"):
        check_bind("tcp://127.0.0.1:70000", secured=False)


def test_a_port_in_use_names_the_port_and_the_fix() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        endpoint = ServerEndpoint(ScriptedService(), f"tcp://127.0.0.1:{port}")
        with pytest.raises(AddressError, match=f"port {port} is in use.*choose another port"):
            endpoint.start()
    # Nothing is left behind: the same endpoint starts once the port is free.
    endpoint.start()
    assert endpoint.address == f"tcp://127.0.0.1:{port}"
    endpoint.stop()


def test_a_port_one_may_not_use() -> None:
    import errno

    assert "may not listen at port 80" in str(bind_failure("tcp://127.0.0.1:80", errno.EACCES, ""))


def test_an_endpoint_lives_once(service: ScriptedService) -> None:
    with pytest.raises(BridgeError, match="started before"):
        service.endpoint.start()
    service.endpoint.stop()
    service.endpoint.stop()
