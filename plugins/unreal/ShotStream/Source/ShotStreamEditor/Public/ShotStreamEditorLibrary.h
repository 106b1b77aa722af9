// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Takes in the editor.
#pragma once

#include "CoreMinimal.h"
#include "Kismet/BlueprintFunctionLibrary.h"

#include "ShotStreamEditorLibrary.generated.h"

class ULevelSequence;

UCLASS()
class SHOTSTREAMEDITOR_API UShotStreamEditorLibrary : public UBlueprintFunctionLibrary
{
	GENERATED_BODY()

public:
	/** Makes a Level Sequence of a take: a media track that plays its frames, and a mark for each shot.
	 *  @param Take         The take's folder, or its manifest.json.
	 *  @param PackagePath  Where the assets go: "/Game/Cinematics".
	 *  @return The sequence; none if the take cannot be read, in which case the log tells why. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream|Editor")
	static ULevelSequence* ImportTakeToSequence(const FString& Take, const FString& PackagePath);
};
