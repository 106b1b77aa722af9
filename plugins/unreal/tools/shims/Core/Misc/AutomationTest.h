// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Compared with: Write C++ Tests, Automation Spec (5.7): BEGIN_DEFINE_SPEC, DEFINE_SPEC, Describe, It, LatentIt, TestEqual; EAutomationTestFlags is an enum class with operators since 5.5
#pragma once

#include "Delegates/Delegate.h"
#include "Logging/LogVerbosity.h"
#include "Misc/Timespan.h"
#include "Async/Async.h"

enum class EAutomationTestFlags : uint32
{
	None = 0,
	EditorContext = 1,
	ClientContext = 2,
	ServerContext = 4,
	CommandletContext = 8,
	ProgramContext = 16,
	NonNullRHI = 256,
	RequiresUser = 512,
	Disabled = 65536,
	SmokeFilter = 1 << 24,
	EngineFilter = 1 << 25,
	ProductFilter = 1 << 26,
	PerfFilter = 1 << 27,
	StressFilter = 1 << 28,
	NegativeFilter = 1 << 29
};
constexpr EAutomationTestFlags operator|(EAutomationTestFlags A, EAutomationTestFlags B)
{
	return EAutomationTestFlags(uint32(A) | uint32(B));
}
constexpr EAutomationTestFlags operator&(EAutomationTestFlags A, EAutomationTestFlags B)
{
	return EAutomationTestFlags(uint32(A) & uint32(B));
}
inline constexpr EAutomationTestFlags EAutomationTestFlags_ApplicationContextMask = EAutomationTestFlags(31);
inline constexpr EAutomationTestFlags EAutomationTestFlags_FilterMask = EAutomationTestFlags(0xff000000u);

enum class EAutomationExpectedErrorFlags : uint8
{
	Exact,
	Contains
};
namespace EAutomationExpectedMessageFlags
{
	enum MatchType { Exact, Contains };
}

namespace ShotStreamShim
{
	// A test needs exactly one filter and at least one context: what the engine checks when it registers the test.
	constexpr bool Runs(EAutomationTestFlags Flags)
	{
		const uint32 Filter = uint32(Flags) >> 24;
		return Filter != 0 && (Filter & (Filter - 1)) == 0 && (uint32(Flags) & 31) != 0;
	}
}

class FAutomationTestBase
{
public:
	FAutomationTestBase(const FString& Name, bool bComplex);
	virtual ~FAutomationTestBase();
	void AddError(const FString& Text, int32 StackOffset = 0);
	void AddWarning(const FString& Text, int32 StackOffset = 0);
	void AddInfo(const FString& Text, int32 StackOffset = 0);
	void AddExpectedError(FString Pattern, EAutomationExpectedErrorFlags Match = EAutomationExpectedErrorFlags::Contains, int32 Occurrences = 1, bool bIsRegex = true);
	void AddExpectedMessage(FString Pattern, ELogVerbosity::Type Verbosity, EAutomationExpectedMessageFlags::MatchType Match = EAutomationExpectedMessageFlags::Contains, int32 Occurrences = 1, bool bIsRegex = true);
	bool HasAnyErrors() const;
	bool TestTrue(const TCHAR* What, bool bValue);
	bool TestTrue(const FString& What, bool bValue);
	bool TestFalse(const TCHAR* What, bool bValue);
	bool TestFalse(const FString& What, bool bValue);
	bool TestEqual(const TCHAR* What, int32 Actual, int32 Expected);
	bool TestEqual(const TCHAR* What, int64 Actual, int64 Expected);
	bool TestEqual(const TCHAR* What, float Actual, float Expected, float Tolerance = 1.e-4f);
	bool TestEqual(const TCHAR* What, double Actual, double Expected, double Tolerance = 1.e-4);
	bool TestEqual(const TCHAR* What, const FString& Actual, const TCHAR* Expected);
	bool TestEqual(const TCHAR* What, const TCHAR* Actual, const TCHAR* Expected);
	bool TestEqual(const TCHAR* What, const FString& Actual, const FString& Expected);
	template<typename T>
	bool TestEqual(const TCHAR* What, const T& Actual, const T& Expected)
	{
		return Actual == Expected;
	}
	template<typename T>
	bool TestEqual(const FString& What, const T& Actual, const T& Expected)
	{
		return Actual == Expected;
	}
	template<typename T>
	bool TestNotEqual(const TCHAR* What, const T& Actual, const T& Expected);
	template<typename T>
	bool TestNotNull(const TCHAR* What, const T* Pointer);
	template<typename T>
	bool TestNull(const TCHAR* What, const T* Pointer);
	template<typename T>
	bool TestValid(const TCHAR* What, const TWeakPtr<T>& Pointer);
	template<typename T>
	bool TestInvalid(const TCHAR* What, const TWeakPtr<T>& Pointer);
};

using FDoneDelegate = TDelegate<void()>;

class FAutomationSpecBase : public FAutomationTestBase
{
public:
	using FAutomationTestBase::FAutomationTestBase;
	virtual void Define() = 0;

protected:
	void Describe(const FString& What, TFunction<void()> Work);
	void It(const FString& What, TFunction<void()> Work);
	void xIt(const FString& What, TFunction<void()> Work);
	void LatentIt(const FString& What, const TFunction<void(const FDoneDelegate&)> Work);
	void LatentIt(const FString& What, const FTimespan& Time, const TFunction<void(const FDoneDelegate&)> Work);
	void LatentIt(const FString& What, EAsyncExecution Execution, const FTimespan& Time, const TFunction<void(const FDoneDelegate&)> Work);
	void BeforeEach(TFunction<void()> Work);
	void AfterEach(TFunction<void()> Work);
	void LatentBeforeEach(const TFunction<void(const FDoneDelegate&)> Work);
	void LatentAfterEach(const TFunction<void(const FDoneDelegate&)> Work);
	bool bEnableSkipIfError = true;
};

#define SHOTSTREAM_SHIM_SPEC(Class, Name, Flags) \
	class Class : public FAutomationSpecBase \
	{ \
		static_assert(ShotStreamShim::Runs(Flags), "a spec needs a context and exactly one filter"); \
	public: \
		Class(const FString& Given) : FAutomationSpecBase(Given, false) {} \
		virtual void Define() override; \
	private: \
		static const TCHAR* ShownName() { return TEXT(Name); }
#define DEFINE_SPEC(Class, Name, Flags) \
	SHOTSTREAM_SHIM_SPEC(Class, Name, Flags) \
	}; \
	namespace { Class Class##Instance{FString()}; }
#define BEGIN_DEFINE_SPEC(Class, Name, Flags) SHOTSTREAM_SHIM_SPEC(Class, Name, Flags)
#define END_DEFINE_SPEC(Class) \
	}; \
	namespace { Class Class##Instance{FString()}; }
#define IMPLEMENT_SIMPLE_AUTOMATION_TEST(Class, Name, Flags) \
	class Class : public FAutomationTestBase \
	{ \
		static_assert(ShotStreamShim::Runs(Flags), "a test needs a context and exactly one filter"); \
	public: \
		Class(const FString& Given) : FAutomationTestBase(Given, false) {} \
		bool RunTest(const FString& Parameters); \
	}; \
	namespace { Class Class##Instance{FString()}; }
