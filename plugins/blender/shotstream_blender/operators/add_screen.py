# SPDX-License-Identifier: GPL-3.0-or-later
"""A plane that shows the live picture."""

import bpy

from .. import live, live_picture, scenes
from ..story import ShotStreamStory

MATERIAL = "ShotStream Screen"


class SHOTSTREAM_OT_add_screen(bpy.types.Operator):
    """Add a plane whose material shows the live picture"""

    bl_idname = "shotstream.add_screen"
    bl_label = "Add Screen"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set("Only in Object Mode")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        held = scenes.story_of(context)
        image = live_picture.find()
        if image is None:
            image = live_picture.ensure(*_size(held))
            live_picture.fill(live_picture.newest_file())
        mesh = bpy.data.meshes.new("ShotStream Screen")
        half = image.size[0] / max(1, image.size[1])
        corners = [(-half, 0, 0), (half, 0, 0), (half, 0, 2), (-half, 0, 2)]
        mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", [0, 0, 1, 0, 1, 1, 0, 1])
        mesh.materials.append(_material(image))
        screen = bpy.data.objects.new("ShotStream Screen", mesh)
        screen.location = context.scene.cursor.location
        context.collection.objects.link(screen)
        for other in context.selected_objects:
            other.select_set(False)
        screen.select_set(True)
        context.view_layer.objects.active = screen
        return {"FINISHED"}


def _size(held: ShotStreamStory) -> tuple[int, int]:
    """Of the pictures to come, as far as is known."""
    server = live.studio().connection.server
    if held.width:
        return held.width, held.height
    return (832, 480) if server is None else (server.width, server.height)


def _material(image: bpy.types.Image) -> bpy.types.Material:
    material = bpy.data.materials.new(MATERIAL)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.extension = "EXTEND"
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    texture.location, emission.location, output.location = (-560, 0), (-240, 0), (0, 0)
    tree.links.new(texture.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return material
