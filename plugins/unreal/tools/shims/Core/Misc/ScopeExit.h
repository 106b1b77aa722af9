// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: ON_SCOPE_EXIT, API/Runtime/Core (5.6)
#pragma once

namespace ShotStreamShim
{
	struct FScopeExitMaker
	{
		template<typename F>
		struct TAtExit
		{
			F Function;
			~TAtExit() { Function(); }
		};
		template<typename F>
		TAtExit<F> operator+(F Function) const { return {Function}; }
	};
}
#define ON_SCOPE_EXIT const auto PREPROCESSOR_JOIN(ScopeExit, __LINE__) = ShotStreamShim::FScopeExitMaker() + [&]()
