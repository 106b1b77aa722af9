# SPDX-License-Identifier: Apache-2.0
"""Training: data worlds, teacher, causal initialisation, distillation, evaluation."""
