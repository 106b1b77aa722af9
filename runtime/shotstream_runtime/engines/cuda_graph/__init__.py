# SPDX-License-Identifier: Apache-2.0
"""The student over static buffers: no allocation, clone or host branch in a chunk, as graphs need it."""
