// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FPaths (5.6)
#pragma once

#include "Containers/UnrealString.h"

class FPaths
{
public:
	static FString ProjectDir();
	static FString ProjectSavedDir();
	static FString ProjectContentDir();
	static FString ProjectPluginsDir();
	static FString EnginePluginsDir();
	static FString EngineDir();
	static FString ConvertRelativePathToFull(const FString& Path);
	static FString ConvertRelativePathToFull(const FString& Base, const FString& Path);
	static FString GetBaseFilename(const FString& Path, bool bRemovePath = true);
	static FString GetCleanFilename(const FString& Path);
	static FString GetExtension(const FString& Path, bool bDot = false);
	static FString GetPath(const FString& Path);
	static FString GetPathLeaf(const FString& Path);
	static bool DirectoryExists(const FString& Path);
	static bool FileExists(const FString& Path);
	static bool IsRelative(const FString& Path);
	static bool IsUnderDirectory(const FString& Path, const FString& Folder);
	static bool CollapseRelativeDirectories(FString& Path);
	static void NormalizeDirectoryName(FString& Path);
	static void NormalizeFilename(FString& Path);
	static FString MakeValidFileName(const FString& Name, TCHAR Replacement = 0);
	static bool MakePathRelativeTo(FString& Path, const TCHAR* To);
	static FString ProjectIntermediateDir();
	static FString CreateTempFilename(const TCHAR* Path, const TCHAR* Prefix = TEXT(""), const TCHAR* Extension = TEXT(".tmp"));
	template<typename... Parts>
	static FString Combine(Parts&&... Given)
	{
		static_assert(((std::is_convertible_v<Parts&&, FString> || std::is_constructible_v<FStringView, Parts&&>) && ...), "FPaths::Combine takes texts");
		return FString();
	}
};
