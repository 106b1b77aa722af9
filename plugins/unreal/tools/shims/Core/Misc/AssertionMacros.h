// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: Asserts in Unreal Engine (5.7); check is a macro, which is what collides with functions of that name
#pragma once

#include "HAL/Platform.h"

namespace ShotStreamShim
{
	[[noreturn]] void Stop();
	bool Report();
}

#define check(Expression) { if (!(Expression)) { ShotStreamShim::Stop(); } }
#define checkf(Expression, Format, ...) { if (!(Expression)) { ShotStreamShim::Stop(); } }
#define checkSlow(Expression) check(Expression)
#define checkNoEntry() { ShotStreamShim::Stop(); }
#define verify(Expression) { if (!(Expression)) { ShotStreamShim::Stop(); } }
#define ensure(Expression) (!!(Expression) || ShotStreamShim::Report())
#define ensureMsgf(Expression, Format, ...) (!!(Expression) || ShotStreamShim::Report())
#define ensureAlways(Expression) ensure(Expression)
#define unimplemented() { ShotStreamShim::Stop(); }
