using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Statuses = Microsoft.AspNetCore.Http.StatusCodes;

namespace Larder.AspNetCore;

/// <summary>What becomes of a response.</summary>
internal enum EsiDecision : byte
{
    /// <summary>Nobody asked for ESI.</summary>
    Pass,
    /// <summary>The page is assembled.</summary>
    Assemble,
    /// <summary>It would be a page, but the client's condition or range was answered from the template: asked again without it.</summary>
    AskAgain,
    /// <summary>Asked for, but in an encoding in which no tag can be found.</summary>
    Encoded,
    /// <summary>Asked for, but not of a type that is processed.</summary>
    OtherType,
}

/// <summary>Decides, when the headers of a response are final, whether it is a page to be assembled. Pure.</summary>
internal static class EsiDecider
{
    public static EsiDecision Decide(int status, IHeaderDictionary headers, EsiOptions options, bool isNamedPath)
    {
        bool asks = isNamedPath || (options.Enabled && Surrogate.AsksForEsi(headers[Surrogate.Control]));
        if (!asks || status < 200 || status is Statuses.Status204NoContent or Statuses.Status205ResetContent) return EsiDecision.Pass;
        // Neither says anything of the page: it was not asked for as a whole.
        if (status is Statuses.Status304NotModified or Statuses.Status206PartialContent or Statuses.Status416RangeNotSatisfiable) return EsiDecision.AskAgain;
        if (!IsIdentity(headers.ContentEncoding)) return EsiDecision.Encoded;
        return IsProcessed(headers.ContentType, options) ? EsiDecision.Assemble : EsiDecision.OtherType;
    }

    public static bool IsIdentity(StringValues encoding)
    {
        foreach (string? line in encoding)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
                if (!FieldSyntax.Is(member, "identity")) return false;
        }
        return true;
    }

    private static bool IsProcessed(StringValues contentType, EsiOptions options)
    {
        if (contentType.Count != 1) return false;
        ReadOnlySpan<char> type = contentType[0];
        int parameters = type.IndexOf(';');
        type = FieldSyntax.TrimOws(parameters < 0 ? type : type[..parameters]);
        foreach (string processed in options.ContentTypes)
            if (FieldSyntax.Is(type, processed)) return true;
        return false;
    }
}
