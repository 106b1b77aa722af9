# SPDX-License-Identifier: Apache-2.0
"""Training data made while training: rendered stories, their latents, batches."""
