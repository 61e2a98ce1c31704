using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Larder;

/// <summary>
/// The JSON options of values for which the program registers none: what is read back is what was stored, or the value
/// is not stored. System.Text.Json's own defaults lose silently what these refuse: the runtime type of an
/// <see cref="object"/> or of a derived class, half surrogate pairs, and, when a type has changed since, what one side
/// does not know. What a type's author excludes by <see cref="JsonIgnoreAttribute"/> stays excluded.
/// </summary>
internal static class StrictJson
{
    internal const string Advice = "Register an IHybridCacheSerializer or keyed JsonSerializerOptions for the type, or share the instance (EntryOptions.ShareInstance).";

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Taken only where reflection is enabled, which trimming switches off; such programs register options with a source-generated context.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    public static JsonSerializerOptions Create() => new(JsonSerializerDefaults.Strict)
    {
        // A null where the type says there is none can be stored and comes back.
        RespectNullableAnnotations = false,
        IncludeFields = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        // Nothing of it gets into a page: text other than ASCII is written as it is.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new WellFormedString(), new WellFormedChar() },
        TypeInfoResolver = JsonSerializer.IsReflectionEnabledByDefault
            ? new DefaultJsonTypeInfoResolver { Modifiers = { RefuseLoss } }
            : BuiltInJson.Default,
    };

    /// <summary>Lets options that name no resolver find types by reflection, as <see cref="JsonSerializer"/> itself does with such options.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Taken only where reflection is enabled.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    public static JsonSerializerOptions WithResolver(JsonSerializerOptions options)
    {
        if (options.TypeInfoResolver is null && JsonSerializer.IsReflectionEnabledByDefault) options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <summary>
    /// Whether values of the type are written with something that reading does not set (an automatic property without
    /// setter or constructor parameter, which the constructor may fill or not), or come back in another order: only
    /// writing a value a second time shows whether it is one that is lost.
    /// </summary>
    /// <exception cref="NotSupportedException">A part of the type can't be stored at all.</exception>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Taken only where reflection is enabled, which trimming switches off.")]
    public static bool NeedsProof(JsonTypeInfo root)
    {
        var seen = new HashSet<Type>();
        var open = new Stack<JsonTypeInfo>([root]);
        bool needsProof = false;
        while (open.TryPop(out JsonTypeInfo? info))
        {
            if (!seen.Add(info.Type)) continue;
            needsProof |= info.Type.IsGenericType && info.Type.Name.Contains("Stack", StringComparison.Ordinal);
            Visit(info.ElementType);
            Visit(info.KeyType);
            // After its items, whose own problem says more.
            if (JsonSerializer.IsReflectionEnabledByDefault && !JsonExactness.CanBeMade(info))
                throw new NotSupportedException($"{info.Type} can be written and not made again. Give it a constructor without parameters, or one whose parameters have the names of its properties. {Advice}");
            foreach (JsonPropertyInfo property in info.Properties)
            {
                if (property.Get is null || property.IsExtensionData) continue;
                needsProof |= property is { Set: null, AssociatedParameter: null };
                Visit(property.PropertyType);
            }
            foreach (JsonDerivedType derived in info.PolymorphismOptions?.DerivedTypes ?? []) Visit(derived.DerivedType);
        }
        return needsProof;

        void Visit(Type? type)
        {
            if (type is not null) open.Push(root.Options.GetTypeInfo(type));
        }
    }

    [RequiresUnreferencedCode("Looks at the members of types.")]
    private static void RefuseLoss(JsonTypeInfo info)
    {
        if (info.Type == typeof(object)) throw new NotSupportedException($"JSON does not keep the type of what is declared as object. {Advice}");
        if (info.Kind == JsonTypeInfoKind.Object) RefuseLossOfMembers(info);
        else if (info.Kind != JsonTypeInfoKind.None && !info.Type.IsArray) RefuseLossOfCollections(info);
    }

    [RequiresUnreferencedCode("Looks at the members of types.")]
    private static void RefuseLossOfMembers(JsonTypeInfo info)
    {
        if (info.Properties.Count == 0 && info.PolymorphismOptions is null && HasState(info.Type))
            throw new NotSupportedException($"{info.Type} has state, but no public members that JSON could keep it in. {Advice}");
        if (!info.Type.IsAbstract) JsonExactness.RefuseLoss(info);
        if (!info.Type.IsSealed && info.PolymorphismOptions is null) Before(info, value => RefuseOtherType(value, info.Type));
        foreach (JsonPropertyInfo property in info.Properties)
        {
            // What is always written must be there when it is read.
            if (property is { Set: not null, ShouldSerialize: null, IsExtensionData: false }) property.IsRequired = true;
        }
    }

    [RequiresUnreferencedCode("Looks at the members of types.")]
    private static void RefuseLossOfCollections(JsonTypeInfo info)
    {
        if (!info.Type.IsInterface && JsonExactness.AddsState(info.Type))
            throw new NotSupportedException($"{info.Type} is a collection with state of its own, of which JSON keeps only the items. {Advice}");
        Before(info, value =>
        {
            if (!info.Type.IsInterface) RefuseOtherType(value, info.Type);
            else if (!FrameworkCollections.IsItsItems(value.GetType())) throw new NotSupportedException($"A {value.GetType()} would be read back as another {info.Type}. {Advice}");
            if (!Comparers.AreDefault(value)) throw new NotSupportedException($"The comparer of a {value.GetType()} would be lost. {Advice}");
        });
    }

    private static void RefuseOtherType(object value, Type declared)
    {
        if (value.GetType() != declared) throw new NotSupportedException($"A {value.GetType()} would be read back as {declared}. {Advice}");
    }

    private static void Before(JsonTypeInfo info, Action<object> check)
    {
        Action<object>? before = info.OnSerializing;
        info.OnSerializing = value =>
        {
            check(value);
            before?.Invoke(value);
        };
    }

    [RequiresUnreferencedCode("Looks at all fields of a type.")]
    private static bool HasState(Type type)
    {
        for (Type? t = type; t is not null && t != typeof(object); t = t.BaseType)
            if (t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly).Length > 0) return true;
        return false;
    }

