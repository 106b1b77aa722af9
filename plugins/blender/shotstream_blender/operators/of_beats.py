# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators on the story's beats share; no operator itself."""

import bpy

from .. import generating, scenes
from ..story import ShotStreamStory


class NeedsBeats:
    """Mixed into operators that are of use only once the story has beats."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not scenes.scene_of(context).shotstream.beats:
            cls.poll_message_set("The story has no beats")
            return False
        return True


class Generates(NeedsBeats):
    """Mixed into operators that generate: each says what in :meth:`begin`."""

    def begin(self, held: ShotStreamStory) -> None:
        """Begins.

        Raises:
            CannotGenerate: It cannot be begun; the user is told why.
        """
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.begin(scenes.story_of(context))
        except generating.CannotGenerate as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
