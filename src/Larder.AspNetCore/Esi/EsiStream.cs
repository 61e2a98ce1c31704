using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>An <see cref="EsiBody"/> as a stream.</summary>
internal sealed class EsiStream(EsiBody body, HttpContext context) : ResponseStream(context)
{
    public override Task FlushAsync(CancellationToken cancellationToken) => body.FlushAsync(cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await body.WriteAsync(buffer, cancellationToken);
}
