# SPDX-License-Identifier: Apache-2.0
"""The frames of a story, as files that the C++ program wrote and as the Python client gets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from shotstream_bridge import Client, ClientSecurity, WatchMode
from shotstream_bridge.frames import ReceivedFrame
from shotstream_bridge.messages import StoryClosed


def pictures(folder: Path, suffix: str = "ppm") -> np.ndarray:
    """The frames in a folder, in order: ``[frames, H, W, 3]``."""
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob(f"*.{suffix}"))])


def seen_by_python(address: str, story_id: str, security: ClientSecurity | None = None) -> np.ndarray:
    """The frames of a story that has ended, as the Python client gets them."""
    frames = []
    with Client.connect(address, security=security) as client:
        client.story(story_id).subscribe(WatchMode.EVERY, from_frame=0)
        for event in client.events(10):
            if isinstance(event, ReceivedFrame):
                frames.append(np.array(event.rgb()))
            elif isinstance(event, StoryClosed):
                break
    return np.stack(frames)