    private sealed class WellFormedString : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(Checked(value));

        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetString()!;

        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(Checked(value));

        private static string Checked(string value) =>
            TextSerializer.CanKeep(value) ? value : throw new NotSupportedException("A text holds half a surrogate pair, which JSON can't keep.");
    }

    private sealed class WellFormedChar : JsonConverter<char>
    {
        public override char Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.GetString() is [var c] ? c : throw new JsonException("not one character");

        public override void Write(Utf8JsonWriter writer, char value, JsonSerializerOptions options) =>
            writer.WriteStringValue(char.IsSurrogate(value) ? throw new NotSupportedException("Half a surrogate pair can't be kept in JSON.") : [value]);
    }
}

/// <summary>The framework's value-like types, which programs without reflection can store too.</summary>
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(char))]
[JsonSerializable(typeof(byte))]
[JsonSerializable(typeof(sbyte))]
[JsonSerializable(typeof(short))]
[JsonSerializable(typeof(ushort))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(uint))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(ulong))]
[JsonSerializable(typeof(Int128))]
[JsonSerializable(typeof(UInt128))]
[JsonSerializable(typeof(Half))]
[JsonSerializable(typeof(float))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(decimal))]
[JsonSerializable(typeof(DateTime))]
[JsonSerializable(typeof(DateTimeOffset))]
[JsonSerializable(typeof(DateOnly))]
[JsonSerializable(typeof(TimeOnly))]
[JsonSerializable(typeof(TimeSpan))]
[JsonSerializable(typeof(Guid))]
[JsonSerializable(typeof(Uri))]
[JsonSerializable(typeof(Version))]
internal sealed partial class BuiltInJson : JsonSerializerContext;
