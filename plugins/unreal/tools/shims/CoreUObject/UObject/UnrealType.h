// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: Property types and FPropertyChangedEvent, API/Runtime/CoreUObject (5.6)
#pragma once

#include "UObject/Class.h"

class FField
{
public:
	FName GetFName() const;
	FString GetName() const;
};

class FProperty : public FField
{
};

struct FPropertyChangedEvent
{
	FProperty* Property = nullptr;
	FProperty* MemberProperty = nullptr;
	FName GetPropertyName() const;
	FName GetMemberPropertyName() const;
};

#define GET_MEMBER_NAME_CHECKED(Class, Member) ((void)sizeof(((Class*)nullptr)->Member), FName(TEXT(#Member)))
