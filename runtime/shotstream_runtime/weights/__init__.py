# SPDX-License-Identifier: Apache-2.0
"""Published checkpoint layouts, the hub, and the built-in mini."""
