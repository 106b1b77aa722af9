// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Core/FFileHelper (5.6)
#pragma once

#include "Containers/ArrayView.h"
#include "Containers/UnrealString.h"

class IFileManager;

namespace ShotStreamShim
{
	IFileManager* Files();
}

struct FFileHelper
{
	enum class EHashOptions { None };
	enum class EEncodingOptions { AutoDetect, ForceAnsi, ForceUnicode, ForceUTF8, ForceUTF8WithoutBOM };
	static bool LoadFileToString(FString& Text, const TCHAR* Path, EHashOptions Options = EHashOptions::None, uint32 Flags = 0);
	static bool LoadFileToArray(TArray<uint8>& Bytes, const TCHAR* Path, uint32 Flags = 0);
	static bool LoadFileToStringArray(TArray<FString>& Lines, const TCHAR* Path);
	static bool SaveStringToFile(FStringView Text, const TCHAR* Path, EEncodingOptions Encoding = EEncodingOptions::AutoDetect, IFileManager* Files = ShotStreamShim::Files(), uint32 Flags = 0);
	static bool SaveArrayToFile(TArrayView<const uint8> Bytes, const TCHAR* Path, IFileManager* Files = ShotStreamShim::Files(), uint32 Flags = 0);
};
