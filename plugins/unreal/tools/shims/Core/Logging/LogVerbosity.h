// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Logging in Unreal Engine (5.7)
#pragma once

namespace ELogVerbosity
{
	enum Type { NoLogging = 0, Fatal, Error, Warning, Display, Log, Verbose, VeryVerbose, All = VeryVerbose };
}
