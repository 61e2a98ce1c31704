using System.Buffers;

namespace Larder.Redis;

/// <summary>
/// Collects a string of a length that the server claims. Memory follows what has arrived: at most <see cref="Step"/> bytes
/// are taken ahead of it. What is returned is one array, of the exact length unless it is of the shared pool.
/// </summary>
internal sealed class BulkReader
{
    public const int Step = 1 << 20;

    /// <summary>Rented, <see cref="Step"/> bytes full each.</summary>
    private readonly List<byte[]> _pieces = [];
    private byte[] _target = [];
    private int _filled;
    private int _end;
    private int _length;
    private bool _isRented;

    /// <summary>A string begins; there may be none under way.</summary>
    /// <param name="mayRent">Whether its array may be of the shared pool; one beyond <see cref="Step"/> never is.</param>
    public void Begin(int length, bool mayRent)
    {
        _length = length;
        _isRented = mayRent && length is > 0 and <= Step;
        NextTarget();
    }

    public int Length => _length;

    /// <summary>Whether the array that <see cref="Take"/> returns is of the shared pool.</summary>
    public bool IsRented => _isRented;

    /// <summary>Takes what belongs to it from the front of the input; returns it when it is complete, else null.</summary>
    public byte[]? Take(ref ReadOnlySpan<byte> input)
    {
        while (true)
        {
            int count = Math.Min(input.Length, _end - _filled);
            input[..count].CopyTo(_target.AsSpan(_filled));
            input = input[count..];
            _filled += count;
            if (_filled < _end) return null;
            if (_end == _length)
            {
                byte[] whole = _target;
                _target = [];
                return whole;
            }
            _pieces.Add(_target);
            NextTarget();
        }
    }

    /// <summary>The last target is the whole string; what came before is copied into it.</summary>
    private void NextTarget()
    {
        long arrived = (long)_pieces.Count * Step;
        if (_length - arrived > Step)
        {
            _target = ArrayPool<byte>.Shared.Rent(Step);
            (_filled, _end) = (0, Step);
            return;
        }
        _target = _length == 0 ? [] : _isRented ? ArrayPool<byte>.Shared.Rent(_length) : GC.AllocateUninitializedArray<byte>(_length);
        for (int i = 0; i < _pieces.Count; i++)
        {
            _pieces[i].AsSpan(0, Step).CopyTo(_target.AsSpan(i * Step));
            ArrayPool<byte>.Shared.Return(_pieces[i]);
        }
        _pieces.Clear();
        (_filled, _end) = ((int)arrived, _length);
    }
}
