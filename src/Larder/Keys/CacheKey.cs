namespace Larder;

/// <summary>
/// A key that <see cref="CacheKeys"/> made, with the user whose data it is the key of. <see cref="LarderCache"/> takes it
/// in the place of a string and keeps the entry for that user, so that <see cref="Invalidation.User(string)"/> covers it.
/// What is stored under its text alone is not kept for the user; there is no implicit conversion to a string.
/// </summary>
/// <param name="Text">What the entry is stored under and what patterns are matched against: printable, valid Unicode, not longer than the limit.</param>
/// <param name="User">Whose data it is; null where it is nobody's.</param>
public readonly record struct CacheKey(string Text, string? User)
{
    /// <summary>The <see cref="Text"/>.</summary>
    public override string ToString() => Text;
}
