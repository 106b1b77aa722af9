# SPDX-License-Identifier: Apache-2.0
"""Ablations by retraining: branches that each leave something out, played and measured alike."""
