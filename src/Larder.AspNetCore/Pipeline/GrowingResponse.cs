namespace Larder.AspNetCore;

/// <summary>A response that will be stored when it is whole, and which those who wait for the same answer may be handed while it arrives.</summary>
/// <param name="Stored">It, as it will be stored, with a body that grows.</param>
/// <param name="Key">Under which key it was asked for.</param>
/// <param name="Nominated">What responses of its URL differ by.</param>
/// <param name="VariantKey">The key under which it will be stored.</param>
/// <param name="Tags">Its tags.</param>
/// <param name="Stamp">Taken before the origin was asked.</param>
/// <param name="Recorder">What it is read from.</param>
internal sealed record GrowingResponse(StoredResponse Stored, FetchKey Key, string[] Nominated, string VariantKey, string[] Tags, Stamp Stamp, SharedRecorder Recorder)
{
    /// <summary>Whether an invalidation since the origin was asked covers it: whoever came after that must not be handed it.</summary>
    public bool IsOvertaken(LarderCache engine) => engine.Memory.IsOvertaken(VariantKey, VariantKey.AsSpan(Key.Target), Tags, Key.User, Stamp);
}
