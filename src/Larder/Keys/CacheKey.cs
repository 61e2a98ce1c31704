namespace Larder;

/// <summary>
/// A key that <see cref="CacheKeys"/> made, with the user whose data it is the key of. <see cref="LarderCache"/> takes it
/// in the place of a string and keeps the entry for that user, so that <see cref="Invalidation.User(string)"/> covers it.
/// There is no conversion to a string on purpose: the user would be lost on the way. <c>ToString</c> and interpolation
/// show what it consists of and make no key.
/// </summary>
/// <param name="Text">What the entry is stored under and what patterns are matched against: printable, valid Unicode, not longer than the limit.</param>
/// <param name="User">Whose data it is; null where it is nobody's.</param>
public readonly record struct CacheKey(string Text, string? User);
