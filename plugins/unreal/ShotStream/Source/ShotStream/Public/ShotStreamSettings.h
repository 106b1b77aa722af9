// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Project Settings > Plugins > ShotStream.
#pragma once

#include "CoreMinimal.h"
#include "Engine/DeveloperSettings.h"
#include "Engine/EngineTypes.h"

#include "ShotStreamSettings.generated.h"

/** Where the server is, and how patient the plugin is with it. */
UCLASS(Config = Game, DefaultConfig, meta = (DisplayName = "ShotStream"))
class SHOTSTREAM_API UShotStreamSettings : public UDeveloperSettings
{
	GENERATED_BODY()

public:
	/** The server's address if Connect is not given one: "localhost" or a number as 127.0.0.1. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server")
	FString Host = TEXT("127.0.0.1");

	/** The server's port if Connect is not given one. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server", meta = (ClampMin = 1, ClampMax = 65535))
	int32 Port = 5555;

	/** Connect when a game begins. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server")
	bool bConnectOnStart = false;

	/** How long a first connection is tried. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server", meta = (ClampMin = 0.5, ClampMax = 600.0, Units = "s"))
	float ConnectSeconds = 10.0f;

	/** How long a lost connection is restored; 0 for not at all. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server", meta = (ClampMin = 0.0, ClampMax = 3600.0, Units = "s"))
	float ReconnectSeconds = 60.0f;

	/** How long a silent server counts as alive. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Server", meta = (ClampMin = 1.0, ClampMax = 120.0, Units = "s"))
	float TimeoutSeconds = 10.0f;

	/** The public key of a server with keys: its 40 characters, or the path of its .pub file. Needs a plugin built with
	 *  libzmq; empty: a server without keys. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Keys")
	FString ServerKey;

	/** The file of this client's private key, for a server with keys; relative to the project's folder. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Keys", meta = (RelativeToGameDir))
	FFilePath ClientKeyFile;

	/** Show the newest frame as soon as it is there, instead of each frame in its time. A server that is faster than
	 *  real time then shows a story fast, with frames left out. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Playback")
	bool bLive = false;

	/** Where takes go; relative to the project's folder. Empty: Saved/ShotStream. */
	UPROPERTY(Config, EditAnywhere, BlueprintReadOnly, Category = "Takes")
	FDirectoryPath TakeFolder;

	//~ UDeveloperSettings
	virtual FName GetCategoryName() const override;
};
