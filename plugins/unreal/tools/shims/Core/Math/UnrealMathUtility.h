// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FMath (5.6): both arguments of Min and Max have one type
#pragma once

#include "HAL/Platform.h"

struct FMath
{
	template<typename T>
	static constexpr T Min(const T A, const T B) { return A < B ? A : B; }
	template<typename T>
	static constexpr T Max(const T A, const T B) { return A < B ? B : A; }
	template<typename T>
	static constexpr T Clamp(const T Value, const T Low, const T High) { return Value < Low ? Low : (High < Value ? High : Value); }
	template<typename T>
	static constexpr T Abs(const T Value) { return Value < 0 ? -Value : Value; }
	template<typename T>
	static constexpr T DivideAndRoundUp(T Value, T By) { return (Value + By - 1) / By; }
	static int32 RoundToInt32(double Value);
	static int32 RoundToInt(double Value);
	static int32 FloorToInt32(double Value);
	static int32 CeilToInt32(double Value);
	static int32 Rand();
	static int32 RandRange(int32 Low, int32 High);
	static float FRand();
	static bool IsNearlyEqual(float A, float B, float Tolerance = 1.e-8f);
	static bool IsNearlyEqual(double A, double B, double Tolerance = 1.e-8);
	static bool IsNearlyZero(double A, double Tolerance = 1.e-8);
	static bool IsFinite(double Value);
	static float Lerp(float A, float B, float Alpha);
};
