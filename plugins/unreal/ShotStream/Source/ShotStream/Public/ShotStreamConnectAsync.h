// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// The Blueprint node "Connect to ShotStream".
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintAsyncActionBase.h"
#include "ShotStreamTypes.h"

#include "ShotStreamConnectAsync.generated.h"

class UShotStreamSubsystem;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FShotStreamConnectPin, const FString&, Message);

/** Connects, and goes on when the server is ready. */
UCLASS()
class SHOTSTREAM_API UShotStreamConnectAsync : public UBlueprintAsyncActionBase
{
	GENERATED_BODY()

public:
	/** Connects to a server, and goes on at once where the connection is there already. Exactly one of On Ready and On Failed comes.
	 *  @param Host  "localhost" or a number as 127.0.0.1; empty: the one of the project settings.
	 *  @param Port  0: the one of the project settings. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream", meta = (BlueprintInternalUseOnly = "true", WorldContext = "WorldContextObject", DisplayName = "Connect to ShotStream"))
	static UShotStreamConnectAsync* ConnectToShotStream(const UObject* WorldContextObject, const FString& Host, int32 Port);

	/** The server is there and has its model; Message is empty. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamConnectPin OnReady;

	/** There is no connection; Message tells why. */
	UPROPERTY(BlueprintAssignable)
	FShotStreamConnectPin OnFailed;

	//~ UBlueprintAsyncActionBase
	virtual void Activate() override;
	virtual void SetReadyToDestroy() override;

private:
	UFUNCTION()
	void HandleState(EShotStreamState State);

	UFUNCTION()
	void HandleError(const FString& Code, const FString& Message);

	UPROPERTY(Transient)
	TObjectPtr<UShotStreamSubsystem> Subsystem;

	FString WantedHost;
	int32 WantedPort = 0;
	FString LastError;
};
