// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FVector, FRotator, FTransform (5.6)
#pragma once

#include "HAL/Platform.h"

struct FVector
{
	double X = 0;
	double Y = 0;
	double Z = 0;
	FVector() = default;
	FVector(double InX, double InY, double InZ);
	static const FVector ZeroVector;
};
struct FVector2D
{
	double X = 0;
	double Y = 0;
	FVector2D() = default;
	FVector2D(double InX, double InY);
};
struct FRotator
{
	double Pitch = 0;
	double Yaw = 0;
	double Roll = 0;
	static const FRotator ZeroRotator;
};
struct FTransform
{
	static const FTransform Identity;
};
