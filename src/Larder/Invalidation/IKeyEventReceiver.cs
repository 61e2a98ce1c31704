namespace Larder;

/// <summary>Whoever wants to know of each event of a key (set, removal, invalidation, hard or soft).</summary>
internal interface IKeyEventReceiver
{
    /// <summary>
    /// Called by the memory store within its gate, after the event's ordinal was given and before the event's caller is
    /// answered: in the order of ordinals, and quickly, for every writer waits.
    /// </summary>
    void Tell(string key, long ordinal);
}

/// <summary>The events of one key as somebody knows them who is told of each: exact, where a mark (<see cref="KeyMarks"/>) may be another key's.</summary>
internal interface IKeyWatch
{
    /// <summary>At least the newest event of the key since the watch began; never another key's.</summary>
    long NewestEvent { get; }
}
