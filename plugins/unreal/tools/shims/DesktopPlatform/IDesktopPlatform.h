// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: API/Developer/DesktopPlatform/IDesktopPlatform (5.6)
#pragma once

#include "Containers/UnrealString.h"

namespace EFileDialogFlags
{
	enum Type { None = 0, Multiple = 1 };
}

class IDesktopPlatform
{
public:
	virtual ~IDesktopPlatform();
	virtual bool OpenFileDialog(const void* Window, const FString& Title, const FString& Folder, const FString& File, const FString& Types, uint32 Flags, TArray<FString>& Names) = 0;
	virtual bool SaveFileDialog(const void* Window, const FString& Title, const FString& Folder, const FString& File, const FString& Types, uint32 Flags, TArray<FString>& Names) = 0;
	virtual bool OpenDirectoryDialog(const void* Window, const FString& Title, const FString& Folder, FString& Name) = 0;
};
