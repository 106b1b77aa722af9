# SPDX-License-Identifier: Apache-2.0
"""Specifiers and metadata that the engine's header tool knows, in lower case.

From Epic's documentation, read for 5.7 (dev.epicgames.com/documentation/en-us/unreal-engine/):
`class-specifiers`, `function-specifiers`, `ufunctions-in-unreal-engine`, `structs-in-unreal-engine`,
`unreal-engine-uproperty-specifiers`, `interfaces-in-unreal-engine`, `metadata-specifiers-in-unreal-engine`.
An unknown specifier is an error there; unknown metadata is accepted in silence and does nothing, which is
why it is an error here.
"""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.lower().split())


SPECIFIERS: dict[str, frozenset[str]] = {
    "UCLASS": _set(
        """Abstract AdvancedClassDisplay AutoCollapseCategories AutoExpandCategories Blueprintable
        BlueprintType ClassGroup CollapseCategories Config ConfigDoNotCheckDefaults Const
        ConversionRoot CustomConstructor DefaultConfig DefaultToInstanced DependsOn Deprecated
        DontAutoCollapseCategories DontCollapseCategories EarlyAccessPreview EditInlineNew
        EditorConfig Experimental GlobalUserConfig HideCategories HideDropdown HideFunctions
        Intrinsic Interface MinimalAPI NeedsDeferredDependencyLoading NotBlueprintable
        NotBlueprintType NotEditInlineNew NotPlaceable Optional PerObjectConfig
        PerPlatformConfig Placeable ProjectUserConfig ShowCategories ShowFunctions
        SparseClassDataTypes Transient Within"""
    ),
    "USTRUCT": _set(
        "Atomic BlueprintType HasDefaults HasNoOpConstructor Immutable IsAlwaysAccessible NoExport"
    ),
    "UENUM": _set("BlueprintType Flags"),
    "UINTERFACE": _set("Blueprintable BlueprintType ConversionRoot DependsOn MinimalAPI NotBlueprintable"),
    "UFUNCTION": _set(
        """BlueprintAuthorityOnly BlueprintCallable BlueprintCosmetic BlueprintGetter
        BlueprintImplementableEvent BlueprintInternalUseOnly BlueprintNativeEvent BlueprintPure
        BlueprintSetter CallInEditor Category Client CustomThunk Exec FieldNotify NetMulticast
        Reliable SealedEvent Server ServiceRequest ServiceResponse Unreliable Variadic
        WithValidation"""
    ),
    "UPROPERTY": _set(
        """AdvancedDisplay AssetRegistrySearchable BlueprintAssignable BlueprintAuthorityOnly
        BlueprintCallable BlueprintGetter BlueprintReadOnly BlueprintReadWrite BlueprintSetter
        Category Config Const DuplicateTransient EditAnywhere EditDefaultsOnly EditFixedSize
        EditInstanceOnly Export ExposeOnSpawn FieldNotify Getter GlobalConfig Instanced Interp
        Localized Native NoClear NonPIEDuplicateTransient NonTransactional NotReplicated
        Replicated ReplicatedUsing RepRetry SaveGame Setter SimpleDisplay SkipSerialization
        TextExportTransient Transient VisibleAnywhere VisibleDefaultsOnly VisibleInstanceOnly"""
    ),
    "UPARAM": _set("Const DisplayName NotReplicated Ref Required"),
    "UMETA": frozenset(),
}

# What any macro may say without meta = (...).
COMMON = _set("DisplayName ShortToolTip ToolTip")

