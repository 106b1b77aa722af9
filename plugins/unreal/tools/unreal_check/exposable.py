# SPDX-License-Identifier: Apache-2.0
"""Which types the engine's reflection, and Blueprint on top of it, can hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from unreal_check.cpp_types import CppType


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLUEPRINT_NUMBERS = frozenset({"bool", "uint8", "int32", "int64", "float", "double"})
REFLECTED_NUMBERS = BLUEPRINT_NUMBERS | {"int8", "int16", "uint16", "uint32", "uint64"}
STRINGS = frozenset({"FString", "FName", "FText"})
CONTAINERS = {"TArray": 1, "TSet": 1, "TMap": 2}
OBJECT_HOLDERS = frozenset(
    {"TObjectPtr", "TSubclassOf", "TSoftObjectPtr", "TSoftClassPtr", "TWeakObjectPtr", "TScriptInterface"}
)
NEVER = {
    "TSharedPtr": "hold it outside reflection, or make it a UObject",
    "TSharedRef": "hold it outside reflection, or make it a UObject",
    "TUniquePtr": "hold it outside reflection, or make it a UObject",
    "TWeakPtr": "hold it outside reflection",
    "TFunction": "use a dynamic delegate",
    "TOptional": "use a value and a bool",
    "TVariant": "use a struct",
    "TPair": "use a USTRUCT or a TMap",
    "FStringView": "use const FString&",
    "int": "use int32",
    "char": "use uint8 or FString",
    "long": "use int64",
    "size_t": "use int64",
    "unsigned": "use int32",
}
# Structs of the engine that are BlueprintType: the ones a plugin like this meets.
ENGINE_BLUEPRINT_STRUCTS = _words(
    """FAssetData FBox FBox2D FColor FDateTime FDirectoryPath FFilePath FFloatInterval FFloatRange
    FFrameNumber FFrameRate FFrameTime FGameplayTag FGameplayTagContainer FGuid FHitResult
    FInstancedStruct FInt32Interval FInt32Range FIntPoint FIntVector FKey FLatentActionInfo
    FLinearColor FPlane FPrimaryAssetId FPrimaryAssetType FQualifiedFrameTime FQuat FRotator
    FSoftClassPath FSoftObjectPath FTableRowBase FTimecode FTimerHandle FTimespan FTransform
    FVector FVector2D FVector4"""
)
# Structs that UPROPERTY may hold, but Blueprint not.
ENGINE_STRUCTS = ENGINE_BLUEPRINT_STRUCTS | frozenset(
    {"FTickFunction", "FRuntimeFloatCurve", "FUniqueNetIdRepl"}
)
ENGINE_ENUMS = frozenset(
    {"EEndPlayReason", "ETickingGroup", "EObjectFlags", "ECollisionChannel", "EPixelFormat"}
)
# Structs whose constructor may stand as a parameter's default.
DEFAULTED_STRUCTS = frozenset({"FVector", "FVector2D", "FRotator", "FLinearColor", "FColor", "FTransform"})


@dataclass(slots=True)
class Types:
    """The names that the headers under check add to the engine's."""

    structs: set[str] = field(default_factory=set)
    blueprint_structs: set[str] = field(default_factory=set)
    enums: set[str] = field(default_factory=set)
    blueprint_enums: set[str] = field(default_factory=set)
    delegates: dict[str, bool] = field(default_factory=dict)
    """Dynamic delegates; true: multicast."""
    classes: set[str] = field(default_factory=set)

    def problem(
        self, kind: CppType, *, blueprint: bool, parameter: bool = False, inner: bool = False
    ) -> str | None:
        """Why reflection (or Blueprint) cannot hold the type; None if it can."""
        name = kind.name
        if kind.references > 1:
            return f"{kind}: no rvalue references"
        if kind.references and not parameter:
            return f"{kind}: a reference cannot be kept"
        if name in NEVER or name.startswith("std::"):
            return f"{kind}: {NEVER.get(name, 'use the engine type instead')}"
        if name in CONTAINERS:
            return self._container(kind, blueprint=blueprint, inner=inner)
        if name in OBJECT_HOLDERS:
            return self._holder(kind, blueprint=blueprint, parameter=parameter)
        if kind.pointers:
            return self._pointer(kind)
        return self._value(kind, blueprint=blueprint, parameter=parameter)

    def _container(self, kind: CppType, *, blueprint: bool, inner: bool) -> str | None:
        if inner:
            return f"{kind}: a container inside a container; wrap the inner one in a USTRUCT"
        if kind.pointers:
            return f"{kind}: a pointer to a container"
        if len(kind.arguments) < CONTAINERS[kind.name]:
            return f"{kind}: its element types are missing"
        for argument in kind.arguments[: CONTAINERS[kind.name]]:
            problem = self.problem(argument, blueprint=blueprint, inner=True)
            if problem:
                return problem
        return None

    def _holder(self, kind: CppType, *, blueprint: bool, parameter: bool) -> str | None:
        if len(kind.arguments) != 1:
            return f"{kind}: its class is missing"
        if kind.pointers:
            return f"{kind}: a pointer to a pointer"
        if kind.name == "TObjectPtr" and parameter:
            return f"{kind}: parameters and results are raw pointers, TObjectPtr is for members"
        if kind.name == "TWeakObjectPtr" and blueprint and parameter:
            return f"{kind}: Blueprint takes no weak pointers as parameters"
        held = kind.arguments[0].name
        if held[:1] not in {"U", "A", "I"} or held in self.structs:
            return f"{kind}: {held} is no UObject class"
        return None

    def _pointer(self, kind: CppType) -> str | None:
        if kind.pointers > 1:
            return f"{kind}: a pointer to a pointer"
        if kind.name[:1] in {"U", "A"} and kind.name[1:2].isupper() and kind.name not in self.structs:
            return None
        if kind.name[:1] == "I" and kind.name[1:2].isupper():
            return f"{kind}: use TScriptInterface<{kind.name}>"
        return f"{kind}: only objects are reflected by pointer; pass structs by value or const reference"

    def _value(self, kind: CppType, *, blueprint: bool, parameter: bool) -> str | None:
        name = kind.name
        if name in STRINGS or name in BLUEPRINT_NUMBERS:
            return None
        if name in REFLECTED_NUMBERS:
            return f"{name}: Blueprint has no such number; use int32 or int64" if blueprint else None
        if name == "TEnumAsByte":
            return None
        if name in self.delegates:
            if self.delegates[name] and parameter:
                return f"{name}: a multicast delegate cannot be a parameter"
            return None
        if name in self.enums or name in ENGINE_ENUMS:
            hidden = blueprint and name in self.enums and name not in self.blueprint_enums
            return f"{name}: is not UENUM(BlueprintType)" if hidden else None
        if name in self.structs or name in ENGINE_STRUCTS:
            hidden = blueprint and name not in self.blueprint_structs and name not in ENGINE_BLUEPRINT_STRUCTS
            return f"{name}: is not USTRUCT(BlueprintType)" if hidden else None
        if name in self.classes or (name[:1] in {"U", "A"} and name[1:2].isupper()):
            return f"{name}: objects are held by pointer"
        return f"{name}: is no type that reflection knows"
