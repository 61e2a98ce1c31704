using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Larder;

/// <summary>
/// Whether an object comes back from JSON as it was, judged from its type: every field it has must be one that a member sets
/// when it is read, and it must be possible to make it. What only a value can tell is asked of each value.
/// </summary>
/// <remarks>
/// A field belongs to a member as the compiler names it (<c>&lt;Name&gt;k__BackingField</c>) or as people do
/// (<c>_name</c>, <c>m_name</c>, <c>name</c>). A property without setter, constructor parameter and field of its own is
/// computed: it is not written, since the others bring it back.
/// </remarks>
[RequiresUnreferencedCode("Looks at all fields of a type.")]
internal static class JsonExactness
{
    private const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Takes the computed properties out of the contract.</summary>
    /// <exception cref="NotSupportedException">Objects of the type have something that would be lost.</exception>
    public static void RefuseLoss(JsonTypeInfo info)
    {
        HashSet<string> parameters = ConstructorParameters(info);
        var kept = new List<(PropertyInfo Property, bool IsSet)>();
        for (int i = info.Properties.Count - 1; i >= 0; i--)
        {
            JsonPropertyInfo member = info.Properties[i];
            if (member.AttributeProvider is not PropertyInfo property) continue;
            bool isSet = member.Set is not null || parameters.Contains(property.Name);
            if (isSet || FieldOf(property) is not null) kept.Add((property, isSet));
            else if (!member.IsExtensionData) info.Properties.RemoveAt(i);
        }
        for (Type? type = info.Type; type is not null && type != typeof(object) && type != typeof(ValueType); type = type.BaseType)
            foreach (FieldInfo field in type.GetFields(Declared))
                if (!IsKept(field, kept))
                    throw new NotSupportedException($"{info.Type} has state that JSON would not keep: the field {field.Name}. Let a property with a setter or a constructor parameter of its name hold it, or mark it [JsonIgnore]. {StrictJson.Advice}");
    }

    /// <summary>Whether a collection type of the program has fields of its own, beside those of the framework's collection it derives from.</summary>
    public static bool AddsState(Type collection)
    {
        for (Type? type = collection; type is not null && type != typeof(object) && !FrameworkCollections.IsItsItems(type); type = type.BaseType)
            if (type.GetFields(Declared).Length > 0) return true;
        return false;
    }

    /// <summary>Whether objects of the type can be made of what was written.</summary>
    public static bool CanBeMade(JsonTypeInfo info)
    {
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object when info.CreateObject is null && info.PolymorphismOptions is null:
                return info.ConstructorAttributeProvider is ConstructorInfo made && made.GetParameters().Length == info.Properties.Count(p => p.AssociatedParameter is not null);
            case JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary:
                try
                {
                    JsonSerializer.Deserialize(info.Kind == JsonTypeInfoKind.Enumerable ? "[]"u8 : "{}"u8, info);
                    return true;
                }
                catch (Exception e) when (e is NotSupportedException or InvalidOperationException or JsonException)
                {
                    return false;
                }
            default:
                return true;
        }
    }

    private static HashSet<string> ConstructorParameters(JsonTypeInfo info)
    {
        ConstructorInfo? made = info.ConstructorAttributeProvider as ConstructorInfo;
        return new(made?.GetParameters().Select(p => p.Name!) ?? [], StringComparer.OrdinalIgnoreCase);
    }

    private static FieldInfo? FieldOf(PropertyInfo property) => property.DeclaringType?.GetField($"<{property.Name}>k__BackingField", Declared);

    private static bool IsKept(FieldInfo field, List<(PropertyInfo Property, bool IsSet)> kept)
    {
        // Public fields are members themselves; handlers of events are not part of a value.
        if (field.IsPublic || field.IsDefined(typeof(JsonIgnoreAttribute)) || field.IsDefined(typeof(JsonIncludeAttribute)) || field.DeclaringType?.GetEvent(field.Name, Declared) is not null) return true;
        string name = field.Name;
        if (name.StartsWith('<') && name.IndexOf('>', StringComparison.Ordinal) is > 0 and var end)
        {
            string of = name[1..end];
            // Captured by a primary constructor: no member of its name sets it.
            if (name[(end + 1)..] is not ("k__BackingField" or "i__Field")) return false;
            PropertyInfo? own = field.DeclaringType!.GetProperty(of, Declared);
            return own?.GetCustomAttribute<JsonIgnoreAttribute>() is { Condition: JsonIgnoreCondition.Always }
                || kept.Any(k => k.Property.Name == of && (k.Property.DeclaringType == field.DeclaringType || own?.GetMethod is { IsVirtual: true }));
        }
        string member = name.StartsWith("m_", StringComparison.Ordinal) ? name[2..] : name.TrimStart('_');
        return kept.Any(k => k.IsSet && FieldOf(k.Property) is null && string.Equals(k.Property.Name, member, StringComparison.OrdinalIgnoreCase));
    }
}
