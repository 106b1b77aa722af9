# SPDX-License-Identifier: Apache-2.0
"""Measuring what a clip shows against its ground truth, from its pixels alone."""
