# SPDX-License-Identifier: Apache-2.0
"""The ShotStream runtime: a causal video student streaming multi-shot stories over a dual cache."""
