// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FFeedbackContext, FOutputDevice (5.6)
#pragma once

#include "Containers/UnrealString.h"
#include "Logging/LogVerbosity.h"

class FOutputDevice
{
public:
	virtual ~FOutputDevice();
	void Log(const FString& Text);
	void Log(ELogVerbosity::Type Verbosity, const FString& Text);
	template<typename... Args>
	void Logf(ShotStreamShim::TFormat<std::type_identity_t<Args>...> Format, Args... Values);
	template<typename... Args>
	void Logf(ELogVerbosity::Type Verbosity, ShotStreamShim::TFormat<std::type_identity_t<Args>...> Format, Args... Values);
};

class FFeedbackContext : public FOutputDevice
{
public:
	bool ReceivedUserCancel();
};
