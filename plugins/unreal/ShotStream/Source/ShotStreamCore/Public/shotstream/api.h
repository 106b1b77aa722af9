// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// What other modules of an engine link to. Unreal's build tool defines the macro; elsewhere it is empty.
#pragma once

#ifndef SHOTSTREAMCORE_API
#define SHOTSTREAMCORE_API
#endif

#ifdef _MSC_VER
// Exported classes hold and derive from types of the standard library, which are not exported: the modules of a
// plugin are built together, with one compiler and one runtime.
#pragma warning(disable : 4251 4275)
#endif

namespace shotstream {

/// Of this plugin; takes and the server's log name it.
inline constexpr const char* kProductVersion = "0.1.0";

}  // namespace shotstream
