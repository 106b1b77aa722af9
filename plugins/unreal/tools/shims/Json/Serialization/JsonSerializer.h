// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Json/FJsonSerializer (5.6)
#pragma once

#include "Dom/JsonObject.h"
#include "Serialization/JsonReader.h"
#include "Serialization/JsonWriter.h"

class FJsonSerializer
{
public:
	template<typename Char>
	static bool Deserialize(const TSharedRef<TJsonReader<Char>>& Reader, TSharedPtr<FJsonObject>& Object);
	template<typename Char>
	static bool Deserialize(const TSharedRef<TJsonReader<Char>>& Reader, TArray<TSharedPtr<FJsonValue>>& Array);
	template<typename Char>
	static bool Deserialize(const TSharedRef<TJsonReader<Char>>& Reader, TSharedPtr<FJsonValue>& Value);
	template<typename Char, typename Policy>
	static bool Serialize(const TSharedRef<FJsonObject>& Object, const TSharedRef<TJsonWriter<Char, Policy>>& Writer, bool bClose = true);
};
