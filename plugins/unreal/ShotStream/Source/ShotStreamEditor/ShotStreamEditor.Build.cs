// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
using UnrealBuildTool;

public class ShotStreamEditor : ModuleRules
{
	public ShotStreamEditor(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		PublicDependencyModuleNames.AddRange(new string[]
		{
			"AssetDefinition",
			"Core",
			"CoreUObject",
			"Engine",
			"ShotStream",
			"UnrealEd",
		});

		PrivateDependencyModuleNames.AddRange(new string[]
		{
			"DesktopPlatform",
			"Json",
			"JsonUtilities",
			"LevelSequence",
			"PythonScriptPlugin",
			"Slate",
			"SlateCore",
			"ToolMenus",
		});
	}
}
