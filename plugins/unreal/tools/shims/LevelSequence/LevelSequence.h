// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/LevelSequence/ULevelSequence (5.6)
#pragma once

#include "UObject/Object.h"
#include "UObject/Class.h"

class UMovieScene;

class ULevelSequence : public UObject
{
public:
	static UClass* StaticClass();
	virtual UMovieScene* GetMovieScene() const;
};
