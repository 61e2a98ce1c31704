using System.Reflection;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http.Rfc9111;

/// <summary>Nothing in the RFC's folder knows ASP.NET Core: header values and instants in, decisions out.</summary>
public class PurityTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void No_type_of_the_namespace_refers_to_AspNetCore()
    {
        Type[] types = [.. typeof(CacheControl).Assembly.GetTypes().Where(t => t.Namespace == typeof(CacheControl).Namespace)];
        Assert.True(types.Length > 20, "the namespace is not found");
        Assert.Empty(types.SelectMany(Offences));
    }

    [Theory]
    [InlineData(typeof(WithField)), InlineData(typeof(WithProperty)), InlineData(typeof(WithParameter))]
    [InlineData(typeof(WithReturn)), InlineData(typeof(WithGeneric)), InlineData(typeof(WithArray))]
    [InlineData(typeof(WithLocal)), InlineData(typeof(WithConstraint<>)), InlineData(typeof(WithInterface))]
    public void The_check_can_fail(Type type) => Assert.NotEmpty(Offences(type));

    [Fact]
    public void The_check_passes_what_is_pure() => Assert.Empty(Offences(typeof(Pure)));

    private static IEnumerable<string> Offences(Type type) =>
        References(type).SelectMany(Parts).Where(IsForbidden).Select(t => $"{type.Name} refers to {t.FullName}").Distinct();

    private static bool IsForbidden(Type type) =>
        type.Namespace is { } name && (name == "Microsoft.AspNetCore" || name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal));

    private static IEnumerable<Type> References(Type type)
    {
        IEnumerable<Type> inherited = [.. type.GetInterfaces(), type.BaseType ?? typeof(object)];
        IEnumerable<Type> constraints = type.GetGenericArguments().SelectMany(a => a.GetGenericParameterConstraints());
        MethodBase[] methods = [.. type.GetMethods(All), .. type.GetConstructors(All)];
        return inherited.Concat(constraints)
            .Concat(type.GetFields(All).Select(f => f.FieldType))
            .Concat(type.GetProperties(All).Select(p => p.PropertyType))
            .Concat(methods.SelectMany(m => m.GetParameters()).Select(p => p.ParameterType))
            .Concat(methods.OfType<MethodInfo>().Select(m => m.ReturnType))
            .Concat(methods.Where(m => m.IsGenericMethod).SelectMany(m => m.GetGenericArguments())
                .SelectMany(a => a.GetGenericParameterConstraints()))
            .Concat(methods.SelectMany(m => m.GetMethodBody()?.LocalVariables.Select(v => v.LocalType) ?? []));
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType) return Parts(type.GetElementType()!);
        return type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : [type];
    }

#pragma warning disable CS0169, CS0649, IDE0051 // Members that exist only to be found.
    private sealed class Pure { public Dictionary<string, int[]>? Names { get; set; } }
    private sealed class WithField { public readonly HttpContext? Context; }
    private sealed class WithProperty { public IHeaderDictionary? Headers { get; set; } }
    private static class WithParameter { private static void Take(HttpRequest request) => _ = request.Path.Value; }
    private static class WithReturn { public static HttpResponse? Give() => null; }
    private static class WithGeneric { public static List<Func<HttpContext, int>>? Give() => null; }
    private static class WithArray { public static void Give(out PathString[]? paths) => paths = null; }
    private static class WithConstraint<T> where T : IHeaderDictionary;
    private abstract class WithInterface : IHttpContextFactory
    {
        public abstract HttpContext Create(Microsoft.AspNetCore.Http.Features.IFeatureCollection featureCollection);
        public abstract void Dispose(HttpContext httpContext);
    }
    private static class WithLocal
    {
        public static int Count(int n)
        {
            var paths = new PathString("/" + n);
            return paths.Value!.Length + paths.ToString().Length;
        }
    }
#pragma warning restore CS0169, CS0649, IDE0051
}
