# SPDX-License-Identifier: Apache-2.0
"""Checks of the Unreal engine layer that need no engine."""
