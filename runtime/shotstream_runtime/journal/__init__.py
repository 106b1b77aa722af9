# SPDX-License-Identifier: Apache-2.0
"""The durable record of stories: what was asked, what was decided, and every finished frame."""