METADATA: dict[str, frozenset[str]] = {
    "UCLASS": _set(
        """BlueprintSpawnableComponent BlueprintThreadSafe ChildCannotTick ChildCanTick DeprecatedNode
        DeprecationMessage DisplayName DisplayThumbnail DontUseGenericSpawnObject
        ExposedAsyncProxy HasDedicatedAsyncNode HideThen IgnoreCategoryKeywordsInSubclasses
        IsBlueprintBase KismetHideOverrides LoadBehavior PrioritizeCategories
        ProhibitedInterfaces RestrictedToClasses ScriptName ShortToolTip ShowWorldContextPin
        ToolTip UsesHierarchy"""
    ),
    "USTRUCT": _set(
        """DisableSplitPin DisplayName HasNativeBreak HasNativeMake HiddenByDefault ScriptName ShortToolTip
        ToolTip"""
    ),
    "UENUM": _set("Bitflags DisplayName Experimental ScriptName ToolTip UseEnumValuesAsMaskValuesInEditor"),
    "UMETA": _set("DisplayName DisplayValue Hidden Grouping ScriptName Spacer ToolTip"),
    "UINTERFACE": _set("CannotImplementInterfaceInBlueprint ConversionRoot DisplayName ScriptName ToolTip"),
    "UFUNCTION": _set(
        """Category AdvancedDisplay AllowPrivateAccess AnimBlueprintFunction ArrayParm
        ArrayTypeDependentParams AutoCreateRefTerm BlueprintAutocast BlueprintInternalUseOnly
        BlueprintProtected BlueprintThreadSafe CallableWithoutWorldContext
        CommutativeAssociativeBinaryOperator CompactNodeTitle CustomStructureParam CustomThunk
        DefaultToSelf DeprecatedFunction DeprecationMessage DeterminesOutputType DevelopmentOnly
        DisplayName DynamicOutputParam EditCondition ExpandBoolAsExecs ExpandEnumAsExecs
        ForceAsFunction HideFunctionCategories HidePin HideSelfPin HideThen InternalUseParam
        KeyWords Keywords Latent LatentCallbackTarget LatentInfo MapKeyParam MapParam
        MapValueParam MaterialParameterCollectionFunction NativeBreakFunc NativeMakeFunc
        NotBlueprintThreadSafe ReturnDisplayName ScriptConstant ScriptMethod ScriptName
        ScriptNoExport SetParam ShortToolTip ToolTip UnsafeDuringActorConstruction
        UnsafeForConstructionScripts Variadic WorldContext"""
    ),
    "UPROPERTY": _set(
        """Category AllowAbstract AllowAnyActor AllowedClasses AllowPreserveRatio AllowPrivateAccess
        ArrayClamp ArraySizeEnum AssetBundles BindWidget Bitmask BitmaskEnum BlueprintBaseOnly
        BlueprintCompilerGeneratedDefaults BlueprintProtected ClampMax ClampMin
        ConfigHierarchyEditable ConfigRestartRequired ConsoleVariable ContentDir
        DeprecatedProperty DeprecationMessage Delta DisallowedClasses DisplayAfter DisplayName
        DisplayPriority DisplayThumbnail EditCondition EditConditionHides EditFixedOrder
        EditInline ExactClass ExposeFunctionCategories ExposeOnSpawn FilePathFilter
        FixedIncrement ForceInlineRow ForceRebuildProperty ForceShowEngineContent ForceUnits
        GetAllowedClasses GetAssetFilter GetByRef GetOptions HideAlphaChannel
        HideEditConditionToggle HideInDetailPanel HideViewOptions
        IgnoreForMemberInitializationTest InlineEditConditionToggle LongPackageName
        MakeEditWidget MakeStructureDefaultValue MetaClass MetaStruct Multiple MultiLine
        MustImplement NoElementDuplicate NoEditInline NoResetToDefault NoSpinbox NoSpawn
        NotBlueprintThreadSafe OnlyPlaceable PasswordField RelativePath RelativeToGameContentDir
        RelativeToGameDir RequiredAssetDataTags ScriptName ScriptNoExport ShortToolTip
        ShowOnlyInnerProperties ShowTreeView SliderExponent Step Subtitle
        SupportDynamicSliderMaxValue SupportDynamicSliderMinValue TitleProperty ToolTip UIMax
        UIMin Units Untracked UseComponentPicker ValidEnumValues"""
    ),
    "UPARAM": _set("Categories DisplayName AllowAbstract MustImplement GetOptions"),
}

API_PREFIX = {"UCLASS": "U", "USTRUCT": "F", "UENUM": "E", "UINTERFACE": "U"}

# What shows a property or function where people see it; it then needs a category.
EDITED = (
    "EditAnywhere",
    "EditDefaultsOnly",
    "EditInstanceOnly",
    "VisibleAnywhere",
    "VisibleDefaultsOnly",
    "VisibleInstanceOnly",
)
SHOWN = (*EDITED, "BlueprintReadOnly", "BlueprintReadWrite", "BlueprintGetter", "BlueprintSetter")
CALLED = ("BlueprintCallable", "BlueprintPure", "BlueprintGetter", "BlueprintSetter")
EVENTS = ("BlueprintImplementableEvent", "BlueprintNativeEvent")
