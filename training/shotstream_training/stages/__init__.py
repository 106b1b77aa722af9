# SPDX-License-Identifier: Apache-2.0
"""The pipeline by configuration: every stage at mini's and at the published scale, on one process or many."""
