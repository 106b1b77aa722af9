// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: API/Runtime/Core/FMessageDialog (5.6)
#pragma once

#include "Internationalization/Text.h"

namespace EAppMsgType
{
	enum Type { Ok, YesNo, OkCancel };
}
namespace EAppReturnType
{
	enum Type { No, Yes, Ok, Cancel };
}
enum class EAppMsgCategory { Warning, Error, Success, Info };

struct FMessageDialog
{
	static EAppReturnType::Type Open(EAppMsgType::Type Type, const FText& Message);
	static EAppReturnType::Type Open(EAppMsgType::Type Type, const FText& Message, const FText& Title);
	static EAppReturnType::Type Open(EAppMsgCategory Category, EAppMsgType::Type Type, const FText& Message, const FText& Title);
};
