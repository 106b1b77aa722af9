// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Delegates and Lambda Functions, Dynamic Delegates, Multi-cast Delegates (5.7); API/Runtime/Core/TDelegate, TMulticastDelegate (5.6)
#pragma once

#include "Delegates/IDelegateInstance.h"
#include "Templates/SharedPointer.h"
#include "UObject/NameTypes.h"

class UObject;

namespace ShotStreamShim
{
	// The bindings that single and multicast delegates share: an object, a method of it, and values for what
	// parameters the method has beyond the delegate's own.
	template<typename Result, typename Ret, typename... Args>
	struct TBindings
	{
		template<typename U, typename C, typename... Vars>
		static Result CreateUObject(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...), Vars&&... Values)
		{
			static_assert(std::is_convertible_v<U*, const C*> && std::is_convertible_v<U*, const UObject*>, "CreateUObject takes a UObject and its method");
			return Result();
		}
		template<typename U, typename C, typename... Vars>
		static Result CreateUObject(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...) const, Vars&&... Values)
		{
			static_assert(std::is_convertible_v<U*, const C*> && std::is_convertible_v<U*, const UObject*>, "CreateUObject takes a UObject and its method");
			return Result();
		}
		template<typename U, typename C, typename... Vars>
		static Result CreateRaw(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...), Vars&&... Values)
		{
			static_assert(std::is_convertible_v<U*, const C*>, "CreateRaw takes an object and its method");
			static_assert(!std::is_convertible_v<U*, const UObject*>, "UObjects are bound by CreateUObject");
			return Result();
		}
		template<typename U, typename C, typename... Vars>
		static Result CreateRaw(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...) const, Vars&&... Values)
		{
			static_assert(std::is_convertible_v<U*, const C*>, "CreateRaw takes an object and its method");
			static_assert(!std::is_convertible_v<U*, const UObject*>, "UObjects are bound by CreateUObject");
			return Result();
		}
		template<typename U, ESPMode Mode, typename C, typename... Vars>
		static Result CreateSP(const TSharedRef<U, Mode>& Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...), Vars&&... Values);
		template<typename U, typename C, typename... Vars>
		static Result CreateSP(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...), Vars&&... Values);
		template<typename U, typename C, typename... Vars>
		static Result CreateSP(U* Object, Ret (C::*Method)(Args..., std::decay_t<Vars>...) const, Vars&&... Values);
		template<typename... Vars>
		static Result CreateStatic(Ret (*Function)(Args..., std::decay_t<Vars>...), Vars&&... Values);
		template<typename F>
		static Result CreateLambda(F&& Function)
		{
			static_assert(std::is_invocable_r_v<Ret, F&, Args...>, "the lambda's parameters are not the delegate's");
			return Result();
		}
		template<typename F>
		static Result CreateWeakLambda(const UObject* Object, F&& Function)
		{
			static_assert(std::is_invocable_r_v<Ret, F&, Args...>, "the lambda's parameters are not the delegate's");
			return Result();
		}
		template<typename U, ESPMode Mode, typename F>
		static Result CreateSPLambda(const TSharedRef<U, Mode>& Object, F&& Function);
		template<typename U, typename F>
		static Result CreateSPLambda(U* Object, F&& Function);
	};
}

template<typename Signature>
class TDelegate;

template<typename Ret, typename... Args>
class TDelegate<Ret(Args...)> : public ShotStreamShim::TBindings<TDelegate<Ret(Args...)>, Ret, Args...>
{
public:
	TDelegate();
	TDelegate(TYPE_OF_NULLPTR);
	template<typename... Values>
	void BindUObject(Values&&... Given) { *this = TDelegate::CreateUObject(static_cast<Values&&>(Given)...); }
	template<typename... Values>
	void BindRaw(Values&&... Given) { *this = TDelegate::CreateRaw(static_cast<Values&&>(Given)...); }
	template<typename... Values>
	void BindSP(Values&&... Given) { *this = TDelegate::CreateSP(static_cast<Values&&>(Given)...); }
	template<typename... Values>
	void BindStatic(Values&&... Given) { *this = TDelegate::CreateStatic(static_cast<Values&&>(Given)...); }
	template<typename F>
	void BindLambda(F&& Function) { *this = TDelegate::CreateLambda(static_cast<F&&>(Function)); }
	template<typename F>
	void BindWeakLambda(const UObject* Object, F&& Function) { *this = TDelegate::CreateWeakLambda(Object, static_cast<F&&>(Function)); }
	Ret Execute(Args... Values) const;
	bool ExecuteIfBound(Args... Values) const;
	bool IsBound() const;
	void Unbind();
	FDelegateHandle GetHandle() const;
};

