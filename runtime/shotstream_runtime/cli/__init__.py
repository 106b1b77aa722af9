# SPDX-License-Identifier: Apache-2.0
"""The `shotstream` command. Command modules import what is heavy when they run, so that help is instant."""
