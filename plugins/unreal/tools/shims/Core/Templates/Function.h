// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/TFunction, TUniqueFunction, TFunctionRef (5.6)
#pragma once

#include "HAL/Platform.h"

namespace ShotStreamShim
{
	// What is given to the engine is called some time: its body must be compiled, so that what it uses is seen.
	void Keep(void (*Call)());

	template<typename F, typename Ret, typename... Args>
	Ret Call(F& Callable, Args... Values)
	{
		return static_cast<Ret>(Callable(static_cast<Args&&>(Values)...));
	}

	template<typename F, typename Ret, typename... Args>
	void KeepCallable()
	{
		Keep(reinterpret_cast<void (*)()>(&Call<F, Ret, Args...>));
	}
}

template<typename Signature>
class TFunction;

template<typename Ret, typename... Args>
class TFunction<Ret(Args...)>
{
public:
	TFunction(TYPE_OF_NULLPTR = nullptr);
	template<typename F, typename = std::enable_if_t<std::is_invocable_r_v<Ret, F&, Args...> && !std::is_same_v<std::decay_t<F>, TFunction>>>
	TFunction(F&& Callable)
	{
		ShotStreamShim::KeepCallable<std::remove_reference_t<F>, Ret, Args...>();
	}
	Ret operator()(Args... Values) const;
	explicit operator bool() const;
	void Reset();
};

template<typename Signature>
class TUniqueFunction;

template<typename Ret, typename... Args>
class TUniqueFunction<Ret(Args...)>
{
public:
	TUniqueFunction(TYPE_OF_NULLPTR = nullptr);
	template<typename F, typename = std::enable_if_t<std::is_invocable_r_v<Ret, F&, Args...> && !std::is_same_v<std::decay_t<F>, TUniqueFunction>>>
	TUniqueFunction(F&& Callable)
	{
		ShotStreamShim::KeepCallable<std::remove_reference_t<F>, Ret, Args...>();
	}
	TUniqueFunction(TUniqueFunction&&);
	TUniqueFunction& operator=(TUniqueFunction&&);
	TUniqueFunction(const TUniqueFunction&) = delete;
	Ret operator()(Args... Values) const;
	explicit operator bool() const;
};

template<typename Signature>
class TFunctionRef;

template<typename Ret, typename... Args>
class TFunctionRef<Ret(Args...)>
{
public:
	template<typename F, typename = std::enable_if_t<std::is_invocable_r_v<Ret, F&, Args...> && !std::is_same_v<std::decay_t<F>, TFunctionRef>>>
	TFunctionRef(F&& Callable)
	{
		ShotStreamShim::KeepCallable<std::remove_reference_t<F>, Ret, Args...>();
	}
	Ret operator()(Args... Values) const;
};
