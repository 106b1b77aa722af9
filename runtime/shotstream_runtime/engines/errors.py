# SPDX-License-Identifier: Apache-2.0
"""What keeps an engine from being made or used."""


class EngineError(Exception):
    """An engine cannot do what was asked; the message is written for users and says what is possible."""