template<typename Signature>
class TMulticastDelegate;

template<typename... Args>
class TMulticastDelegate<void(Args...)>
{
public:
	using FDelegate = TDelegate<void(Args...)>;

	FDelegateHandle Add(const FDelegate& Delegate);
	template<typename... Values>
	FDelegateHandle AddUObject(Values&&... Given) { return Add(FDelegate::CreateUObject(static_cast<Values&&>(Given)...)); }
	template<typename... Values>
	FDelegateHandle AddRaw(Values&&... Given) { return Add(FDelegate::CreateRaw(static_cast<Values&&>(Given)...)); }
	template<typename... Values>
	FDelegateHandle AddSP(Values&&... Given) { return Add(FDelegate::CreateSP(static_cast<Values&&>(Given)...)); }
	template<typename... Values>
	FDelegateHandle AddStatic(Values&&... Given) { return Add(FDelegate::CreateStatic(static_cast<Values&&>(Given)...)); }
	template<typename F>
	FDelegateHandle AddLambda(F&& Function) { return Add(FDelegate::CreateLambda(static_cast<F&&>(Function))); }
	template<typename F>
	FDelegateHandle AddWeakLambda(const UObject* Object, F&& Function) { return Add(FDelegate::CreateWeakLambda(Object, static_cast<F&&>(Function))); }
	bool Remove(FDelegateHandle Handle);
	int32 RemoveAll(const void* Object);
	void Broadcast(Args... Values) const;
	bool IsBound() const;
	void Clear();
};

/** A dynamic multicast delegate. Its functions are called by name and must be UFUNCTIONs, which the reflection check sees to. */
template<typename... Args>
class TDynamicMulticastDelegateShim
{
public:
	template<typename U, typename C>
	void InternalBind(U* Object, void (C::*Method)(Args...), const TCHAR* Name)
	{
		static_assert(std::is_convertible_v<U*, C*> && std::is_convertible_v<U*, const UObject*>, "AddDynamic takes a UObject and its method");
	}
	void Add(const class FScriptDelegate& Delegate);
	void Broadcast(Args... Values) const;
	bool IsBound() const;
	void Clear();
	void RemoveAll(const UObject* Object);
	bool Contains(const UObject* Object, FName Function) const;
	void Remove(UObject* Object, FName Function);
};

template<typename Ret, typename... Args>
class TDynamicDelegateShim
{
public:
	template<typename U, typename C>
	void InternalBind(U* Object, Ret (C::*Method)(Args...), const TCHAR* Name)
	{
		static_assert(std::is_convertible_v<U*, C*> && std::is_convertible_v<U*, const UObject*>, "BindDynamic takes a UObject and its method");
	}
	void BindUFunction(UObject* Object, const FName& Name);
	Ret Execute(Args... Values) const;
	bool ExecuteIfBound(Args... Values) const;
	bool IsBound() const;
	void Unbind();
	void Clear();
};

#define AddDynamic(Object, Method) InternalBind(Object, Method, TEXT(#Method))
#define AddUniqueDynamic(Object, Method) InternalBind(Object, Method, TEXT(#Method))
#define RemoveDynamic(Object, Method) InternalBind(Object, Method, TEXT(#Method))
#define BindDynamic(Object, Method) InternalBind(Object, Method, TEXT(#Method))

#include "Delegates/DelegateCombinations.h"

DECLARE_DELEGATE(FSimpleDelegate);
DECLARE_MULTICAST_DELEGATE(FSimpleMulticastDelegate);
