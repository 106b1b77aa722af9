// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
using System.IO;
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

		AddLibzmq(Target);
	}
	// Servers with keys need libzmq. It is used where somebody has put it; plugins/unreal/README.md says how.
	private void AddLibzmq(ReadOnlyTargetRules Target)
	{
		string Folder = Path.Combine(PluginDirectory, "Source", "ThirdParty", "libzmq");
		string Libraries = Path.Combine(Folder, "lib", Target.Platform.ToString());
		bool bFound = Directory.Exists(Libraries);
		PrivateDefinitions.Add("SHOTSTREAM_WITH_LIBZMQ=" + (bFound ? "1" : "0"));
		if (!bFound)
		{
			return;
		}
		PrivateDefinitions.Add("ZMQ_STATIC");
		PrivateIncludePaths.Add(Path.Combine(Folder, "include"));
		string Suffix = Target.Platform == UnrealTargetPlatform.Win64 ? "*.lib" : "*.a";
		PublicAdditionalLibraries.AddRange(Directory.GetFiles(Libraries, Suffix));
		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			PublicSystemLibraries.AddRange(new string[] { "advapi32.lib", "iphlpapi.lib", "rpcrt4.lib" });
		}
	}
}
