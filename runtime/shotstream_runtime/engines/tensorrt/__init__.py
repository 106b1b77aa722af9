# SPDX-License-Identifier: Apache-2.0
"""The student on TensorRT and TensorRT for RTX: one network, built once, kept on disk, run from there."""
