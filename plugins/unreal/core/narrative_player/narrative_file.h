// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// A `.shotstream` file: a narrative as JSON, with the names of the Unreal asset's properties.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "shotstream/narrative.h"

/// Reads a narrative; returns false, and says why, if the file has something that a narrative does not.
bool ReadNarrative(const nlohmann::json& file, shotstream::NarrativeScript& script, std::string& reason);
