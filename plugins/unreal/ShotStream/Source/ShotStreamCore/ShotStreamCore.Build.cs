// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
using UnrealBuildTool;

// The client without the engine. CMake builds and tests the same sources (plugins/unreal/core).
public class ShotStreamCore : ModuleRules
{
	public ShotStreamCore(ReadOnlyTargetRules Target) : base(Target)
	{
		// Engine headers never come before these sources, and their file-local names stay apart.
		PCHUsage = PCHUsageMode.NoPCHs;
		bUseUnity = false;
		bEnableExceptions = false;
		bUseRTTI = false;

		PublicDependencyModuleNames.Add("Core");

		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			PublicSystemLibraries.Add("ws2_32.lib");
		}
	}
}
