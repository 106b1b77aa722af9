// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
// Shows the stream on a mesh.
#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"

#include "ShotStreamScreenComponent.generated.h"

class UMaterialInstanceDynamic;
class UMaterialInterface;
class UMeshComponent;
class UTexture;
class UTexture2D;

/** Puts the stream texture on a mesh of its actor: give it a material with a texture parameter. */
UCLASS(ClassGroup = (ShotStream), meta = (BlueprintSpawnableComponent, DisplayName = "ShotStream Screen"))
class SHOTSTREAM_API UShotStreamScreenComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	UShotStreamScreenComponent();

	/** The material; empty: the one that the mesh has. An unlit, sRGB-sampled one shows the frames as they are. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "ShotStream")
	TObjectPtr<UMaterialInterface> Material;

	/** The material's texture parameter. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "ShotStream")
	FName TextureParameter = TEXT("ShotStream");

	/** Which of the mesh's material slots. */
	UPROPERTY(EditAnywhere, BlueprintReadOnly, Category = "ShotStream", meta = (ClampMin = 0))
	int32 MaterialSlot = 0;

	/** Shows the stream on a mesh; without this, on the first one of the actor. */
	UFUNCTION(BlueprintCallable, Category = "ShotStream")
	void SetMesh(UMeshComponent* Mesh);

	/** The material that shows the stream; none before the game has begun. */
	UFUNCTION(BlueprintPure, Category = "ShotStream")
	UMaterialInstanceDynamic* GetScreenMaterial() const;

protected:
	//~ UActorComponent
	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;

private:
	UFUNCTION()
	void ShowTexture(UTexture2D* Texture);

	void MakeMaterial();
	void RestoreMaterial();

	UPROPERTY(Transient)
	TObjectPtr<UMeshComponent> TargetMesh;

	UPROPERTY(Transient)
	TObjectPtr<UMaterialInterface> OriginalMaterial;

	/** What the material shows without a stream. */
	UPROPERTY(Transient)
	TObjectPtr<UTexture> MaterialTexture;

	UPROPERTY(Transient)
	TObjectPtr<UMaterialInstanceDynamic> ScreenMaterial;
};
