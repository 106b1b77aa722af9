# SPDX-License-Identifier: Apache-2.0
"""Shots and stories as streams of frames."""
