# SPDX-License-Identifier: Apache-2.0
"""From the bidirectional teacher to the causal few-step student."""
