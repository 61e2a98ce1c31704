using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Larder;

/// <summary>Whether a set or dictionary compares as one does that is made of nothing: a comparer is not part of what is written.</summary>
[RequiresUnreferencedCode("Looks for the comparers of a collection.")]
internal static class Comparers
{
    private static readonly string[] Names = ["Comparer", "KeyComparer", "ValueComparer"];
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> ByCollection = new();
    private static readonly ConcurrentDictionary<Type, object?> Defaults = new();

    /// <summary>Whether all comparers that the collection has are the default ones; for hashing, ordinal text is the same.</summary>
    public static bool AreDefault(object collection)
    {
        PropertyInfo[] known = ByCollection.GetOrAdd(collection.GetType(), static type => [.. Names.Select(name => type.GetProperty(name)).OfType<PropertyInfo>()]);
        foreach (PropertyInfo property in known)
        {
            if (property.GetValue(collection) is not { } comparer) continue;
            bool hashes = property.PropertyType.Name == typeof(IEqualityComparer<>).Name;
            if (!(hashes && comparer.Equals(StringComparer.Ordinal)) && !comparer.Equals(Defaults.GetOrAdd(comparer.GetType(), DefaultOf))) return false;
        }
        return true;
    }

    private static object? DefaultOf(Type comparer)
    {
        for (Type? type = comparer; type is not null; type = type.BaseType)
            if (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(EqualityComparer<>) || type.GetGenericTypeDefinition() == typeof(Comparer<>)))
                return type.GetProperty(nameof(EqualityComparer<>.Default), BindingFlags.Public | BindingFlags.Static)?.GetValue(null);
        return null;
    }
}
