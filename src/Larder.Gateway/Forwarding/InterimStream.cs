using System.Text;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Stands on a connection to an HTTP/1.1 origin, notes that a request is written (<see cref="Attempt"/>), and looks for interim answers, which <see cref="System.Net.Http.HttpClient"/> reads and drops. Every byte passes as it is.
/// </summary>
/// <remarks>
/// It looks only from where a request without a body has been written in one piece, as the handler writes those, to where a final answer begins: what follows there is a
/// body, and whatever stands in it is none. The handler reads an answer only after its request is written, and one at a time.
/// </remarks>
internal sealed class InterimStream(Stream inner) : Stream
{
    /// <summary>Longest head of an interim answer that is passed on.</summary>
    private const int MostHead = 16 * 1024;

    private readonly StringBuilder _head = new();
    private InterimRelay? _relay;

    public override bool CanRead => inner.CanRead;
    public override bool CanSeek => false;
    public override bool CanWrite => inner.CanWrite;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Attempt.Current?.Writes();
        if (InterimRelay.Current is { } relay && IsWholeHead(buffer.Span))
        {
            _relay = relay;
            _head.Clear();
        }
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken);
        if (_relay is not null && read > 0) await LookAsync(buffer[..read]);
        return read;
    }

    public override void Flush() => inner.Flush();
    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    private static bool IsWholeHead(ReadOnlySpan<byte> bytes) => (bytes.StartsWith("GET "u8) || bytes.StartsWith("HEAD "u8)) && bytes.EndsWith("\r\n\r\n"u8);

    private async ValueTask LookAsync(ReadOnlyMemory<byte> bytes)
    {
        _head.Append(Encoding.Latin1.GetString(bytes.Span));
        while (_relay is { } relay)
        {
            string text = _head.ToString();
            if (!MayBeInterim(text) || text.Length > MostHead)
            {
                // The final answer, or something that the handler will refuse.
                _relay = null;
                _head.Clear();
                return;
            }
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) return;
            if (HasBareBreak(text[..end]))
            {
                // The handler may take a line feed alone for a line's end, so where this head ends is not known here.
                _relay = null;
                _head.Clear();
                return;
            }
            _head.Remove(0, end + 4);
            if (TryRead(text[..end], out int status, out string reason, out List<KeyValuePair<string, string>> fields) && status is 102 or 103) await relay.TellAsync(status, reason, fields);
        }
    }

    /// <summary>Whether it is the beginning of an interim answer, or too short to tell. 101 ends HTTP on the connection.</summary>
    private static bool MayBeInterim(string text)
    {
        const string Begin = "HTTP/1.1 1";
        if (text.Length <= Begin.Length + 2) return Begin.StartsWith(text, StringComparison.Ordinal) || text.StartsWith(Begin, StringComparison.Ordinal);
        return text.StartsWith(Begin, StringComparison.Ordinal) && text[Begin.Length..(Begin.Length + 2)] != "01";
    }

    private static bool HasBareBreak(string head) => head.Replace("\r\n", "", StringComparison.Ordinal).AsSpan().ContainsAny('\r', '\n');

    private static bool TryRead(string head, out int status, out string reason, out List<KeyValuePair<string, string>> fields)
    {
        fields = [];
        string[] lines = head.Split("\r\n");
        reason = lines[0].Length > 13 ? lines[0][13..] : "";
        if (!int.TryParse(lines[0].AsSpan(9, Math.Min(3, lines[0].Length - 9)), out status) || lines.Length > 101) return false;
        foreach (string line in lines.AsSpan(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) return false;
            fields.Add(new(line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }
        return true;
    }
}
