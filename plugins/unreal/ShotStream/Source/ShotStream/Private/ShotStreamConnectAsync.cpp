// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamConnectAsync.h"

#include "ShotStreamLibrary.h"
#include "ShotStreamSubsystem.h"

UShotStreamConnectAsync* UShotStreamConnectAsync::ConnectToShotStream(const UObject* WorldContextObject, const FString& Host, int32 Port)
{
	UShotStreamConnectAsync* Action = NewObject<UShotStreamConnectAsync>();
	// Not the object itself: it would be kept, and its level with it, for as long as the node waits.
	Action->Subsystem = UShotStreamLibrary::GetShotStream(WorldContextObject);
	Action->WantedHost = Host;
	Action->WantedPort = Port;
	Action->RegisterWithGameInstance(WorldContextObject);
	return Action;
}

void UShotStreamConnectAsync::Activate()
{
	if (Subsystem == nullptr)
	{
		OnFailed.Broadcast(TEXT("Connect to ShotStream works in a game only."));
		SetReadyToDestroy();
		return;
	}
	Subsystem->OnStateChanged.AddDynamic(this, &UShotStreamConnectAsync::HandleState);
	Subsystem->OnError.AddDynamic(this, &UShotStreamConnectAsync::HandleError);
	// Keys that cannot be read are told at once, everything else in a later tick.
	if (!Subsystem->Connect(WantedHost, WantedPort))
	{
		OnFailed.Broadcast(LastError.IsEmpty() ? FString(TEXT("This platform gives no thread for the connection.")) : LastError);
		SetReadyToDestroy();
	}
	else if (Subsystem->GetState() == EShotStreamState::Ready)
	{
		OnReady.Broadcast(FString());
		SetReadyToDestroy();
	}
}

void UShotStreamConnectAsync::SetReadyToDestroy()
{
	if (Subsystem != nullptr)
	{
		Subsystem->OnStateChanged.RemoveDynamic(this, &UShotStreamConnectAsync::HandleState);
		Subsystem->OnError.RemoveDynamic(this, &UShotStreamConnectAsync::HandleError);
		Subsystem = nullptr;
	}
	Super::SetReadyToDestroy();
}

void UShotStreamConnectAsync::HandleState(EShotStreamState State)
{
	// News of a connection that was given up for this one.
	if (State != Subsystem->GetState())
	{
		return;
	}
	if (State == EShotStreamState::Ready)
	{
		OnReady.Broadcast(FString());
		SetReadyToDestroy();
	}
	else if (State == EShotStreamState::Lost || State == EShotStreamState::Disconnected)
	{
		OnFailed.Broadcast(LastError.IsEmpty() ? FString(TEXT("The connection was given up.")) : LastError);
		SetReadyToDestroy();
	}
}

void UShotStreamConnectAsync::HandleError(const FString& Code, const FString& Message)
{
	// Told just before the state that it leads to.
	LastError = Message;
}
