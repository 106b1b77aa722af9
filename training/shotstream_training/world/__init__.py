# SPDX-License-Identifier: Apache-2.0
"""The storyboard world: flat-colour multi-shot clips with exact ground truth."""
