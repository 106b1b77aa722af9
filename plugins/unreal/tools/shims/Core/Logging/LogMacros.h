// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Logging in Unreal Engine (5.7): UE_LOG, UE_CLOG, DECLARE_LOG_CATEGORY_EXTERN, DEFINE_LOG_CATEGORY
#pragma once

#include "Logging/LogVerbosity.h"
#include "Misc/FormatArguments.shim.h"

struct FLogCategoryBase
{
	bool IsSuppressed(ELogVerbosity::Type Verbosity) const;
};

#define DECLARE_LOG_CATEGORY_EXTERN(Name, DefaultVerbosity, CompileTimeVerbosity) \
	extern struct FLogCategory##Name : public FLogCategoryBase \
	{ \
		static constexpr ELogVerbosity::Type Default = ELogVerbosity::DefaultVerbosity; \
		static constexpr ELogVerbosity::Type CompileTime = ELogVerbosity::CompileTimeVerbosity; \
	} Name
#define DEFINE_LOG_CATEGORY(Name) FLogCategory##Name Name
#define DEFINE_LOG_CATEGORY_STATIC(Name, DefaultVerbosity, CompileTimeVerbosity) \
	static struct FLogCategory##Name : public FLogCategoryBase \
	{ \
		static constexpr ELogVerbosity::Type Default = ELogVerbosity::DefaultVerbosity; \
		static constexpr ELogVerbosity::Type CompileTime = ELogVerbosity::CompileTimeVerbosity; \
	} Name

#define UE_LOG(Category, Verbosity, Format, ...) \
	{ \
		SHOTSTREAM_SHIM_CHECK_FORMAT(Format, __VA_ARGS__); \
		static_assert(ELogVerbosity::Verbosity != ELogVerbosity::NoLogging, "no such verbosity"); \
		(void)Category.IsSuppressed(ELogVerbosity::Verbosity); \
		ShotStreamShim::Use(__VA_ARGS__); \
	}
#define UE_CLOG(Condition, Category, Verbosity, Format, ...) \
	{ \
		if (Condition) { UE_LOG(Category, Verbosity, Format, __VA_ARGS__) } \
	}
#define UE_LOG_ACTIVE(Category, Verbosity) (!Category.IsSuppressed(ELogVerbosity::Verbosity))
