using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// The fields of one message by name, without regard to case. Adapters are structs and passed as a type parameter,
/// so that nothing is boxed. Lines must be given as received: several lines stay several values.
/// </summary>
internal interface IHeaderLookup
{
    /// <summary>All lines of the field; empty when it is absent.</summary>
    StringValues this[string name] { get; }
}
