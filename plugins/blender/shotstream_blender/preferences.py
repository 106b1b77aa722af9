# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: the server, its keys, and where files go."""

import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from . import compat

PACKAGE = __package__
DEFAULT_ADDRESS = "tcp://127.0.0.1:5555"


class ShotStreamPreferences(bpy.types.AddonPreferences):
    """Connection and files."""

    bl_idname = PACKAGE

    address: StringProperty(
        name="Server", description="Address of the server, tcp://HOST:PORT", default=DEFAULT_ADDRESS
    )
    client_key: StringProperty(
        name="Your Key",
        description="File with this client's private key; only for a server with keys (shotstream keys new)",
        subtype="FILE_PATH",
    )
    server_key: StringProperty(
        name="Server's Key",
        description="The server's public key, or the file that holds it; only for a server with keys",
    )
    server_command: StringProperty(
        name="Command",
        description="The shotstream command, for a server on this machine; empty: looked for on the PATH",
        subtype="FILE_PATH",
    )
    server_model: StringProperty(
        name="Model", description="mini, or a folder with the published weights", default="mini"
    )
    folder: StringProperty(
        name="Takes",
        description="Where takes are saved. // is the folder of the .blend; while that is not saved, "
        "Blender's own folder for the extension is used",
        default="//shotstream/",
        subtype="DIR_PATH",
        options=compat.PATH_OPTIONS,
    )
    shot_files: EnumProperty(
        name="Shots As",
        description="What strips are made of. The lossless pictures are kept in any case",
        items=(
            ("movie", "Movie", "One movie for each shot"),
            ("pictures", "Image Sequence", "The take's PNG files"),
        ),
        default="movie",
    )
    connect_at_start: BoolProperty(
        name="Connect When a File Is Opened",
        description="Connect to the server as soon as a file with a story is opened",
        default=False,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Shows them."""
        del context
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(heading="Connection")
        column.prop(self, "address")
        column.prop(self, "client_key")
        column.prop(self, "server_key")
        column.prop(self, "connect_at_start")
        column = layout.column(heading="Server on This Machine")
        column.prop(self, "server_command")
        column.prop(self, "server_model")
        column = layout.column(heading="Files")
        column.prop(self, "folder")
        column.prop(self, "shot_files")


CLASSES = (ShotStreamPreferences,)


def get() -> ShotStreamPreferences:
    """The preferences in use."""
    return bpy.context.preferences.addons[PACKAGE].preferences


def takes_folder() -> Path:
    """Where takes go now; made when the first is begun."""
    wanted = get().folder.strip()
    if not wanted or (wanted.startswith("//") and not bpy.data.filepath):
        return unsaved_folder()
    return Path(os.path.abspath(bpy.path.abspath(wanted)))


def unsaved_folder() -> Path:
    """Where takes go while the .blend was not saved; the first save takes them along."""
    return user_folder("takes")


def user_folder(name: str) -> Path:
    """A folder of the extension among the user's files, made if need be."""
    return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
