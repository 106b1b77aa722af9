// SPDX-License-Identifier: Apache-2.0
// Copyright the ShotStream authors.
#include "ShotStreamScreenComponent.h"

#include "Components/MeshComponent.h"
#include "Engine/Texture2D.h"
#include "GameFramework/Actor.h"
#include "MaterialTypes.h"
#include "Materials/MaterialInstanceDynamic.h"
#include "Materials/MaterialInterface.h"
#include "ShotStreamLibrary.h"
#include "ShotStreamLog.h"
#include "ShotStreamSubsystem.h"

UShotStreamScreenComponent::UShotStreamScreenComponent()
{
	PrimaryComponentTick.bCanEverTick = false;
}

void UShotStreamScreenComponent::BeginPlay()
{
	Super::BeginPlay();
	if (TargetMesh == nullptr && GetOwner() != nullptr)
	{
		TargetMesh = GetOwner()->FindComponentByClass<UMeshComponent>();
	}
	MakeMaterial();
	if (UShotStreamSubsystem* ShotStream = UShotStreamLibrary::GetShotStream(this))
	{
		ShotStream->OnTextureChanged.AddUniqueDynamic(this, &UShotStreamScreenComponent::ShowTexture);
		ShowTexture(ShotStream->GetStreamTexture());
	}
}

void UShotStreamScreenComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	if (UShotStreamSubsystem* ShotStream = UShotStreamLibrary::GetShotStream(this))
	{
		ShotStream->OnTextureChanged.RemoveDynamic(this, &UShotStreamScreenComponent::ShowTexture);
	}
	ShowTexture(nullptr);
	RestoreMaterial();
	Super::EndPlay(Reason);
}

void UShotStreamScreenComponent::SetMesh(UMeshComponent* Mesh)
{
	RestoreMaterial();
	TargetMesh = Mesh;
	if (HasBegunPlay())
	{
		MakeMaterial();
		if (UShotStreamSubsystem* ShotStream = UShotStreamLibrary::GetShotStream(this))
		{
			ShowTexture(ShotStream->GetStreamTexture());
		}
	}
}

UMaterialInstanceDynamic* UShotStreamScreenComponent::GetScreenMaterial() const
{
	return ScreenMaterial;
}

void UShotStreamScreenComponent::MakeMaterial()
{
	if (TargetMesh == nullptr)
	{
		UE_LOG(LogShotStream, Warning, TEXT("%s has no mesh to show the stream on; add one to its actor, or call Set Mesh."), *GetPathName());
		return;
	}
	OriginalMaterial = TargetMesh->GetMaterial(MaterialSlot);
	UMaterialInterface* Parent = Material != nullptr ? Material.Get() : OriginalMaterial.Get();
	if (Parent == nullptr)
	{
		UE_LOG(LogShotStream, Warning, TEXT("%s has no material to show the stream with, and its mesh has none in slot %d."), *GetPathName(), MaterialSlot);
		return;
	}
	ScreenMaterial = UMaterialInstanceDynamic::Create(Parent, this);
	UTexture* Default = nullptr;
	if (!ScreenMaterial->GetTextureParameterValue(FHashedMaterialParameterInfo(TextureParameter), Default))
	{
		UE_LOG(LogShotStream, Warning, TEXT("The material %s has no texture parameter %s, so that the stream does not show."), *Parent->GetName(), *TextureParameter.ToString());
	}
	MaterialTexture = Default;
	TargetMesh->SetMaterial(MaterialSlot, ScreenMaterial);
}

void UShotStreamScreenComponent::RestoreMaterial()
{
	if (TargetMesh != nullptr && OriginalMaterial != nullptr)
	{
		TargetMesh->SetMaterial(MaterialSlot, OriginalMaterial);
	}
	ScreenMaterial = nullptr;
	OriginalMaterial = nullptr;
}

void UShotStreamScreenComponent::ShowTexture(UTexture2D* Texture)
{
	if (ScreenMaterial == nullptr)
	{
		return;
	}
	// Without one the material's own. Other parameters that somebody has set stay.
	UTexture* Shown = Texture != nullptr ? Texture : MaterialTexture.Get();
	ScreenMaterial->SetTextureParameterValue(TextureParameter, Shown);
}
