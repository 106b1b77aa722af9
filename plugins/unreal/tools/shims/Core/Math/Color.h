// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FColor, FLinearColor (5.6)
#pragma once

#include "HAL/Platform.h"

class FString;

struct FColor
{
	uint8 B = 0;
	uint8 G = 0;
	uint8 R = 0;
	uint8 A = 0;
	FColor() = default;
	constexpr FColor(uint8 InR, uint8 InG, uint8 InB, uint8 InA = 255) : B(InB), G(InG), R(InR), A(InA) {}
	static const FColor White;
	static const FColor Black;
	static const FColor Red;
	bool operator==(const FColor&) const;
};

struct FLinearColor
{
	float R = 0;
	float G = 0;
	float B = 0;
	float A = 0;
	FLinearColor() = default;
	constexpr FLinearColor(float InR, float InG, float InB, float InA = 1.0f) : R(InR), G(InG), B(InB), A(InA) {}
	FLinearColor(const FColor& Color);
	FColor ToFColor(bool bSRGB) const;
	static const FLinearColor White;
	static const FLinearColor Black;
	bool operator==(const FLinearColor&) const;
};
