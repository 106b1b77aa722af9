# SPDX-License-Identifier: Apache-2.0
"""Ablations by retraining: branches of one training that each leave something out, played and measured alike."""
