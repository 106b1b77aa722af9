// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/CoreUObject/Cast, CastChecked (5.6)
#pragma once

#include "UObject/ObjectPtr.h"

class UObject;

namespace ShotStreamShim
{
	// A cast that compiles where the classes are complete, as the engine's does.
	template<typename To, typename From>
	To* Casted(From* Object)
	{
		static_assert(sizeof(To) > 0 && sizeof(From) > 0, "Cast needs complete classes");
		static_assert(std::is_base_of_v<UObject, std::remove_const_t<From>> || std::is_polymorphic_v<From>, "Cast is for objects");
		return nullptr;
	}
}

template<typename To, typename From>
std::conditional_t<std::is_const_v<From>, const To, To>* Cast(From* Object)
{
	return ShotStreamShim::Casted<std::conditional_t<std::is_const_v<From>, const To, To>>(Object);
}
template<typename To, typename From>
std::conditional_t<std::is_const_v<From>, const To, To>* Cast(const TObjectPtr<From>& Object)
{
	return Cast<To>(Object.Get());
}
template<typename To, typename From>
std::conditional_t<std::is_const_v<From>, const To, To>* CastChecked(From* Object)
{
	return ShotStreamShim::Casted<std::conditional_t<std::is_const_v<From>, const To, To>>(Object);
}
template<typename To, typename From>
std::conditional_t<std::is_const_v<From>, const To, To>* CastChecked(const TObjectPtr<From>& Object)
{
	return CastChecked<To>(Object.Get());
}
