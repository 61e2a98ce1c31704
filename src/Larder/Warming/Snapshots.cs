using System.Reflection;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Saves what a cache holds in memory to a file and loads it again, so that a restart is warm. A file of another kind,
/// version or owner, or a broken one, is a cold start, never an error.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. What is loaded is treated as a fill that began before the file was opened: whatever is invalidated meanwhile wins,
///    and so does what is in memory already.
/// 2. An entry is written only if it is stored and current after <see cref="SnapshotHeader.Position"/> was noted.
/// 3. A lifetime goes on by the wall clock while no process runs. A clock that was set back gives no entry more time
///    than it had left when it was saved.
/// </remarks>
public sealed class Snapshots
{
    private readonly LarderOptions _options;
    private readonly TimeProvider _time;
    private readonly CacheClock _clock;
    private readonly MemoryStore _memory;
    private readonly InvalidationIndex _index;
    private readonly IInvalidationLog _log;
    private readonly EntryRecords _records;
    private readonly RemoteTier? _tier;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _saving = new(1);

    internal Snapshots(
        string name, LarderOptions options, TimeProvider time, CacheClock clock, MemoryStore memory, InvalidationIndex index,
        IInvalidationLog log, EntryRecords records, RemoteTier? tier, ILogger logger)
    {
        (_options, _time, _clock, _memory, _index, _log, _records, _tier, _logger) = (options, time, clock, memory, index, log, records, tier, logger);
        Owner = options.Snapshot.Owner ?? $"{Assembly.GetEntryAssembly()?.GetName().Name}{(name.Length > 0 ? ":" : "")}{name}";
    }

    internal SnapshotOptions Options => _options.Snapshot;

    /// <summary>Whose snapshots are written and read (<see cref="SnapshotOptions.Owner"/>).</summary>
    public string Owner { get; }

