// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Json/TJsonWriter, TJsonWriterFactory (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Templates/SharedPointer.h"

template<typename Char>
struct TPrettyJsonPrintPolicy
{
};
template<typename Char>
struct TCondensedJsonPrintPolicy
{
};

template<typename Char = TCHAR, typename Policy = TPrettyJsonPrintPolicy<Char>>
class TJsonWriter
{
public:
	virtual ~TJsonWriter();
	bool Close();
};

template<typename Char = TCHAR, typename Policy = TPrettyJsonPrintPolicy<Char>>
class TJsonWriterFactory
{
public:
	static TSharedRef<TJsonWriter<Char, Policy>> Create(FString* Text, int32 Indent = 0);
};
