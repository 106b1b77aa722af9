# SPDX-License-Identifier: Apache-2.0
"""The example narrative: what the engine's importer looks for, and what the documentation tells of it."""

from __future__ import annotations

import re

from engine_layer import PLUGIN, ROOT
from narrative_players import example

HEADER = PLUGIN / "Source" / "ShotStream" / "Public" / "ShotStreamNarrative.h"


def properties(name: str) -> dict[str, str]:
    """The properties of a struct or class: names in lower case, as the importer compares them, and types."""
    text = HEADER.read_text(encoding="utf-8")
    body = re.search(rf"(?:struct|class) SHOTSTREAM_API {name}\b.*?\n}};", text, re.DOTALL)
    assert body
    found = re.findall(r"UPROPERTY\([^\n]*\)\n\t([\w<>, ]+?) (\w+)(?: =[^;]*)?;", body[0])
    return {member.lower(): kind for kind, member in found}


def test_every_name_is_a_property_of_the_asset() -> None:
    narrative = example()
    asset = properties("UShotStreamNarrative")
    assert asset["beats"] == "TArray<FShotStreamNarrativeBeat>"
    assert asset["events"] == "TArray<FShotStreamEventRule>"
    assert {name.lower() for name in narrative} <= set(asset)
    for beat in narrative["beats"]:
        assert {name.lower() for name in beat} <= set(properties("FShotStreamNarrativeBeat"))
    for rule in narrative["events"]:
        assert {name.lower() for name in rule} <= set(properties("FShotStreamEventRule"))


def test_the_recipe_in_the_documentation_is_the_file() -> None:
    page = (ROOT / "docs" / "unreal.md").read_text(encoding="utf-8").replace("\\|", "¦")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    narrative = example()
    for beat in narrative["beats"]:
        branches = ", ".join(f"{choice}: {name}" for choice, name in beat.get("branches", {}).items())
        assert [
            beat["name"],
            beat["text"].replace("|", "¦"),
            str(beat["chunks"]),
            beat.get("next", ""),
            "yes" if beat.get("bAdvances") else "",
            branches,
        ] in rows
    for rule in narrative["events"]:
        once = "yes" if rule.get("bOnce") else ""
        assert [rule["event"], rule["beat"], rule["policy"], rule.get("during", ""), once] in rows
    assert narrative["title"] in page
    assert narrative["globalCaption"].replace("|", "¦") in page
    for name, value in narrative["variables"].items():
        assert f"*{name}: {value}*" in page