    /// <summary>
    /// Writes what is in memory and current, the hottest entries first, up to <see cref="SnapshotOptions.MaxBytes"/>. The
    /// file is replaced as a whole: whenever the process ends, there is the old one or the new one.
    /// </summary>
    /// <param name="path">The file; its directory is made where it is missing.</param>
    /// <param name="cancellationToken">Ends the saving; the old file stays.</param>
    /// <exception cref="IOException">The file system refused; the old file stays.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public async Task<SnapshotSaved> SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        await _saving.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            SnapshotSaved saved = await AtomicFile.ReplaceAsync(path, file => WriteAsync(file, cancellationToken)).ConfigureAwait(false);
            Log.SnapshotSaved(_logger, saved.Entries, saved.Bytes, saved.Skipped, saved.LeftOut);
            return saved;
        }
        finally
        {
            _saving.Release();
        }
    }

    /// <summary>Loads what <see cref="SaveAsync"/> wrote, as far as there is room; the file stays.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the loading; what was loaded stays.</param>
    public Task<SnapshotLoaded> LoadAsync(string path, CancellationToken cancellationToken = default) => LoadAsync(path, once: false, cancellationToken);

    /// <param name="once">Whether the file is removed before anything of it is loaded, so that no later start loads it again.</param>
    internal async Task<SnapshotLoaded> LoadAsync(string path, bool once, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SnapshotLoaded loaded;
        try
        {
            var file = new FileInfo(path);
            // Only a regular file has a length: a pipe, whose opening could wait for ever, is never opened.
            if (!file.Exists) loaded = new(Directory.Exists(path) ? SnapshotOutcome.Foreign : SnapshotOutcome.Absent, 0, 0, 0);
            else if (file.Length == 0) loaded = new(SnapshotOutcome.Foreign, 0, 0, 0);
            else if (file.Length > _options.Snapshot.MaxBytes) loaded = new(SnapshotOutcome.TooLarge, 0, 0, 0);
            else
            {
                await using var stream = new FileStream(path, new FileStreamOptions { Share = FileShare.Read | FileShare.Delete, BufferSize = 64 << 10, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
                if (OthersMayWrite(stream))
                {
                    Log.SnapshotWritable(_logger, path);
                    return new(SnapshotOutcome.Foreign, 0, 0, 0);
                }
                loaded = await ReadAsync(stream, once ? () => File.Delete(path) : null, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            loaded = new(SnapshotOutcome.Unreadable, 0, 0, 0);
        }
        if (loaded.Outcome == SnapshotOutcome.Loaded) Log.SnapshotLoaded(_logger, loaded.Entries, loaded.Expired, loaded.Skipped);
        else if (loaded.Outcome != SnapshotOutcome.Absent) Log.SnapshotNotLoaded(_logger, path, loaded.Outcome, loaded.Entries);
        return loaded;
    }

    /// <summary>Asked of the opened file, so that it is the one that is read. Where permissions are no mode (Windows) the directory's have to do.</summary>
    private static bool OthersMayWrite(FileStream file) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0;

    internal async Task<SnapshotSaved> WriteAsync(Stream target, CancellationToken cancellationToken)
    {
        var position = new Position(_log.Epoch, _memory.Settled);
        ClockAnchor anchor = ClockAnchor.Now(_time, _clock);
        WireLimits limits = WireLimits.Of(_options);
        int skipped = 0, leftOut = 0;
        using var writer = new SnapshotWriter(target, _options.Snapshot.MaxBytes);
        using var body = new PooledBuffer();
        using var stored = new PooledBuffer();
        writer.Begin(new(anchor.Wall, position, Owner));
        foreach (Entry entry in HottestFirst())
        {
            if (entry.IsGone(anchor.Cache) || !ReferenceEquals(_memory.Find(entry.Key), entry) || !_index.IsCurrent(entry)) continue;
            body.Clear();
            stored.Clear();
            if (_records.Describe(entry, position, anchor, body) is not { } described || WireFormat.Write(described, limits, stored) != WireOutcome.Done) skipped++;
            else if (!await writer.TryAddAsync(stored.Memory, (byte)entry.Uses, cancellationToken).ConfigureAwait(false)) leftOut++;
        }
        await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        return new(writer.Entries, skipped, leftOut, writer.Bytes);
    }

    internal async Task<SnapshotLoaded> ReadAsync(Stream source, Action? consume, CancellationToken cancellationToken)
    {
        // In this order: an event from here on refuses what is loaded. What it missed before, while this process did not run, nobody here knows.
        long stamp = _memory.Settled;
        bool isUnproven = _tier is { Doubts: > 0 };
        WireLimits limits = WireLimits.Of(_options);
        using var reader = new SnapshotReader(source, source.Length, Math.Min(limits.MaxStoredBytes, Array.MaxLength - SnapshotWriter.FrameBytes));
        SnapshotHeader? header = await reader.BeginAsync(cancellationToken).ConfigureAwait(false);
        if (header is null) return new(reader.Outcome, 0, 0, 0);
        if (header.Owner != Owner) return new(SnapshotOutcome.Foreign, 0, 0, 0);
        consume?.Invoke();
        int entries = 0, expired = 0, skipped = 0;
        try
        {
            while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } next)
            {
                WireEntry stored = default;
                WireOutcome outcome = next.Stored.IsEmpty ? WireOutcome.TooLarge : WireFormat.Read(next.Stored, null, limits, out stored);
                if (outcome is WireOutcome.TooLarge or WireOutcome.OtherVersion) skipped++;
                else if (outcome != WireOutcome.Done) return new(SnapshotOutcome.Damaged, entries, expired, skipped);
                else
                {
                    ClockAnchor anchor = ClockAnchor.Now(_time, _clock);
                    Entry entry = _records.Restore(stored, anchor with { Wall = Math.Max(anchor.Wall, header.CreatedAt) });
                    for (int i = 0; i < next.Uses && i < byte.MaxValue; i++) entry.Touch();
                    if (isUnproven && entry.HasStaleTime) entry.EndFreshness(anchor.Cache);
                    if (entry.IsGone(anchor.Cache)) expired++;
                    else if (isUnproven && !entry.HasStaleTime) skipped++;
                    else if (_memory.TryAddLoaded(entry, stamp) == Reason.None) entries++;
                    else skipped++;
                }
            }
        }
        finally
        {
            // What nobody proves within the time that a doubt leaves goes; also where the rest could not be read.
            if (isUnproven && entries > 0) _tier!.DoubtMemory();
        }
        return new(reader.Outcome, entries, expired, skipped);
    }

    /// <summary>By uses, then the main queue before the small one, then the younger first. The fields change while this looks at them: they are read once.</summary>
    private Entry[] HottestFirst()
    {
        Entry[] entries = [.. _memory.Entries];
        var heat = new (int Uses, bool IsMain, long CreatedAt)[entries.Length];
        for (int i = 0; i < entries.Length; i++) heat[i] = (-entries[i].Uses, entries[i].Queue != EvictionQueue.Main, -entries[i].CreatedAt);
        Array.Sort(heat, entries);
        return entries;
    }
}
