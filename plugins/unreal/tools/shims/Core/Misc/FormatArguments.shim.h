// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Documented at: printf formats: logging in Unreal Engine (5.7); FString::Printf (5.6). The engine checks them while compiling since 5.5, as here
#pragma once

#include "HAL/Platform.h"

namespace ShotStreamShim
{
	enum class EArgument : uint8 { Text, NarrowText, Integer, LongInteger, Number, Pointer, Other };

	template<typename T>
	constexpr EArgument Classify()
	{
		using Pointed = std::remove_cv_t<std::remove_pointer_t<T>>;
		if constexpr (std::is_pointer_v<T> && std::is_same_v<Pointed, TCHAR>) { return EArgument::Text; }
		else if constexpr (std::is_pointer_v<T> && (std::is_same_v<Pointed, char> || std::is_same_v<Pointed, UTF8CHAR>)) { return EArgument::NarrowText; }
		else if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) { return EArgument::Pointer; }
		else if constexpr (std::is_floating_point_v<T>) { return EArgument::Number; }
		else if constexpr (std::is_integral_v<T> || (std::is_enum_v<T> && std::is_convertible_v<T, int64>)) { return sizeof(T) > 4 ? EArgument::LongInteger : EArgument::Integer; }
		else { return EArgument::Other; }
	}

	constexpr bool IsOneOf(TCHAR Character, const TCHAR* Set)
	{
		for (; *Set; ++Set)
		{
			if (*Set == Character) { return true; }
		}
		return false;
	}

	/** Whether a format and the kinds of its arguments go together. */
	constexpr bool Fits(const TCHAR* Format, const EArgument* Kinds, int Count)
	{
		int Next = 0;
		for (; *Format; ++Format)
		{
			if (*Format != u'%') { continue; }
			++Format;
			if (*Format == u'%') { continue; }
			while (*Format && IsOneOf(*Format, u"-+ #0123456789.*"))
			{
				if (*Format == u'*')
				{
					if (Next >= Count || Kinds[Next] != EArgument::Integer) { return false; }
					++Next;
				}
				++Format;
			}
			bool bLong = false;
			bool bNarrow = false;
			while (*Format && IsOneOf(*Format, u"hlzjtI64"))
			{
				bLong = bLong || (*Format == u'l' && Format[1] == u'l') || *Format == u'z' || *Format == u'j' || *Format == u'I';
				bNarrow = bNarrow || *Format == u'h';
				++Format;
			}
			if (!*Format || Next >= Count) { return false; }
			const EArgument Kind = Kinds[Next++];
			bool bFits = false;
			if (IsOneOf(*Format, u"diuxXoc")) { bFits = Kind == (bLong ? EArgument::LongInteger : EArgument::Integer); }
			else if (IsOneOf(*Format, u"fFeEgGaA")) { bFits = Kind == EArgument::Number; }
			else if (*Format == u's') { bFits = Kind == (bNarrow ? EArgument::NarrowText : EArgument::Text); }
			else if (*Format == u'S') { bFits = Kind == EArgument::NarrowText; }
			else if (*Format == u'p') { bFits = Kind == EArgument::Pointer; }
			if (!bFits) { return false; }
		}
		return Next == Count;
	}

	template<typename... Args>
	struct TArguments
	{
		static constexpr bool Fit(const TCHAR* Format)
		{
			const EArgument Kinds[] = {Classify<Args>()..., EArgument::Other};
			return Fits(Format, Kinds, sizeof...(Args));
		}
	};

	template<typename... Args>
	TArguments<Args...> ArgumentsOf(Args...);

	template<typename... Args>
	void Use(const Args&...);

	/** A format that is checked against its arguments when it is formed. */
	template<typename... Args>
	struct TFormat
	{
		template<std::size_t N>
		consteval TFormat(const TCHAR (&Text)[N]) : Value(Text)
		{
			if (!TArguments<std::decay_t<Args>...>::Fit(Text))
			{
				FormatAndArgumentsDiffer();
			}
		}
		const TCHAR* Value;
		static void FormatAndArgumentsDiffer();
	};
}

#define SHOTSTREAM_SHIM_CHECK_FORMAT(Format, ...) \
	static_assert(decltype(ShotStreamShim::ArgumentsOf(__VA_ARGS__))::Fit(Format), "the format and its arguments differ")
