// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Read from: API/Runtime/Slate/FNotificationInfo, SNotificationItem (5.6)
#pragma once

#include "Delegates/Delegate.h"
#include "Internationalization/Text.h"
#include "Templates/SharedPointer.h"
#include "Widgets/SWidget.h"

class SNotificationItem : public SWidget
{
public:
	enum ECompletionState { CS_None, CS_Pending, CS_Success, CS_Fail };
	virtual void SetCompletionState(ECompletionState State);
	virtual void ExpireAndFadeout();
};

struct FNotificationInfo
{
	FNotificationInfo(const FText& Text);
	FText Text;
	FText SubText;
	bool bUseSuccessFailIcons = false;
	bool bFireAndForget = true;
	float ExpireDuration = 1.0f;
	float FadeOutDuration = 1.0f;
	TDelegate<void()> Hyperlink;
	FText HyperlinkText;
};
