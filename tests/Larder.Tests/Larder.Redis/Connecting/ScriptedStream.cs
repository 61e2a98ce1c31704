using System.Text;
using System.Threading.Channels;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

/// <summary>The other end of a connection, played by the test: what is written is kept, what is read is what the test says.</summary>
internal sealed class ScriptedStream : Stream
{
    private readonly Channel<byte[]> _said = Channel.CreateUnbounded<byte[]>();
    private readonly MemoryStream _heard = new();
    private readonly TaskCompletionSource _writes = new();
    private ReadOnlyMemory<byte> _rest;
    private volatile bool _isStuck;

    /// <summary>All that was written.</summary>
    public string Heard
    {
        get
        {
            lock (_heard) return Encoding.UTF8.GetString(_heard.ToArray());
        }
    }

    public bool IsDisposed { get; private set; }

    public void Say(string text) => _said.Writer.TryWrite(Encoding.UTF8.GetBytes(text));

    /// <summary>From now on nothing that is written gets anywhere.</summary>
    public void Block() => _isStuck = true;

    public Task HeardAsync(string end) => Eventually.True(() => Heard.EndsWith(end, StringComparison.Ordinal));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.IsEmpty)
        {
            if (!await _said.Reader.WaitToReadAsync(cancellationToken)) return 0;
            _said.Reader.TryRead(out byte[]? next);
            _rest = next;
        }
        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isStuck) await _writes.Task;
        lock (_heard) _heard.Write(buffer.Span);
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        _said.Writer.TryComplete();
        _writes.TrySetException(new IOException("closed"));
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
