using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Hosting;

/// <summary>Whether a request carries the key, compared in a time that tells nothing of it.</summary>
internal sealed class PurgeKeyCheck(string key)
{
    private const string Bearer = "Bearer ";

    private readonly byte[] _hash = Hash(key);

    public bool IsAllowed(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        string given = headers.Authorization is [{ } authorization] && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim() : headers["X-API-Key"].ToString();
        return CryptographicOperations.FixedTimeEquals(Hash(given), _hash);
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
