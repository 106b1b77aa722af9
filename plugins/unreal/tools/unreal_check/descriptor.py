# SPDX-License-Identifier: Apache-2.0
"""The plugin's descriptor (.uplugin), its modules' entry points, and FilterPlugin.ini.

Fields after API/Runtime/Projects/FPluginDescriptor, FModuleDescriptor and FPluginReferenceDescriptor (5.6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unreal_check.build_rules import MODULES_OF_PLUGINS, read_rules
from unreal_check.cpp_tokens import CppSyntaxError
from unreal_check.findings import Finding


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIELDS = _words(
    """FileVersion Version VersionName FriendlyName Description Category CreatedBy CreatedByURL DocsURL
    MarketplaceURL SupportURL PythonRequirements FabURL EngineVersion EnabledByDefault
    CanContainContent IsBetaVersion IsExperimentalVersion Installed SupportedTargetPlatforms
    Modules Plugins LocalizationTargets"""
)
_MODULE_FIELDS = _words(
    """Name Type LoadingPhase PlatformAllowList PlatformDenyList TargetAllowList TargetDenyList
    TargetConfigurationAllowList TargetConfigurationDenyList ProgramAllowList"""
)
_PLUGIN_FIELDS = _words(
    """Name Enabled Optional Description MarketplaceURL PlatformAllowList PlatformDenyList
    TargetAllowList TargetDenyList SupportedTargetPlatforms"""
)
_OLD = {
    "WhitelistPlatforms": "PlatformAllowList",
    "BlacklistPlatforms": "PlatformDenyList",
    "WhitelistTargets": "TargetAllowList",
}
_TYPES = _words(
    """Runtime RuntimeNoCommandlet RuntimeAndProgram CookedOnly UncookedOnly DeveloperTool Editor
    EditorNoCommandlet EditorAndProgram Program ServerOnly ClientOnly ClientOnlyNoCommandlet"""
)
_PHASES = _words(
    """EarliestPossible PostConfigInit PostSplashScreen PreEarlyLoadingScreen PreLoadingScreen PreDefault
    Default PostDefault PostEngineInit None"""
)
_PLATFORMS = _words("Win64 Mac Linux LinuxArm64 Android IOS TVOS VisionOS")
_TARGETS = _words("Game Client Server Editor Program")
_EDITOR_PLUGINS = frozenset({"PythonScriptPlugin", "SequencerScripting", "EditorScriptingUtilities"})


def check_descriptor(plugin: Path, *, packaged_for: str | None = None) -> list[Finding]:
    """`packaged_for`: the engine version that a package is for; None for the sources, which fit several."""
    paths = sorted(plugin.glob("*.uplugin"))
    if len(paths) != 1:
        return [Finding(plugin, 1, "descriptor", f"one .uplugin is needed, {len(paths)} are there")]
    path = paths[0]
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        return [Finding(path, 1, "descriptor", f"no JSON: {error}")]
    text = path.read_text(encoding="utf-8-sig")
    found = [*_top(path, content, packaged_for), *_modules(path, content), *_plugins(path, content)]
    return sorted(
        {Finding(path, _line(text, word), "descriptor", message) for word, message in found}
        | {*_entry_points(plugin, content), *_filter(plugin)}
    )


def _line(text: str, word: str) -> int:
    return text[: max(text.find(word), 0)].count("\n") + 1


def _top(path: Path, content: dict[str, Any], packaged_for: str | None) -> Iterator[tuple[str, str]]:
    for name in content:
        if name not in _FIELDS:
            yield name, f"{name} is no field of a plugin's descriptor"
    if content.get("FileVersion") != 3:
        yield "FileVersion", "FileVersion must be 3"
    for name in ("VersionName", "FriendlyName", "Description", "Category", "CreatedBy"):
        if not content.get(name):
            yield name, f"{name} is empty"
    version = content.get("EngineVersion")
    if packaged_for is None and version is not None:
        message = 'EngineVersion is for packages: here it asks "built with a different engine version"'
        yield "EngineVersion", message
    if packaged_for is not None and version != f"{packaged_for}.0":
        yield "EngineVersion", f"EngineVersion must be {packaged_for}.0, not {version}"
    if content.get("Installed"):
        yield "Installed", "Installed is for plugins inside the engine"
    if (path.parent / "Content").is_dir() and not content.get("CanContainContent"):
        yield "CanContainContent", "there is a Content folder: CanContainContent must be true"


def _modules(path: Path, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    source = path.parent / "Source"
    names = [module.get("Name", "") for module in content.get("Modules", [])]
    for build in sorted(source.glob("*/*.Build.cs")):
        if build.parent.name not in names:
            yield "Modules", f"{build.parent.name} has a Build.cs, and is not among the modules"
    for module in content.get("Modules", []):
        name = module.get("Name", "")
        for field in module:
            if field not in _MODULE_FIELDS:
                instead = f": {_OLD[field]} instead" if field in _OLD else ""
                yield field, f"{name}: {field} is no field of a module{instead}"
        if not (source / name / f"{name}.Build.cs").is_file():
            yield name, f"module {name} has no Source/{name}/{name}.Build.cs"
        if names.count(name) > 1:
            yield name, f"module {name} is there twice"
        if module.get("Type") not in _TYPES:
            yield f'"{module.get("Type")}"', f"{name}: {module.get('Type')} is no module type"
        if name.endswith("Editor") != (
            module.get("Type") in {"Editor", "EditorNoCommandlet", "UncookedOnly"}
        ):
            yield name, f"{name}: {module.get('Type')} does not fit its name: a game has no editor modules"
        if module.get("LoadingPhase", "Default") not in _PHASES:
            yield f'"{module.get("LoadingPhase")}"', f"{name}: {module['LoadingPhase']} is no loading phase"
        allowed = module.get("PlatformAllowList")
        if not allowed or not set(allowed) <= _PLATFORMS:
            yield name, f"{name}: PlatformAllowList must name platforms of {sorted(_PLATFORMS)}"
    yield from _order(path, names)


def _order(path: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    """A module loads after those that it needs, if the list has them in that order."""
    for index, name in enumerate(names):
        build = path.parent / "Source" / name / f"{name}.Build.cs"
        try:
            rules = read_rules(build)
        except (OSError, CppSyntaxError):
            continue
        for needed in sorted((rules.public | rules.private) & set(names[index + 1 :])):
            yield name, f"{name} needs {needed}, which must be listed before it"


def _plugins(path: Path, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    listed = {plugin.get("Name"): plugin for plugin in content.get("Plugins", [])}
    for name, plugin in listed.items():
        for field in plugin:
            if field not in _PLUGIN_FIELDS:
                instead = f": {_OLD[field]} instead" if field in _OLD else ""
                yield field, f"{name}: {field} is no field of a plugin reference{instead}"
        if plugin.get("Enabled") is not True:
            yield f'"{name}"', f"{name}: Enabled must be true"
        targets = set(plugin.get("TargetAllowList", []))
        if not targets <= _TARGETS:
            yield f'"{name}"', f"{name}: TargetAllowList must name targets of {sorted(_TARGETS)}"
        if name in _EDITOR_PLUGINS and targets != {"Editor"}:
            yield f'"{name}"', f'{name} is no part of games: "TargetAllowList": ["Editor"]'
    for build in sorted((path.parent / "Source").glob("*/*.Build.cs")):
        try:
            rules = read_rules(build)
        except CppSyntaxError:
            continue  # the Build.cs check tells
        for module in sorted(rules.public | rules.private):
            owner = MODULES_OF_PLUGINS.get(module)
            if owner and owner not in listed:
                yield "Plugins", f"{build.name} needs {module}: plugin {owner} must be listed"


def _entry_points(plugin: Path, content: dict[str, Any]) -> Iterator[Finding]:
    """Each module has exactly one IMPLEMENT_MODULE, with its own name."""
    for module in content.get("Modules", []):
        name = module.get("Name", "")
        folder = plugin / "Source" / name
        found = [
            (path, match[1])
            for path in sorted(folder.rglob("*.cpp"))
            for match in re.finditer(
                r"^IMPLEMENT_MODULE\([^,]+,\s*(\w+)\s*\)",
                path.read_text("utf-8-sig", "replace"),
                re.MULTILINE,
            )
        ]
        if folder.is_dir() and len(found) != 1:
            message = f"{name} needs IMPLEMENT_MODULE once, in one .cpp; it is there {len(found)} times"
            yield Finding(folder, 1, "entry-point", message)
        for path, given in found:
            if given != name:
                yield Finding(path, 1, "entry-point", f"IMPLEMENT_MODULE(..., {given}) must name {name}")


def _filter(plugin: Path) -> Iterator[Finding]:
    path = plugin / "Config" / "FilterPlugin.ini"
    if not path.is_file():
        yield Finding(plugin, 1, "filter", "Config/FilterPlugin.ini is missing")
        return
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    if "[FilterPlugin]" not in lines:
        yield Finding(path, 1, "filter", "[FilterPlugin] is missing")
    for number, line in enumerate(lines, 1):
        pattern = line.strip()
        if not pattern or pattern.startswith((";", "[")):
            continue
        if not pattern.startswith("/"):
            yield Finding(path, number, "filter", f"{pattern} must begin with /")
            continue
        glob = pattern.lstrip("/").replace("...", "**/*")
        if not any(found.is_file() for found in plugin.glob(glob)):
            yield Finding(path, number, "filter", f"{pattern} matches no file")
