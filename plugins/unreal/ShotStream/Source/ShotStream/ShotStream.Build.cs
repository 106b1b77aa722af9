// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
using UnrealBuildTool;

public class ShotStream : ModuleRules
{
	public ShotStream(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		PublicDependencyModuleNames.AddRange(new string[]
		{
			"Core",
			"CoreUObject",
			"DeveloperSettings",
			"Engine",
		});

		PrivateDependencyModuleNames.AddRange(new string[]
		{
			"RHI",
			"RenderCore",
			"ShotStreamCore",
		});
	}
}
